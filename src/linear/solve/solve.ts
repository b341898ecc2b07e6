import { ModelError, UsageError } from "../../errors.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import { option, wording } from "../../wording.js";
import { backSubstitute, cholesky, forwardSubstitute, inverseFromFactor } from "./cholesky.js";
import { eliminateFactor } from "./eliminate.js";
import type { Regression } from "./regression.js";
import { type InterceptPart, inOrderOfTerms, isConstant, normOne, type Solution } from "./solution.js";
import { solveExtended } from "./solve-extended.js";

/**
 * Below this pivot (1 − R² of a column on those before it) a column counts as dependent. In double precision the
 * pivot of an exactly dependent column comes out as rounding, up to some 1e-13 for long sums.
 */
const DOUBLE_TOLERANCE = 1e-11;

/** Columns whose dependence is told in the terms' own order, though a factor could be eliminated. */
const MOST_IN_ORDER = 2000;

/** Columns of a dense Gram matrix: 20,000 take 1.6 GB. */
const MOST_COLUMNS = 20_000;

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
  const { inverse = true } = options;
  const eliminated = moments instanceof SparseMoments ? eliminateFactor(moments, regression) : undefined;
  if (eliminated !== undefined) {
    const within = solve(eliminated.moments, eliminated.regression, { inverse });
    // Eliminated first, a factor's levels come before columns that stand before them: which column is the aliased one
    // is then for the terms' own order to say, as long as that can be had.
    if (within.aliased.length === 0 || regression.terms.length > MOST_IN_ORDER)
      return eliminated.complete(within, inverse);
  }
  const size = regression.terms.length;
  if (size > MOST_COLUMNS)
    throw new ModelError(`${size} coefficients are more than can be solved for at once (${MOST_COLUMNS})`, {
      hint: wording`leave columns of very many levels out with ${option("exclude")}, or code them as the only such factor`,
    });
  const dense = moments.over([...regression.terms, regression.target]);
  const at = columnsOf(dense, regression);
  return moments.extended
    ? solveExtended(dense, at, regression.intercept)
    : solveDouble(dense, at, regression.intercept, inverse);
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
