import type { Table } from "../csv/table.js";
import { ModelError, UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import { faded } from "../linear/shards/faded.js";
import type { DrawPlan } from "../scan/row-draw.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { Moments } from "../stats/moments.js";
import { option, wording } from "../wording.js";
import { readDesign } from "./read-design.js";

/** @throws UsageError for a factor that is not above 0 and at most 1; ModelError for a model that cannot forget */
export function checkDecay(decay: number, model: LinearModel): void {
  if (!(decay > 0 && decay <= 1))
    throw new UsageError(
      wording`${option("decay")} is what a row's weight is multiplied by with each row after it, above 0 and at most 1, got ${decay}`,
    );
  const { spec, penalty, absorbed, weightsKind, instruments, targets } = model;
  if (targets.length > 0)
    throw new ModelError(
      wording`${option("decay")} goes with one target, and the model was fitted beside ${targets.map(({ label }) => label).join(", ")}`,
      { hint: wording`train for ${model.target} alone` },
    );
  if (instruments !== undefined)
    throw new ModelError(wording`${option("decay")} goes with least squares, and the model has instruments`);
  if (weightsKind !== undefined)
    throw new ModelError(
      `rows that fade have analytic weights, and the model's are of the kind ${weightsKind}`,
    );
  if (spec.variables.some(({ kind }) => kind === "factor") || absorbed !== undefined)
    throw new ModelError(wording`${option("decay")} goes with terms of numbers, and the model has factors`);
  if (penalty !== undefined)
    throw new ModelError(
      wording`${option("decay")} goes with least squares, and the model is penalised or bounded`,
    );
}

/**
 * The moments of a model's rows and new ones in their order, of which each has λ times the weight of the row after it: with m new rows the
 * model's are multiplied by λᵐ. That is recursive least squares with the forgetting factor λ (Ljung & Söderström 1983, section 2.6).
 */
export async function fadedWith(
  model: LinearModel,
  decay: number,
  rows: { table: Table; layout: RowLayout; split: DrawPlan; signal: AbortSignal | undefined },
): Promise<CrossProducts> {
  const { table, layout, split, signal } = rows;
  const { X, y, weights } = await readDesign(table, layout, model, split, signal);
  const { terms, target } = model.regression;
  const columns = [...terms, target];
  const k = terms.length;
  const m = y.length;
  const all = new Float64Array(m * (k + 1));
  const fading = new Float64Array(m);
  for (let r = 0; r < m; r++) {
    all.set(X.subarray(r * k, (r + 1) * k), r * (k + 1));
    all[r * (k + 1) + k] = y[r]!;
    fading[r] = (weights?.[r] ?? 1) * decay ** (m - 1 - r);
  }
  const kind = model.moments.extended ? ExtendedMoments : Moments;
  return faded(model.moments, columns, decay ** m).merge(kind.fromRows(columns, all, fading));
}
