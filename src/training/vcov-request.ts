import type { Table } from "../csv/table.js";
import { UsageError } from "../errors.js";
import type { ClusterDf } from "../linear/covariance/clustered.js";
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
}

/** Which covariance to estimate, made whole. */
export interface VcovSpec {
  type: Exclude<VcovType, "iid">;
  /** The columns of the clusters. */
  clusters: readonly string[];
  /** What of the factors is not as ever. */
  ssc: Ssc | undefined;
  df: ClusterDf | undefined;
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
  return type === "iid" ? undefined : { type, clusters, ssc, df };
}

/** `vcovSpec` of a table's columns. Throws UsageError, too, where there is no such column. */
export function vcovSpecOf(table: Table, options: VcovOptions): VcovSpec | undefined {
  const names = table.columns.map(({ name }) => name);
  const clusters = namedClusters(options.cluster, names);
  const spec = vcovSpec(options, clusters);
  for (const cluster of clusters)
    if (!names.includes(cluster)) throw unknownColumn(cluster, names, table.source.name);
  const twice = clusters.find((name, i) => clusters.indexOf(name) < i);
  if (twice !== undefined) throw new UsageError(wording`${option("cluster")} names ${twice} twice`);
  return spec;
}
