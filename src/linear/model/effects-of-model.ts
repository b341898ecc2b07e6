import type { FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import { type Whitening, whiteningSteps } from "../covariance/whitening.js";
import type { Absorbed } from "../solve/absorb.js";
import type { NumberedLeverage } from "../solve/effects-leverage.js";
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
    const factor = moments.shape.factors.indexOf(regression.absorbed![i]!);
    const { table } = moments.shape.families.find(({ parts }) => parts.length === 1 && parts[0] === factor)!;
    const cells = moments.tables[table]!;
    const { names } = moments.levels[factor]!;
    const byName = new Map<string, number>();
    for (let cell = 0; cell < cells.count; cell++)
      if (cells.rows(cell) > 0) byName.set(names[cells.codes[cell]!]!, cell);
    return Int32Array.from(levels[spec.variables[v]!.label]!, (name) => byName.get(name) ?? -1);
  });
}

/** The effects on y − Xθ. */
export function ownEffects({ absorption, coefficients }: ModelOfTables): Float64Array[] {
  return absorption!.effects([...Array.from(coefficients, (value) => (Number.isNaN(value) ? 0 : -value)), 1]);
}

/** The levels of a model; of absorbed factors those that have an effect, which a level of weight 0 has not. */
export function knownLevels(model: ModelOfTables): FactorLevels {
  const cells = cellsOfLevels(model);
  const { spec, levels } = model;
  const known = (spec.absorbed ?? []).map((v, i) => {
    const { label } = spec.variables[v]!;
    return [label, levels[label]!.filter((_, level) => cells[i]![level]! >= 0)] as const;
  });
  return { ...levels, ...Object.fromEntries(known) };
}

/** How the levels of `knownLevels` take part in predictions, and their effects, in their order. */
export function effectTables(model: ModelOfTables): { plan: EffectsPlan; values: Float64Array[] } {
  const known = cellsOfLevels(model).map((cells) => cells.filter((cell) => cell >= 0));
  const inOrder = (values: readonly Float64Array[]) =>
    known.map((cells, f) => Float64Array.from(cells, (cell) => values[f]![cell]!));
  const connections = inOrder(model.absorption!.connections());
  const plan = {
    variables: model.spec.absorbed!,
    sizes: known.map(({ length }) => length),
    connections: areConnected(connections) ? undefined : connections.map((own) => [...own]),
  };
  return { plan, values: inOrder(ownEffects(model)) };
}

/** The coordinates in which the rows of a fit are orthonormal; of columns about absorbed effects, where there are any. */
export function whiteningOfFit(model: Omit<ModelOfTables, "spec" | "levels">): Whitening {
  return inOneGo(whiteningOfFitSteps(model));
}

/** `whiteningOfFit`, in steps. */
export function whiteningOfFitSteps(model: Omit<ModelOfTables, "spec" | "levels">): Steps<Whitening> {
  const { absorption, regression, moments, coefficients } = model;
  return absorption === undefined
    ? whiteningSteps(moments, regression, coefficients)
    : whiteningSteps(absorption.moments, { ...regression, intercept: false }, coefficients);
}

/**
 * What columns about the effects are made of, over the levels of `knownLevels`.
 *
 * @param leverages what needs the effects' leverages too, for a message, where something does
 * @throws ModelError where these cannot be had
 */
export function withinPlan(
  model: ModelOfTables & { terms: readonly string[] },
  leverages: string | undefined,
): WithinPlan {
  const absorption = model.absorption!;
  if (leverages !== undefined && absorption.leverage === undefined)
    throw new ModelError(
      `there are too many effects for the leverages that ${leverages} needs: beside the factor of most levels they are found by iteration`,
      { hint: "that is so from 1,500 levels of the other factors on: hc1 and clusters need no leverages" },
    );
  const k = model.terms.length;
  const known = cellsOfLevels(model).map((cells) => cells.filter((cell) => cell >= 0));
  const columns = known.map((cells) => new Float64Array(cells.length * k));
  const unit = new Float64Array(k + 1);
  for (let j = 0; j < k; j++) {
    unit.fill(0)[j] = 1;
    for (const [f, effects] of absorption.effects(unit).entries())
      known[f]!.forEach((cell, level) => {
        columns[f]![level * k + j] = effects[cell]!;
      });
  }
  return {
    width: k,
    columns,
    leverage: leverages === undefined ? undefined : leveragePlan(absorption, known),
  };
}

/** The leverages' plan over known levels: cells that have rows are known, and in their order. */
function leveragePlan(absorption: Absorbed, known: readonly Int32Array[]): NumberedLeverage | undefined {
  const plan = absorption.leverage?.();
  if (plan === undefined) return undefined;
  return { ...plan, cells: known };
}

/** Whether every level of a factor has the same label, and these add up to 0: then all levels are connected. */
function areConnected(labels: readonly Float64Array[]): boolean {
  const sum = labels.reduce((total, [first = 0]) => total + first, 0);
  return (
    Math.abs(sum) <= CONNECTED &&
    labels.every((own) => own.every((label) => Math.abs(label - own[0]!) <= CONNECTED))
  );
}
