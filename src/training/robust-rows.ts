import { UsageError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { bootstrapVcov } from "../linear/covariance/bootstrap.js";
import type { AdjustedType } from "../linear/covariance/cluster-adjustment.js";
import { clusteredVcov, needsGrams, splitSum } from "../linear/covariance/clustered.js";
import { hacVcov } from "../linear/covariance/hac.js";
import { type HeteroType, Meat, robustVcov } from "../linear/covariance/meat.js";
import { isClustered } from "../linear/covariance/vcov.js";
import type { LinearModel } from "../linear/model/model.js";
import { coefficientContrasts } from "../linear/model/summary.js";
import type { VcovSpec } from "./vcov-request.js";

/** A value for each row that says with which others it belongs together. */
export type ClusterValues = ArrayLike<number | string>;

/** The rows that a model was fitted on. */
interface FittedRows {
  /** n × k, row-major. */
  X: Float64Array;
  y: ArrayLike<number>;
  weights: Float64Array | undefined;
  /** What says which rows belong together, in the order of the spec's columns. */
  clusters: readonly ClusterValues[];
}

/**
 * A model with its covariance estimated by the rows that it was fitted on; see `robustVcovOf`.
 *
 * @throws UsageError for clusters of another length; ModelError as `robustVcovOf`
 */
export function robustByRows(
  model: LinearModel,
  { type, clusters: names, ssc, df, time, bootstrap }: VcovSpec,
  { X, y, weights, clusters }: FittedRows,
): LinearModel {
  const n = y.length;
  const k = model.terms.length;
  const other = clusters.find(({ length }) => length !== n);
  if (other !== undefined)
    throw new UsageError(`clusters has ${other.length} values, the data have ${n} rows`);
  const clustered = isClustered(type) || (type === "jackknife" && names.length > 0);
  const spec = clustered ? { type: type as AdjustedType, columns: names, ssc, df } : undefined;
  const byRow = (time ?? bootstrap) !== undefined && names.length === 0;
  const grams = bootstrap !== undefined || (spec !== undefined && needsGrams(spec));
  const summed = grams ? "grams" : spec !== undefined || time !== undefined ? "scores" : "rows";
  const numbers = new Map<number | string, number>();
  const keys: string[][] = [];
  const groups = new Float64Array(BLOCK_ROWS);
  let sums = new Meat(model.whitening, type, model, summed);
  const columns = new Float64Array(k * BLOCK_ROWS);
  const target = new Float64Array(BLOCK_ROWS);
  const addAll = () => {
    for (let from = 0; from < n; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, n - from);
      for (let r = 0; r < rows; r++) {
        const weight = weights?.[from + r] ?? 1;
        target[r] = weight > 0 ? y[from + r]! : Number.NaN;
        for (let j = 0; j < k; j++) columns[j * BLOCK_ROWS + r] = X[(from + r) * k + j]!;
        if (clusters.length === 0 && !byRow) continue;
        const values = clusters.length === 0 ? [from + r] : clusters.map((own) => own[from + r]!);
        const group = values.length === 1 ? values[0]! : JSON.stringify(values);
        if (!numbers.has(group)) {
          numbers.set(group, numbers.size);
          keys.push(values.map(String));
        }
        groups[r] = numbers.get(group)!;
      }
      sums.add({
        rows,
        column: (j) => columns.subarray(j * BLOCK_ROWS, (j + 1) * BLOCK_ROWS),
        target,
        weights: weights?.subarray(from, from + rows),
        groups: clusters.length === 0 && !byRow ? undefined : groups,
        rowOf: (r) => from + r,
      });
    }
  };
  addAll();
  if (type === "hc5") {
    sums = new Meat(
      model.whitening,
      type,
      {
        n: model.n,
        parameters: model.parameters,
        largest: sums.largest,
      },
      summed,
    );
    addAll();
  }
  const fit = { n: model.n, parameters: model.parameters, whitening: model.whitening };
  const all = [...sums.groups].map(([group, values]) => splitSum(keys[group]!, values, model.whitening.rank));
  if (time !== undefined) return model.withVcov(hacVcov(time, all, fit));
  if (bootstrap !== undefined) {
    const drawn = { ...bootstrap, cluster: names[0] };
    return model.withVcov(bootstrapVcov(drawn, all, fit, coefficientContrasts(model)));
  }
  if (spec === undefined) return model.withVcov(robustVcov(type as HeteroType, sums.meat, fit, ssc));
  return model.withVcov(clusteredVcov(spec, all, fit));
}
