import { type FactorLevels, sortLevels } from "../dataset/formula/coding.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { Moments } from "../stats/moments.js";
import { packedLength } from "../stats/packed.js";

/** The moments of one fold as they come from the kernels: of at least as many columns as the result has. */
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

/** The moments of one group's folds. */
export interface GroupParts {
  name: string;
  folds: FoldParts[];
}

/** What a chunk gives: the moments of each fold, and what became of its rows; plain data. */
export interface MomentsResult {
  /** The keys of the columns that the chunk has, the target's first. */
  columns: readonly string[];
  folds: FoldParts[];
  /** The groups that have rows in the chunk; then `folds` is empty. */
  groups: GroupParts[];
  /** Per factor, the levels that appear in rows that were kept. */
  levels: Record<string, string[]>;
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

/** The moments of all chunks so far, fold by fold. */
export class MomentsTotal {
  readonly folds: CrossProducts[];
  /** The folds of each group, where there are groups. */
  readonly groups: Map<string, CrossProducts[]>;
  readonly levels: Map<string, Set<string>>;
  rows: number;
  dropped: number;
  undefinedRows: number;
  heldOut: number;
  firstDropped: number;

  constructor(result: MomentsResult) {
    this.folds = result.folds.map((parts) => momentsOf(result.columns, parts));
    const foldsOf = (folds: readonly FoldParts[]) => folds.map((parts) => momentsOf(result.columns, parts));
    this.groups = new Map(result.groups.map(({ name, folds }) => [name, foldsOf(folds)]));
    this.levels = new Map(Object.entries(result.levels).map(([label, names]) => [label, new Set(names)]));
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
    for (const [label, names] of later.levels) for (const name of names) this.levels.get(label)!.add(name);
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.undefinedRows += later.undefinedRows;
    this.heldOut += later.heldOut;
    if (this.firstDropped < 0) this.firstDropped = later.firstDropped;
    return this;
  }
}

/** Each factor's levels, sorted: texts by code points, numbers by size. */
export function sortedLevels(spec: ModelSpec, total: MomentsTotal): FactorLevels {
  const factors = spec.variables.filter((variable) => variable.kind === "factor");
  return Object.fromEntries(
    factors.map(({ label, of }) => [label, sortLevels(total.levels.get(label) ?? [], of)]),
  );
}

function momentsOf(columns: readonly string[], parts: FoldParts): CrossProducts {
  // The kernels may have room for columns that other chunks had: those behind this chunk's are zero.
  const p = columns.length;
  const cut = (values: Float64Array, length: number) =>
    values.length === length ? values : values.slice(0, length);
  const { n, sumW, sumLogW, sumWLow, meanLow, cLow } = parts;
  const common = { columns, n, sumW, sumLogW, mean: cut(parts.mean, p), c: cut(parts.c, packedLength(p)) };
  if (sumWLow === undefined || meanLow === undefined || cLow === undefined) return Moments.of(common);
  return ExtendedMoments.of({
    ...common,
    sumWLow,
    meanLow: cut(meanLow, p),
    cLow: cut(cLow, packedLength(p)),
  });
}
