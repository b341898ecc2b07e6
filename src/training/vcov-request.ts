import type { Table } from "../csv/table.js";
import { UsageError } from "../errors.js";
import type { BootstrapDraw, BootstrapSpec } from "../linear/covariance/bootstrap.js";
import type { ClusterDf } from "../linear/covariance/clustered.js";
import type { HacSpec, Kernel } from "../linear/covariance/hac.js";
import { type Ssc, sscToKeep } from "../linear/covariance/small-sample.js";
import { isClustered, type VcovType } from "../linear/covariance/vcov.js";
import { type OptionMark, option, type Wording, wording } from "../wording.js";
import { namedClusters, unknownColumn } from "./choose-columns.js";

/** Draws that there may be: what is kept of one are some hundred bytes. */
const MOST_DRAWS = 1_000_000;

/** A covariance by name; `cr1` is what `cluster` is. */
export type AskedVcov = VcovType | "cr1";

/** Options that say how the covariance of θ is estimated. */
export interface VcovOptions {
  /** How the covariance of θ is estimated; what is neither `iid` (default) nor of clusters reads the data a second time. */
  vcov?: AskedVcov | undefined;
  /** The column whose values say which rows belong together, or several. */
  cluster?: string | readonly string[] | undefined;
  /** Finite-sample factors, by the names of R's fixest. */
  ssc?: Ssc | undefined;
  /**
   * Degrees of freedom of t and F under a clustered covariance: Satterthwaite's (default of cr2 and cr3, which are made for
   * few clusters), or G − 1 (`clusters`, default otherwise).
   */
  df?: ClusterDf | undefined;
  /** Of `hac` and `dk`: how the weights of lags fall. Default: `bartlett`, which makes it Newey & West's. */
  kernel?: Kernel | undefined;
  /** Of `hac` and `dk`: lags before weights are 0, a bandwidth of one more; `auto` (default): Newey & West (1994). */
  lag?: number | "auto" | undefined;
  /** Of `hac` and `dk`, and of lags in a formula: the column of time. Default for `hac`: the order of the rows. */
  time?: string | undefined;
  /** Of `hac`, and of lags in a formula: the column of the series, where there are several. */
  unit?: string | undefined;
  /**
   * Of `bootstrap`: clusters, or rows where there are none, drawn with replacement (`pairs`), or their residuals multiplied by
   * ±1 (`rademacher`), Webb's six values or Mammen's two, with the null hypothesis imposed. Default: `rademacher`, but `webb` where
   * ±1 can be dealt out in no more ways than there are draws.
   */
  draw?: BootstrapDraw | undefined;
  /** Of `bootstrap`: how many draws. Default: 999. */
  draws?: number | undefined;
  /** Of a wild bootstrap of more clusters than a model keeps: the level of its intervals. Default: 0.95. */
  level?: number | undefined;
}

/** Which covariance to estimate, made whole. */
export interface VcovSpec {
  type: Exclude<VcovType, "iid">;
  /** The columns of the clusters. */
  clusters: readonly string[];
  /** What of the factors is not as ever. */
  ssc: Ssc | undefined;
  df: ClusterDf | undefined;
  /** For a bootstrap. */
  bootstrap?: Omit<BootstrapSpec, "cluster"> | undefined;
  /** For errors that correlate over time. */
  time?: HacSpec | undefined;
}

/**
 * What is asked for, in one form; undefined for `iid`.
 *
 * @param clusters whether there are any, and what they are called
 * @throws UsageError where options do not fit together
 */
export function vcovSpec(
  options: VcovOptions & { seed?: number | undefined },
  clusters: readonly string[],
): VcovSpec | undefined {
  const { vcov = "iid", df } = options;
  const type = vcov === "cr1" ? "cluster" : vcov;
  const ssc = sscToKeep(options.ssc, type);
  const drawn = type === "bootstrap" || type === "jackknife";
  if (isClustered(type) && clusters.length === 0)
    throw new UsageError("a clustered covariance needs the column of the groups", {
      hint: wording`name it with ${option("cluster")}`,
    });
  if (!isClustered(type) && !drawn && clusters.length > 0)
    throw new UsageError(
      wording`${option("cluster", clusters.join())} has no part in ${option("vcov", vcov)}`,
      {
        hint: wording`use ${option("vcov", "cluster")}, or leave ${option("cluster")} out`,
      },
    );
  if (drawn && clusters.length > 1)
    throw new UsageError(wording`${option("vcov", type)} goes with one column of clusters`);
  if (df !== undefined && !isClustered(type) && !(type === "jackknife" && clusters.length > 0))
    throw new UsageError(wording`${option("df", df)} has no part in ${option("vcov", vcov)}`, {
      hint: wording`it goes with clusters; others have n − p`,
    });
  const time = timeSpec(options, type, ssc);
  const bootstrap = bootstrapSpec(options, type);
  if (bootstrap !== undefined) return { type: "bootstrap", clusters, ssc, df, bootstrap };
  if (time !== undefined) {
    const columns = [time.unit, time.time].filter((name) => name !== undefined);
    return { type: time.type, clusters: columns, ssc, df, time };
  }
  return type === "iid" ? undefined : { type, clusters, ssc, df };
}

/** Refuses the first of the options that was given, under a covariance in which it has no part. */
function refuse(
  vcov: AskedVcov,
  goesWith: OptionMark | Wording,
  marks: readonly (OptionMark | undefined)[],
): void {
  const given = marks.find((mark) => mark !== undefined);
  if (given !== undefined)
    throw new UsageError(wording`${given} has no part in ${option("vcov", vcov)}`, {
      hint: wording`it goes with ${goesWith}`,
    });
}

/** What is asked for of a bootstrap; undefined for other covariances. */
function bootstrapSpec(options: VcovOptions & { seed?: number | undefined }, type: VcovType) {
  const { draw, draws, vcov = "iid", seed = 1, level = 0.95 } = options;
  if (type === "bootstrap") {
    if (draws !== undefined && !(Number.isSafeInteger(draws) && draws >= 2 && draws <= MOST_DRAWS))
      throw new UsageError(`draws should be an integer from 2 to ${MOST_DRAWS}, got ${draws}`);
    return { draw, draws: draws ?? 999, seed, level };
  }
  refuse(vcov, option("vcov", "bootstrap"), [
    draw === undefined ? undefined : option("draw", draw),
    draws === undefined ? undefined : option("draws", draws),
  ]);
  return undefined;
}

/** What is asked for of errors that correlate over time; undefined for other covariances. */
function timeSpec(options: VcovOptions, type: VcovType, ssc: Ssc | undefined): HacSpec | undefined {
  const { kernel, lag, time, unit, vcov = "iid" } = options;
  if (type !== "hac" && type !== "dk") {
    refuse(vcov, option("vcov", "hac"), [
      kernel === undefined ? undefined : option("kernel", kernel),
      lag === undefined ? undefined : option("lag", lag),
    ]);
    refuse(vcov, wording`${option("vcov", "hac")}, and with lag(), lead() and diff() in a formula`, [
      time === undefined ? undefined : option("time", time),
      unit === undefined ? undefined : option("unit", unit),
    ]);
    return undefined;
  }
  if (lag !== undefined && lag !== "auto" && !(Number.isSafeInteger(lag) && lag >= 0))
    throw new UsageError(`lag should be an integer of 0 or more, or auto, got ${lag}`);
  if (type === "dk" && time === undefined)
    throw new UsageError("Driscoll and Kraay's covariance needs the column of time", {
      hint: wording`name it with ${option("time")}`,
    });
  if (type === "dk" && unit !== undefined)
    throw new UsageError(
      wording`${option("unit", unit)} has no part in ${option("vcov", "dk")}, which sums up all rows of a time`,
    );
  if (unit !== undefined && time === undefined)
    throw new UsageError(wording`${option("unit", unit)} needs the column of time`, {
      hint: wording`name it with ${option("time")}`,
    });
  return { type, kernel: kernel ?? "bartlett", lag: lag === "auto" ? undefined : lag, time, unit, ssc };
}

/** `vcovSpec` of a table's columns. Throws UsageError, too, where there is no such column. */
export function vcovSpecOf(
  table: Table,
  options: VcovOptions & { seed?: number | undefined },
): VcovSpec | undefined {
  const names = table.columns.map(({ name }) => name);
  const clusters = namedClusters(options.cluster, names);
  const nfc = (name: string | undefined) => name?.normalize("NFC");
  const spec = vcovSpec({ ...options, time: nfc(options.time), unit: nfc(options.unit) }, clusters);
  for (const cluster of spec?.clusters ?? clusters)
    if (!names.includes(cluster)) throw unknownColumn(cluster, names, table.source.name);
  const twice = clusters.find((name, i) => clusters.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(wording`${option("cluster")} names ${twice} twice`);
  return spec;
}
