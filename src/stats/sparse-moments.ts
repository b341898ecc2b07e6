import { UsageError } from "../errors.js";
import { checkAmong, sameColumns } from "./block-layout.js";
import type { CellTable } from "./cell-table.js";
import { basicKeys } from "./combined-columns.js";
import type { CrossProducts } from "./cross-products.js";
import { DoubleDouble } from "./double-double.js";
import { ExtendedMoments } from "./extended-moments.js";
import { LevelCodes, levelKey } from "./level-codes.js";
import type { Moments } from "./moments.js";
import { overColumns } from "./over-columns.js";
import { ended } from "./pauses.js";
import { positions } from "./positions.js";
import { pruneShape } from "./prune-shape.js";
import { type SparseMomentsLists, sparseLists, sparseToJSON } from "./sparse-json.js";
import type { SparseMomentsJson } from "./sparse-schema.js";
import { type Found, type FoundCell, type SparseShape, sameShape } from "./sparse-shape.js";

const ZERO = new DoubleDouble(0);

/**
 * Moments of rows with factors, whose indicators are never columns: a row adds to the moments of the numbers, and, for
 * each table, to the cell of its levels (Σw and means about the cell). The cross-products of any columns follow from
 * these sums, exactly as if indicators had been summed: with W_c the weight of a cell and x̄_c a mean in it,
 *
 *   Σ w (1_c − W_c/W)(x − x̄) = W_c (x̄_c − x̄),   Σ w (1_c − W_c/W)(1_d − W_d/W) = W_cd − W_c W_d/W.
 *
 * Memory is that of the cells that occur. Contrasts, references and effects are chosen afterwards, for they are linear
 * maps of the indicators.
 */
export class SparseMoments implements CrossProducts {
  readonly shape: SparseShape;
  /** The moments of the numbers. */
  readonly base: Moments | ExtendedMoments;
  /** Per factor, the names that codes stand for. */
  readonly levels: readonly LevelCodes[];
  readonly tables: readonly CellTable[];
  /** The columns asked for, where they are not all that rows had. */
  #chosen: readonly string[] | undefined;
  #found: { all: ReadonlyMap<string, Found>; columns: readonly string[] } | undefined;
  #mean: Float64Array | undefined;

  constructor(
    shape: SparseShape,
    parts: {
      base: Moments | ExtendedMoments;
      levels: readonly LevelCodes[];
      tables: readonly CellTable[];
      columns?: readonly string[] | undefined;
    },
  ) {
    this.shape = shape;
    this.base = parts.base;
    this.levels = parts.levels;
    this.tables = parts.tables;
    this.#chosen = parts.columns;
  }

  get extended(): boolean {
    return this.base.extended;
  }

  get n(): number {
    return this.base.n;
  }

  get sumW(): number {
    return this.base.sumW;
  }

  get sumLogW(): number {
    return this.base.sumLogW;
  }

  get extendedSumW(): DoubleDouble {
    return this.base.extendedSumW;
  }

  /** The keys of the columns: those of numbers, then those of factors that a row of positive weight had. */
  get columns(): readonly string[] {
    return this.#index().columns;
  }

  get mean(): Float64Array {
    this.#mean ??= Float64Array.from(this.columns, (_, i) => this.extendedMean(i).toNumber());
    return this.#mean;
  }

  index(name: string): number {
    return positions(this.columns).get(name) ?? -1;
  }

  occurs(i: number): boolean {
    const found = this.#at(i);
    if (found === undefined) return false;
    return "number" in found ? this.base.occurs(found.number) : true;
  }

  product(i: number, j: number, centred = true): number {
    return this.extendedProduct(i, j, centred).toNumber();
  }

  extendedMean(i: number): DoubleDouble {
    const found = this.#at(i);
    if (found === undefined || this.n === 0) return ZERO;
    if ("number" in found) return this.base.extendedMean(found.number);
    return this.#total(found).div(this.extendedSumW);
  }

  extendedProduct(i: number, j: number, centred = true): DoubleDouble {
    const [a, b] = [this.#at(i), this.#at(j)];
    return a === undefined || b === undefined ? ZERO : this.productOf(a, b, centred);
  }

  /** The column of a key, as a number or a cell of a family; undefined for one that is zero in every row. */
  find(key: string): Found | undefined {
    return this.#index().all.get(key);
  }

  /** The mean of a column that was found. */
  meanOf(column: Found): number {
    if ("number" in column) return this.base.mean[column.number]!;
    return this.#total(column).div(this.extendedSumW).toNumber();
  }

  /** `extendedProduct` of columns that were found. */
  productOf(a: Found, b: Found, centred = true): DoubleDouble {
    if (this.n === 0) return ZERO;
    if ("number" in a && "number" in b) return this.base.extendedProduct(a.number, b.number, centred);
    if (!("number" in a) && !("number" in b)) {
      const sum = this.#common(a, b);
      return centred ? sum.sub(this.#total(a).mul(this.#total(b)).div(this.extendedSumW)) : sum;
    }
    const [cell, number] = "number" in a ? [b as FoundCell, a.number] : [a, (b as { number: number }).number];
    const { table: t, number: m } = this.shape.families[cell.family]!;
    const { columns } = this.shape.tables[t]!;
    const table = this.tables[t]!;
    const [own, other] = [columns.indexOf(m), columns.indexOf(number)];
    const mean = table.extendedMean(cell.cell, other);
    let sum = this.#total(cell).mul(centred ? mean.sub(this.base.extendedMean(number)) : mean);
    if (own >= 0) sum = sum.add(table.extendedProduct(cell.cell, own, other));
    return sum;
  }

  /** The levels of a factor that rows of positive weight have, in the order of their codes. */
  levelsOf(factor: number): string[] {
    const t = this.shape.tables.findIndex(({ factors }) => factors.includes(factor));
    const { factors } = this.shape.tables[t]!;
    const place = factors.indexOf(factor);
    const table = this.tables[t]!;
    const met = new Set<number>();
    for (let cell = 0; cell < table.count; cell++)
      if (table.rows(cell) > 0) met.add(table.codes[cell * factors.length + place]!);
    return [...met].sort((a, b) => a - b).map((code) => this.levels[factor]!.names[code]!);
  }

  /** Merges `other`, which must have the same shape, into this one; throws UsageError where it has not. */
  absorb(given: CrossProducts): this {
    ended(this.absorbSteps(given));
    return this;
  }

  /** `absorb` with pauses. */
  *absorbSteps(given: CrossProducts): Generator<undefined, void, void> {
    const other = this.#same(given);
    this.base.absorb(other.base);
    const recode = this.#recoding(other, (own, name) => own.code(name));
    for (const [t, table] of this.tables.entries()) {
      yield;
      yield* table.absorbSteps(
        other.tables[t]!,
        this.shape.tables[t]!.factors.map((f) => recode[f]),
      );
    }
    if (this.#chosen !== undefined || other.#chosen !== undefined)
      this.#chosen = [...new Set([...this.columns, ...other.columns])];
    this.#forget();
  }

  merge(other: CrossProducts): SparseMoments {
    return this.clone().absorb(other);
  }

  subtract(given: CrossProducts): SparseMoments {
    const other = this.#same(given);
    checkAmong(this, other);
    const recode = this.#recoding(other, (own, name) => own.find(name));
    const tables = this.tables.map((table, t) =>
      table.subtract(
        other.tables[t]!,
        this.shape.tables[t]!.factors.map((f) => recode[f]),
      ),
    );
    const base = this.base.subtract(other.base);
    return new SparseMoments(this.shape, { base, levels: this.levels, tables, columns: this.columns });
  }

  /** The moments of some columns: of numbers, factors and cells what these need. */
  select(indices: readonly number[]): SparseMoments {
    const columns = indices.map((i) => this.columns[i]!);
    const dense = new Set<number>();
    const families = new Set<number>(this.shape.absorbed);
    for (const key of columns) {
      const found = this.find(key);
      if (found === undefined) continue;
      if ("number" in found) dense.add(found.number);
      else families.add(found.family);
    }
    const pruned = pruneShape(this.shape, dense, families);
    const parts = {
      base: this.base.select(pruned.numbers),
      levels: pruned.factors.map((f) => this.levels[f]!),
      tables: pruned.tables.map((t) => {
        const own = this.shape.tables[t]!.columns;
        const kept = own.map((_, j) => j).filter((j) => pruned.numbers.includes(own[j]!));
        return this.tables[t]!.ofColumns(kept);
      }),
    };
    const whole = new SparseMoments(pruned.shape, parts);
    return sameColumns(whole.columns, columns)
      ? whole
      : new SparseMoments(pruned.shape, { ...parts, columns });
  }

  widen(names: readonly string[]): this {
    if (names.length === 0) return this;
    this.#chosen = [...this.columns, ...names];
    this.#forget();
    return this;
  }

  clone(): SparseMoments {
    return new SparseMoments(this.shape, {
      base: this.base.clone(),
      levels: this.levels.map(({ names }) => new LevelCodes(names)),
      tables: this.tables.map((table) => table.clone()),
      columns: this.#chosen,
    });
  }

  toMoments(): SparseMoments {
    if (!this.extended) return this;
    const tables = this.tables.map((table) => table.toDouble());
    const { levels } = this;
    return new SparseMoments(this.shape, {
      base: this.base.toMoments(),
      levels,
      tables,
      columns: this.#chosen,
    });
  }

  /** The same numbers in double-double, the low parts zero. */
  toExtended(): SparseMoments {
    if (this.extended) return this;
    const base = ExtendedMoments.from(this.base);
    const tables = this.tables.map((table) => table.toExtended());
    return new SparseMoments(this.shape, { base, levels: this.levels, tables, columns: this.#chosen });
  }

  /**
   * The same moments with levels numbered in the order of `names`, cells in the order of their codes: what is written
   * does not depend on the order in which levels were met. Levels that are not named must have no rows.
   */
  ordered(names: readonly (readonly string[])[]): SparseMoments {
    const levels = names.map((list) => new LevelCodes(list));
    const recode = this.levels.map((own, f) => Int32Array.from(own.names, (name) => levels[f]!.find(name)));
    const tables = this.tables.map((table, t) =>
      table
        .filter((cell) => table.rows(cell) > 0)
        .recoded(this.shape.tables[t]!.factors.map((f) => recode[f]!)),
    );
    return new SparseMoments(this.shape, { base: this.base, levels, tables, columns: this.#chosen });
  }

  /**
   * The moments over some columns, by their keys, as if all of them had been columns of numbers; one that no row had is
   * zero in every row. O(p² + cells) for p columns.
   */
  over(keys: readonly string[]): Moments | ExtendedMoments {
    const basic = basicKeys(keys);
    return basic === undefined ? overColumns(this, keys) : overColumns(this, basic).over(keys);
  }

  toJSON(): SparseMomentsJson {
    return sparseToJSON(this, this.#chosen);
  }

  /** `toJSON` for `writeJson`, which writes typed arrays as lists. */
  toLists(): SparseMomentsLists {
    return sparseLists(this, this.#chosen);
  }

  #same(other: CrossProducts): SparseMoments {
    if (other instanceof SparseMoments && sameShape(this.shape, other.shape)) return other;
    throw new UsageError("moments of other terms do not merge with these", {
      hint: "look at both as moments over columns",
    });
  }

  /** The column that stands at i; undefined for one that is zero in every row. */
  #at(i: number): Found | undefined {
    return i < 0 ? undefined : this.#index().all.get(this.columns[i]!);
  }

  /** Σ w x over a cell's column. */
  #total({ family, cell }: FoundCell): DoubleDouble {
    const { table: t, number } = this.shape.families[family]!;
    const table = this.tables[t]!;
    const own = this.shape.tables[t]!.columns.indexOf(number);
    const weight = table.extendedWeight(cell);
    return own < 0 ? weight : weight.mul(table.extendedMean(cell, own));
  }

  /** Σ w x z over two columns of cells. */
  #common(a: FoundCell, b: FoundCell): DoubleDouble {
    const [f, g] = [a, b].map(({ family }) => this.shape.families[family]!);
    const t = this.union(f!.table, g!.table);
    const { factors, columns } = this.shape.tables[t]!;
    const codes = new Int32Array(factors.length).fill(-1);
    for (const { family, cell } of [a, b]) {
      const own = this.shape.families[family]!.table;
      for (const [i, factor] of this.shape.tables[own]!.factors.entries()) {
        const code = this.tables[own]!.codes[cell * this.shape.tables[own]!.factors.length + i]!;
        const at = factors.indexOf(factor);
        if (codes[at]! >= 0 && codes[at] !== code) return ZERO;
        codes[at] = code;
      }
    }
    const table = this.tables[t]!;
    const cell = table.find(codes);
    if (cell < 0) return ZERO;
    const [x, z] = [f!, g!].map(({ number }) => columns.indexOf(number));
    let sum = table.extendedWeight(cell);
    if (x! >= 0) sum = sum.mul(table.extendedMean(cell, x!));
    if (z! >= 0) sum = sum.mul(table.extendedMean(cell, z!));
    return x! >= 0 && z! >= 0 ? sum.add(table.extendedProduct(cell, x!, z!)) : sum;
  }

  #recoding(
    other: SparseMoments,
    code: (own: LevelCodes, name: string) => number,
  ): (Int32Array | undefined)[] {
    return this.levels.map((own, f) => {
      const theirs = other.levels[f]!;
      return own.includes(theirs) ? undefined : Int32Array.from(theirs.names, (name) => code(own, name));
    });
  }

  #forget(): void {
    this.#found = undefined;
    this.#mean = undefined;
  }

  #index(): { all: ReadonlyMap<string, Found>; columns: readonly string[] } {
    if (this.#found !== undefined) return this.#found;
    const { numbers, dense, families, tables, factors: names } = this.shape;
    const all = new Map<string, Found>(dense.map((number) => [numbers[number]!, { number }]));
    const { absorbed = [] } = this.shape;
    families.forEach(({ parts, table }, family) => {
      if (absorbed.includes(family)) return;
      const { factors } = tables[table]!;
      const cells = this.tables[table]!;
      const at = parts.map((part) => (typeof part === "number" ? factors.indexOf(part) : -1));
      for (let cell = 0; cell < cells.count; cell++) {
        if (cells.rows(cell) === 0) continue;
        const key = parts.map((part, i) => {
          if (typeof part === "string") return part;
          return levelKey(
            names[part]!,
            this.levels[part]!.names[cells.codes[cell * factors.length + at[i]!]!]!,
          );
        });
        all.set(key.join(":"), { family, cell });
      }
    });
    this.#found = { all, columns: this.#chosen ?? [...all.keys()] };
    return this.#found;
  }

  /** The table of the factors of two tables together. */
  union(s: number, t: number): number {
    const { tables } = this.shape;
    const factors = [...new Set([...tables[s]!.factors, ...tables[t]!.factors])].sort((a, b) => a - b);
    return tables.findIndex((table) => table.factors.join() === factors.join());
  }

  /** For each cell of table `from` that of table `to`, which has some of its factors; −1 where there is none. */
  projected(from: number, to: number): Int32Array<ArrayBuffer> {
    const { count } = this.tables[from]!;
    const found = new Int32Array(count);
    const { factors } = this.shape.tables[to]!;
    if (from === to || factors.length > 1) {
      const project = this.projection(from, to);
      for (let cell = 0; cell < count; cell++) found[cell] = project(cell);
      return found;
    }
    const direct = this.tables[to]!.cellsByCode();
    const { codes } = this.tables[from]!;
    const own = this.shape.tables[from]!.factors;
    for (let cell = 0, at = own.indexOf(factors[0]!); cell < count; cell++, at += own.length)
      found[cell] = (direct[codes[at]!] ?? 0) - 1;
    return found;
  }

  /** For a cell of table `from`, that of table `to`, which has some of its factors. */
  projection(from: number, to: number): (cell: number) => number {
    if (from === to) return (cell) => cell;
    const [source, target] = [this.tables[from]!, this.tables[to]!];
    const width = this.shape.tables[from]!.factors.length;
    const at = this.shape.tables[to]!.factors.map((f) => this.shape.tables[from]!.factors.indexOf(f));
    const codes = new Int32Array(at.length);
    return (cell) => {
      for (let f = 0; f < at.length; f++) codes[f] = source.codes[cell * width + at[f]!]!;
      return target.find(codes);
    };
  }
}
