import { ModelError } from "../../errors.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { option, wording } from "../../wording.js";
import { type AdjustedType, adjustedScores } from "./cluster-adjustment.js";
import { repaired } from "./positive-semidefinite.js";
import { type SampleSize, type Ssc, smallSampleFactor } from "./small-sample.js";
import type { RobustVcov } from "./vcov.js";
import type { Whitening } from "./whitening.js";

/** What the rows of a cluster add up to; of clusters by several columns, those that have the same value in each. */
export interface ClusterSum {
  /** The value in each column. */
  keys: readonly string[];
  /** s = Σ w e u, in whitened coordinates. */
  scores: Float64Array;
  /** G = Σ w uuᵀ, packed, where the covariance needs it. */
  gram?: Float64Array | undefined;
}

/** Which clustered covariance. */
export interface ClusterSpec {
  type: AdjustedType;
  /** The columns that say which rows belong together. */
  columns: readonly string[];
  ssc?: Ssc | undefined;
  df?: ClusterDf | undefined;
}

/** Degrees of freedom of t and F: Satterthwaite's, or G − 1. */
export type ClusterDf = "satterthwaite" | "clusters";

/** What the finite-sample factors depend on: K as `fixef.K` counts. */
export interface ClusteredFit {
  n: number;
  parameters: number;
  whitening: Whitening;
}

/** Numbers of G that a model keeps for Satterthwaite's degrees of freedom: 5 MB of its file. */
const MOST_SHARES = 1 << 18;

/** Whether a covariance needs G of its clusters besides their scores. */
export function needsGrams({ type, df = ofDefault(type) }: Pick<ClusterSpec, "type" | "df">): boolean {
  return isAdjusted(type) || df === "satterthwaite";
}

/** Whether the residuals of clusters are adjusted. */
function isAdjusted(type: AdjustedType): boolean {
  return type === "cr2" || type === "cr3" || type === "jackknife";
}

function ofDefault(type: AdjustedType): ClusterDf {
  return type === "cr2" || type === "cr3" ? "satterthwaite" : "clusters";
}

/**
 * The covariance of sums of scores by cluster, M = c Σ s̃ s̃ᵀ, s̃ = UᵀA e with A = f(I − H) of the cluster:
 *
 * - cr0: s̃ = s, c = 1 (Liang & Zeger 1986); cluster (CR1): c = G/(G − 1) · (n − 1)/(n − K), as `sandwich::vcovCL` for
 *   `lm`, Stata and fixest;
 * - cr2: A = (I − H)^−½, cr3: A = (I − H)⁻¹, of the cluster's rows (Bell & McCaffrey 2002; `clubSandwich::vcovCR`). Of a
 *   weighted fit as for errors of variance σ²/w.
 *
 * jackknife: c = (G − 1)/G and A as of cr3, which is Σ (θ̂_(g) − θ̂)² of the fits without one cluster (Efron 1982; CV3 of
 * MacKinnon, Nielsen & Webb 2023).
 *
 * By several columns: Σ over their subsets of ∓ the covariance by the columns of the subset together (Cameron, Gelbach &
 * Miller 2011). What of it is negative is set to 0, in the eigenvalues of Cov(θ̂), and said (`repaired`).
 *
 * @throws ModelError for fewer than two clusters in a column, for cr2 and cr3 by several columns, and where Satterthwaite's
 * degrees of freedom are asked for of more clusters than a model keeps
 */
export function clusteredVcov(spec: ClusterSpec, sums: readonly ClusterSum[], fit: ClusteredFit): RobustVcov {
  const { type, columns, ssc, df } = spec;
  const ways = columns.map((cluster, c) => ({
    cluster,
    clusters: new Set(sums.map(({ keys }) => keys[c])).size,
  }));
  const few = ways.find(({ clusters }) => clusters < 2);
  if (few !== undefined)
    throw new ModelError(
      `${few.cluster} has ${few.clusters} value in the rows of the fit, which makes one group`,
      { hint: "a clustered covariance needs two groups, and means something from some forty on" },
    );
  if (columns.length > 1 && needsGrams(spec))
    throw new ModelError(`clusters by ${columns.length} columns have no ${type === "cluster" ? df : type}`, {
      hint: wording`use ${option("vcov", "cluster")}, with G − 1 degrees of freedom`,
    });
  const least = Math.min(...ways.map(({ clusters }) => clusters));
  const rank = sums[0]!.scores.length;
  const meat = new Float64Array(packedLength(rank));
  let alone = 0;
  for (let subset = 1; subset < 1 << columns.length; subset++) {
    const own = columns.map((_, c) => c).filter((c) => (subset >> c) & 1);
    const merged = own.length === columns.length ? sums : mergedBy(sums, own);
    const clusters = ssc?.["cluster.df"] === "conventional" ? merged.length : least;
    const factor = factorOf(type, ssc, { ...fit, clusters });
    const sign = own.length % 2 === 1 ? 1 : -1;
    for (const { scores, gram } of merged) {
      const adjusted = isAdjusted(type) ? adjustedScores(type, scores, gram!) : undefined;
      if (adjusted?.alone) alone++;
      const s = adjusted?.scores ?? scores;
      for (let i = 0, at = 0; i < rank; i++)
        for (let j = 0; j <= i; j++, at++) meat[at]! += sign * factor * s[i]! * s[j]!;
    }
  }
  const mended = columns.length > 1 ? repaired(meat, fit.whitening) : undefined;
  return {
    type,
    ...(columns.length === 1 ? { cluster: columns[0]! } : { ways }),
    clusters: least,
    ...(ssc === undefined ? {} : { ssc }),
    ...(mended === undefined ? {} : { repaired: true }),
    // (I − H)^−½ of cr2 is a pseudo-inverse by its definition (Pustejovsky & Tipton 2018).
    ...(alone > 0 && type !== "cr2" ? { alone } : {}),
    ...sharesOf(spec, sums),
    meat: Array.from(mended ?? meat),
  };
}

function factorOf(type: AdjustedType, ssc: Ssc | undefined, size: SampleSize): number {
  if (type === "cluster") return smallSampleFactor(ssc, size);
  return type === "jackknife" ? (size.clusters - 1) / size.clusters : 1;
}

/** The sums of clusters by some of the columns. */
function mergedBy(sums: readonly ClusterSum[], columns: readonly number[]): ClusterSum[] {
  const merged = new Map<string, ClusterSum>();
  for (const { keys, scores } of sums) {
    const own = columns.map((c) => keys[c]!);
    const key = JSON.stringify(own);
    const there = merged.get(key);
    if (there === undefined) merged.set(key, { keys: own, scores: scores.slice() });
    else for (let i = 0; i < scores.length; i++) there.scores[i]! += scores[i]!;
  }
  return [...merged.values()];
}

/** The G of all clusters, for Satterthwaite's degrees of freedom. */
function sharesOf({ type, df }: ClusterSpec, sums: readonly ClusterSum[]): { shares?: number[] } {
  if ((df ?? ofDefault(type)) !== "satterthwaite") return {};
  const length = packedLength(sums[0]!.scores.length);
  if (length * sums.length > MOST_SHARES) {
    if (df === undefined) return {};
    throw new ModelError(
      `${sums.length} clusters of ${sums[0]!.scores.length} coefficients are too many for Satterthwaite's degrees of freedom`,
      { hint: wording`use ${option("df", "clusters")}: of so many clusters, G − 1 differ little` },
    );
  }
  const shares = new Array<number>(length * sums.length);
  sums.forEach(({ gram }, c) => {
    for (let i = 0; i < length; i++) shares[c * length + i] = gram![i]!;
  });
  return { shares };
}

/** Where an entry of G lies in what is summed by cluster: s first, then G. */
export function splitSum(keys: readonly string[], values: Float64Array, rank: number): ClusterSum {
  const gram = values.length > rank ? values.subarray(rank) : undefined;
  return { keys, scores: values.subarray(0, rank), gram };
}

/** Adds a row's w uuᵀ to a packed G. */
export function addGram(gram: Float64Array, weight: number, at: (i: number) => number, rank: number): void {
  for (let i = 0; i < rank; i++) {
    const own = weight * at(i);
    for (let j = 0; j <= i; j++) gram[packedIndex(i, j)]! += own * at(j);
  }
}
