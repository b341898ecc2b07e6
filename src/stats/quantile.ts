/**
 * The quantiles of some numbers, which stay as they are: a function of p from 0 to 1, linear between order statistics,
 * as R's `quantile` has them by default (Hyndman & Fan 1996, type 7). NaN where there are no numbers.
 */
export function quantilesOf(values: ArrayLike<number>): (p: number) => number {
  const sorted = new Float64Array(values).sort();
  const last = sorted.length - 1;
  return (p) => {
    if (last < 0) return Number.NaN;
    const position = last * p;
    const below = Math.floor(position);
    const [a, b] = [sorted[below]!, sorted[Math.min(below + 1, last)]!];
    return a + (position - below) * (b - a);
  };
}

/** The median: the mean of the two middle ones where their number is even. */
export function median(values: ArrayLike<number>): number {
  return quantilesOf(values)(0.5);
}
