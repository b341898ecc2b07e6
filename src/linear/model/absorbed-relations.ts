import { inOneGo } from "../../parallel/steps.js";
import { atHand } from "../../stats/combined-columns.js";
import type { Relation } from "../solve/relations.js";
import { solveSteps } from "../solve/solve.js";
import { type FactorEffects, factorEffects, type ModelOfEffects } from "./absorbed-effects.js";

/**
 * The relations of columns that depend on absorbed effects, and on columns before them; the columns are those of
 * `withEffects`. See `relationsOf`.
 */
export function absorbedRelations(
  model: ModelOfEffects & { readonly effects: readonly FactorEffects[] },
  aliased: readonly number[],
): Relation[] {
  const { regression } = model;
  const { terms, target } = regression;
  const moments = atHand(model.moments, [...terms, target]);
  const left = new Set(aliased);
  const kept = terms.map((_, j) => j).filter((j) => !left.has(j));
  return aliased.map((column): Relation => {
    const own = moments.index(terms[column]!);
    const square = own < 0 ? 0 : moments.product(own, own, false);
    if (square === 0) return { column, zero: true, constant: 0, at: [], values: [], spread: 0 };
    const asTarget = { ...regression, target: terms[column]!, terms: kept.map((j) => terms[j]!) };
    const { coefficients, absorption } = inOneGo(solveSteps(model.moments, asTarget, { inverse: false }));
    const { spec, levels } = model;
    const effects = factorEffects({
      spec,
      levels,
      moments: model.moments,
      regression: asTarget,
      absorption,
      coefficients,
    });
    const at = [...kept];
    const values = [...coefficients];
    let place = terms.length;
    model.effects.forEach((ofModel, f) => {
      ofModel.effects.forEach((effect, level) => {
        if (Number.isNaN(effect)) return;
        at.push(place++);
        values.push(effects[f]!.effects[level]!);
      });
    });
    const spread = Math.sqrt(moments.product(own, own) / moments.sumW) || Math.sqrt(square / moments.sumW);
    return { column, zero: false, constant: 0, at, values, spread };
  });
}
