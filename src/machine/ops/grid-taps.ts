/** How grids of places are read; see `GridSample`. */
export interface GridSampleAttributes {
  readonly mode: "bilinear" | "nearest" | "bicubic";
  readonly padding: "zeros" | "border" | "reflection";
  /** Whether −1 and 1 are the middles of the outermost elements, not their outer edges. */
  readonly alignCorners: boolean;
}

/** What a place along one axis is made of: up to four elements, −1 for one outside, by weights. */
export interface Taps {
  count: number;
  readonly index: Int32Array;
  readonly weight: Float64Array;
  /** The derivatives of the weights with respect to the place. */
  readonly slope: Float64Array;
}

export const newTaps = (): Taps => ({
  count: 0,
  index: new Int32Array(4),
  weight: new Float64Array(4),
  slope: new Float64Array(4),
});

/** The two elements around a place, counted in elements; those outside are 0. */
export function linearTaps(taps: Taps, place: number, length: number): void {
  const low = Math.floor(place);
  const t = place - low;
  taps.count = 2;
  for (let i = 0; i < 2; i++) {
    const at = low + i;
    taps.index[i] = at >= 0 && at < length ? at : -1;
    taps.weight[i] = i === 0 ? 1 - t : t;
    taps.slope[i] = i === 0 ? -1 : 1;
  }
}

/** The elements that a number of a grid, −1 to 1 within x, stands for. */
export function gridTaps(taps: Taps, at: number, length: number, attributes: GridSampleAttributes): void {
  const { mode, padding, alignCorners } = attributes;
  let place = alignCorners ? ((at + 1) / 2) * (length - 1) : ((at + 1) * length - 1) / 2;
  let slope = alignCorners ? (length - 1) / 2 : length / 2;
  if (padding === "border") {
    const held = Math.max(0, Math.min(length - 1, place));
    if (held !== place) slope = 0;
    place = held;
  } else if (padding === "reflection") {
    if (isTurned(place, length, alignCorners)) slope = -slope;
    place = reflectedAt(place, length, alignCorners);
  }
  if (mode === "nearest") {
    taps.count = 1;
    taps.index[0] = inside(evenRound(place), length, attributes);
    taps.weight[0] = 1;
    taps.slope[0] = 0;
    return;
  }
  const low = Math.floor(place);
  const t = place - low;
  const [weights, slopes] = mode === "bilinear" ? [linear(t), LINEAR_SLOPES] : [cubic(t), cubicSlopes(t)];
  const lead = mode === "bilinear" ? 0 : 1;
  taps.count = weights.length;
  for (let i = 0; i < weights.length; i++) {
    taps.index[i] = inside(low - lead + i, length, attributes);
    taps.weight[i] = weights[i]!;
    taps.slope[i] = slope * slopes[i]!;
  }
}

/**
 * All elements around a place of several axes: their offsets, −1 outside, and the products of their weights, the
 * slopes' in the place of the weights along axis `sloped`.
 *
 * @returns how many there are
 */
export function spread(
  taps: readonly Taps[],
  strides: readonly number[],
  offsets: Int32Array,
  weights: Float64Array,
  sloped = -1,
): number {
  let count = 1;
  offsets[0] = 0;
  weights[0] = 1;
  for (const [axis, { count: own, index, weight, slope }] of taps.entries()) {
    const factor = axis === sloped ? slope : weight;
    for (let i = count - 1; i >= 0; i--) {
      const [base, product] = [offsets[i]!, weights[i]!];
      for (let j = own - 1; j >= 0; j--) {
        const at = index[j]!;
        offsets[i * own + j] = base < 0 || at < 0 ? -1 : base + at * strides[axis]!;
        weights[i * own + j] = product * factor[j]!;
      }
    }
    count *= own;
  }
  return count;
}

function inside(at: number, length: number, { padding, alignCorners }: GridSampleAttributes): number {
  if (padding === "zeros") return at >= 0 && at < length ? at : -1;
  if (padding === "border") return Math.max(0, Math.min(length - 1, at));
  return Math.max(0, Math.min(length - 1, Math.round(reflectedAt(at, length, alignCorners))));
}

const A = -0.75;
const near = (x: number) => ((A + 2) * x - (A + 3)) * x * x + 1;
const far = (x: number) => ((A * x - 5 * A) * x + 8 * A) * x - 4 * A;
const nearSlope = (x: number) => (3 * (A + 2) * x - 2 * (A + 3)) * x;
const farSlope = (x: number) => (3 * A * x - 10 * A) * x + 8 * A;

const LINEAR_SLOPES = [-1, 1];
const linear = (t: number) => [1 - t, t];
/** Keys' cubic convolution (1981) with a = −0.75. */
const cubic = (t: number) => [far(t + 1), near(t), near(1 - t), far(2 - t)];
const cubicSlopes = (t: number) => [farSlope(t + 1), nearSlope(t), -nearSlope(1 - t), -farSlope(2 - t)];

function evenRound(x: number): number {
  const floor = Math.floor(x);
  if (x - floor !== 0.5) return Math.round(x);
  return floor % 2 === 0 ? floor : floor + 1;
}

/** The ends at which places are reflected. */
const endsOf = (length: number, alignCorners: boolean) =>
  alignCorners ? [0, length - 1] : [-0.5, length - 0.5];

function reflectedAt(at: number, length: number, alignCorners: boolean): number {
  const [low, high] = endsOf(length, alignCorners) as [number, number];
  const range = high - low;
  if (range === 0) return 0;
  const distance = Math.abs(at - low) % (2 * range);
  return low + (distance > range ? 2 * range - distance : distance);
}

/** Whether a place moves backwards, reflected, as it moves forwards. */
function isTurned(at: number, length: number, alignCorners: boolean): boolean {
  const [low, high] = endsOf(length, alignCorners) as [number, number];
  const range = high - low;
  return range > 0 && Math.abs(at - low) % (2 * range) > range !== at < low;
}
