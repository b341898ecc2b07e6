import { multiply } from "../../../src/dataset/formula/arithmetic.js";
import { columnKey, levelKey, targetKey, variableKey } from "../../../src/dataset/formula/column-key.js";
import type { Values } from "../../../src/dataset/formula/evaluate.js";
import type { RawBlock } from "../../../src/dataset/formula/raw-block.js";
import { type ModelSpec, numbersOf, type Term, type Variable } from "../../../src/dataset/formula/spec.js";
import { VariableBlock } from "../../../src/dataset/formula/variables.js";
import { BLOCK_ROWS } from "../../../src/kernels/block-rows.js";

/** A block of the scan's design: column-major, column j at j·128, of which the first `rows` values are used. */
export interface DesignBlock {
  rows: number;
  /** The columns' keys, the target's first; as long as the scan has met so far. */
  columns: readonly string[];
  values: Float64Array;
  /** The low parts of `values`, where the scan is extended. */
  low: Float64Array | undefined;
  /** For each row, its place in the raw block. */
  kept: Int32Array;
  /** The rows' weights, where the raw block has them. */
  weights: Float64Array | undefined;
}

/**
 * The twin of FormulaScan and SparseMoments in which indicators are columns like any other.
 *
 * Turns raw columns into the columns that moments are summed over: the target, then for every term its numbers, and
 * for its factors an indicator of every level, or combination of levels, that appears. Which level is the reference
 * is not known yet: see `codedTerms`.
 *
 * Columns are found as the rows go by, in order of appearance, and have keys, by which the moments of different
 * scans merge. Rows with a missing value in any column used, or where an expression has none (log of −1), are left
 * out and counted.
 */
export class DenseScan {
  readonly spec: ModelSpec;
  /** The columns' keys, the target's first. */
  readonly columns: string[] = [];
  /** Per factor label, the levels met in rows that were kept. */
  readonly levels = new Map<string, Set<string>>();
  /** Rows left out so far, and those among them in which no cell was missing but an expression had no value. */
  dropped = 0;
  undefinedRows = 0;
  readonly #variables: VariableBlock;
  readonly #terms: TermColumns[];
  readonly #check = new Float64Array(BLOCK_ROWS);
  readonly #kept = new Int32Array(BLOCK_ROWS);
  readonly #weights = new Float64Array(BLOCK_ROWS);
  readonly #extended: boolean;
  #values = new Float64Array(0);
  #low: Float64Array | undefined;

  constructor(spec: ModelSpec, options: { extended?: boolean } = {}) {
    this.spec = spec;
    this.#extended = options.extended ?? false;
    this.#low = this.#extended ? new Float64Array(0) : undefined;
    this.#variables = new VariableBlock(spec, { extended: this.#extended, target: true });
    for (const variable of spec.variables)
      if (variable.kind === "factor") this.levels.set(variable.label, new Set());
    this.#terms = spec.terms.map((term) => new TermColumns(term, spec.variables));
    this.reset();
  }

  /** Forgets the columns found so far, as if no row had been seen; the levels and the counts of rows stay. */
  reset(): void {
    this.columns.length = 0;
    this.columns.push(targetKey(this.spec.target));
    for (const term of this.#terms) term.reset(this.columns);
  }

  /**
   * The design of rows `start` to `start + rows` − 1 of a raw block, at most 128; it is overwritten by the next.
   */
  fill(raw: RawBlock, start: number, rows: number): DesignBlock {
    this.#variables.load(raw, start, rows);
    const count = this.#keepRows(raw, start, rows);
    for (const term of this.#terms)
      term.findColumns(this.#variables, this.#kept, count, this.columns, this.levels);
    this.#clear();
    const whole = count === rows;
    this.#store(0, this.#variables.target, count, whole);
    for (const term of this.#terms)
      term.write(this.#variables, rows, this.#extended, (column, values, only) =>
        only ? this.#scatter(only, values, count) : this.#store(column, values!, count, whole),
      );
    let weights: Float64Array | undefined;
    if (raw.weights) {
      weights = this.#weights;
      for (let i = 0; i < count; i++) weights[i] = raw.weights[start + this.#kept[i]!]!;
    }
    return {
      rows: count,
      columns: this.columns,
      values: this.#values,
      low: this.#low,
      kept: this.#kept,
      weights,
    };
  }

  /** Lists the rows that have a value in every column used. */
  #keepRows(raw: RawBlock, start: number, rows: number): number {
    const { values, factors, target } = this.#variables;
    // A row's check is 0 unless a value of it is NaN or infinite.
    const check = this.#check;
    for (let r = 0; r < rows; r++) check[r] = target.hi[r]! * 0;
    for (const columns of values)
      for (const { hi } of columns) for (let r = 0; r < rows; r++) check[r]! += hi[r]! * 0;
    for (const factor of factors)
      if (factor !== undefined)
        for (let r = 0; r < rows; r++) if (factor.codes[r]! < 0) check[r] = Number.NaN;
    if (raw.weights) for (let r = 0; r < rows; r++) check[r]! += raw.weights[start + r]! * 0;
    let count = 0;
    for (let r = 0; r < rows; r++)
      if (check[r] === 0) this.#kept[count++] = r;
      else this.#drop(raw, start, r);
    return count;
  }

  #drop(raw: RawBlock, start: number, r: number): void {
    this.dropped++;
    const missing =
      raw.numeric.some((column) => Number.isNaN(column[start + r]!)) ||
      raw.codes.some((codes) => codes[start + r]! < 0) ||
      Number.isNaN(raw.weights?.[start + r]);
    if (missing) return;
    this.undefinedRows++;
  }

  #clear(): void {
    const length = this.columns.length * BLOCK_ROWS;
    if (length > this.#values.length) {
      this.#values = new Float64Array(length + (length >> 1));
      if (this.#low) this.#low = new Float64Array(this.#values.length);
      return;
    }
    this.#values.fill(0, 0, length);
    this.#low?.fill(0, 0, length);
  }

  #store(column: number, { hi, lo }: Values, count: number, whole: boolean): void {
    const at = column * BLOCK_ROWS;
    if (whole) {
      for (let r = 0; r < count; r++) this.#values[at + r] = hi[r]!;
      if (this.#low && lo) for (let r = 0; r < count; r++) this.#low[at + r] = lo[r]!;
      return;
    }
    for (let i = 0; i < count; i++) this.#values[at + i] = hi[this.#kept[i]!]!;
    if (this.#low && lo) for (let i = 0; i < count; i++) this.#low[at + i] = lo[this.#kept[i]!]!;
  }

  /** Writes each row into the column of its own levels. */
  #scatter(columns: Int32Array, values: Values | undefined, count: number): void {
    for (let i = 0; i < count; i++) {
      const at = columns[i]! * BLOCK_ROWS + i;
      this.#values[at] = values === undefined ? 1 : values.hi[this.#kept[i]!]!;
      if (this.#low && values?.lo) this.#low[at] = values.lo[this.#kept[i]!]!;
    }
  }
}

/** Where a term's columns are: the combinations of its factors' levels, each with one column per product of powers. */
class TermColumns {
  readonly #factors: number[];
  readonly #numbers: number[];
  readonly #variables: readonly Variable[];
  readonly #term: Term;
  /** The powers of its polynomials, the first fastest; one empty list where there are no numbers. */
  readonly #products: number[][];
  readonly #buffers: { hi: Float64Array; lo: Float64Array }[] = [];
  /** The first column of each combination: by code for one factor, by an interned number for more. */
  #firstColumn: number[] = [];
  #combinations = new Map<number, number>();
  readonly #columnOf = new Int32Array(BLOCK_ROWS);
  readonly #shifted = new Int32Array(BLOCK_ROWS);

  constructor(term: Term, variables: readonly Variable[]) {
    this.#term = term;
    this.#variables = variables;
    this.#factors = term.variables.filter((v) => variables[v]!.kind === "factor");
    this.#numbers = term.variables.filter((v) => variables[v]!.kind !== "factor");
    this.#products = this.#numbers.reduce<number[][]>(
      (products, v) => {
        const degree = numbersOf(variables[v]!);
        return Array.from({ length: degree }, (_, k) => k).flatMap((k) => products.map((ks) => [...ks, k]));
      },
      [[]],
    );
    for (let i = 1; i < this.#numbers.length; i++)
      this.#buffers.push({ hi: new Float64Array(BLOCK_ROWS), lo: new Float64Array(BLOCK_ROWS) });
  }

  reset(columns: string[]): void {
    this.#firstColumn = [];
    this.#combinations = new Map();
    if (this.#factors.length === 0) this.#append(columns, []);
  }

  /** Finds the column of every kept row, appending the combinations of levels that are new. */
  findColumns(
    block: VariableBlock,
    kept: Int32Array,
    count: number,
    columns: string[],
    levels: Map<string, Set<string>>,
  ): void {
    const [first, ...others] = this.#factors.map((v) => block.factors[v]!);
    if (first === undefined) return;
    for (let i = 0; i < count; i++) {
      const r = kept[i]!;
      let id = first.codes[r]!;
      for (let f = 0; f < others.length; f++) id = this.#intern(id, others[f]!.codes[r]!);
      this.#columnOf[i] = this.#firstColumn[id] ?? this.#appendLevels(id, r, block, columns, levels);
    }
  }

  /** Appends the columns of row r's levels. Apart from the loop: closures in it would be garbage for every row. */
  #appendLevels(
    id: number,
    r: number,
    block: VariableBlock,
    columns: string[],
    levels: Map<string, Set<string>>,
  ): number {
    const names = this.#factors.map((v) => block.factors[v]!.names()[block.factors[v]!.codes[r]!]!);
    this.#factors.forEach((v, f) => {
      levels.get(this.#variables[v]!.label)!.add(names[f]!);
    });
    const column = this.#append(columns, names);
    this.#firstColumn[id] = column;
    return column;
  }

  /** Gives each product of the term's numbers to `put`, with the rows' columns where it has factors. */
  write(
    block: VariableBlock,
    rows: number,
    extended: boolean,
    put: (column: number, values: Values | undefined, only?: Int32Array) => void,
  ): void {
    const isFactor = this.#factors.length > 0;
    for (let t = 0; t < this.#products.length; t++) {
      const values = this.#product(block, this.#products[t]!, rows, extended);
      if (!isFactor) {
        put(this.#firstColumn[0]! + t, values);
        continue;
      }
      for (let r = 0; r < BLOCK_ROWS; r++) this.#shifted[r] = this.#columnOf[r]! + t;
      put(0, values, this.#shifted);
    }
  }

  #product(
    block: VariableBlock,
    powers: readonly number[],
    rows: number,
    extended: boolean,
  ): Values | undefined {
    let product: Values | undefined;
    for (let i = 0; i < powers.length; i++) {
      const values = block.values[this.#numbers[i]!]![powers[i]!]!;
      if (product === undefined) product = values;
      else {
        const buffer = this.#buffers[i - 1]!;
        multiply(product, values, rows, buffer.hi, extended ? buffer.lo : undefined);
        product = extended ? buffer : { hi: buffer.hi, lo: undefined };
      }
    }
    return product;
  }

  /** A number for a combination of levels, one factor more than `id` stands for. */
  #intern(id: number, code: number): number {
    const pair = id * 2 ** 26 + code;
    let known = this.#combinations.get(pair);
    if (known === undefined) {
      known = this.#combinations.size;
      this.#combinations.set(pair, known);
    }
    return known;
  }

  /** Appends the columns of a combination of levels and returns the first. */
  #append(columns: string[], names: readonly string[]): number {
    const first = columns.length;
    for (const powers of this.#products) {
      const parts = this.#term.variables.map((v) => {
        const variable = this.#variables[v]!;
        if (variable.kind === "factor") return levelKey(variable, names[this.#factors.indexOf(v)]!);
        if (variable.kind !== "numeric") return levelKey(variable, powers[this.#numbers.indexOf(v)]! + 1);
        return variableKey(variable);
      });
      columns.push(columnKey(parts));
    }
    if (names.length === 0) this.#firstColumn[0] = first;
    return first;
  }
}
