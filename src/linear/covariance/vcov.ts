import { ModelError } from "../../errors.js";
import type { Vcov, WeightsKind } from "../model/document-schema.js";

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

/** Covariances whose short names are no abbreviations in capitals. */
const SHORT_NAMES: Partial<Record<VcovType, string>> = {
  cluster: "",
  hc4m: "HC4m",
  bootstrap: "bootstrap",
  jackknife: "jackknife",
};

/** The same in as few words as a column of a table has room for: `iid`, `HC1`, `by firm`, `CR2 by firm`. */
export function vcovShortName(vcov: Vcov): string {
  if (vcov.type === "iid") return "iid";
  const columns =
    vcov.ways?.map(({ cluster }) => cluster) ?? (vcov.cluster === undefined ? [] : [vcov.cluster]);
  const name = SHORT_NAMES[vcov.type] ?? vcov.type.toUpperCase();
  return [...(name === "" ? [] : [name]), ...(columns.length === 0 ? [] : [`by ${columns.join(", ")}`])].join(
    " ",
  );
}

/**
 * What the p of a wild bootstrap is below where no draw exceeds t, so that it is 0: 1/(B + 1) of B draws (Davidson &
 * MacKinnon 2000), 2/B where these are all ways of ±1, of which the fit itself and its mirror image are two.
 */
export function leastDrawnP({ draws, enumerated }: Pick<RobustVcov, "draws" | "enumerated">): number {
  return enumerated ? 2 / draws! : 1 / (draws! + 1);
}

/** A remark on tests that are not made by the draws of a wild bootstrap. */
export function notOfDrawsNotes(vcov: Vcov): string[] {
  if (vcov.type !== "bootstrap" || vcov.draw === "pairs") return [];
  return ["p and intervals are Wald's under CR1, not of the draws"];
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

/**
 * Throws ModelError where errors cannot be classical, and are not known otherwise: those of a fit with probability weights that
 * was made without its rows.
 */
export function checkErrors({
  weightsKind,
  vcov,
}: {
  readonly weightsKind: WeightsKind | undefined;
  readonly vcov: Vcov;
}): void {
  if (weightsKind !== "probability" || vcov.type !== "iid") return;
  throw new ModelError(
    "with probability weights errors are robust, which needs all rows at once: there are none",
    {
      hint: "train on the rows; shards have them by goml meat",
    },
  );
}

/** Below so many clusters their covariance says little, and what rests on it is too sure of itself. */
const ENOUGH_CLUSTERS = 30;

/** A bootstrap that cannot tell a p below this tells little. */
const USUAL_LEVEL = 0.05;

/** Remarks on few clusters, and on a covariance that had to be repaired. */
export function clusterNotes(vcov: Vcov): string[] {
  if (vcov.type === "iid") return [];
  const notes: string[] = [];
  if (
    vcov.clusters !== undefined &&
    vcov.clusters < ENOUGH_CLUSTERS &&
    (vcov.type === "cluster" || vcov.type === "cr0")
  ) {
    const degrees =
      vcov.shares !== undefined
        ? ", though t and intervals have Satterthwaite's degrees of freedom"
        : vcov.ssc?.["t.df"] === "conventional"
          ? ", and t and intervals have the degrees of freedom of the rows"
          : `, though t and intervals have ${vcov.clusters - 1} degrees of freedom`;
    notes.push(
      `${vcov.clusters} clusters are few: their standard errors tend to be too small${degrees} ` +
        `(from some ${ENOUGH_CLUSTERS} clusters on that matters little)`,
    );
  }
  if (vcov.alone !== undefined)
    notes.push(
      `${vcov.alone} of ${vcov.clusters} clusters alone tell a coefficient, which no fit without them has: ${vcov.type} takes a ` +
        "pseudo-inverse there, and such a coefficient's error says little (cr2 is defined for it)",
    );
  if (vcov.repaired) notes.push("the covariance had negative eigenvalues, which were set to 0");
  if (vcov.enumerated && leastDrawnP(vcov) > USUAL_LEVEL)
    notes.push(
      `±1 can be dealt out to ${vcov.clusters} groups in ${vcov.draws} ways, which tell no p below ${leastDrawnP(vcov)}: ` +
        "Webb's six values have more",
    );
  if (vcov.failed !== undefined)
    notes.push(`${vcov.failed} of ${vcov.draws} draws do not tell all coefficients and were left out`);
  if (vcov.tests !== undefined)
    notes.push(
      `${vcov.clusters ?? "so many"} groups are too many to be kept in the model: it has p of the coefficients and their ` +
        `intervals of level ${vcov.level}`,
    );
  return notes;
}
