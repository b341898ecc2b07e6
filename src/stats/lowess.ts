import { quantilesOf } from "./quantile.js";

/** How `lowess` smooths. */
export interface LowessOptions {
  /** The share of the points that each local line is fitted to. Default: 2/3. */
  span?: number;
  /** How often points far from the smooth are given less weight, and it is fitted again. Default: 3. */
  iterations?: number;
}

/** Local lines are fitted at points this share of the range of x apart, and joined by straight ones. */
const APART = 0.01;

/** Points that lie from the fit by more than this share of six median residuals count for nothing, nearer than the other in full. */
const [FAR, NEAR] = [0.999, 0.001];

/**
 * Cleveland's robust locally weighted regression at each of n points, in order of x: R's `lowess(x, y, f, iter)`.
 *
 * At x_i a line is fitted to the nearest f·n points by weights (1 − (|x_j − x_i|/h)³)³, h being the distance of the
 * farthest; then again, each point's weight times (1 − (r_j/6 med|r|)²)² of its residual r_j.
 *
 * @param x ascending
 * @returns the smooth at each x
 * @see Cleveland 1979, "Robust locally weighted regression and smoothing scatterplots", JASA 74
 */
export function lowess(
  x: Float64Array,
  y: Float64Array,
  { span = 2 / 3, iterations = 3 }: LowessOptions = {},
): Float64Array {
  const n = x.length;
  const smooth = Float64Array.from(y);
  if (n < 2) return smooth;
  const window = Math.max(2, Math.min(n, Math.floor(span * n + 1e-7)));
  const step = APART * (x[n - 1]! - x[0]!);
  const line = new LocalLine(x, y);
  let robust: Float64Array | undefined;
  for (let round = 0; ; round++) {
    smoothOnce(line, smooth, { window, step, robust });
    if (round === iterations) return smooth;
    robust = robustWeights(y, smooth);
    if (robust === undefined) return smooth;
  }
}

/** Fits lines from the left to the right, at points `step` apart, and joins them. */
function smoothOnce(
  line: LocalLine,
  smooth: Float64Array,
  { window, step, robust }: { window: number; step: number; robust: Float64Array | undefined },
): void {
  const { x, y } = line;
  const n = x.length;
  let left = 0;
  let last = -1;
  let i = 0;
  while (last < n - 1) {
    while (left + window < n && x[i]! - x[left]! > x[left + window]! - x[i]!) left++;
    const right = left + window - 1;
    smooth[i] = line.at(x[i]!, left, Math.max(x[i]! - x[left]!, x[right]! - x[i]!), robust) ?? y[i]!;
    if (last >= 0 && last < i - 1) {
      const width = x[i]! - x[last]!;
      for (let j = last + 1; j < i; j++) {
        const share = (x[j]! - x[last]!) / width;
        smooth[j] = share * smooth[i]! + (1 - share) * smooth[last]!;
      }
    }
    last = i;
    const cut = x[last]! + step;
    for (i = last + 1; i < n && x[i]! <= cut; i++)
      if (x[i] === x[last]) {
        smooth[i] = smooth[last]!;
        last = i;
      }
    i = Math.max(last + 1, i - 1);
  }
}

/** What points count for by their residuals; undefined where nearly all of these are 0. */
function robustWeights(
  y: Float64Array,
  smooth: Float64Array,
  weights?: Float64Array,
): Float64Array | undefined {
  const sizes = y.map((value, j) => Math.abs(value - smooth[j]!));
  const total = weights?.reduce((sum, w) => sum + w, 0) ?? sizes.length;
  const mean = sizes.reduce((sum, size, j) => sum + size * (weights?.[j] ?? 1), 0) / total;
  const reach = 6 * (weights === undefined ? quantilesOf(sizes)(0.5) : weightedMedian(sizes, weights));
  if (reach < 1e-7 * mean || reach === 0) return undefined;
  return sizes.map((size) => {
    if (size <= NEAR * reach) return 1;
    return size <= FAR * reach ? (1 - (size / reach) ** 2) ** 2 : 0;
  });
}

function weightedMedian(values: Float64Array, weights: Float64Array): number {
  const order = Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);
  const half = weights.reduce((sum, w) => sum + w, 0) / 2;
  let sum = 0;
  for (const j of order) {
    sum += weights[j]!;
    if (sum >= half) return values[j]!;
  }
  return Number.NaN;
}

/**
 * The same of bins: x and y are the means of bins in order of x, and a bin counts as the rows in it. The nearest bins that
 * hold a share f of the rows give the line at each. What is far from the smooth is given less weight bin by bin, for rows
 * are not known any more.
 */
export function binnedLowess(
  x: Float64Array,
  y: Float64Array,
  rows: Float64Array,
  { span = 2 / 3, iterations = 3 }: LowessOptions = {},
): Float64Array {
  const n = x.length;
  const smooth = Float64Array.from(y);
  if (n < 3) return smooth;
  const line = new LocalLine(x, y, rows);
  const wanted = span * rows.reduce((sum, w) => sum + w, 0);
  const reaches = Array.from(x, (at, i) => {
    let [left, right, held] = [i, i, rows[i]!];
    while ((held < wanted || right - left < 2) && (left > 0 || right < n - 1)) {
      const goLeft = right === n - 1 || (left > 0 && at - x[left - 1]! <= x[right + 1]! - at);
      held += rows[goLeft ? --left : ++right]!;
    }
    return { left, reach: Math.max(at - x[left]!, x[right]! - at) };
  });
  let robust: Float64Array | undefined;
  for (let round = 0; ; round++) {
    reaches.forEach(({ left, reach }, i) => {
      smooth[i] = line.at(x[i]!, left, reach, robust) ?? y[i]!;
    });
    if (round === iterations) return smooth;
    robust = robustWeights(y, smooth, rows);
    if (robust === undefined) return smooth;
  }
}

/** Lines fitted to the points about a place. */
class LocalLine {
  readonly x: Float64Array;
  readonly y: Float64Array;
  readonly #given: Float64Array | undefined;
  readonly #weights: Float64Array;

  constructor(x: Float64Array, y: Float64Array, weights?: Float64Array) {
    this.x = x;
    this.y = y;
    this.#given = weights;
    this.#weights = new Float64Array(x.length);
  }

  /** The line's value at `place`, from the points within `reach`, of which the first is `left`; undefined where none counts. */
  at(place: number, left: number, reach: number, robust: Float64Array | undefined): number | undefined {
    const { x, y } = this;
    const n = x.length;
    const weights = this.#weights;
    let total = 0;
    let end = left;
    for (; end < n; end++) {
      const distance = Math.abs(x[end]! - place);
      weights[end] = 0;
      if (distance <= FAR * reach) {
        const share = distance / reach;
        const rest = 1 - share * share * share;
        const near = distance <= NEAR * reach ? 1 : rest * rest * rest;
        weights[end] = near * (robust?.[end] ?? 1) * (this.#given?.[end] ?? 1);
        total += weights[end]!;
      } else if (x[end]! > place) break;
    }
    if (!(total > 0)) return undefined;
    let centre = 0;
    let level = 0;
    for (let j = left; j < end; j++) {
      weights[j]! /= total;
      centre += weights[j]! * x[j]!;
      level += weights[j]! * y[j]!;
    }
    let square = 0;
    let product = 0;
    for (let j = left; j < end; j++) {
      const deviation = x[j]! - centre;
      square += weights[j]! * deviation * deviation;
      product += weights[j]! * deviation * y[j]!;
    }
    // Where the points lie at one place there is no slope to be had.
    if (!(reach > 0 && Math.sqrt(square) > 0.001 * (x[n - 1]! - x[0]!))) return level;
    return level + ((place - centre) * product) / square;
  }
}
