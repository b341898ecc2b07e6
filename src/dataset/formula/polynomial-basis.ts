import { DoubleDouble } from "../../stats/double-double.js";
import type { PowerSums } from "../../stats/power-sums.js";
import type { Expression } from "./spec.js";

/** A pivot below this share of what it was before elimination is rounding: double-double has 32 digits. */
const LEAST_PIVOT = 1e-22;

/**
 * The columns of R's `poly(x, degree)`: polynomials p_1, …, p_degree with Σ p_i p_j = 1 where i = j, else 0, all orthogonal to
 * the constant, with positive leading coefficients. The rows of L⁻¹, of the Cholesky factor L of the Gram matrix of the
 * powers 0 to degree of (x − c)/s, are their coefficients; c is the mean and s a power of two near the deviation, so that
 * powers stay near 1, and all is done in double-double. Each is written by Horner's rule.
 *
 * @param sums the power sums of x to 2 · degree
 * @returns undefined where x has no more than `degree` different values, as far as can be told
 */
export function polynomialColumns(x: Expression, sums: PowerSums, degree: number): Expression[] | undefined {
  const { n } = sums;
  const centre = sums.about(0)[1]!.hi / n;
  const about = sums.about(centre);
  const deviation = Math.sqrt(about[2]!.hi / n);
  if (!(deviation > 0) || n <= degree) return undefined;
  const scale = 2 ** -Math.round(Math.log2(deviation));
  const moments = about.map(({ hi, lo }, k) => new DoubleDouble(hi * scale ** k, lo * scale ** k));
  const factor = inverseFactor(moments, degree + 1);
  if (factor === undefined) return undefined;
  const u: Expression = {
    call: "*",
    args: [{ call: "-", args: [x, { number: centre }] }, { number: scale }],
  };
  return factor.slice(1).map((row) =>
    horner(
      u,
      row.map((value) => value.toNumber()),
    ),
  );
}

/** c_0 + u (c_1 + u (c_2 + …)). */
export function horner(u: Expression, coefficients: readonly number[]): Expression {
  return coefficients
    .slice(0, -1)
    .reduceRight<Expression>(
      (inner, value) => ({ call: "+", args: [{ number: value }, { call: "*", args: [u, inner] }] }),
      { number: coefficients.at(-1)! },
    );
}

/** L⁻¹ of H = LLᵀ, H_ij = m_(i + j), row by row; undefined where a pivot is rounding. */
function inverseFactor(moments: readonly DoubleDouble[], size: number): DoubleDouble[][] | undefined {
  const L: DoubleDouble[][] = [];
  for (let i = 0; i < size; i++) {
    const row: DoubleDouble[] = [];
    for (let j = 0; j <= i; j++) {
      let sum = moments[i + j]!;
      for (let k = 0; k < j; k++) sum = sum.sub(row[k]!.mul((j === i ? row : L[j]!)[k]!));
      if (j < i) row.push(sum.div(L[j]![j]!));
      else if (sum.hi > LEAST_PIVOT * moments[2 * i]!.hi) row.push(sum.sqrt());
      else return undefined;
    }
    L.push(row);
  }
  const inverse: DoubleDouble[][] = [];
  for (let i = 0; i < size; i++) {
    const row: DoubleDouble[] = [];
    for (let j = 0; j <= i; j++) {
      let sum = new DoubleDouble(i === j ? 1 : 0);
      for (let k = j; k < i; k++) sum = sum.sub(L[i]![k]!.mul(inverse[k]![j]!));
      row.push(sum.div(L[i]![i]!));
    }
    inverse.push(row);
  }
  return inverse;
}
