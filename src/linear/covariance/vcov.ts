import type { Vcov } from "../model/document-schema.js";

export type { Vcov };

/**
 * How the covariance of θ̂ is estimated: `iid` is σ²(XᵀX)⁻¹; `hc0` to `hc5` allow for errors of different variances
 * (see `discountPower`), `cluster` for errors that correlate within groups.
 */
export type VcovType = Vcov["type"];

/**
 * A covariance that is not the classical one: `meat` is M in Cov(θ̂) = R⁻¹ M R⁻ᵀ (see Whitening), a packed lower
 * triangle, the finite-sample factor included; `cluster` says which rows belong together, in `clusters` groups.
 */
export type RobustVcov = Exclude<Vcov, { type: "iid" }>;

/** The estimate's name as people write it. */
export function vcovName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  return vcov.type === "cluster"
    ? `clustered by ${vcov.cluster}, ${vcov.clusters} groups (CR1)`
    : `robust (${vcov.type.toUpperCase()})`;
}

/** The same in as few words as a column of a table has room for: `iid`, `HC1`, `by firm`. */
export function vcovShortName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  return vcov.type === "cluster" ? `by ${vcov.cluster}` : vcov.type.toUpperCase();
}

/**
 * The degrees of freedom of t tests and intervals: n − rank, or, where errors correlate within G clusters, G − 1, for that
 * many sums the covariance is made of (Cameron & Miller 2015, section VI.D; as Stata, fixest and statsmodels).
 */
export function inferenceDf(vcov: Vcov, dfResidual: number): number {
  if (vcov.type !== "cluster" || vcov.clusters === undefined) return dfResidual;
  return Math.min(dfResidual, vcov.clusters - 1);
}

/** Below so many clusters their covariance says little, and what rests on it is too sure of itself. */
const ENOUGH_CLUSTERS = 30;

/** A remark on few clusters. */
export function clusterNotes(vcov: Vcov): string[] {
  if (vcov.type !== "cluster" || vcov.clusters === undefined || vcov.clusters >= ENOUGH_CLUSTERS) return [];
  return [
    `${vcov.clusters} clusters are few: their standard errors tend to be too small, though t and intervals have ` +
      `${vcov.clusters - 1} degrees of freedom (from some ${ENOUGH_CLUSTERS} clusters on that matters little)`,
  ];
}
