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

/** Rows that follow each other in the source and go to one group: up to 128 such runs, the last to no group. */
@unmanaged
class Run {
  /** Byte offset of the first row in a column. */
  from: usize;
  bytes: usize;
  /** Where they go in column 0 of the group's block, and of its block of low parts (or 0). */
  to: usize;
  low: usize;
}
const runs: usize = memory.data(16 * 128, 4);

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

// @ts-ignore: decorator
@inline
function copyRun(to: usize, from: usize, bytes: usize): void {
  if (bytes > 64) memory.copy(to, from, bytes);
  else for (const end = from + bytes; from < end; from += 8, to += 8) store<f64>(to, load<f64>(from));
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
  let r = 0;
  while (r < rows) {
    // Runs up to the row that fills a group's block.
    let run = runs;
    let full: usize = 0;
    while (r < rows && !full) {
      const first = r;
      const target = load<i32>(targets + (<usize>r << 2));
      do r++;
      while (r < rows && load<i32>(targets + (<usize>r << 2)) == target);
      if (target < 0) continue;
      const address = groups + <usize>target * offsetof<Group>();
      const group = changetype<Group>(address);
      const row = group.rows;
      if (row + r - first >= 128) {
        r = first + 128 - row;
        full = address;
      }
      group.rows += r - first;
      const place = <usize>row << 3;
      const next = changetype<Run>(run);
      next.from = <usize>first << 3;
      next.bytes = <usize>(r - first) << 3;
      next.to = group.block + place;
      next.low = group.low ? group.low + place : 0;
      if (group.weights) memory.copy(group.weights + place, weights + next.from, next.bytes);
      run += offsetof<Run>();
    }
    for (let j = 0; j < columns; j++) {
      const column = <usize>j * COLUMN;
      for (let at = runs; at < run; at += offsetof<Run>()) {
        const next = changetype<Run>(at);
        copyRun(next.to + column, block + column + next.from, next.bytes);
        if (!next.low) continue;
        if (low) copyRun(next.low + column, low + column + next.from, next.bytes);
        else memory.fill(next.low + column, 0, next.bytes);
      }
    }
    if (full) flushGroup(full);
  }
}
