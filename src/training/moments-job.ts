import { DataError } from "../errors.js";
import { ExtendedAccumulator } from "../kernels/extended.js";
import { GroupedMoments } from "../kernels/grouped.js";
import { BLOCK_ROWS, type Kernels } from "../kernels/kernels.js";
import { MomentsAccumulator } from "../kernels/moments.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { Moments } from "../stats/moments.js";
import { foldOf, isHeldOut } from "./assignment.js";
import type { BlockSource, ChunkJob } from "./chunk-job.js";

/** What the moments of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface MomentsPlan {
  /** The columns whose moments are taken, in the order in which blocks carry them. */
  columns: readonly string[];
  /** Whether a column of weights follows them in the blocks. */
  weighted: boolean;
  /** Double-double moments instead of double ones. */
  extended: boolean;
  /** The share of rows held out, 0 for none. */
  testSize: number;
  /** Cross-validation folds, each with moments of its own; 1 for none. */
  folds: number;
  /** The seed of the hold-out and the folds. */
  seed: number;
}

/** What a chunk gives: the moments of each fold, and what became of its rows. */
export interface MomentsResult {
  folds: Parameters<typeof Moments.of>[0][] | Parameters<typeof ExtendedMoments.of>[0][];
  rows: number;
  /** Rows left out because a cell is missing. */
  dropped: number;
  /** Rows held out. */
  heldOut: number;
  /** The number of the first row left out, −1 where there is none. */
  firstDropped: number;
}

/** Sums up the rows of chunks, fold by fold, in the kernels. */
export class MomentsJob implements ChunkJob<MomentsResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: MomentsPlan;
  readonly #grouped: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>;
  readonly #targets: number;
  #rows = 0;
  #dropped = 0;
  #heldOut = 0;
  #firstDropped = -1;

  constructor(kernels: Kernels, source: BlockSource, plan: MomentsPlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
    const p = plan.columns.length;
    const folds = Array.from({ length: plan.folds }, () =>
      plan.extended ? new ExtendedAccumulator(kernels, p) : new MomentsAccumulator(kernels, p),
    );
    this.#grouped = new GroupedMoments(kernels, folds, { weighted: plan.weighted });
    this.#targets = kernels.alloc(4 * BLOCK_ROWS);
  }

  add(rows: number): void {
    const { block, firstRow, missing } = this.#source;
    const { columns, weighted, testSize, folds, seed } = this.#plan;
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + rows);
    const read = columns.length + (weighted ? 1 : 0);
    targets.fill(0);
    if (missing)
      for (let j = 0; j < read; j++) {
        const column = this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows);
        for (let r = 0; r < rows; r++) if (Number.isNaN(column[r]!)) targets[r] = -1;
      }
    const weights = weighted ? block + 8 * BLOCK_ROWS * columns.length : 0;
    if (weighted) checkWeights(this.#kernels.doublesAt(weights, rows), firstRow);
    for (let r = 0; r < rows; r++) {
      if (targets[r]! < 0) {
        this.#dropped++;
        if (this.#firstDropped < 0) this.#firstDropped = firstRow + r;
      } else if (testSize > 0 && isHeldOut(firstRow + r, seed, testSize)) {
        this.#heldOut++;
        targets[r] = -1;
      } else if (folds > 1) targets[r] = foldOf(firstRow + r, seed, folds);
    }
    this.#rows += rows;
    this.#grouped.add(block, rows, this.#targets, weights);
  }

  finish(): MomentsResult {
    this.#grouped.flush();
    const { columns } = this.#plan;
    const result = {
      folds: this.#grouped.groups.map((group) => ({ columns, ...group.read() })) as MomentsResult["folds"],
      rows: this.#rows,
      dropped: this.#dropped,
      heldOut: this.#heldOut,
      firstDropped: this.#firstDropped,
    };
    this.#grouped.reset();
    this.#rows = 0;
    this.#dropped = 0;
    this.#heldOut = 0;
    this.#firstDropped = -1;
    return result;
  }
}

function checkWeights(weights: Float64Array, firstRow: number): void {
  const at = weights.findIndex((w) => w < 0);
  if (at >= 0)
    throw new DataError(`row ${firstRow + at + 1}: a weight must be 0 or more, found ${weights[at]}`, {
      hint: "correct the weights, or choose another column with --weights",
    });
}

/** The moments of all chunks so far, fold by fold. */
export class MomentsTotal {
  readonly folds: (Moments | ExtendedMoments)[];
  rows: number;
  dropped: number;
  heldOut: number;
  firstDropped: number;

  constructor(result: MomentsResult, extended: boolean) {
    this.folds = result.folds.map((parts) =>
      extended
        ? ExtendedMoments.of(parts as Parameters<typeof ExtendedMoments.of>[0])
        : Moments.of(parts as Parameters<typeof Moments.of>[0]),
    );
    this.rows = result.rows;
    this.dropped = result.dropped;
    this.heldOut = result.heldOut;
    this.firstDropped = result.firstDropped;
  }

  /** Merges later chunks into these. */
  absorb(later: MomentsTotal): this {
    for (const [f, fold] of this.folds.entries()) absorb(fold, later.folds[f]!);
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.heldOut += later.heldOut;
    if (this.firstDropped < 0) this.firstDropped = later.firstDropped;
    return this;
  }

  /** The moments of all folds. */
  merged(): Moments | ExtendedMoments {
    const total = this.folds[0]!.clone();
    for (const fold of this.folds.slice(1)) absorb(total, fold);
    return total;
  }
}

function absorb(into: Moments | ExtendedMoments, other: Moments | ExtendedMoments): void {
  if (into instanceof ExtendedMoments) into.absorb(other as ExtendedMoments);
  else into.absorb(other as Moments);
}
