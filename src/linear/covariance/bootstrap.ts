import { rowHash } from "../../dataset/row-hash.js";
import { ModelError } from "../../errors.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import { backSubstitute, cholesky, forwardSubstitute } from "../solve/cholesky.js";
import type { ClusteredFit, ClusterSum } from "./clustered.js";
import { smallSampleFactor } from "./small-sample.js";
import { leastDrawnP, type RobustVcov } from "./vcov.js";
import { allWays, WildBootstrap, type WildContrast, type WildWeights } from "./wild-bootstrap.js";

/** What a bootstrap draws: clusters (or rows) with replacement, or what their residuals are multiplied by. */
export type BootstrapDraw = "pairs" | WildWeights;

/** Which bootstrap. */
export interface BootstrapSpec {
  /** Undefined for ±1, or Webb's weights where ±1 can be dealt out in no more ways than there are draws. */
  draw?: BootstrapDraw | undefined;
  draws: number;
  seed: number;
  /** The column of the clusters; undefined for rows. */
  cluster: string | undefined;
  /** That of the intervals that are kept, where draws are not. */
  level: number;
}

/** Numbers of s and G that a model keeps, so that hypotheses can be bootstrapped from its file: 5 MB of it. */
const MOST_KEPT = 1 << 18;

/** A salt that neither folds nor signs have. */
const SALT = 3;

/** Pivots of a draw's Gram matrix below this: it does not tell all coefficients. */
const SINGULAR = 1e-10;

/**
 * The bootstrap from sums by cluster, or by row where each is one by itself; it costs per cluster and not per row.
 *
 * - `pairs`: clusters drawn with replacement, θ* − θ̂ = (Σ n_jG_j)⁻¹ Σ n_js_j; the covariance of θ* (`sandwich::vcovBS`
 *   with another generator). Draws that do not tell all coefficients are left out, and counted.
 * - wild: with the null hypothesis imposed, see {@link WildBootstrap}: p and intervals are those of the draws; standard errors
 *   are CR1's (HC1's of rows), by which the draws' t are formed.
 *
 * @param contrasts R⁻ᵀℓ of each coefficient, undefined of the aliased, and its estimate
 * @throws ModelError for fewer than two clusters, and where fewer than half of the draws tell all coefficients
 */
export function bootstrapVcov(
  spec: BootstrapSpec,
  given: readonly ClusterSum[],
  fit: ClusteredFit,
  coefficients: readonly CoefficientContrast[],
): RobustVcov {
  const { draws, seed, cluster, level } = spec;
  // So few ways tell p in coarse steps, and intervals from them cover too little (Webb 2023; docs/covariances.md has figures).
  const draw = spec.draw ?? (allWays(given.length, draws) ? "webb" : "rademacher");
  if (given.length < 2)
    throw new ModelError(`${cluster ?? "the fit"} has ${given.length} group to draw from, and needs two`);
  // The order of names, so that threads do not show.
  const sums = given
    .map((sum) => ({ sum, name: JSON.stringify(sum.keys) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ sum }) => sum);
  const rank = sums[0]!.scores.length;
  const about = {
    type: "bootstrap" as const,
    draw,
    draws,
    seed,
    ...(cluster === undefined ? {} : { cluster, clusters: sums.length }),
  };
  if (draw === "pairs") {
    const { meat, failed } = pairsMeat(sums, rank, draws, seed);
    return { ...about, ...(failed === 0 ? {} : { failed }), meat: Array.from(meat) };
  }
  const factor = smallSampleFactor(undefined, { ...fit, clusters: sums.length });
  const meat = new Float64Array(packedLength(rank));
  for (const { scores } of sums)
    for (let i = 0, at = 0; i < rank; i++)
      for (let j = 0; j <= i; j++, at++) meat[at]! += factor * scores[i]! * scores[j]!;
  const wild = new WildBootstrap(sums, { weights: draw, draws, seed });
  const whole = { ...about, draws: wild.draws, ...(wild.enumerated ? { enumerated: true } : {}) };
  if (sums.length * (rank + packedLength(rank)) <= MOST_KEPT)
    return {
      ...whole,
      scores: joined(
        sums.map(({ scores }) => scores),
        rank,
      ),
      shares: joined(
        sums.map(({ gram }) => gram!),
        packedLength(rank),
      ),
      meat: Array.from(meat),
    };
  const tests = coefficients.map(({ estimate, whitened }) => {
    if (whitened === undefined) return { p: null, lower: null, upper: null };
    const own = wild.contrast(whitened);
    const { lower, upper } = own.interval(estimate, errorOf(meat, whitened), level);
    return { p: own.p(estimate), lower: finite(lower), upper: finite(upper) };
  });
  return { ...whole, level, tests, meat: Array.from(meat) };
}

/** Lists of one length, one after the other. */
function joined(lists: readonly Float64Array[], length: number): number[] {
  const all = new Array<number>(lists.length * length);
  for (const [c, list] of lists.entries()) for (let i = 0; i < length; i++) all[c * length + i] = list[i]!;
  return all;
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** √(vᵀMv). */
function errorOf(meat: ArrayLike<number>, v: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < v.length; i++)
    for (let j = 0; j < v.length; j++) sum += meat[packedIndex(i, j)]! * v[i]! * v[j]!;
  return Math.sqrt(sum);
}

/** The covariance of θ* in whitened coordinates, and how many draws did not tell all coefficients. */
function pairsMeat(sums: readonly ClusterSum[], rank: number, draws: number, seed: number) {
  const G = sums.length;
  const length = packedLength(rank);
  const counts = new Int32Array(G);
  const gram = new Float64Array(length);
  const found: Float64Array[] = [];
  for (let b = 0; b < draws; b++) {
    counts.fill(0);
    for (let k = 0; k < G; k++) counts[pickOf(b, k, seed, G)]!++;
    gram.fill(0);
    const off = new Float64Array(rank);
    for (let c = 0; c < G; c++) {
      const times = counts[c]!;
      if (times === 0) continue;
      const { scores, gram: own } = sums[c]!;
      for (let i = 0; i < rank; i++) off[i]! += times * scores[i]!;
      for (let i = 0; i < length; i++) gram[i]! += times * own![i]!;
    }
    const { kept, lower } = cholesky(gram, rank, SINGULAR);
    if (kept.length < rank) continue;
    forwardSubstitute(lower, rank, off);
    backSubstitute(lower, rank, off);
    found.push(off);
  }
  // Those that do are then much alike, as each cluster once, and vary less than the estimates.
  if (found.length < Math.max(2, draws / 2))
    throw new ModelError(
      `${draws - found.length} of ${draws} draws of ${G} groups do not tell all coefficients: those that do are no sample`,
      { hint: wording`a wild bootstrap keeps all groups: ${option("draw", "webb")}` },
    );
  const mean = new Float64Array(rank);
  for (const off of found) for (let i = 0; i < rank; i++) mean[i]! += off[i]! / found.length;
  const meat = new Float64Array(length);
  for (const off of found)
    for (let i = 0, at = 0; i < rank; i++)
      for (let j = 0; j <= i; j++, at++)
        meat[at]! += ((off[i]! - mean[i]!) * (off[j]! - mean[j]!)) / (found.length - 1);
  return { meat, failed: draws - found.length };
}

/** Which of G clusters, in the order of their names, is the k-th of a draw. */
export function pickOf(draw: number, k: number, seed: number, G: number): number {
  return Math.floor((rowHash(draw * 0x1000000 + k, seed, SALT) / 2 ** 32) * G);
}

const wilds = new WeakMap<RobustVcov, WildBootstrap>();

/** The wild bootstrap of a covariance, from what its model keeps; undefined where it is none, or nothing is kept. */
export function wildOf(vcov: RobustVcov | { type: "iid" }): WildBootstrap | undefined {
  if (vcov.type !== "bootstrap" || vcov.scores === undefined || vcov.shares === undefined) return undefined;
  let wild = wilds.get(vcov);
  if (wild === undefined) {
    const { scores, shares, meat, draw, draws = 0, seed = 1 } = vcov;
    const length = meat.length;
    const rank = (Math.sqrt(8 * length + 1) - 1) / 2;
    const sums = Array.from({ length: shares.length / length }, (_, c) => ({
      keys: [],
      scores: Float64Array.from(scores.slice(c * rank, (c + 1) * rank)),
      gram: Float64Array.from(shares.slice(c * length, (c + 1) * length)),
    }));
    wild = new WildBootstrap(sums, { weights: draw as WildWeights, draws, seed });
    wilds.set(vcov, wild);
  }
  return wild;
}

/** What a bootstrap says of ℓᵀθ = value. */
export interface BootstrapTest {
  p: number;
  /** Where p is 0, as no draw exceeds t: what it is below. */
  pBelow?: number;
  lower: number;
  upper: number;
}

/** The test of ℓᵀθ = value by the draws of one contrast. @param stdError that of CR1 */
export function bootstrapTest(
  vcov: RobustVcov,
  own: WildContrast,
  { estimate, value, stdError, level }: Record<"estimate" | "value" | "stdError" | "level", number>,
): BootstrapTest {
  return { ...drawnP(vcov, own.p(estimate - value)), ...own.interval(estimate, stdError, level) };
}

function drawnP(vcov: RobustVcov, p: number): Pick<BootstrapTest, "p" | "pBelow"> {
  return p === 0 ? { p, pBelow: leastDrawnP(vcov) } : { p };
}

/** A coefficient as a contrast: R⁻ᵀℓ, undefined of an aliased one. */
interface CoefficientContrast {
  estimate: number;
  whitened: Float64Array | undefined;
}

/** What the draws say of the coefficients: from what the model keeps, or as it was found in training at that level. */
export function coefficientTests(
  { vcov, standardErrors }: { vcov: RobustVcov | { type: "iid" }; standardErrors: Float64Array },
  contrasts: () => readonly CoefficientContrast[],
  level: number,
): BootstrapTest[] | undefined {
  if (vcov.type !== "bootstrap" || vcov.draw === "pairs") return undefined;
  const wild = wildOf(vcov);
  const none = { p: Number.NaN, lower: Number.NaN, upper: Number.NaN };
  if (wild !== undefined)
    return contrasts().map(({ estimate, whitened }, i) =>
      whitened === undefined
        ? none
        : bootstrapTest(vcov, wild.contrast(whitened), {
            estimate,
            value: 0,
            stdError: standardErrors[i]!,
            level,
          }),
    );
  const same = vcov.level === level;
  return vcov.tests?.map(({ p, lower, upper }) => {
    if (p === null) return none;
    if (!same) return { ...none, ...drawnP(vcov, p) };
    return {
      ...drawnP(vcov, p),
      lower: lower ?? Number.NEGATIVE_INFINITY,
      upper: upper ?? Number.POSITIVE_INFINITY,
    };
  });
}
