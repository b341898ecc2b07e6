import { ModelError, UsageError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { backSubstitute, cholesky, forwardSubstitute, inverseFromFactor } from "./cholesky.js";
import { type InterceptPart, inOrderOfTerms, isConstant, normOne, type Solution } from "./solution.js";
import { solveExtended } from "./solve-extended.js";

/** Which columns of the moments are regressed on which. */
export interface Regression {
  /** The column of y. */
  target: string;
  /** The columns of X, without the intercept's; one that the moments do not have is zero in every row. */
  terms: readonly string[];
  intercept: boolean;
}

/**
 * Below this pivot (1 − R² of a column on those before it) a column counts as dependent. In double precision the
 * pivot of an exactly dependent column comes out as rounding, up to some 1e-13 for long sums.
 */
const DOUBLE_TOLERANCE = 1e-11;

/** How `solve` does it. */
export interface SolveOptions {
  /**
   * Whether (XᵀX)⁻¹ and the condition number are wanted (default); without them, which in double are left NaN, a
   * solution takes a third of the time.
   */
  inverse?: boolean | undefined;
}

/**
 * Solves the normal equation from centred, scaled cross-products.
 *
 * With an intercept, S = C over the columns of X; without, S = C + W x̄x̄ᵀ. With D = diag(S)^½ the system
 * D⁻¹SD⁻¹ (Dβ) = D⁻¹s is solved by Cholesky, and β₀ = ȳ − x̄ᵀβ. Moments in double-double are solved in double-double.
 * Throws ModelError where there is no row.
 */
export function solve(moments: CrossProducts, regression: Regression, options: SolveOptions = {}): Solution {
  if (moments.n === 0)
    throw new ModelError("there are no rows to fit", { hint: "all rows have missing cells?" });
  const at = columnsOf(moments, regression);
  return moments.extended
    ? solveExtended(moments, at, regression.intercept)
    : solveDouble(moments, at, regression.intercept, options.inverse ?? true);
}

/**
 * Where the terms (in order) and, last, the target lie in the moments; −1 for a term that they have no column of,
 * which is a column of zeros. Throws UsageError where the target is not there.
 */
export function columnsOf(moments: CrossProducts, { terms, target }: Regression): number[] {
  const y = moments.index(target);
  if (y < 0) throw new UsageError(`the moments have no column ${JSON.stringify(target)}`);
  return [...terms.map((name) => moments.index(name)), y];
}

function solveDouble(
  moments: CrossProducts,
  at: number[],
  intercept: boolean,
  inverseWanted: boolean,
): Solution {
  const k = at.length - 1;
  const W = moments.sumW;
  const mean = Float64Array.from(at, (i) => moments.mean[i] ?? 0);
  const product = (i: number, j: number) => moments.product(at[i]!, at[j]!, intercept);
  const scale = new Float64Array(k);
  for (let i = 0; i < k; i++)
    scale[i] = isConstant(product(i, i), W, mean[i]!) ? 0 : Math.sqrt(product(i, i));
  const gram = new Float64Array(packedLength(k));
  for (let i = 0; i < k; i++) {
    if (scale[i] === 0) continue;
    for (let j = 0; j < i; j++)
      if (scale[j] !== 0) gram[packedIndex(i, j)] = product(i, j) / scale[i]! / scale[j]!;
    gram[packedIndex(i, i)] = 1;
  }
  const { kept, aliased, lower } = cholesky(gram, k, DOUBLE_TOLERANCE);
  const r = kept.length;
  const tss = product(k, k);
  const beta = Float64Array.from(kept, (i) => product(i, k) / scale[i]!);
  forwardSubstitute(lower, r, beta);
  const explained = beta.reduce((sum, z) => sum + z * z, 0);
  backSubstitute(lower, r, beta);
  const inverse = inverseWanted
    ? inverseFromFactor(lower, r)
    : new Float64Array(packedLength(r)).fill(Number.NaN);
  const conditionNumber = Math.sqrt(normOne(gram, kept) * normOne(inverse));
  for (let i = 0; i < r; i++) {
    beta[i]! /= scale[kept[i]!]!;
    for (let j = 0; j <= i; j++) inverse[packedIndex(i, j)]! /= scale[kept[i]!]! * scale[kept[j]!]!;
  }
  let centre: InterceptPart | undefined;
  if (intercept) {
    const z = Float64Array.from(kept, (i) => mean[i]! / scale[i]!);
    forwardSubstitute(lower, r, z);
    const variance = z.reduce((sum, v) => sum + v * v, 1 / W);
    backSubstitute(lower, r, z);
    const value = kept.reduce((rest, i, at) => rest - mean[i]! * beta[at]!, mean[k]!);
    centre = { value, variance, covariance: z.map((v, i) => -v / scale[kept[i]!]!) };
  }
  return {
    ...inOrderOfTerms(k, kept, beta, inverse, centre),
    aliased,
    rank: r + (intercept ? 1 : 0),
    conditionNumber,
    rss: Math.max(0, tss - explained),
    tss,
  };
}
