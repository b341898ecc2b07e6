/**
 * Scores |y − ŷ| of calibration rows, sorted, of which every `run`-th is kept from the largest down: each stands for itself
 * and the run − 1 below it, so that order statistics are never too small.
 */
export interface ScoreList {
  /** Ascending. */
  readonly values: Float64Array;
  /** How many rows they stand for. */
  readonly count: number;
  readonly run: number;
}

/** Keeps of sorted scores every `run`-th, the largest among them. */
export function thinned(sorted: Float64Array, run: number): ScoreList {
  const count = sorted.length;
  const kept = Math.ceil(count / run);
  return {
    values: Float64Array.from({ length: kept }, (_, i) => sorted[count - 1 - (kept - 1 - i) * run]!),
    count,
    run,
  };
}

/** How many rows' scores the first `kept` of a list stand for. */
function rowsOf({ values, count, run }: ScoreList, kept: number): number {
  return kept === 0 ? 0 : count - run * (values.length - kept);
}

/** The number of scores with shift + score ≤ value, as the sums are rounded. */
function countTo({ values }: ScoreList, shift: number, value: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (shift + values[middle]! <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Halvings before the last candidates are walked through one by one. */
const HALVINGS = 60;

/**
 * The k-th smallest of all shift_f + score, over lists of scores with a shift each; Infinity where there are fewer.
 *
 * @param shifts one for each list
 */
export function shiftedOrderStatistic(
  lists: readonly ScoreList[],
  shifts: ArrayLike<number>,
  k: number,
): number {
  let [low, high, rows] = [Infinity, -Infinity, 0];
  lists.forEach((list, f) => {
    if (list.values.length === 0) return;
    low = Math.min(low, shifts[f]! + list.values[0]!);
    high = Math.max(high, shifts[f]! + list.values.at(-1)!);
    rows += list.count;
  });
  if (k > rows) return Infinity;
  const reached = (value: number) => {
    let sum = 0;
    for (let f = 0; f < lists.length; f++) sum += rowsOf(lists[f]!, countTo(lists[f]!, shifts[f]!, value));
    return sum >= k;
  };
  if (reached(low)) return low;
  // Below k rows at low, k or more at high.
  for (let i = 0; i < HALVINGS; i++) {
    const middle = low + (high - low) / 2;
    if (!(middle > low && middle < high)) break;
    if (reached(middle)) high = middle;
    else low = middle;
  }
  for (;;) {
    let next = Infinity;
    for (let f = 0; f < lists.length; f++) {
      const at = countTo(lists[f]!, shifts[f]!, low);
      if (at < lists[f]!.values.length) next = Math.min(next, shifts[f]! + lists[f]!.values[at]!);
    }
    if (reached(next)) return next;
    low = next;
  }
}
