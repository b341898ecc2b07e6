// Rows of a block to the blocks of their groups.
import { accumulateExtended, ExtendedMoments } from "./extended";
import { accumulate, COLUMN, Moments } from "./gram";

/** A group's moments, and the block in which its rows gather until there are 128 (src/kernels/grouped.ts). */
@unmanaged
class Group {
  /** Moments, or ExtendedMoments where `extended` is not 0. */
  moments: usize;
  extended: i32;
  block: usize;
  /** The block of low parts, or 0. */
  low: usize;
  /** 128 weights, or 0. */
  weights: usize;
  rows: i32;
}

/** Where each row of the source goes to: a group and a row of its block, or no group. */
const groupOf: usize = memory.data(4 * 128, 4);
const rowOf: usize = memory.data(4 * 128, 4);

/** Adds the rows that a group's block holds to its moments. */
export function flushGroup(address: usize): void {
  const group = changetype<Group>(address);
  if (group.rows == 0) return;
  if (group.extended) {
    accumulateExtended(
      changetype<ExtendedMoments>(group.moments),
      group.block,
      group.low,
      group.rows,
      group.weights,
    );
  } else accumulate(changetype<Moments>(group.moments), group.block, group.rows, group.weights);
  group.rows = 0;
}

/**
 * Appends each of the block's rows to the block of the group that `targets` (an i32 per row) names, −1 for none;
 * a group's block that is full is added to its moments. Group g lies at groups + 24g. `low` and `weights` are read
 * where the groups have room for them. The source is only read.
 */
export function scatterRows(
  block: usize,
  low: usize,
  rows: i32,
  weights: usize,
  targets: usize,
  groups: usize,
  columns: i32,
): void {
  for (let from = 0; from < rows; ) {
    // Rows up to the first that fills a group's block.
    let to = from;
    let full: usize = 0;
    let lows = false;
    for (; to < rows && !full; to++) {
      const target = load<i32>(targets + (<usize>to << 2));
      const at = <usize>to << 2;
      if (target >= 0) {
        const address = groups + <usize>target * offsetof<Group>();
        const group = changetype<Group>(address);
        const row = group.rows++;
        if (group.weights) {
          store<f64>(group.weights + (<usize>row << 3), load<f64>(weights + (<usize>to << 3)));
        }
        if (group.low) lows = true;
        if (row == 127) full = address;
        store<usize>(groupOf + at, address);
        store<i32>(rowOf + at, row << 3);
      } else store<usize>(groupOf + at, 0);
    }
    for (let j = 0; j < columns; j++) {
      const column = <usize>j * COLUMN;
      for (let r = from; r < to; r++) {
        const at = <usize>r << 2;
        const address = load<usize>(groupOf + at);
        if (!address) continue;
        const group = changetype<Group>(address);
        const place = column + load<i32>(rowOf + at);
        store<f64>(group.block + place, load<f64>(block + column + (<usize>r << 3)));
        if (lows) store<f64>(group.low + place, low ? load<f64>(low + column + (<usize>r << 3)) : 0);
      }
    }
    if (full) flushGroup(full);
    from = to;
  }
}
