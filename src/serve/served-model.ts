import { randomUUID } from "node:crypto";
import { serialize } from "node:v8";
import { rawColumns } from "../dataset/formula/raw-columns.js";
import { GomlError } from "../errors.js";
import { knownMean } from "../linear/hypotheses/known-mean.js";
import type { PredictorPlan } from "../linear/model/block-predictor.js";
import type { IntervalPlan } from "../linear/model/interval.js";
import { intervalPlan } from "../linear/model/interval-plan.js";
import type { LinearModel } from "../linear/model/model.js";
import { tCritical } from "../stats/distributions.js";
import { type InputColumn, type Served, type ServedNetwork, shared } from "./served.js";
import { asideOf, sharedConformal } from "./served-conformal.js";

/** What every thread makes its predictor of, see `askable`. */
export interface ModelDescription {
  /** The columns of a request, in order; an n × p tensor has them in this order. */
  readonly inputs: readonly InputColumn[];
  /** How raw columns become predictions; undefined where each input is a term of its own, in their order. */
  readonly plan: Omit<PredictorPlan, "weights"> | undefined;
  /** The column that conformal intervals ask for besides. */
  readonly aside?: InputColumn | undefined;
}

/** What a model's intervals are made of, whatever their kind and level. */
export type IntervalParts = Omit<IntervalPlan, "kind" | "critical">;

/**
 * A model as it is served: small, plain data that goes to worker threads with every job, what is large in shared
 * memory.
 */
export type ServedModel = ServedRegression | ServedNetwork;

/** A model of goml's own, or models by group. */
export interface ServedRegression extends Served {
  readonly kind: "regression";
  readonly target: string;
  /** θ, the intercept first, 0 for aliased terms. */
  readonly weights: Float64Array;
  /** A `ModelDescription` as JSON. */
  readonly description: Uint8Array;
  /** Of models by group their `GroupPredictorPlan`, serialised; θ is in there then. */
  readonly groups?: Uint8Array | undefined;
  /** `IntervalParts`, of models by group `GroupIntervals`, serialised; undefined where the model has no intervals, and then why. */
  readonly intervals: Uint8Array | undefined;
  readonly noIntervals: string | undefined;
  /** What conformal intervals are made of, where any were calibrated; see `sharedConformal`. */
  readonly conformal?: Uint8Array | undefined;
  /** What the page and the model's metadata show. */
  readonly about: {
    readonly formula: string;
    readonly rows: number;
    readonly sigma: number | null;
    /** Its columns as a form shows them, in the order of its inputs. */
    readonly columns: readonly ShownColumn[];
    /** The column by whose groups conformal intervals are, where it is no input otherwise. */
    readonly conformalBy?: string | undefined;
  };
}

/** A column of a form: where it starts, or what there is to choose from. */
export interface ShownColumn {
  readonly name: string;
  /** Of numbers their mean in the fit, where the model keeps it. */
  readonly mean?: number | undefined;
  /** Of a factor its levels, where they are few enough for a list. */
  readonly levels?: readonly string[] | undefined;
}

/** A list to choose from is of so many levels at most. */
const MOST_CHOICES = 200;

/** The columns as a form shows them. */
export function shownColumns(
  inputs: readonly InputColumn[],
  mean: (name: string) => number | undefined,
): ShownColumn[] {
  return inputs.map(({ name, datatype, levels }) => {
    if (datatype !== "BYTES") return { name, mean: mean(name) };
    return { name, levels: levels !== undefined && levels.length <= MOST_CHOICES ? levels : undefined };
  });
}

/** The output of every model; intervals add `lower` and `upper` to it. */
export const OUTPUT = "prediction";

/** The factor that intervals need takes k³ double-double operations, which is a second for so many terms. */
const WIDEST_INTERVALS = 500;
/** Leverages within absorbed effects need the inverse of a system of their order, 9 MB for so many levels, in each thread. */
const MOST_INTERVAL_LEVELS = 1500;

/**
 * A model as it is served. Columns that it left out as aliased are asked for too: a row in which they are not what they
 * were in the training data has no prediction.
 */
export function servedModel(model: LinearModel, name: string, version: string): ServedRegression {
  const { weights: all, ...plan } = model.predictorPlan(false);
  const plain = plan.rowSpace === undefined && plan.effects === undefined ? plainColumns(plan) : undefined;
  const weights = new Float64Array(new SharedArrayBuffer(all.byteLength));
  weights.set(all);
  const asked: ModelDescription =
    plain === undefined
      ? {
          inputs: rawColumns(plan.spec, plan.levels).map(({ name: column, kind, levels }) => ({
            name: column,
            datatype: kind === "text" ? "BYTES" : "FP64",
            levels,
          })),
          plan,
        }
      : { inputs: plain.map((column) => ({ name: column, datatype: "FP64" })), plan: undefined };
  const aside = asideOf(model, asked.inputs);
  const description = { ...asked, aside };
  return {
    kind: "regression",
    id: randomUUID(),
    name,
    version,
    target: model.target,
    weights,
    conformal: sharedConformal(model),
    description: shared(Buffer.from(JSON.stringify(description))),
    ...intervalsOf(model),
    about: {
      formula: model.spec.formula,
      rows: model.n,
      sigma: Number.isFinite(model.sigma) ? model.sigma : null,
      columns: shownColumns(description.inputs, (column) => knownMean(model, column)),
      ...(aside === undefined ? {} : { conformalBy: aside.name }),
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

function intervalsOf(model: LinearModel): Pick<ServedRegression, "intervals" | "noIntervals"> {
  if (model.terms.length > WIDEST_INTERVALS)
    return {
      intervals: undefined,
      noIntervals: `it has ${model.terms.length} terms, and a server works them out for ${WIDEST_INTERVALS} at most`,
    };
  const levels = model.absorption?.order ?? 0;
  if (levels > MOST_INTERVAL_LEVELS)
    return {
      intervals: undefined,
      noIntervals: `beside the factor of most levels those absorbed have ${levels}, and a server works them out for ${MOST_INTERVAL_LEVELS} at most`,
    };
  try {
    const { kind: _kind, critical: _critical, ...parts } = intervalPlan(model, tCritical);
    return { intervals: shared(serialize(parts satisfies IntervalParts)), noIntervals: undefined };
  } catch (error) {
    if (!(error instanceof GomlError)) throw error;
    return { intervals: undefined, noIntervals: error.message };
  }
}
