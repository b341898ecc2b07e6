import type { Vcov } from "../model/document-schema.js";

export type { Vcov };

/**
 * How the covariance of θ̂ is estimated: `iid` is σ²(XᵀX)⁻¹; `hc0` to `hc5` allow for errors of different variances
 * (see `discountPower`), `cluster` for errors that correlate within groups.
 */
export type VcovType = Vcov["type"];

/**
 * A covariance that is not the classical one: `meat` is M in Cov(θ̂) = R⁻¹ M R⁻ᵀ (see Whitening), a packed lower
 * triangle, the finite-sample factor included; `cluster`, or of several columns `ways`, says which rows belong together, in
 * `clusters` groups.
 */
export type RobustVcov = Exclude<Vcov, { type: "iid" }>;

/** The covariances of sums by cluster. */
export type ClusterType = Extract<VcovType, "cluster" | "cr0" | "cr2" | "cr3">;

/** Whether a covariance is made of sums by cluster. */
export function isClustered<Type extends VcovType>(type: Type): type is Extract<Type, ClusterType> {
  return type === "cluster" || type === "cr0" || type === "cr2" || type === "cr3";
}

const KERNEL_NAMES = { bartlett: "Bartlett", parzen: "Parzen", qs: "quadratic spectral" };

/** The name of a covariance of errors that correlate over time. */
function timeName({ type, kernel = "bartlett", bandwidth = 1, time, unit }: RobustVcov): string {
  const weights =
    kernel === "qs" ? `bandwidth ${Number(bandwidth.toPrecision(4))}` : `lag ${Math.ceil(bandwidth) - 1}`;
  const by = time === undefined ? "the rows' order" : `${time}${unit === undefined ? "" : ` in ${unit}`}`;
  const newey = type === "hac" && kernel === "bartlett";
  const name = newey
    ? "Newey–West"
    : type === "dk"
      ? `Driscoll–Kraay, ${KERNEL_NAMES[kernel]}`
      : KERNEL_NAMES[kernel];
  return `over time (${name}, ${weights}, by ${by}`;
}

/** The name of a covariance by drawing again, or by leaving out. */
function drawnName({ type, draw, draws, enumerated, cluster, clusters }: RobustVcov): string {
  const of = cluster === undefined ? "rows" : `${cluster}, ${clusters} groups`;
  if (type === "jackknife") return `jackknife of ${of}`;
  const kind = draw === "pairs" ? "bootstrap" : `wild bootstrap (${draw})`;
  return `${kind} of ${of}, ${enumerated ? "all " : ""}${draws} draws`;
}

/** The estimate's name as people write it: the one place that names a covariance. */
export function vcovName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  const ssc = Object.entries(vcov.ssc ?? {}).map(([name, value]) => `, ${name} = ${value}`);
  if (vcov.type === "hac" || vcov.type === "dk") return `${timeName(vcov)}${ssc.join("")})`;
  if (vcov.type === "bootstrap" || vcov.type === "jackknife") return drawnName(vcov);
  if (!isClustered(vcov.type)) return `robust (${vcov.type.toUpperCase()}${ssc.join("")})`;
  const ways = vcov.ways ?? [{ cluster: vcov.cluster, clusters: vcov.clusters }];
  const by = ways.map(({ cluster }) => cluster).join(" and ");
  const groups = ways.map(({ clusters }) => clusters).join(" and ");
  const kind = vcov.type === "cluster" ? "CR1" : vcov.type.toUpperCase();
  const df = vcov.shares === undefined ? "" : ", Satterthwaite";
  return `clustered by ${by}, ${groups} groups (${kind}${df}${ssc.join("")})`;
}

/** The same in as few words as a column of a table has room for: `iid`, `HC1`, `by firm`. */
export function vcovShortName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  return vcov.type === "cluster" ? `by ${vcov.cluster}` : vcov.type.toUpperCase();
}

/**
 * The degrees of freedom of t tests and intervals: n − rank, or, where errors correlate within G clusters, G − 1, for that
 * many sums the covariance is made of (Cameron & Miller 2015, section VI.D; as Stata, fixest and statsmodels); by several
 * columns, of that with the fewest. Where contrasts have their own (see `degreesOf`), these are those of intervals of
 * predictions.
 */
export function inferenceDf(vcov: Vcov, dfResidual: number): number {
  if (vcov.type === "iid" || vcov.clusters === undefined) return dfResidual;
  if (vcov.ssc?.["t.df"] === "conventional") return dfResidual;
  return Math.min(dfResidual, vcov.clusters - 1);
}

/** Below so many clusters their covariance says little, and what rests on it is too sure of itself. */
const ENOUGH_CLUSTERS = 30;

/** Remarks on few clusters, and on a covariance that had to be repaired. */
export function clusterNotes(vcov: Vcov): string[] {
  if (vcov.type === "iid") return [];
  const notes: string[] = [];
  if (
    vcov.clusters !== undefined &&
    vcov.clusters < ENOUGH_CLUSTERS &&
    (vcov.type === "cluster" || vcov.type === "cr0")
  )
    notes.push(
      `${vcov.clusters} clusters are few: their standard errors tend to be too small, though t and intervals have ` +
        `${vcov.clusters - 1} degrees of freedom (from some ${ENOUGH_CLUSTERS} clusters on that matters little)`,
    );
  if (vcov.repaired) notes.push("the covariance had negative eigenvalues, which were set to 0");
  if (vcov.failed !== undefined)
    notes.push(`${vcov.failed} of ${vcov.draws} draws do not tell all coefficients and were left out`);
  if (vcov.tests !== undefined)
    notes.push(
      `${vcov.clusters ?? "so many"} groups are too many to be kept in the model: it has p of the coefficients and their ` +
        `intervals of level ${vcov.level}`,
    );
  return notes;
}
