import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { basicKeys } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import { option, wording } from "../../wording.js";
import { solveInstrumentedSteps } from "../instruments/solve-instrumented.js";
import { eliminateFactor } from "./eliminate.js";
import { factorSpd } from "./factor-spd.js";
import type { Regression } from "./regression.js";
import { conditionOf, type InterceptPart, inOrderOfTerms, isConstant, type Solution } from "./solution.js";
import { solveAbsorbed } from "./solve-absorbed.js";
import { solveExtended } from "./solve-extended.js";
import type { SymmetricRows } from "./spd-factor.js";

/**
 * Below this pivot (1 − R² of a column on those before it) a column counts as dependent. In double precision the
 * pivot of an exactly dependent column comes out as rounding, up to some 1e-13 for long sums.
 */
export const DOUBLE_TOLERANCE = 1e-11;

/** Columns whose dependence is told in the terms' own order, though a factor could be eliminated. */
const MOST_IN_ORDER = 2000;

/** Columns of a dense Gram matrix: 20,000 take 1.6 GB. */
const MOST_COLUMNS = 20_000;

/** How `solve` does it. */
export interface SolveOptions {
  /**
   * Whether (XᵀX)⁻¹ and the condition number are wanted (default); without them a solution takes a third of the time.
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
  return inOneGo(solveSteps(moments, regression, options));
}

/** `solve` in steps: a wide design takes seconds, which other threads can share, and in which others should run. */
export function* solveSteps(
  moments: CrossProducts,
  regression: Regression,
  options: SolveOptions = {},
): Steps<Solution> {
  return (yield* solveTargetsSteps(moments, regression, [regression.target], options))[0]!;
}

/**
 * The solutions of a regression for each of several targets: the Gram matrix is factored once, and gets a right side for each. Each
 * solution has the bits that it has by itself.
 *
 * @param targets keys of columns of the moments, in the place of the regression's own
 */
export function* solveTargetsSteps(
  moments: CrossProducts,
  regression: Regression,
  targets: readonly string[],
  options: SolveOptions = {},
): Steps<Solution[]> {
  if (moments.n === 0)
    throw new ModelError("there are no rows to fit", { hint: "all rows have missing cells?" });
  const { inverse = true } = options;
  if (regression.instruments !== undefined) {
    const solutions: Solution[] = [];
    for (const target of targets)
      solutions.push(
        yield* solveInstrumentedSteps(moments, { ...regression, target }, (left, own) =>
          solveSteps(left, own, options),
        ),
      );
    return solutions;
  }
  if (regression.absorbed !== undefined)
    return yield* solveAbsorbed(moments, regression, targets, (left, own) =>
      solveTargetsSteps(left, own, targets, options),
    );
  const eliminated =
    moments instanceof SparseMoments && basicKeys(regression.terms) === undefined
      ? yield* eliminateFactor(moments, regression, targets)
      : undefined;
  if (eliminated !== undefined) {
    const within = yield* solveTargetsSteps(eliminated.moments, eliminated.regression, targets, { inverse });
    // Eliminated first, a factor's levels come before columns that stand before them: which column is the aliased one
    // is then for the terms' own order to say, as long as that can be had.
    if (within[0]!.aliased.length === 0 || regression.terms.length > MOST_IN_ORDER)
      return yield* eliminated.complete(within, inverse);
  }
  const size = regression.terms.length;
  if (size > MOST_COLUMNS)
    throw new ModelError(`${size} coefficients are more than can be solved for at once (${MOST_COLUMNS})`, {
      hint: wording`leave columns of very many levels out with ${option("exclude")}, or code them as the only such factor`,
    });
  const dense = moments.over([...regression.terms, ...targets]);
  const index = (name: string) => dense.index(name);
  const at = regression.terms.map(index);
  const ys = targets.map((target) => columnsIn(index, { ...regression, terms: [], target })[0]!);
  const { intercept, computed } = regression;
  return moments.extended
    ? yield* solveExtended(dense, at, ys, intercept, inverse, computed)
    : yield* solveDouble(dense, at, ys, intercept, inverse);
}

/**
 * Where the terms (in order) and, last, the target lie in the moments; −1 for a term that they have no column of,
 * which is a column of zeros. Throws UsageError where the target is not there.
 */
export function columnsOf(moments: CrossProducts, regression: Regression): number[] {
  return columnsIn((name) => moments.index(name), regression);
}

/** The same, going by what says where a column lies. */
export function columnsIn(index: (name: string) => number, { terms, target }: Regression): number[] {
  const y = index(target);
  if (y < 0) throw new UsageError(`the moments have no column ${JSON.stringify(target)}`);
  return [...terms.map(index), y];
}

function* solveDouble(
  moments: CrossProducts,
  at: readonly number[],
  ys: readonly number[],
  intercept: boolean,
  inverseWanted: boolean,
): Steps<Solution[]> {
  const k = at.length;
  const W = moments.sumW;
  const mean = Float64Array.from(at, (i) => moments.mean[i] ?? 0);
  const product = (i: number, j: number) => moments.product(at[i]!, at[j]!, intercept);
  const scale = new Float64Array(k);
  for (let i = 0; i < k; i++)
    scale[i] = isConstant(product(i, i), W, mean[i]!) ? 0 : Math.sqrt(product(i, i));
  const rows: SymmetricRows = {
    order: k,
    row(i, out) {
      const own = scale[i]!;
      for (let j = 0; j < i; j++) out[j] = own === 0 || scale[j] === 0 ? 0 : product(i, j) / own / scale[j]!;
      out[i] = own === 0 ? 0 : 1;
    },
  };
  const factor = yield* factorSpd(rows, DOUBLE_TOLERANCE);
  const { kept, aliased } = factor;
  const fits: { beta: Float64Array; value: number; explained: number; tss: number }[] = [];
  for (const y of ys) {
    const right = Float64Array.from(kept, (i) => moments.product(at[i]!, y, intercept) / scale[i]!);
    const { high: beta, half } = yield* factor.solve(right);
    for (let i = 0; i < kept.length; i++) beta[i]! /= scale[kept[i]!]!;
    const value = intercept ? kept.reduce((rest, i, at) => rest - mean[i]! * beta[at]!, moments.mean[y]!) : 0;
    const explained = half.reduce((sum, z) => sum + z * z, 0);
    fits.push({ beta, value, explained, tss: moments.product(y, y, intercept) });
  }
  const spread = { variance: Number.NaN, covariance: new Float64Array(0) };
  if (intercept && inverseWanted) {
    const z = yield* factor.solve(Float64Array.from(kept, (i) => mean[i]! / scale[i]!));
    spread.variance = z.half.reduce((sum, v) => sum + v * v, 1 / W);
    spread.covariance = z.high.map((v, i) => -v / scale[kept[i]!]!);
  }
  let inverse: { slopes: Float64Array; scale: Float64Array } | undefined;
  let conditionNumber = Number.NaN;
  if (inverseWanted) {
    const slopes = yield* factor.inverse();
    conditionNumber = yield* conditionOf(rows, kept, slopes);
    inverse = { slopes, scale };
  }
  factor.release();
  const solutions: Solution[] = [];
  for (const { beta, value, explained, tss } of fits) {
    const centre: InterceptPart | undefined = intercept ? { value, ...spread } : undefined;
    solutions.push({
      ...(yield* inOrderOfTerms(k, kept, beta, inverse, centre)),
      aliased: [...aliased],
      rank: kept.length + (intercept ? 1 : 0),
      conditionNumber,
      rss: Math.max(0, tss - explained),
      tss,
      method: { factor: factor.by, arithmetic: "double" },
    });
  }
  return solutions;
}
