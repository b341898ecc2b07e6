import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import type { Regression } from "./solve.js";

/**
 * The squared error of a model on the rows behind some moments, Σ w (y − β₀ − xᵀβ)² = aᵀCa + W (ȳ − β₀ − x̄ᵀβ)² with
 * a = (−β, 1): exact without the rows. In double-double where the moments are.
 *
 * @param coefficients θ, the intercept first where there is one; NaN (aliased) counts as 0. A column that the
 * moments lack is zero in all their rows.
 */
export function predictionSquares(
  moments: CrossProducts,
  regression: Regression,
  coefficients: Float64Array,
): number {
  const first = regression.intercept ? 1 : 0;
  const at: number[] = [];
  const a: number[] = [];
  regression.terms.forEach((term, i) => {
    const column = moments.index(term);
    const beta = coefficients[i + first]!;
    if (column < 0 || !(beta !== 0) || Number.isNaN(beta)) return;
    at.push(column);
    a.push(-beta);
  });
  const target = moments.index(regression.target);
  if (target >= 0) {
    at.push(target);
    a.push(1);
  }
  const offset = regression.intercept ? -coefficients[0]! : 0;
  return moments.extended ? extendedForm(moments, at, a, offset) : doubleForm(moments, at, a, offset);
}

function doubleForm(moments: CrossProducts, at: number[], a: number[], offset: number): number {
  let squares = 0;
  let mean = offset;
  for (let i = 0; i < at.length; i++) {
    let sum = moments.product(at[i]!, at[i]!) * a[i]!;
    for (let j = 0; j < i; j++) sum += 2 * moments.product(at[i]!, at[j]!) * a[j]!;
    squares += a[i]! * sum;
    mean += a[i]! * moments.mean[at[i]!]!;
  }
  return Math.max(0, squares) + moments.sumW * mean * mean;
}

function extendedForm(moments: CrossProducts, at: number[], a: number[], offset: number): number {
  let squares = new DoubleDouble(0);
  let mean = new DoubleDouble(offset);
  for (let i = 0; i < at.length; i++) {
    const factor = new DoubleDouble(a[i]!);
    let sum = new DoubleDouble(0);
    for (let j = 0; j <= i; j++) {
      const c = moments.extendedProduct(at[i]!, at[j]!);
      sum = sum.add(c.mul(new DoubleDouble(i === j ? a[j]! : 2 * a[j]!)));
    }
    squares = squares.add(sum.mul(factor));
    mean = mean.add(moments.extendedMean(at[i]!).mul(factor));
  }
  const bias = moments.extendedSumW.mul(mean.mul(mean));
  return Math.max(0, squares.toNumber()) + bias.toNumber();
}
