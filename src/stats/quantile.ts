import { ended } from "./pauses.js";

/**
 * The quantiles of some numbers, which stay as they are: a function of p from 0 to 1, linear between order statistics,
 * as R's `quantile` has them by default (Hyndman & Fan 1996, type 7). NaN where there are no numbers.
 */
export function quantilesOf(values: ArrayLike<number>): (p: number) => number {
  return ended(quantilesSteps(values));
}

/** `quantilesOf` with pauses: ten million numbers take a second to sort. */
export function* quantilesSteps(
  values: ArrayLike<number>,
): Generator<undefined, (p: number) => number, void> {
  const sorted = yield* sortedSteps(values);
  const last = sorted.length - 1;
  return (p) => {
    if (last < 0) return Number.NaN;
    const position = last * p;
    const below = Math.floor(position);
    const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, last)]!];
    return a + (position - below) * (b - a);
  };
}

/** Numbers that are sorted, or merged, between two pauses. */
const STRETCH = 1 << 18;

/** The numbers in order: sorted piece by piece, and the pieces merged. */
function* sortedSteps(values: ArrayLike<number>): Generator<undefined, Float64Array, void> {
  let from = new Float64Array(values);
  const n = from.length;
  for (let at = 0; at < n; at += STRETCH) {
    if (at > 0) yield;
    from.subarray(at, at + STRETCH).sort();
  }
  if (n <= STRETCH) return from;
  let to = new Float64Array(n);
  for (let width = STRETCH; width < n; width *= 2) {
    for (let start = 0; start < n; start += 2 * width) {
      const [middle, end] = [Math.min(n, start + width), Math.min(n, start + 2 * width)];
      let [a, b] = [start, middle];
      for (let at = start; at < end; at++) {
        if (at % STRETCH === STRETCH - 1) yield;
        // NaN stands last, as it does where typed arrays are sorted.
        const first = b >= end || (a < middle && (from[a]! <= from[b]! || Number.isNaN(from[b]!)));
        to[at] = first ? from[a++]! : from[b++]!;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}

/** The median: the mean of the two middle ones where their number is even. */
export function median(values: ArrayLike<number>): number {
  return quantilesOf(values)(0.5);
}
