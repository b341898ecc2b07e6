import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { atHand, basicKeys, combinedRows } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex } from "../../stats/packed.js";
import { SparseMoments } from "../../stats/sparse-moments.js";
import { type Absorbed, absorbSteps } from "./absorb.js";
import { absorbIterativelySteps } from "./absorb-iteratively.js";
import type { Regression } from "./regression.js";
import type { Solution } from "./solution.js";

/** Effects of more levels than these, those of the largest factor left out, are found by iteration: no dense system. */
const MOST_FACTORED = 1500;
/** The relative residual of the effects' equations from which on the coefficients' ninth digit would be in doubt. */
const WORST_RESIDUAL = 1e-11;

/** Takes the effects of a regression's absorbed factors out of its columns. */
export function absorbEffects(moments: CrossProducts, regression: Regression): Absorbed {
  return inOneGo(absorbEffectsSteps(moments, regression));
}

/**
 * `absorbEffects`, in steps.
 *
 * @param targets columns that stand in the place of the regression's target
 */
export function* absorbEffectsSteps(
  moments: CrossProducts,
  regression: Regression,
  targets: readonly string[] = [regression.target],
): Steps<Absorbed> {
  const { terms, absorbed = [] } = regression;
  const families = absorbed.map((key) => {
    const found = moments instanceof SparseMoments ? familyOf(moments, key) : undefined;
    if (found === undefined) throw new UsageError(`the moments have no levels of ${JSON.stringify(key)}`);
    return found;
  });
  const sparse = moments as SparseMoments;
  const sizes = families.map((family) => sparse.tables[sparse.shape.families[family]!.table]!.count);
  const smaller = sizes.reduce((sum, size) => sum + size, 0) - Math.max(...sizes);
  const whole = [...terms, ...targets];
  const columns = basicKeys(whole) ?? whole;
  if (columns === whole) return yield* absorbColumns(sparse, families, whole, smaller);
  const found = yield* absorbColumns(sparse, families, columns, smaller);
  const rows = combinedRows(whole, (key) => columns.indexOf(key))!;
  return {
    ...found,
    moments: found.moments.over(whole),
    effects: (combination) => {
      const basic = new Float64Array(columns.length);
      for (const [i, row] of rows.entries())
        for (const { at, weight } of row) basic[at]! += weight * combination[i]!;
      return found.effects(basic);
    },
  };
}

function* absorbColumns(
  sparse: SparseMoments,
  families: readonly number[],
  columns: readonly string[],
  smaller: number,
): Steps<Absorbed> {
  if (smaller <= MOST_FACTORED) return yield* absorbSteps(sparse, families, columns);
  const found = yield* absorbIterativelySteps(sparse, families, columns);
  if (found.residual > WORST_RESIDUAL)
    throw new ModelError(
      `the effects were not found in ${found.iterations} iterations: a residual of ${found.residual.toExponential(1)} is left`,
      { hint: "their levels hardly meet: absorb fewer factors" },
    );
  return found;
}

function familyOf({ shape }: SparseMoments, key: string): number | undefined {
  const factor = shape.factors.indexOf(key);
  return shape.absorbed?.find((family) => shape.families[family]!.parts[0] === factor);
}

/**
 * Least squares on what absorbed effects leave of the columns: coefficients and covariance are those of the regression
 * with all indicators in it.
 *
 * @param targets the columns that it is solved for
 * @param solve least squares of all of them from dense moments
 */
export function* solveAbsorbed(
  moments: CrossProducts,
  regression: Regression,
  targets: readonly string[],
  solve: (moments: CrossProducts, regression: Regression) => Steps<Solution[]>,
): Steps<Solution[]> {
  const { terms, target } = regression;
  yield;
  const all = yield* absorbEffectsSteps(moments, regression, targets);
  yield;
  // What is left has means of zero: with an intercept its rounding is kept out of the coefficients.
  const solutions = yield* solve(all.moments, { target, terms, intercept: true });
  return solutions.map((within, t) =>
    aboutEffects(moments, terms, targets[t]!, targets.length === 1 ? all : ofTarget(all, terms, t), within),
  );
}

/** Of columns of several targets that effects were absorbed from those of one. */
function ofTarget(absorbed: Absorbed, terms: readonly string[], t: number): Absorbed {
  const k = terms.length;
  const { columns } = absorbed.moments;
  return {
    ...absorbed,
    moments: absorbed.moments.select([...terms.keys(), k + t]),
    effects: (combination) => {
      const whole = new Float64Array(columns.length);
      for (let j = 0; j < k; j++) whole[j] = combination[j]!;
      whole[k + t] = combination[k]!;
      return absorbed.effects(whole);
    },
  };
}

/** A regression's solution from that of what effects leave of its columns. */
function aboutEffects(
  moments: CrossProducts,
  terms: readonly string[],
  target: string,
  absorbed: Absorbed,
  within: Solution,
): Solution {
  const y = absorbed.moments.index(target);
  const k = terms.length;
  const sums = atHand(moments, [...terms, target]);
  const loss = terms.reduce((most, name) => {
    const left = squareOf(absorbed.moments, name);
    return left > 0 ? Math.max(most, squareOf(sums, name) / left) : most;
  }, 1);
  return {
    ...within,
    coefficients: within.coefficients.slice(1),
    inverse: within.inverse.length === 0 ? within.inverse : withoutFirst(within.inverse, k),
    variances: within.variances?.slice(1),
    rank: within.rank - 1,
    conditionNumber: within.conditionNumber * Math.sqrt(loss),
    tss: squareOf(moments, target),
    absorbed: { rank: absorbed.rank, tss: absorbed.moments.product(y, y) },
    absorption: absorbed,
  };
}

/** Σ w (x − x̄)² of a column; 0 where there is none. */
function squareOf(moments: CrossProducts, name: string): number {
  const at = moments.index(name);
  return at < 0 ? 0 : moments.product(at, at);
}

/** A packed triangle of k + 1 rows without the first row and column. */
export function withoutFirst(packed: Float64Array, k: number): Float64Array {
  const rest = new Float64Array((k * (k + 1)) / 2);
  for (let i = 0; i < k; i++)
    rest.set(packed.subarray(packedIndex(i + 1, 1), packedIndex(i + 1, i + 1) + 1), packedIndex(i, 0));
  return rest;
}
