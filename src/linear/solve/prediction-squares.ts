import { DoubleDouble } from "../../stats/double-double.js";
import { ExtendedMoments } from "../../stats/extended-moments.js";
import type { Moments } from "../../stats/moments.js";
import { packedIndex } from "../../stats/packed.js";
import type { Regression } from "./solve.js";

/**
 * The squared error of a model on the rows behind some moments, Σ w (y − β₀ − xᵀβ)² = aᵀCa + W (ȳ − β₀ − x̄ᵀβ)² with
 * a = (−β, 1): exact without the rows. In double-double where the moments are.
 *
 * @param coefficients θ, the intercept first where there is one; NaN (aliased) counts as 0. A column that the
 * moments lack is zero in all their rows.
 */
export function predictionSquares(
  moments: Moments | ExtendedMoments,
  regression: Regression,
  coefficients: Float64Array,
): number {
  const where = new Map(moments.columns.map((name, i) => [name, i]));
  const first = regression.intercept ? 1 : 0;
  const at: number[] = [];
  const a: number[] = [];
  regression.terms.forEach((term, i) => {
    const column = where.get(term);
    const beta = coefficients[i + first]!;
    if (column === undefined || !(beta !== 0) || Number.isNaN(beta)) return;
    at.push(column);
    a.push(-beta);
  });
  const target = where.get(regression.target);
  if (target !== undefined) {
    at.push(target);
    a.push(1);
  }
  const offset = regression.intercept ? -coefficients[0]! : 0;
  return moments instanceof ExtendedMoments
    ? extendedForm(moments, at, a, offset)
    : doubleForm(moments, at, a, offset);
}

function doubleForm(moments: Moments, at: number[], a: number[], offset: number): number {
  let squares = 0;
  let mean = offset;
  for (let i = 0; i < at.length; i++) {
    let sum = moments.c[packedIndex(at[i]!, at[i]!)]! * a[i]!;
    for (let j = 0; j < i; j++) sum += 2 * moments.c[packedIndex(at[i]!, at[j]!)]! * a[j]!;
    squares += a[i]! * sum;
    mean += a[i]! * moments.mean[at[i]!]!;
  }
  return Math.max(0, squares) + moments.sumW * mean * mean;
}

function extendedForm(moments: ExtendedMoments, at: number[], a: number[], offset: number): number {
  let squares = new DoubleDouble(0);
  let mean = new DoubleDouble(offset);
  for (let i = 0; i < at.length; i++) {
    const factor = new DoubleDouble(a[i]!);
    let sum = new DoubleDouble(0);
    for (let j = 0; j <= i; j++) {
      const k = packedIndex(at[i]!, at[j]!);
      const c = new DoubleDouble(moments.c[k]!, moments.cLow[k]!);
      sum = sum.add(c.mul(new DoubleDouble(i === j ? a[j]! : 2 * a[j]!)));
    }
    squares = squares.add(sum.mul(factor));
    mean = mean.add(new DoubleDouble(moments.mean[at[i]!]!, moments.meanLow[at[i]!]!).mul(factor));
  }
  const bias = new DoubleDouble(moments.sumW, moments.sumWLow).mul(mean.mul(mean));
  return Math.max(0, squares.toNumber()) + bias.toNumber();
}
