import { ModelError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import type { Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";

/**
 * Penalty factors of an adaptive lasso: 1/|d_j β̂_j|^power, β̂ least squares and d the columns' standard deviations, by the
 * coefficients' names. What least squares thinks much of is penalised little, so that the lasso finds the true terms where
 * there are such (Zou 2006; there of columns of one standard deviation, which makes it free of units).
 *
 * @throws ModelError where least squares leaves a term out, or has one at 0
 */
export function adaptiveFactors(
  moments: CrossProducts,
  { terms, names, intercept }: Regression,
  { coefficients, aliased }: Pick<Solution, "coefficients" | "aliased">,
  power: number,
): Record<string, number> {
  if (aliased.length > 0)
    throw new ModelError(
      `adaptive penalty factors follow from least squares, which leaves ${terms[aliased[0]!]} out`,
      { hint: "leave it out of the model" },
    );
  const first = intercept ? 1 : 0;
  const factors: Record<string, number> = {};
  terms.forEach((term, j) => {
    const at = moments.index(term);
    const deviation = Math.sqrt(moments.product(at, at) / moments.sumW);
    const factor = 1 / Math.abs(deviation * coefficients[j + first]!) ** power;
    if (!(factor < Infinity))
      throw new ModelError(
        `adaptive penalty factors follow from least squares, where ${term} has the slope 0`,
      );
    factors[names?.[j]?.[0] ?? term] = factor;
  });
  return factors;
}
