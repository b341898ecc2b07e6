import { type FactorLevels, sortLevels } from "../dataset/formula/coding.js";
import { type MomentsShape, momentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { CellParts } from "../kernels/cells.js";
import type { GroupSums } from "../kernels/group-accumulator.js";
import { CellTable } from "../stats/cell-table.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { cellKind, type GroupKind, GroupTable } from "../stats/group-table.js";
import { LevelCodes } from "../stats/level-codes.js";
import { Moments } from "../stats/moments.js";
import { SparseMoments } from "../stats/sparse-moments.js";
import { type AnyGroups, type GroupMoments, SparseGroups } from "./group-moments.js";

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

/** The moments of a chunk's groups; the tables' cells of fold f of group g have the target folds · g + f. */
export interface GroupsResult extends GroupSums {
  /** The names of the job's groups from this one on, which it has not told before. */
  from: number;
  names: readonly string[];
}

/** Names of levels that a job numbers from `from` on. */
export interface DictionaryPart {
  from: number;
  names: readonly string[];
}

/** What a chunk gives: the moments of each fold, and what became of its rows; plain data. */
export interface MomentsResult {
  folds: FoldParts[];
  /** Where rows have groups; then `folds` is empty. */
  groups: GroupsResult | undefined;
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

/** How the scan's rows were summed up. */
export interface SummedAs {
  folds: number;
  extended: boolean;
  weighted: boolean;
}

/** Makes totals of chunks' results: it knows what the levels' codes of every thread stand for. */
export class MomentsReader {
  readonly #shape: MomentsShape;
  readonly #kind: GroupKind;
  readonly #levels: readonly LevelCodes[];
  readonly #groups = new LevelCodes();
  /** Per job and factor: the common code of each of its own; the groups' last. */
  readonly #codes = new Map<string, number[][]>();

  constructor(shape: MomentsShape, summed: SummedAs) {
    this.#shape = shape;
    this.#kind = { columns: shape.numbers, ...summed };
    this.#levels = shape.factors.map(() => new LevelCodes());
  }

  /** The total of one chunk. Results of a job come in the order in which it made them. */
  total(result: MomentsResult): MomentsTotal {
    const { factors, numbers } = this.#shape;
    let codes = this.#codes.get(result.dictionary);
    if (codes === undefined) {
      codes = [...factors.map(() => []), []];
      this.#codes.set(result.dictionary, codes);
    }
    for (const [f, { from, names }] of result.levels.entries())
      names.forEach((name, i) => {
        codes[f]![from + i] = this.#levels[f]!.code(name);
      });
    const base = (parts: FoldParts) => numbersOf(numbers, parts);
    const groups = result.groups && this.#groupTable(result.groups, codes.at(-1)!);
    if (this.#shape.tables.length === 0) return new MomentsTotal(result, result.folds.map(base), groups);
    const cells = this.#shape.tables.map((_, t) => this.#split(t, result.tables[t]!, codes));
    const sparse = (own: Moments | ExtendedMoments, target: number) =>
      new SparseMoments(this.#shape, {
        base: own,
        levels: this.#levels,
        tables: cells.map((of) => of(target)),
      });
    const folds = result.folds.map((parts, f) => sparse(base(parts), f));
    return new MomentsTotal(
      result,
      folds,
      groups && this.#sparseGroups(groups, result.groups!.records.keys, codes.at(-1)!, sparse),
    );
  }

  /** A chunk's groups under their common numbers. */
  #groupTable({ from, names, records, more }: GroupsResult, common: number[]): GroupTable {
    const { folds } = this.#kind;
    names.forEach((name, i) => {
      common[from + i] = this.#groups.code(name);
    });
    const cells = new CellTable(cellKind(this.#kind));
    const { keys } = records;
    cells.codes = keys.map((target) => common[Math.floor(target / folds)]! * folds + (target % folds));
    cells.records = records.records;
    cells.count = keys.length;
    const table = new GroupTable(this.#kind, this.#groups, cells);
    for (const { group: target, parts } of more)
      table.add(common[Math.floor(target / folds)]!, target % folds, parts);
    return table;
  }

  /** The same with what tables of factors hold of their rows, by the targets that have any. */
  #sparseGroups(
    table: GroupTable,
    targets: Int32Array,
    common: readonly number[],
    sparse: (base: Moments | ExtendedMoments, target: number) => SparseMoments,
  ): SparseGroups {
    const { folds: count } = this.#kind;
    const folds = new Map<number, SparseMoments[]>();
    for (const target of targets) {
      const own = Math.floor(target / count);
      const group = common[own]!;
      if (folds.has(group)) continue;
      folds.set(
        group,
        Array.from({ length: count }, (_, f) => sparse(table.moments(group, f), own * count + f)),
      );
    }
    const none = () => Array.from({ length: count }, () => sparse(table.moments(-1, 0), -1));
    return new SparseGroups(this.#groups, folds, none);
  }

  /** The cells of a table by target, under common codes. */
  #split(t: number, { keys, records }: CellParts, codes: readonly number[][]): (target: number) => CellTable {
    const { factors, columns, products } = this.#shape.tables[t]!;
    const { extended } = this.#kind;
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
  /** Those of groups, where there are groups. */
  groups: GroupMoments | undefined;
  /** Each factor's levels, sorted: texts by code points, numbers by size. */
  levels: FactorLevels;
  /** Rows that the condition on rows left out, which are none of `rows`. */
  excluded: number;
}

type Folds = CrossProducts[];

/** The moments of all chunks so far, fold by fold. */
export class MomentsTotal {
  readonly folds: Folds;
  /** Those of groups, where there are groups. */
  readonly groups: AnyGroups | undefined;
  rows: number;
  dropped: number;
  undefinedRows: number;
  heldOut: number;
  firstDropped: number;

  constructor(result: MomentsResult, folds: Folds, groups: AnyGroups | undefined) {
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
    // Both are of one scan, and so of one kind.
    this.groups?.absorb(later.groups as GroupTable & SparseGroups);
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.undefinedRows += later.undefinedRows;
    this.heldOut += later.heldOut;
    if (this.firstDropped < 0) this.firstDropped = later.firstDropped;
    return this;
  }

  /** What all chunks together give, levels in their order. */
  finish(spec: ModelSpec): Omit<ScannedMoments, "excluded"> {
    const shape = momentsShape(spec);
    const { groups } = this;
    const all = groups instanceof SparseGroups ? [...groups.folds.values()].flat() : this.folds;
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
      groups: groups instanceof SparseGroups ? groups.ordered(names) : groups,
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
