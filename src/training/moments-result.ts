import { type FactorLevels, levelOrder } from "../dataset/formula/coding.js";
import type { MomentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { type UndefinedRows, unitedUndefined } from "../dataset/formula/undefined-rows.js";
import type { CellParts } from "../kernels/cells.js";
import type { GroupSums } from "../kernels/group-accumulator.js";
import type { Steps } from "../parallel/steps.js";
import { CellGatherer } from "../stats/cell-gatherer.js";
import { CellTable } from "../stats/cell-table.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { type GroupKind, type GroupTable, groupTableOf } from "../stats/group-table.js";
import { LevelCodes } from "../stats/level-codes.js";
import { Moments } from "../stats/moments.js";
import { SparseMoments } from "../stats/sparse-moments.js";
import { isCounted } from "../stats/sparse-shape.js";
import { type AnyGroups, type GroupMoments, SparseGroups } from "./group-moments.js";
import { KeptChunks, type KeptRows } from "./kept-rows.js";

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
  /** The rows themselves, where they are kept. */
  rows?: KeptRows | undefined;
}

/** The moments of a chunk's clusters; `records` is undefined where a thread met more than it was to keep. */
export interface ClustersResult {
  from: number;
  names: readonly string[];
  sums: GroupSums | undefined;
  /** The first row of the fit that is of no cluster, −1 where there is none. */
  unclustered: number;
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
  /** The moments of clusters, where they are wanted beside those of all rows. */
  clusters?: ClustersResult | undefined;
  /** The cells of each table: of all folds and groups, by target; of those that are counted, a record is its rows. */
  tables: CellParts[];
  /** Which job numbered the levels, and the names that it has not told before, per factor. */
  dictionary: string;
  levels: DictionaryPart[];
  rows: number;
  /** Rows left out because a cell is missing or an expression has no value. */
  dropped: number;
  /** Those among them that lack some of several targets, and nothing else. */
  lackingTargets: number;
  /** Those among them in which no cell is missing. */
  undefinedRows: UndefinedRows[];
  /** Rows held out. */
  heldOut: number;
  /** The number of the first row left out, −1 where there is none. */
  firstDropped: number;
  /** Rows of levels that were left out. */
  singletons: number;
}

/** How the scan's rows were summed up. */
export interface SummedAs {
  folds: number;
  extended: boolean;
  weighted: boolean;
  /** Whether each group of rows has sums of its own. */
  grouped: boolean;
}

/**
 * Makes totals of chunks' results: it knows what the levels' codes of every thread stand for. Without groups cells are
 * gathered in the order of the chunks, apart from the totals.
 */
export class MomentsReader {
  readonly #shape: MomentsShape;
  readonly #kind: GroupKind;
  readonly #levels: readonly LevelCodes[];
  readonly #groups = new LevelCodes();
  /** Per job and factor: the common code of each of its own; the groups' last. */
  readonly #codes = new Map<string, number[][]>();
  /** The rows of groups, where they are kept. */
  #kept: KeptChunks | undefined;
  readonly #clusters = new LevelCodes();
  readonly #clusterCodes = new Map<string, number[]>();
  /** Per table; a cell's key is its fold, and its factors' codes. */
  readonly #gatherers: readonly CellGatherer[];

  constructor(shape: MomentsShape, summed: SummedAs) {
    this.#shape = shape;
    this.#kind = { columns: shape.numbers, ...summed };
    this.#levels = shape.factors.map(() => new LevelCodes());
    this.#gatherers = shape.tables.map((table) => {
      const { factors, columns, products } = table;
      const { extended } = summed;
      const kind = { factors: factors.length, columns: columns.length, products, extended, logs: false };
      return new CellGatherer(kind, isCounted(table, summed));
    });
  }

  /** Takes the levels of the next chunk, and its cells. Chunks come in their order. */
  *gather(result: MomentsResult): Steps<void> {
    const { factors, tables } = this.#shape;
    let codes = this.#codes.get(result.dictionary);
    if (codes === undefined) {
      codes = [...factors.map(() => []), []];
      this.#codes.set(result.dictionary, codes);
    }
    for (const [f, { from, names }] of result.levels.entries())
      names.forEach((name, i) => {
        codes[f]![from + i] = this.#levels[f]!.code(name);
      });
    if (result.groups !== undefined) return;
    for (const [t, gatherer] of this.#gatherers.entries()) {
      const { keys, records } = result.tables[t]!;
      yield* gatherer.push(keys, records, [undefined, ...tables[t]!.factors.map((f) => codes[f])]);
    }
  }

  /** The total of a chunk, but for the cells that were gathered. */
  total(result: MomentsResult): MomentsTotal {
    const { numbers, tables } = this.#shape;
    const folds = result.folds.map((parts) => numbersOf(numbers, parts));
    if (result.groups === undefined)
      return new MomentsTotal(result, folds, undefined, this.#clusterTable(result));
    const codes = this.#codes.get(result.dictionary)!;
    const groups = this.#groupTable(result.groups, codes.at(-1)!);
    if (tables.length === 0) return new MomentsTotal(result, folds, groups);
    const cells = tables.map((_, t) => this.#split(t, result.tables[t]!, codes));
    const sparse = (base: Moments | ExtendedMoments, target: number) =>
      new SparseMoments(this.#shape, { base, levels: this.#levels, tables: cells.map((of) => of(target)) });
    const { keys } = result.groups.records;
    return new MomentsTotal(result, folds, this.#sparseGroups(groups, keys, codes.at(-1)!, sparse));
  }

  /** What all chunks together give, levels in their order. */
  *finish(total: MomentsTotal, spec: ModelSpec): Steps<Omit<ScannedMoments, "excluded">> {
    const { variables, tables } = this.#shape;
    const { groups, rows, dropped, lackingTargets, undefinedRows } = total;
    const { heldOut, firstDropped, singletons } = total;
    const grouped = groups instanceof SparseGroups ? [...groups.folds.values()].flat() : [];
    const names: string[][] = [];
    const recode: Int32Array[] = [];
    for (const [f, v] of variables.entries()) {
      const variable = spec.variables[v]!;
      const of = variable.kind === "factor" ? variable.of : "text";
      const own = this.#levels[f]!;
      // By code, which of a factor's levels have rows.
      const met = this.#met(f);
      for (const name of new Set(grouped.flatMap((part) => part.levelsOf(f)))) met[own.find(name)] = 1;
      yield;
      const codes = own.names.map((_, code) => code).filter((code) => met[code] === 1);
      const found = codes.map((code) => own.names[code]!);
      const order = levelOrder(found, of);
      const places = new Int32Array(own.names.length).fill(-1);
      for (let i = 0; i < order.length; i++) places[codes[order[i]!]!] = i;
      names.push(Array.from(order, (at) => found[at]!));
      recode.push(places);
      yield;
    }
    const levels = Object.fromEntries(variables.map((v, f) => [spec.variables[v]!.label, names[f]!]));
    return {
      folds: tables.length === 0 ? total.folds : yield* this.#withCells(total.folds, names, recode),
      groups: groups instanceof SparseGroups ? groups.ordered(names) : groups,
      kept: this.#kept,
      levels,
      rows,
      dropped,
      lackingTargets,
      undefinedRows,
      heldOut,
      firstDropped,
      singletons,
      clusters: total.clusters,
      unclustered: total.unclustered,
    };
  }

  /** The folds with the cells that were gathered, whose levels are numbered as `recode` says. */
  *#withCells(folds: Folds, names: readonly string[][], recode: readonly Int32Array[]): Steps<Folds> {
    const { tables } = this.#shape;
    const finished: CellTable[][] = [];
    for (const [t, gatherer] of this.#gatherers.entries())
      finished.push(
        yield* gatherer.finish([undefined, ...tables[t]!.factors.map((f) => recode[f])], folds.length),
      );
    return folds.map((base, fold) => {
      const levels = names.map((list) => new LevelCodes(list));
      const cells = finished.map((tables) => tables[fold]!);
      return new SparseMoments(this.#shape, {
        base: base as Moments | ExtendedMoments,
        levels,
        tables: cells,
      });
    });
  }

  /** By code, whether gathered rows have a level of a factor: 1 or 0. */
  #met(factor: number): Uint8Array {
    const { tables } = this.#shape;
    const t = tables.findIndex(({ factors }) => factors.includes(factor));
    const { names } = this.#levels[factor]!;
    return this.#gatherers[t]!.met(tables[t]!.factors.indexOf(factor) + 1, names.length);
  }

  /** A chunk's groups under their common numbers. */
  #groupTable({ from, names, records, more, rows }: GroupsResult, common: number[]): GroupTable {
    for (const [i, name] of names.entries()) common[from + i] = this.#groups.code(name);
    if (rows !== undefined) {
      this.#kept ??= new KeptChunks(this.#kind, this.#groups);
      this.#kept.push(rows, common);
    }
    return groupTableOf({ records, more }, this.#kind, this.#groups, common);
  }

  /** A chunk's clusters under their common numbers. */
  #clusterTable({ clusters, dictionary }: MomentsResult): GroupTable | undefined {
    if (clusters === undefined) return undefined;
    let common = this.#clusterCodes.get(dictionary);
    if (common === undefined) {
      common = [];
      this.#clusterCodes.set(dictionary, common);
    }
    const { from, names, sums } = clusters;
    for (const [i, name] of names.entries()) common[from + i] = this.#clusters.code(name);
    return sums && groupTableOf(sums, { ...this.#kind, folds: 1 }, this.#clusters, common);
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
  extends Pick<
    MomentsResult,
    "rows" | "dropped" | "lackingTargets" | "undefinedRows" | "heldOut" | "firstDropped" | "singletons"
  > {
  folds: CrossProducts[];
  /** Those of groups, where there are groups. */
  groups: GroupMoments | undefined;
  /** Their rows, where they were kept. */
  kept: KeptChunks | undefined;
  /** Each factor's levels, sorted: texts by code points, numbers by size. */
  levels: FactorLevels;
  /** Rows that the condition on rows left out, which are none of `rows`. */
  excluded: number;
  /** The moments of clusters; undefined where they are not wanted, or were more than were to be kept. */
  clusters: GroupTable | undefined;
  /** The first row of the fit that is of no cluster, −1 where there is none. */
  unclustered: number;
}

type Folds = CrossProducts[];

/** The moments of all chunks so far, fold by fold. */
export class MomentsTotal {
  readonly folds: Folds;
  /** Those of groups, where there are groups. */
  readonly groups: AnyGroups | undefined;
  rows: number;
  dropped: number;
  lackingTargets: number;
  undefinedRows: UndefinedRows[];
  heldOut: number;
  firstDropped: number;
  singletons: number;
  clusters: GroupTable | undefined;
  unclustered: number;

  constructor(result: MomentsResult, folds: Folds, groups: AnyGroups | undefined, clusters?: GroupTable) {
    this.folds = folds;
    this.groups = groups;
    this.rows = result.rows;
    this.dropped = result.dropped;
    this.lackingTargets = result.lackingTargets;
    this.undefinedRows = result.undefinedRows;
    this.heldOut = result.heldOut;
    this.firstDropped = result.firstDropped;
    this.singletons = result.singletons;
    this.clusters = clusters;
    this.unclustered = result.clusters?.unclustered ?? -1;
  }

  /** Merges later chunks into these. */
  absorb(later: MomentsTotal): this {
    for (const [f, fold] of this.folds.entries()) fold.absorb(later.folds[f]!);
    // Both are of one scan, and so of one kind.
    this.groups?.absorb(later.groups as GroupTable & SparseGroups);
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.lackingTargets += later.lackingTargets;
    this.undefinedRows = unitedUndefined(this.undefinedRows, later.undefinedRows);
    this.heldOut += later.heldOut;
    this.singletons += later.singletons;
    if (this.firstDropped < 0) this.firstDropped = later.firstDropped;
    this.clusters = later.clusters && this.clusters?.absorb(later.clusters);
    if (this.unclustered < 0) this.unclustered = later.unclustered;
    return this;
  }
}

function numbersOf(columns: readonly string[], parts: FoldParts): Moments | ExtendedMoments {
  const { n, sumW, sumLogW, mean, c, sumWLow, meanLow, cLow } = parts;
  const common = { columns, n, sumW, sumLogW, mean, c };
  if (sumWLow === undefined || meanLow === undefined || cLow === undefined) return Moments.of(common);
  return ExtendedMoments.of({ ...common, sumWLow, meanLow, cLow });
}
