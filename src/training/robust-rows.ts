import { UsageError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { clusteredVcov, Meat, robustVcov } from "../linear/covariance/meat.js";
import type { VcovType } from "../linear/covariance/vcov.js";
import type { LinearModel } from "../linear/model/model.js";

/** The rows that a model was fitted on. */
interface FittedRows {
  /** n × k, row-major. */
  X: Float64Array;
  y: ArrayLike<number>;
  weights: Float64Array | undefined;
  /** What says which rows belong together, for `cluster`: n numbers or texts. */
  clusters: ArrayLike<number | string> | undefined;
}

/**
 * A model with its covariance estimated by the rows that it was fitted on; see `robustVcovOf`.
 *
 * @throws UsageError where `clusters` and the type do not fit; ModelError as `robustVcovOf`
 */
export function robustByRows(
  model: LinearModel,
  type: Exclude<VcovType, "iid">,
  { X, y, weights, clusters }: FittedRows,
): LinearModel {
  const n = y.length;
  const k = model.terms.length;
  if ((type === "cluster") !== (clusters !== undefined))
    throw new UsageError(`clusters go with vcov "cluster", and only with it: vcov is "${type}"`);
  if (clusters !== undefined && clusters.length !== n)
    throw new UsageError(`clusters has ${clusters.length} values, the data have ${n} rows`);
  const numbers = new Map<number | string, number>();
  const groups = new Float64Array(BLOCK_ROWS);
  let sums = new Meat(model.whitening, type, model);
  const columns = new Float64Array(k * BLOCK_ROWS);
  const target = new Float64Array(BLOCK_ROWS);
  const addAll = () => {
    for (let from = 0; from < n; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, n - from);
      for (let r = 0; r < rows; r++) {
        const weight = weights?.[from + r] ?? 1;
        target[r] = weight > 0 ? y[from + r]! : Number.NaN;
        for (let j = 0; j < k; j++) columns[j * BLOCK_ROWS + r] = X[(from + r) * k + j]!;
        if (clusters === undefined) continue;
        const group = clusters[from + r]!;
        if (!numbers.has(group)) numbers.set(group, numbers.size);
        groups[r] = numbers.get(group)!;
      }
      sums.add({
        rows,
        column: (j) => columns.subarray(j * BLOCK_ROWS, (j + 1) * BLOCK_ROWS),
        target,
        weights: weights?.subarray(from, from + rows),
        groups: clusters && groups,
        rowOf: (r) => from + r,
      });
    }
  };
  addAll();
  if (type === "hc5") {
    sums = new Meat(model.whitening, type, {
      n: model.n,
      parameters: model.parameters,
      largest: sums.largest,
    });
    addAll();
  }
  return model.withVcov(
    type === "cluster"
      ? clusteredVcov("clusters", [...sums.groups.values()], model)
      : robustVcov(type, sums.meat, model),
  );
}
