// Blocks of rows to the moments of their folds, without a word to the host between them.
import { FULL, Request } from "./parse";
import { parsePlain, RowSink } from "./plain";
import { scatterRows } from "./scatter";

/** What sums rows up, shared with the host (src/kernels/row-sums.ts lists its own fields). */
@unmanaged
export class RowSums extends RowSink {
  /** What the block's first row is drawn by. */
  number: u64;
  groups: usize;
  columns: i32;
  folds: i32;
  /** h₀ of the rows' hashes (src/dataset/row-hash.ts). */
  start: i32;
}

/** A fold for each row of a block. */
const targets: usize = memory.data(4 * 128, 4);

// @ts-ignore: decorator
@inline
function mix(x: i32): i32 {
  let h = x;
  h = (h ^ (<i32>(<u32>h >>> 16))) * 0x85ebca6b;
  h = (h ^ (<i32>(<u32>h >>> 13))) * 0xc2b2ae35;
  return h ^ (<i32>(<u32>h >>> 16));
}

/** The fold of each of `rows` rows, whose numbers follow each other: `foldOf` of src/scan/row-draw.ts. */
function drawFolds(s: RowSums, rows: i32): void {
  const folds = <f64>s.folds;
  for (let i = 0; i < rows; i++) {
    const number = s.number + <u64>i;
    const last = ((<i32>(number >>> 32)) * 0xc2b2ae35) ^ 0x27d4eb2f;
    const hash = <u32>mix(mix(s.start ^ (<i32>number)) ^ last);
    store<i32>(targets + (<usize>i << 2), <i32>Math.floor((<f64>hash / 4294967296) * folds));
  }
}

/**
 * `parseRows`, but that blocks in which all is plain are added to the moments of their rows' folds at once, and the next one
 * parsed: up to `most` of them. `taken` says how many rows were; what is left in the block is the host's.
 */
export function sumRows(r: Request, s: RowSums): void {
  s.taken = 0;
  for (let left = s.most; ; ) {
    if (!parsePlain(r, s.known)) return;
    const rows = r.rows;
    if (s.folds > 1) drawFolds(s, rows);
    else memory.fill(targets, 0, <usize>rows << 2);
    scatterRows(r.block, 0, rows, 0, targets, s.groups, s.columns);
    s.taken += rows;
    s.number += <u64>rows;
    r.rows = 0;
    if (r.status != FULL || --left == 0) return;
    r.firstRow = 0;
    r.from = r.next;
  }
}
