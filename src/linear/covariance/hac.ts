import { checkedTimesInOrder } from "../../dataset/times-in-order.js";
import { ModelError, UsageError } from "../../errors.js";
import { packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import type { ClusteredFit, ClusterSum } from "./clustered.js";
import { repaired } from "./positive-semidefinite.js";
import { type Ssc, smallSampleFactor } from "./small-sample.js";
import type { RobustVcov } from "./vcov.js";
import { inverseRoot, type Whitening } from "./whitening.js";

/** How the weights of lags fall: Bartlett's (Newey & West 1987), Parzen's, and the quadratic spectral (Andrews 1991). */
export type Kernel = "bartlett" | "parzen" | "qs";

/** Which covariance of errors that correlate over time. */
export interface HacSpec {
  /** `hac` within each series, `dk` of the sums of all rows of a time (Driscoll & Kraay 1998). */
  type: "hac" | "dk";
  kernel: Kernel;
  /** Lags before the weights are 0: bandwidth L + 1; undefined for that of Newey & West (1994). */
  lag: number | undefined;
  /** The column of time; undefined for the order of the rows. */
  time: string | undefined;
  /** The column of the series, where there are several. */
  unit: string | undefined;
  ssc: Ssc | undefined;
}

/** Weights below this, of kernels that have no end, are left out. */
const LEAST_WEIGHT = 1e-7;

/** The weight at x = lag/bandwidth. */
const KERNELS: Record<Kernel, (x: number) => number> = {
  bartlett: (x) => Math.max(0, 1 - x),
  parzen: (x) => (x > 1 ? 0 : x < 0.5 ? 1 - 6 * x * x + 6 * x ** 3 : 2 * (1 - x) ** 3),
  qs: (x) => {
    const y = (6 * Math.PI * x) / 5;
    // The series where sin and cos leave no digits.
    if (y < 0.01) return 1 - (y * y) / 10 + y ** 4 / 280;
    return (3 / (y * y)) * (Math.sin(y) / y - Math.cos(y));
  },
};

/**
 * The covariance of errors that correlate over time: M = c Σ_l k(|l|/B) Σ_t s_t s_{t−l}ᵀ, s_t = w e u, over pairs of the same
 * series for `hac` (Newey & West 1987; of a panel `plm::vcovNW`), over the sums of each time for `dk` (`plm::vcovSCC`).
 * A lag of 1 is the time before among all that occur. c is n/(n − K) for `hac`, as `sandwich::vcovHAC(adjust = TRUE)` and
 * Stata's newey have it, and (n − 1)/(n − K) · T/(T − 1) of T times for `dk`.
 *
 * @param sums what the rows of each time, or of each series and time, add up to: keys are [time], [unit, time] or [row]
 * @throws UsageError where a series has several rows at one time, and for texts that do not order them; ModelError for fewer than two times
 */
export function hacVcov(spec: HacSpec, sums: readonly ClusterSum[], fit: ClusteredFit): RobustVcov {
  const { rank } = fit.whitening;
  const found = hacMeat(spec, sums, { n: fit.n, size: rank, along: slopesTogether(fit.whitening) });
  const { meat, bandwidth, times } = found.scaled((clusters) =>
    smallSampleFactor(spec.ssc, { ...fit, clusters }),
  );
  return hacEstimate(spec, { meat, bandwidth, times }, fit.whitening);
}

/** The covariance of a meat over time, mended where it has negative variances. */
export function hacEstimate(
  { type, kernel, ssc, time, unit }: HacSpec,
  { meat, bandwidth, times }: HacMeat,
  whitening: Whitening,
): RobustVcov {
  const mended = repaired(meat, whitening);
  return {
    type,
    kernel,
    bandwidth,
    ...(time === undefined ? {} : { time }),
    ...(unit === undefined ? {} : { unit }),
    ...(type === "dk" ? { clusters: times } : {}),
    ...(ssc === undefined ? {} : { ssc }),
    ...(mended === undefined ? {} : { repaired: true }),
    meat: Array.from(mended ?? meat),
  };
}

/** What scores add up to over time. */
export interface HacMeat {
  /** Σ_l k(|l|/B) Σ_t s_t s_{t−l}ᵀ, packed. */
  meat: Float64Array;
  bandwidth: number;
  /** How many times there are. */
  times: number;
}

/**
 * The meat of `hacVcov`, of any scores.
 *
 * @param size of the scores
 * @param along what of them the bandwidth is chosen by
 * @returns what gives it times c, which is of n, for `dk` of the number of times
 * @throws as `hacVcov`
 */
export function hacMeat(
  spec: HacSpec,
  sums: readonly ClusterSum[],
  { n, size, along }: { n: number; size: number; along: Float64Array },
): { scaled(factorOf: (clusters: number) => number): HacMeat } {
  const { type, kernel, time, unit } = spec;
  if (type === "hac" && sums.length < n)
    throw new UsageError(
      unit === undefined
        ? `${time} has several rows of one value, which no series has`
        : `${unit} and ${time} have several rows of the same values, which no series has`,
      {
        hint:
          unit === undefined
            ? wording`name the column of the series with ${option("unit")}, or take ${option("vcov", "dk")}`
            : wording`${option("vcov", "dk")} sums up the rows of a time`,
      },
    );
  const times = checkedTimesInOrder(new Set(sums.map(({ keys }) => keys.at(-1)!)), time ?? "the rows");
  if (times.length < 2)
    throw new ModelError(`${time ?? "the rows"} have ${times.length} time, and lags need two`);
  const series = seriesOf(sums, times);
  const bandwidth =
    spec.lag === undefined ? automaticBandwidth(spec, series, times.length, along) : spec.lag + 1;
  const weight = (l: number) => KERNELS[kernel](l / bandwidth);
  let last = kernel === "qs" ? times.length - 1 : Math.min(times.length - 1, Math.ceil(bandwidth) - 1);
  while (last > 0 && Math.abs(weight(last)) <= LEAST_WEIGHT) last--;
  const weights = Float64Array.from({ length: last + 1 }, (_, l) => (l === 0 ? 0.5 : weight(l)));
  return {
    scaled(factorOf) {
      const factor = factorOf(type === "dk" ? times.length : n);
      const meat = new Float64Array(packedLength(size));
      const before = new Float64Array(size);
      for (const scores of series.values())
        for (let t = 0; t < times.length; t++) {
          const own = scores[t];
          if (own === undefined) continue;
          // Half of the own square and the lags before: with its transpose that is all.
          before.fill(0);
          for (let l = 0; l <= Math.min(last, t); l++) {
            const other = scores[t - l];
            if (other !== undefined) for (let i = 0; i < size; i++) before[i]! += weights[l]! * other[i]!;
          }
          for (let i = 0, at = 0; i < size; i++)
            for (let j = 0; j <= i; j++, at++)
              meat[at]! += factor * (own[i]! * before[j]! + before[i]! * own[j]!);
        }
      return { meat, bandwidth, times: times.length };
    },
  };
}

/** The scores of each series by place among the times. */
function seriesOf(
  sums: readonly ClusterSum[],
  times: readonly string[],
): Map<string, (Float64Array | undefined)[]> {
  const place = new Map(times.map((time, t) => [time, t]));
  const series = new Map<string, (Float64Array | undefined)[]>();
  for (const { keys, scores } of sums) {
    const name = keys.length > 1 ? keys[0]! : "";
    let own = series.get(name);
    if (own === undefined) {
      own = new Array<Float64Array | undefined>(times.length).fill(undefined);
      series.set(name, own);
    }
    own[place.get(keys.at(-1)!)!] = scores;
  }
  return series;
}

/** Newey & West's (1994) constants: the power of T in the lags looked at, that of the bandwidth, and its scale. */
const AUTOMATIC: Record<Kernel, { looked: number; derivative: 1 | 2; scale: number }> = {
  bartlett: { looked: 2 / 9, derivative: 1, scale: 1.1447 },
  parzen: { looked: 4 / 25, derivative: 2, scale: 2.6614 },
  qs: { looked: 2 / 25, derivative: 2, scale: 1.3221 },
};

/**
 * The bandwidth of Newey & West (1994) without prewhitening, from h_t, the sum of the scores of all columns but the
 * constant: with σ_j = Σ h_t h_{t−j}/T for j up to m = ⌊4 (T/100)^r⌋, s⁰ = Σ σ_j and s^q = Σ |j|^q σ_j over −m … m, it is
 * γ T^(1/(2q + 1)), γ = c (s^q/s⁰)^(2/(2q + 1)); Bartlett's lag is the whole part, as `sandwich::NeweyWest` has it. Of a
 * panel, σ_j is of all series.
 */
function automaticBandwidth(
  { kernel }: HacSpec,
  series: ReadonlyMap<string, readonly (Float64Array | undefined)[]>,
  T: number,
  along: Float64Array,
): number {
  const { looked, derivative, scale } = AUTOMATIC[kernel];
  const most = Math.min(T - 1, Math.floor(4 * (T / 100) ** looked));
  const sums = new Float64Array(most + 1);
  for (const scores of series.values()) {
    const h = scores.map((own) => own?.reduce((sum, value, i) => sum + along[i]! * value, 0) ?? 0);
    for (let j = 0; j <= most; j++) for (let t = j; t < T; t++) sums[j]! += h[t]! * h[t - j]!;
  }
  let zero = sums[0]!;
  let rest = 0;
  for (let j = 1; j <= most; j++) {
    zero += 2 * sums[j]!;
    rest += 2 * j ** derivative * sums[j]!;
  }
  const power = 1 / (2 * derivative + 1);
  const bandwidth = scale * ((rest / zero) ** 2) ** power * T ** power;
  // White noise by chance may have none.
  if (!Number.isFinite(bandwidth)) return 1;
  return kernel === "bartlett" ? Math.floor(bandwidth) + 1 : bandwidth;
}

/** a with Σ_j (Xᵀe)_j = aᵀ(Uᵀe) over the slopes, or the constant where it is alone: R⁻¹a = 1. */
function slopesTogether(whitening: Whitening): Float64Array {
  const { rank, constant } = whitening;
  const T = inverseRoot(whitening);
  const first = constant !== 0 && rank > 1 ? 1 : 0;
  const a = Float64Array.from({ length: rank }, (_, i) => (i < first ? 0 : 1));
  for (let i = rank - 1; i >= 0; i--) {
    for (let j = i + 1; j < rank; j++) a[i]! -= T[i * rank + j]! * a[j]!;
    a[i]! /= T[i * rank + i]!;
  }
  return a;
}
