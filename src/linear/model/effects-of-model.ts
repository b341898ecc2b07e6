import type { FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CellTable } from "../../stats/cell-table.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import { type Whitening, whiteningSteps } from "../covariance/whitening.js";
import { equationSteps } from "../instruments/solve-instrumented.js";
import type { Absorbed } from "../solve/absorb.js";
import type { InvertRows } from "../solve/effects-leverage.js";
import type { Regression } from "../solve/regression.js";
import { CONNECTED, type EffectsPlan, type WithinPlan } from "./effect-tables.js";

/** What the tables are made of; `LinearModel` has it. */
export interface ModelOfTables {
  readonly spec: ModelSpec;
  readonly levels: FactorLevels;
  readonly moments: CrossProducts;
  readonly regression: Regression;
  readonly absorption: Absorbed | undefined;
  readonly coefficients: Float64Array;
}

/**
 * Per absorbed factor, where each of the model's levels stands among the cells of the moments; −1 for one that no row
 * of positive weight has.
 */
export function cellsOfLevels({ spec, levels, moments, regression }: ModelOfTables): Int32Array[] {
  if (spec.absorbed === undefined || !(moments instanceof SparseMoments)) return [];
  return spec.absorbed.map((v, i) => {
    const { cells, names } = tableOf(moments, regression.absorbed![i]!);
    const byName = new Map<string, number>();
    for (let cell = 0; cell < cells.count; cell++)
      if (cells.rows(cell) > 0) byName.set(names[cells.codes[cell]!]!, cell);
    return Int32Array.from(levels[spec.variables[v]!.label]!, (name) => byName.get(name) ?? -1);
  });
}

/** The cells of an absorbed factor, and its levels' names by their codes. */
function tableOf(moments: SparseMoments, absorbed: string): { cells: CellTable; names: readonly string[] } {
  const factor = moments.shape.factors.indexOf(absorbed);
  const { table } = moments.shape.families.find(({ parts }) => parts.length === 1 && parts[0] === factor)!;
  return { cells: moments.tables[table]!, names: moments.levels[factor]!.names };
}

/** Per absorbed factor, the share that each level with an effect has in the rows of the fit, by weight. */
export function levelShares(model: ModelOfTables): Float64Array[] {
  const { moments, regression } = model;
  if (!(moments instanceof SparseMoments)) return [];
  return cellsOfLevels(model).map((own, i) => {
    const { cells } = tableOf(moments, regression.absorbed![i]!);
    return Float64Array.from(
      own.filter((cell) => cell >= 0),
      (cell) => cells.weight(cell) / moments.sumW,
    );
  });
}

/** The effects on y − Xθ. */
export function ownEffects({ absorption, coefficients }: ModelOfTables): Float64Array[] {
  return absorption!.effects([...Array.from(coefficients, (value) => (Number.isNaN(value) ? 0 : -value)), 1]);
}

/** What predictions with absorbed effects are made of. */
export interface PredictedEffects {
  /** The levels of a model; of absorbed factors those that have an effect, which a level of weight 0 has not. */
  levels: FactorLevels;
  /** How these levels take part in predictions, and their effects, in their order. */
  plan: EffectsPlan;
  values: Float64Array[];
}

/** Works out what predictions with absorbed effects are made of, in steps. */
export function* predictedEffectsSteps(model: ModelOfTables): Steps<PredictedEffects> {
  const { spec, levels } = model;
  const cells = cellsOfLevels(model);
  yield;
  const named = spec.absorbed!.map((v, i) => {
    const { label } = spec.variables[v]!;
    return [label, levels[label]!.filter((_, level) => cells[i]![level]! >= 0)] as const;
  });
  const known = cells.map((own) => own.filter((cell) => cell >= 0));
  const inOrder = (found: readonly Float64Array[]) =>
    known.map((own, f) => Float64Array.from(own, (cell) => found[f]![cell]!));
  yield;
  const connections = inOrder(model.absorption!.connections());
  yield;
  const connected = areConnected(connections);
  const values = inOrder(ownEffects(model));
  yield;
  const plan = {
    variables: spec.absorbed!,
    sizes: known.map(({ length }) => length),
    connections: connected ? undefined : connections.map((own) => [...own]),
  };
  return { levels: { ...levels, ...Object.fromEntries(named) }, plan, values };
}

/** The coordinates in which the rows of a fit are orthonormal; of columns about absorbed effects, where there are any. */
export function whiteningOfFit(model: Omit<ModelOfTables, "spec" | "levels">): Whitening {
  return inOneGo(whiteningOfFitSteps(model));
}

/** `whiteningOfFit`, in steps. */
export function* whiteningOfFitSteps(model: Omit<ModelOfTables, "spec" | "levels">): Steps<Whitening> {
  const { absorption, regression, moments, coefficients } = model;
  if (regression.instruments !== undefined) {
    const { estimating, regression: own } = yield* equationSteps(moments, regression);
    return yield* whiteningSteps(estimating, { ...own, intercept: regression.intercept }, coefficients);
  }
  return absorption === undefined
    ? yield* whiteningSteps(moments, regression, coefficients)
    : yield* whiteningSteps(absorption.moments, { ...regression, intercept: false }, coefficients);
}

/** Leverages of more levels than these, those of the largest factor left out, are not worked out. */
const MOST_LEVERAGES = 5000;
/** So many are factored with the effects, in any part of goml. */
const FACTORED_LEVERAGES = 1500;

/**
 * What columns about the effects are made of, over the levels of `PredictedEffects`.
 *
 * @param leverages what needs the effects' leverages too, for a message, where something does
 * @param invert inverts the effects' system where it was not factored with them: from 1,500 levels on, those of the largest
 * factor left out
 * @throws ModelError where these cannot be had
 */
export function* withinPlanSteps(
  model: ModelOfTables & { terms: readonly string[] },
  leverages: string | undefined,
  invert: InvertRows | undefined,
): Steps<WithinPlan> {
  const absorption = model.absorption!;
  const most = invert === undefined ? FACTORED_LEVERAGES : MOST_LEVERAGES;
  if (leverages !== undefined && absorption.order > most) throw tooManyLeverages(absorption, leverages, most);
  const k = model.terms.length;
  const known = cellsOfLevels(model).map((cells) => cells.filter((cell) => cell >= 0));
  const columns = known.map((cells) => new Float64Array(cells.length * k));
  const unit = new Float64Array(k + 1);
  for (let j = 0; j < k; j++) {
    yield;
    unit.fill(0)[j] = 1;
    for (const [f, effects] of absorption.effects(unit).entries())
      known[f]!.forEach((cell, level) => {
        columns[f]![level * k + j] = effects[cell]!;
      });
  }
  const leverage = leverages === undefined ? undefined : yield* absorption.leverage(invert);
  return {
    width: k,
    columns,
    // Cells that have rows are known, and in their order.
    leverage: leverage && { ...leverage, cells: known },
  };
}

function tooManyLeverages({ order }: Absorbed, what: string, most: number): ModelError {
  const count = (value: number) => value.toLocaleString("en");
  const gigabytes = ((12 * order * order) / 1e9).toPrecision(2);
  return new ModelError(
    `there are too many effects for the leverages that ${what} needs: beside the factor of most levels the others have ` +
      `${count(order)}, a dense system of ${gigabytes} GB, and ${count(most)} are the most`,
    { hint: "absorb fewer factors; hc1 and clusters need no leverages" },
  );
}

/** Whether every level of a factor has the same label, and these add up to 0: then all levels are connected. */
function areConnected(labels: readonly Float64Array[]): boolean {
  const sum = labels.reduce((total, [first = 0]) => total + first, 0);
  return (
    Math.abs(sum) <= CONNECTED &&
    labels.every((own) => own.every((label) => Math.abs(label - own[0]!) <= CONNECTED))
  );
}
