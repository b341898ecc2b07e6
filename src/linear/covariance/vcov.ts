import type { Vcov } from "../model/document-schema.js";

export type { Vcov };

/**
 * How the covariance of θ̂ is estimated: `iid` is σ²(XᵀX)⁻¹; `hc0` to `hc3` allow for errors of different variances
 * (MacKinnon & White 1985), `cluster` for errors that correlate within groups.
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
