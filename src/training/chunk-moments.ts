import type { ColumnBlock } from "../csv/columns.js";
import { ROWS_PER_BLOCK } from "../stats/columns.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { Moments } from "../stats/moments.js";
import { isHeldOut } from "./assignment.js";

/** What the moments of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface MomentsPlan {
  /** The numeric columns in the order in which blocks carry them; the target is among them. */
  columns: readonly string[];
  /** Double-double moments instead of double ones. */
  extended: boolean;
  /** The share of rows held out, 0 for none, and the seed of the draw. */
  testSize: number;
  seed: number;
}

/** What a chunk gives: its moments, and what became of its rows. */
export class ChunkMoments {
  readonly moments: Moments | ExtendedMoments;
  /** Rows read. */
  rows: number;
  /** Rows left out because a cell is missing. */
  dropped: number;
  /** Rows held out. */
  heldOut: number;
  /** The number of the first row with a missing cell, −1 where there is none. */
  firstMissing: number;

  constructor(
    moments: Moments | ExtendedMoments,
    counts: { rows: number; dropped: number; heldOut: number; firstMissing: number },
  ) {
    this.moments = moments;
    this.rows = counts.rows;
    this.dropped = counts.dropped;
    this.heldOut = counts.heldOut;
    this.firstMissing = counts.firstMissing;
  }

  /** Merges a later chunk into this one. */
  absorb(later: ChunkMoments): this {
    if (this.moments instanceof ExtendedMoments) this.moments.absorb(later.moments as ExtendedMoments);
    else this.moments.absorb(later.moments as Moments);
    this.rows += later.rows;
    this.dropped += later.dropped;
    this.heldOut += later.heldOut;
    if (this.firstMissing < 0) this.firstMissing = later.firstMissing;
    return this;
  }
}

/** The moments of the complete rows of a chunk that are not held out, in blocks of 128 rows. */
export function chunkMoments(plan: MomentsPlan, chunk: ColumnBlock): ChunkMoments {
  const p = plan.columns.length;
  const moments = plan.extended ? ExtendedMoments.empty(plan.columns) : Moments.empty(plan.columns);
  const block = new Float64Array(ROWS_PER_BLOCK * p);
  let filled = 0;
  let dropped = 0;
  let heldOut = 0;
  let firstMissing = -1;
  const flush = () => {
    if (filled === 0) return;
    if (moments instanceof ExtendedMoments) moments.updateBlock(block, undefined, filled, ROWS_PER_BLOCK);
    else moments.updateBlock(block, filled, ROWS_PER_BLOCK);
    filled = 0;
  };
  for (let r = 0; r < chunk.rows; r++) {
    let missing = false;
    for (let j = 0; j < p; j++) {
      const x = chunk.numeric[j]![r]!;
      if (Number.isNaN(x)) missing = true;
      block[j * ROWS_PER_BLOCK + filled] = x;
    }
    if (missing) {
      dropped++;
      if (firstMissing < 0) firstMissing = chunk.firstRow + r;
    } else if (isHeldOut(chunk.firstRow + r, plan.seed, plan.testSize)) heldOut++;
    else if (++filled === ROWS_PER_BLOCK) flush();
  }
  flush();
  return new ChunkMoments(moments, { rows: chunk.rows, dropped, heldOut, firstMissing });
}
