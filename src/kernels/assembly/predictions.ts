// Blocks of rows to their predictions as text, without a word to the host between them.
import { formatRows } from "./format";
import { gemvColumns } from "./gemv";
import { COLUMN } from "./gram";
import { FULL, Request } from "./parse";
import { parsePlain, RowSink } from "./plain";

/** What predicts rows, shared with the host (src/kernels/row-predictions.ts lists its own fields). */
@unmanaged
class RowPredictions extends RowSink {
  /** p coefficients of the block's columns, behind the target where there is one. */
  theta: usize;
  p: i32;
  intercept: f64;
  /** Whether the block's first column is the target. */
  target: i32;
  delimiter: u32;
  /** Where the text goes; 0 for none. */
  out: usize;
  /** Answer: where the text ends. */
  end: usize;
  // The sums of errors, as PredictionErrors has them (src/stats/metrics.ts).
  n: f64;
  sumW: f64;
  squares: f64;
  absolutes: f64;
  mean: f64;
  spread: f64;
}

/** A prediction for each row of a block. */
const predictions: usize = memory.data(8 * 128, 16);

/** Whether all of the predictions are finite: `x − x` is 0 then. */
function allFinite(rows: i32): bool {
  let sum: f64 = 0;
  for (let at = predictions, end = predictions + (<usize>rows << 3); at < end; at += 8) {
    const x = load<f64>(at);
    sum += x - x;
  }
  return sum == 0;
}

/** Adds the errors of rows of weight 1: `PredictionErrors.add`, operation by operation. */
function addErrors(s: RowPredictions, target: usize, rows: i32): void {
  let sumW = s.sumW;
  let squares = s.squares;
  let absolutes = s.absolutes;
  let mean = s.mean;
  let spread = s.spread;
  for (let i: usize = 0, end = <usize>rows << 3; i < end; i += 8) {
    const y = load<f64>(target + i);
    sumW += 1;
    const error = y - load<f64>(predictions + i);
    squares += error * error;
    absolutes += abs(error);
    const delta = y - mean;
    mean += delta / sumW;
    spread += delta * (y - mean);
  }
  s.n += <f64>rows;
  s.sumW = sumW;
  s.squares = squares;
  s.absolutes = absolutes;
  s.mean = mean;
  s.spread = spread;
}

/**
 * `parseRows`, but that blocks in which all is plain are predicted and written at once, and the next one parsed: up to `most` of
 * them. `taken` says how many rows were, `end` where their text ends; what is left in the block is the host's, one with a
 * prediction that is not finite too.
 */
export function predictRows(r: Request, s: RowPredictions): void {
  s.taken = 0;
  s.end = s.out;
  for (let left = s.most; ; ) {
    if (!parsePlain(r, s.known)) return;
    const rows = r.rows;
    const first = s.target ? r.block + COLUMN : r.block;
    gemvColumns(first, rows, s.p, s.theta, s.intercept, predictions);
    if (!allFinite(rows)) return;
    if (s.target) addErrors(s, r.block, rows);
    if (s.out) s.end = formatRows(predictions, rows, 1, COLUMN, 0, s.delimiter, s.end);
    s.taken += rows;
    r.rows = 0;
    if (r.status != FULL || --left == 0) return;
    r.firstRow = 0;
    r.from = r.next;
  }
}
