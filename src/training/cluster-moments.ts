import type { Table } from "../csv/table.js";
import { momentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { recordLength } from "../kernels/cell-record.js";
import { bootstrapVcov } from "../linear/covariance/bootstrap.js";
import type { AdjustedType } from "../linear/covariance/cluster-adjustment.js";
import { clusterGram, clusterScores } from "../linear/covariance/cluster-scores.js";
import { type ClusterSum, clusteredVcov, needsGrams } from "../linear/covariance/clustered.js";
import type { LinearModel } from "../linear/model/model.js";
import { coefficientContrasts } from "../linear/model/summary.js";
import { cellKind, type GroupTable } from "../stats/group-table.js";
import { plannedGroups } from "./design-width.js";
import type { MomentsPlan } from "./moments-job.js";
import type { VcovSpec } from "./vcov-request.js";

/** What the moments of clusters may take in each thread, of which a table that grows takes twice as much for a moment. */
const MOST_BYTES = 32e6;

/**
 * How many clusters' moments may be kept beside those of the fit, for its clustered covariance in the same pass: as many as
 * take 32 MB, whatever the number of threads, for the bits depend on it; undefined where there are likely more, and where
 * moments are not of numbers in double alone, or of numbers about the levels of one absorbed factor, which are the
 * clusters. Then the rows are read a second time.
 */
export function clustersInOnePass(
  table: Table,
  cluster: string,
  plan: MomentsPlan,
  weighted: boolean,
): number | undefined {
  const { spec, extended } = plan;
  if (extended) return undefined;
  const shape = momentsShape(spec);
  if (shape.tables.length > 0 && !absorbsClusters(spec, cluster)) return undefined;
  const bytes = 8 * recordLength(cellKind({ columns: shape.numbers, folds: 1, extended, weighted }));
  const most = Math.floor(MOST_BYTES / bytes);
  const at = table.columns.findIndex(({ name }) => name === cluster);
  const seen = new Set(table.sample.map((row) => row[at])).size;
  return plannedGroups(table, seen) <= most ? most : undefined;
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
  const at = {
    columns: whitening.kept.map((j) => kind.columns.indexOf(regression.terms[j]!)),
    target: kind.columns.indexOf(regression.target),
  };
  const sums: ClusterSum[] = [];
  for (let cell = 0; cell < cells.count; cell++) {
    if (!(cells.weight(cell) > 0)) continue;
    const moments = {
      sumW: cells.weight(cell),
      mean: (column: number) => (absorbed === undefined ? cells.mean(cell, column) : 0),
      product: (i: number, j: number) => cells.product(cell, i, j),
    };
    sums.push({
      keys: [clusters.names[cell]!],
      scores: clusterScores(whitening, moments, at),
      gram: grams ? clusterGram(whitening, moments, at.columns) : undefined,
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
