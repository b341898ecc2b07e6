import type { Table } from "../csv/table.js";
import { UsageError } from "../errors.js";
import type { ClusterDf } from "../linear/covariance/clustered.js";
import type { HacSpec, Kernel } from "../linear/covariance/hac.js";
import { type Ssc, sscToKeep } from "../linear/covariance/small-sample.js";
import { isClustered, type VcovType } from "../linear/covariance/vcov.js";
import { option, wording } from "../wording.js";
import { namedClusters, unknownColumn } from "./choose-columns.js";

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
  /** Of `hac` and `dk`: the column of time. Default for `hac`: the order of the rows. */
  time?: string | undefined;
  /** Of `hac`: the column of the series, where there are several. */
  unit?: string | undefined;
}

/** Which covariance to estimate, made whole. */
export interface VcovSpec {
  type: Exclude<VcovType, "iid">;
  /** The columns of the clusters. */
  clusters: readonly string[];
  /** What of the factors is not as ever. */
  ssc: Ssc | undefined;
  df: ClusterDf | undefined;
  /** For errors that correlate over time. */
  time?: HacSpec | undefined;
}

/**
 * What is asked for, in one form; undefined for `iid`.
 *
 * @param clusters whether there are any, and what they are called
 * @throws UsageError where options do not fit together
 */
export function vcovSpec(options: VcovOptions, clusters: readonly string[]): VcovSpec | undefined {
  const { vcov = "iid", df } = options;
  const type = vcov === "cr1" ? "cluster" : vcov;
  const ssc = sscToKeep(options.ssc, type);
  if (isClustered(type) && clusters.length === 0)
    throw new UsageError("a clustered covariance needs the column of the groups", {
      hint: wording`name it with ${option("cluster")}`,
    });
  if (!isClustered(type) && clusters.length > 0)
    throw new UsageError(
      wording`${option("cluster", clusters.join())} has no part in ${option("vcov", vcov)}`,
      {
        hint: wording`use ${option("vcov", "cluster")}, or leave ${option("cluster")} out`,
      },
    );
  if (df !== undefined && !isClustered(type))
    throw new UsageError(wording`${option("df", df)} has no part in ${option("vcov", vcov)}`, {
      hint: wording`it goes with clusters; others have n − p`,
    });
  const time = timeSpec(options, type, ssc);
  if (time !== undefined) {
    const columns = [time.unit, time.time].filter((name) => name !== undefined);
    return { type: time.type, clusters: columns, ssc, df, time };
  }
  return type === "iid" ? undefined : { type, clusters, ssc, df };
}

/** What is asked for of errors that correlate over time; undefined for other covariances. */
function timeSpec(options: VcovOptions, type: VcovType, ssc: Ssc | undefined): HacSpec | undefined {
  const { kernel, lag, time, unit, vcov = "iid" } = options;
  if (type !== "hac" && type !== "dk") {
    for (const [name, value] of Object.entries({ kernel, lag, time, unit } as const))
      if (value !== undefined)
        throw new UsageError(
          wording`${option(name as "lag", value)} has no part in ${option("vcov", vcov)}`,
          {
            hint: wording`it goes with ${option("vcov", "hac")} and ${option("vcov", "dk")}`,
          },
        );
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
export function vcovSpecOf(table: Table, options: VcovOptions): VcovSpec | undefined {
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
