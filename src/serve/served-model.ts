import type { LinearModel } from "../linear/model.js";
import { predictRows } from "../linear/predict-rows.js";
import type { Batch, ColumnValues } from "./batch.js";
import { badRequest, quoted } from "./request-error.js";

/** A raw column of the data that a model reads: numbers (FP64) or the texts of a factor (BYTES). */
export interface InputColumn {
  readonly name: string;
  readonly datatype: "FP64" | "BYTES";
}

/**
 * What serving needs of a model, as plain data: it travels to worker threads with every job, its weights shared.
 */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly target: string;
  /** The columns of a request, in order; an n × p tensor has them in this order. */
  readonly inputs: readonly InputColumn[];
  /** θ, the intercept first, for the inputs in order. */
  readonly weights: Float64Array;
  /** What the page and the metrics show. */
  readonly about: { readonly rows: number; readonly rank: number; readonly sigma: number | null };
}

/** The one output of every model. */
export const OUTPUT = "prediction";

/** A model as it is served; terms that it left out as aliased are not asked for. */
export function servedModel(model: LinearModel, name: string, version: string): ServedModel {
  const used = model.terms.map((_, j) => j).filter((j) => !model.aliased.includes(model.terms[j]!));
  const all = model.weights;
  const weights = new Float64Array(new SharedArrayBuffer(8 * (used.length + 1)));
  weights[0] = all[0]!;
  used.forEach((j, i) => {
    weights[i + 1] = all[j + 1]!;
  });
  return {
    name,
    version,
    target: model.target,
    inputs: used.map((j) => ({ name: model.terms[j]!, datatype: "FP64" })),
    weights,
    about: {
      rows: model.n,
      rank: model.rank,
      sigma: Number.isFinite(model.sigma) ? model.sigma : null,
    },
  };
}

/** ŷ of rows `from` to `to` of a batch, NaN where a cell is missing. */
export function predictBatch(
  model: ServedModel,
  batch: Batch,
  out: Float64Array,
  from: number,
  to: number,
): void {
  predictRows(batch.numeric, model.weights, out, from, to);
}

/**
 * A batch from columns by name; columns that the model does not ask for are not looked at.
 *
 * @throws RequestError (400) that names the columns missing
 */
export function batchOf(
  model: ServedModel,
  rows: number,
  column: (input: InputColumn) => ColumnValues | undefined,
): Batch {
  const width = model.inputs.filter(({ datatype }) => datatype === "FP64").length;
  const numeric = new Float64Array(rows * width);
  const texts: (readonly (string | null)[])[] = [];
  const missing: string[] = [];
  let at = 0;
  for (const input of model.inputs) {
    const values = column(input);
    if (values === undefined) missing.push(input.name);
    else if (!(values instanceof Float64Array)) texts.push(values);
    else {
      for (let i = 0; i < rows; i++) numeric[i * width + at] = values[i]!;
      at++;
    }
  }
  if (missing.length > 0)
    throw badRequest(
      `the request lacks ${missing.length === 1 ? "an input" : "inputs"} of the model: ${missing.slice(0, 20).map(quoted).join(", ")}`,
    );
  return { rows, numeric, texts };
}
