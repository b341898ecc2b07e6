import type { Steps } from "../../parallel/steps.js";
import { atHand } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { type ExtendedVector, extendedVector } from "./extended-cholesky.js";
import { factorExtended, factorSpd } from "./factor-spd.js";
import { refine } from "./refine.js";
import type { Regression } from "./regression.js";
import { type GramSolver, type Relation, relationsBy, type Slopes, slopesByFactor } from "./relations.js";
import { packedRows } from "./solution.js";
import { solveSteps } from "./solve.js";

/** Columns for which one dense factor serves all relations. */
const MOST_DENSE = 1500;

/** A pivot above this in double is good enough to refine with. */
const CERTAIN_PIVOT = 1e-12;

/**
 * The relations of a fit's aliased columns, from its moments.
 *
 * @param aliased indices into the terms of the regression; the others are independent
 */
export function relationsOf(
  moments: CrossProducts,
  regression: Regression,
  aliased: readonly number[],
): Steps<Relation[]> {
  const given = atHand(moments, [...regression.terms, regression.target]);
  return relationsBy(given, regression, aliased, (kept, columns) =>
    kept.length <= MOST_DENSE
      ? slopesByFactor(given, regression, kept, columns, refined)
      : oneByOne(given, regression, kept, columns),
  );
}

/** A factor in double, refined in double-double, or one in that where double is not enough. */
function* refined(gram: ExtendedVector, order: number): Steps<GramSolver> {
  const rows = packedRows(gram.hi, order, gram.lo);
  const all = Array.from({ length: order }, (_, i) => i);
  const double = yield* factorSpd(rows, CERTAIN_PIVOT);
  return {
    *solve(b: ExtendedVector): Steps<ExtendedVector> {
      const found = double.aliased.length > 0 ? undefined : yield* refine(gram, all, double, b);
      if (found !== undefined) return found.x;
      const factor = yield* factorExtended(rows, 0);
      const { high, low } = yield* factor.solve(
        Float64Array.from(factor.kept, (i) => b.hi[i]!),
        Float64Array.from(factor.kept, (i) => b.lo[i]!),
      );
      const solved = extendedVector(order);
      for (const [i, k] of factor.kept.entries()) {
        solved.hi[k] = high[i]!;
        solved.lo[k] = low[i]!;
      }
      factor.release();
      return solved;
    },
    release: () => double.release(),
  };
}

/** By a regression for each, which eliminates a factor of many levels. */
function* oneByOne(
  given: CrossProducts,
  { terms, intercept }: Regression,
  kept: readonly number[],
  columns: readonly number[],
): Steps<Slopes[]> {
  const found: Slopes[] = [];
  const own = kept.map((j) => terms[j]!);
  for (const column of columns) {
    const regression = { target: terms[column]!, terms: own, intercept };
    const { coefficients } = yield* solveSteps(given, regression, { inverse: false });
    const slopes = coefficients.slice(intercept ? 1 : 0).map((v) => (Number.isNaN(v) ? 0 : v));
    found.push({ constant: intercept ? coefficients[0]! : 0, slopes });
  }
  return found;
}
