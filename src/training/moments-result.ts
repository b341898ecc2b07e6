import { type FactorLevels, sortLevels } from "../dataset/formula/coding.js";
import { type MomentsShape, momentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { CellParts } from "../kernels/cells.js";
import { CellTable } from "../stats/cell-table.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { LevelCodes } from "../stats/level-codes.js";
import { Moments } from "../stats/moments.js";
import { SparseMoments } from "../stats/sparse-moments.js";

/** The moments of one fold's numbers as they come from the kernels. */
interface FoldParts {
  n: number;
  sumW: number;
  sumLogW: number;
  mean: Float64Array;
  c: Float64Array;
  /** The low parts, of double-double moments only. */
  sumWLow?: number;
  meanLow?: Float64Array;
  cLow?: Float64Array;
}

/** The moments of one group's folds, and the target of the first of them in the cells. */
export interface GroupParts {
  name: string;
  first: number;
  folds: FoldParts[];
}

/** Names of levels that a job numbers from `from` on. */
export interface DictionaryPart {
  from: number;
  names: readonly string[];
}

/** What a chunk gives: the moments of each fold, and what became of its rows; plain data. */
export interface MomentsResult {
  folds: FoldParts[];
  /** The groups that have rows in the chunk; then `folds` is empty. */
  groups: GroupParts[];
  /** The cells of each table: of all folds and groups, by target. */
  tables: CellParts[];
  /** Which job numbered the levels, and the names that it has not told before, per factor. */
  dictionary: string;
  levels: DictionaryPart[];
  rows: number;
  /** Rows left out because a cell is missing or an expression has no value. */
  dropped: number;
  /** Those among them in which no cell is missing. */
  undefinedRows: number;
  /** Rows held out. */
  heldOut: number;
  /** The number of the first row left out, −1 where there is none. */
  firstDropped: number;
}

/** Makes totals of chunks' results: it knows what the levels' codes of every thread stand for. */
export class MomentsReader {
  readonly #shape: MomentsShape;
  readonly #levels: readonly LevelCodes[];
  /** Per job and factor: the common code of each of its own. */
  readonly #codes = new Map<string, number[][]>();

  constructor(shape: MomentsShape) {
    this.#shape = shape;
    this.#levels = shape.factors.map(() => new LevelCodes());
  }

  /** The total of one chunk. Results of a job come in the order in which it made them. */
  total(result: MomentsResult): MomentsTotal {
    const { factors, numbers } = this.#shape;
    let codes = this.#codes.get(result.dictionary);
    if (codes === undefined) {
      codes = factors.map(() => []);
      this.#codes.set(result.dictionary, codes);
    }
    for (const [f, { from, names }] of result.levels.entries())
      names.forEach((name, i) => {
        codes[f]![from + i] = this.#levels[f]!.code(name);
      });
    const base = (parts: FoldParts) => numbersOf(numbers, parts);
    if (this.#shape.tables.length === 0)
      return new MomentsTotal(
        result,
        result.folds.map(base),
        new Map(result.groups.map(({ name, folds }) => [name, folds.map(base)])),
      );
    const extended = [...result.folds, ...result.groups.flatMap(({ folds }) => folds)].some(
      ({ meanLow }) => meanLow !== undefined,
    );
    const cells = this.#shape.tables.map((_, t) => this.#split(t, result.tables[t]!, codes, extended));
    const sparse = (parts: FoldParts, target: number) =>
      new SparseMoments(this.#shape, {
        base: base(parts),
        levels: this.#levels,
        tables: cells.map((of) => of(target)),
      });
    return new MomentsTotal(
      result,
      result.folds.map(sparse),
      new Map(
        result.groups.map(({ name, folds, first }) => [
          name,
          folds.map((parts, f) => sparse(parts, first + f)),
        ]),
      ),
    );
  }

  /** The cells of a table by target, under common codes. */
  #split(
    t: number,
    { keys, records }: CellParts,
    codes: readonly number[][],
    extended: boolean,
  ): (target: number) => CellTable {
    const { factors, columns, products } = this.#shape.tables[t]!;
    const kind = { factors: factors.length, columns: columns.length, products, extended, logs: false };
    const width = factors.length + 1;
    const count = keys.length / width;
    const sizes = new Map<number, number>();
    for (let cell = 0; cell < count; cell++) {
      const target = keys[cell * width]!;
      sizes.set(target, (sizes.get(target) ?? 0) + 1);
    }
    const tables = new Map([...sizes].map(([target, size]) => [target, new CellTable(kind, size)]));
    const { stride } = new CellTable(kind);
    for (let cell = 0; cell < count; cell++) {
      const table = tables.get(keys[cell * width]!)!;
      const to = table.count++;
      for (let f = 0; f < factors.length; f++)
        table.codes[to * factors.length + f] = codes[factors[f]!]![keys[cell * width + f + 1]!]!;
      table.records.set(records.subarray(cell * stride, (cell + 1) * stride), to * stride);
    }
    return (target) => tables.get(target) ?? new CellTable(kind);
  }
}

/** The moments of a scan's rows, and what became of them. */
export interface ScannedMoments
  extends Pick<MomentsResult, "rows" | "dropped" | "undefinedRows" | "heldOut" | "firstDropped"> {
  folds: CrossProducts[];
  /** The folds of each group, where there are groups. */
  groups: Map<string, CrossProducts[]>;
  /** Each factor's levels, sorted: texts by code points, numbers by size. */
  levels: FactorLevels;
}

type Folds = CrossProducts[];

/** The moments of all chunks so far, fold by fold. */
export class MomentsTotal {
  readonly folds: Folds;
  /** The folds of each group, where there are groups. */
  readonly groups: Map<string, Folds>;
  rows: number;
  dropped: number;
  undefinedRows: number;
  heldOut: number;
  firstDropped: number;

  constructor(result: MomentsResult, folds: Folds, groups: Map<string, Folds>) {
    this.folds = folds;
    this.groups = groups;
    this.rows = result.rows;
    this.dropped = result.dropped;
    this.undefinedRows = result.undefinedRows;
    this.heldOut = result.heldOut;
    this.firstDropped = result.firstDropped;
  }

  /** Merges later chunks into these. */
  absorb(later: MomentsTotal): this {
    for (const [f, fold] of this.folds.entries()) fold.absorb(later.folds[f]!);
    for (const [name, folds] of later.groups) {
      const own = this.groups.get(name);
      if (own === undefined) this.groups.set(name, folds);
      else for (const [f, fold] of own.entries()) fold.absorb(folds[f]!);
    }
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.undefinedRows += later.undefinedRows;
    this.heldOut += later.heldOut;
    if (this.firstDropped < 0) this.firstDropped = later.firstDropped;
    return this;
  }

  /** What all chunks together give, levels in their order. */
  finish(spec: ModelSpec): ScannedMoments {
    const shape = momentsShape(spec);
    const all = [this.folds, ...this.groups.values()].flat();
    const levels = Object.fromEntries(
      shape.variables.map((v, f) => {
        const variable = spec.variables[v]!;
        const names = new Set(all.flatMap((part) => (part instanceof SparseMoments ? part.levelsOf(f) : [])));
        return [variable.label, sortLevels(names, variable.kind === "factor" ? variable.of : "text")];
      }),
    );
    const names = shape.variables.map((v) => levels[spec.variables[v]!.label]!);
    const whole = (folds: Folds) =>
      folds.map((fold) => (fold instanceof SparseMoments ? fold.ordered(names) : fold));
    const { rows, dropped, undefinedRows, heldOut, firstDropped } = this;
    return {
      folds: whole(this.folds),
      groups: new Map([...this.groups].map(([name, folds]) => [name, whole(folds)])),
      levels,
      rows,
      dropped,
      undefinedRows,
      heldOut,
      firstDropped,
    };
  }
}

function numbersOf(columns: readonly string[], parts: FoldParts): Moments | ExtendedMoments {
  const { n, sumW, sumLogW, mean, c, sumWLow, meanLow, cLow } = parts;
  const common = { columns, n, sumW, sumLogW, mean, c };
  if (sumWLow === undefined || meanLow === undefined || cLow === undefined) return Moments.of(common);
  return ExtendedMoments.of({ ...common, sumWLow, meanLow, cLow });
}
