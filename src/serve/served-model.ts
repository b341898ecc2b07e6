import { randomUUID } from "node:crypto";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { LinearModel } from "../linear/model/model.js";

/** A raw column of the data that a model reads: numbers (FP64) or the texts of a factor (BYTES). */
export interface InputColumn {
  readonly name: string;
  readonly datatype: "FP64" | "BYTES";
}

/** What every thread makes its predictor of, see `askable`. */
export interface ModelDescription {
  /** The columns of a request, in order; an n × p tensor has them in this order. */
  readonly inputs: readonly InputColumn[];
  /** How raw columns become predictions; undefined where each input is a term of its own. */
  readonly plan: Omit<PredictorPlan, "weights"> | undefined;
}

/**
 * A model as it is served: small, plain data that goes to worker threads with every job, what is large in shared
 * memory.
 */
export interface ServedModel {
  /** Another one after each change of the file, so that threads know when theirs is old. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly target: string;
  /** θ, the intercept first, 0 for aliased terms. */
  readonly weights: Float64Array;
  /** A `ModelDescription` as JSON. */
  readonly description: Uint8Array;
  /** What the page and the model's metadata show. */
  readonly about: { readonly formula: string; readonly rows: number; readonly sigma: number | null };
}

/** The one output of every model. */
export const OUTPUT = "prediction";

/** A model as it is served. Terms of plain columns that it left out as aliased are not asked for. */
export function servedModel(model: LinearModel, name: string, version: string): ServedModel {
  const { weights: all, ...plan } = model.predictorPlan(false);
  const plain = plainColumns(plan);
  const used = all.map((_, i) => i).filter((i) => i === 0 || !model.aliased.includes(model.terms[i - 1]!));
  const kept = plain === undefined ? all : Float64Array.from(used, (i) => all[i]!);
  const weights = new Float64Array(new SharedArrayBuffer(kept.byteLength));
  weights.set(kept);
  const description: ModelDescription =
    plain === undefined
      ? { inputs: rawColumns(plan), plan }
      : {
          inputs: Array.from(used.subarray(1), (i) => ({ name: plain[i - 1]!, datatype: "FP64" })),
          plan: undefined,
        };
  return {
    id: randomUUID(),
    name,
    version,
    target: model.target,
    weights,
    description: sharedJson(description),
    about: {
      formula: model.spec.formula,
      rows: model.n,
      sigma: Number.isFinite(model.sigma) ? model.sigma : null,
    },
  };
}

/** The columns' names where every term is a numeric column as it stands, in order; else undefined. */
function plainColumns({ spec, terms }: Pick<PredictorPlan, "spec" | "terms">): string[] | undefined {
  const columns: string[] = [];
  for (const { variables } of terms) {
    const variable = spec.variables[variables[0]!]!;
    if (variables.length !== 1 || variable.kind !== "numeric" || !("column" in variable.expression))
      return undefined;
    columns.push(variable.expression.column);
  }
  return columns;
}

/** A formula's raw columns, in the order in which it names them. */
function rawColumns({ spec }: Pick<PredictorPlan, "spec">): InputColumn[] {
  const inputs = new Map<string, InputColumn>();
  const visit = (expression: object): void => {
    if ("column" in expression)
      inputs.set(expression.column as string, { name: expression.column as string, datatype: "FP64" });
    if ("args" in expression) (expression.args as object[]).forEach(visit);
  };
  for (const variable of spec.variables) {
    if (variable.kind !== "factor") visit(variable.expression);
    else {
      const datatype = variable.of === "text" ? "BYTES" : "FP64";
      inputs.set(variable.column, { name: variable.column, datatype });
    }
  }
  return [...inputs.values()];
}

function sharedJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  const memory = new SharedArrayBuffer(Buffer.byteLength(text));
  Buffer.from(memory).write(text);
  return new Uint8Array(memory);
}
