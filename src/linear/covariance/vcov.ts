/**
 * How the covariance of θ̂ is estimated: `iid` is σ²(XᵀX)⁻¹; `hc0` to `hc3` allow for errors of different variances
 * (MacKinnon & White 1985), `cluster` for errors that correlate within groups.
 */
export type VcovType = "iid" | "hc0" | "hc1" | "hc2" | "hc3" | "cluster";

/** A covariance that is not the classical one. */
export interface RobustVcov {
  type: Exclude<VcovType, "iid">;
  /** What says which rows belong together, and how many groups there are. */
  cluster?: string;
  clusters?: number;
  /**
   * The covariance in whitened coordinates (see Whitening), packed lower triangle, the finite-sample factor included:
   * Cov(θ̂) = R⁻¹ M R⁻ᵀ.
   */
  meat: readonly number[];
}

/** The covariance's estimate. */
export type Vcov = { type: "iid" } | RobustVcov;

/** The estimate's name as people write it. */
export function vcovName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  return vcov.type === "cluster"
    ? `clustered by ${vcov.cluster}, ${vcov.clusters} groups (CR1)`
    : `robust (${vcov.type.toUpperCase()})`;
}
