import type { Table } from "../csv/table.js";
import { momentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import {
  meansAt,
  productCount,
  productIndex,
  productsAt,
  recordLength,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import { bootstrapVcov } from "../linear/covariance/bootstrap.js";
import type { AdjustedType } from "../linear/covariance/cluster-adjustment.js";
import { type ClusterMoments, ClusterScores } from "../linear/covariance/cluster-scores.js";
import { type ClusterSum, clusteredVcov, needsGrams } from "../linear/covariance/clustered.js";
import { ExtendedClusterScores } from "../linear/covariance/extended-cluster-scores.js";
import type { LinearModel } from "../linear/model/model.js";
import { coefficientContrasts } from "../linear/model/summary.js";
import { cellKind, type GroupTable } from "../stats/group-table.js";
import { chunkBytesForGroups, plannedGroups, rowBytes } from "./design-width.js";
import type { MomentsPlan } from "./moments-job.js";
import type { VcovSpec } from "./vcov-request.js";

/**
 * What the moments of clusters may take in each thread in double, of which a table that grows takes twice as much for a moment;
 * where double is not enough, and all is summed again, they take twice that.
 */
const MOST_BYTES = 32e6;

/** How the moments of clusters are summed beside those of the fit. */
export interface ClustersInOnePass {
  /** As many clusters as there may be: as take 32 MB, whatever the number of threads, for the bits depend on it. */
  most: number;
  /** Bytes per chunk. */
  chunkBytes: number;
}

/**
 * How the clustered covariance of a fit is found in the same pass; undefined where there are likely too many clusters, and where
 * moments are not of numbers alone, or of numbers about the levels of one absorbed factor, which are the clusters. Then the
 * rows are read a second time.
 */
export function clustersInOnePass(
  table: Table,
  cluster: string,
  plan: MomentsPlan,
  weighted: boolean,
): ClustersInOnePass | undefined {
  const { spec } = plan;
  const shape = momentsShape(spec);
  if (shape.tables.length > 0 && !absorbsClusters(spec, cluster)) return undefined;
  const bytes = 8 * recordLength(cellKind({ columns: shape.numbers, folds: 1, extended: false, weighted }));
  const most = Math.floor(MOST_BYTES / bytes);
  const at = table.columns.findIndex(({ name }) => name === cluster);
  const seen = new Set(table.sample.map((row) => row[at])).size;
  const likely = plannedGroups(table, seen);
  return likely <= most ? { most, chunkBytes: chunkBytesForGroups(likely, rowBytes(table)) } : undefined;
}

/** Whether all factors of a fit are one that is absorbed, and its levels are the clusters. */
function absorbsClusters({ variables, absorbed = [] }: ModelSpec, cluster: string): boolean {
  const factors = variables.filter(({ kind }) => kind === "factor");
  const [own, ...others] = absorbed.map((v) => variables[v]!);
  if (own?.kind !== "factor" || others.length > 0 || factors.length > 1) return false;
  return own.column === cluster && own.by === undefined;
}

/**
 * A model with the clustered covariance of its moments by cluster: the meat is Σ s sᵀ, s = X′y − X′Xθ of each, as
 * `robustVcovOf` finds it from the rows. Where the clusters are the levels of an absorbed factor, rows about its effects are
 * rows about the clusters' own means.
 *
 * @throws ModelError for fewer than two clusters
 */
export function vcovOfClusters(model: LinearModel, request: VcovSpec, clusters: GroupTable): LinearModel {
  const { type, clusters: columns, ssc, df, bootstrap } = request;
  const spec = { type: type as AdjustedType, columns, ssc, df };
  const grams = bootstrap !== undefined || needsGrams(spec);
  const { whitening, regression, absorbed } = model;
  const { cells, kind } = clusters;
  const at = [
    ...whitening.kept.map((j) => kind.columns.indexOf(regression.terms[j]!)),
    kind.columns.indexOf(regression.target),
  ];
  const width = at.length;
  const places = at.flatMap((i) => at.map((j) => productsAt(cells.kind) + productIndex(cells.kind, i, j)));
  const means = meansAt(cells.kind);
  const empty = () => ({ sumW: 0, mean: new Float64Array(width), products: new Float64Array(width * width) });
  const own = { ...empty(), low: empty() };
  const { extended } = cells.kind;
  const summed = extended ? new ExtendedClusterScores(whitening) : new ClusterScores(whitening);
  /** Takes a record's numbers from `from` on, or what they lack as doubles. */
  const read = (into: ClusterMoments, from: number, [lowMeans, lowProducts]: readonly [number, number]) => {
    // Rows about absorbed effects, which are the clusters, have mean 0 in each.
    if (absorbed === undefined)
      for (let i = 0; i < width; i++) into.mean[i] = cells.records[from + means + lowMeans + at[i]!]!;
    for (let i = 0; i < width; i++)
      for (let j = 0; j <= i; j++)
        into.products[i * width + j] = cells.records[from + places[i * width + j]! + lowProducts]!;
  };
  const lows = [cells.kind.columns, productCount(cells.kind)] as const;
  const sums: ClusterSum[] = [];
  for (let cell = 0; cell < cells.count; cell++) {
    own.sumW = cells.weight(cell);
    if (!(own.sumW > 0)) continue;
    const from = cell * cells.stride;
    read(own, from, [0, 0]);
    if (extended) {
      own.low.sumW = cells.records[from + WEIGHT_LOW_AT]!;
      read(own.low, from, lows);
    }
    sums.push({
      keys: [clusters.names[cells.codes[cell]!]!],
      scores: summed.scores(own),
      gram: grams ? summed.gram(own) : undefined,
    });
  }
  // Effects nested in the clusters do not count, but the constant that they hide does.
  const nested = absorbed === undefined ? model.parameters : model.rank + 1;
  const counted = { nested, none: model.rank, full: model.parameters };
  const parameters = counted[ssc?.["fixef.K"] ?? "nested"];
  const fit = { n: model.n, parameters, whitening };
  return model.withVcov(
    bootstrap === undefined
      ? clusteredVcov(spec, sums, fit)
      : bootstrapVcov({ ...bootstrap, cluster: columns[0] }, sums, fit, coefficientContrasts(model)),
  );
}
