import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import type { ExtendedMoments } from "../../stats/extended-moments.js";
import { packedIndex } from "../../stats/packed.js";
import { entry } from "../solve/extended-cholesky.js";
import type { Instruments, Regression } from "../solve/regression.js";
import type { AbsorbedEffects, Solution } from "../solve/solution.js";
import { absorbEffectsSteps, withoutFirst } from "../solve/solve-absorbed.js";
import { type InstrumentCoordinates, instrumentCoordinates } from "./coordinates.js";
import { kappaOf, kClassMoments } from "./k-class.js";
import { type ReducedForm, reducedForm } from "./reduced-form.js";

/** An equation with endogenous terms, made ready. */
export interface InstrumentedEquation {
  /** About the effects, where effects were absorbed. */
  moments: CrossProducts;
  /** With an intercept where columns are to be taken about their means, which are 0 about effects. */
  regression: Regression;
  instruments: Instruments;
  coordinates: InstrumentCoordinates;
  form: ReducedForm;
  kappa: number;
  /** Moments whose least squares is the estimator. */
  estimating: ExtendedMoments;
  absorbed: AbsorbedEffects | undefined;
}

/** The equation of a regression with instruments, its effects absorbed; throws ModelError where it is not identified. */
export function* equationSteps(given: CrossProducts, asked: Regression): Steps<InstrumentedEquation> {
  const instruments = asked.instruments!;
  let moments: CrossProducts;
  let absorbed: AbsorbedEffects | undefined;
  const { terms, target, names, computed } = asked;
  if (asked.absorbed === undefined) moments = given.over([...terms, ...instruments.excluded, target]);
  else {
    const found = yield* absorbEffectsSteps(given, { ...asked, terms: [...terms, ...instruments.excluded] });
    moments = found.moments;
    const y = moments.index(target);
    absorbed = { rank: found.rank, tss: moments.product(y, y) };
  }
  yield;
  const about = asked.intercept || absorbed !== undefined;
  const regression: Regression = { terms, target, names, computed, intercept: about };
  const coordinates = yield* instrumentCoordinates(moments, regression, instruments);
  const constants = absorbed?.rank ?? (asked.intercept ? 1 : 0);
  const form = reducedForm(coordinates, given, constants);
  const kappa = kappaOf(instruments, form);
  const estimating = kClassMoments(moments, regression, instruments.endogenous, coordinates, kappa);
  return { moments, regression, instruments, coordinates, form, kappa, estimating, absorbed };
}

/**
 * The k-class estimator, θ = (Xᵀ(I − κM)X)⁻¹ Xᵀ(I − κM)y: two-stage least squares, LIML, Fuller. Of GMM it is the first step. The
 * inverse is that of Xᵀ(I − κM)X, and RSS that of the structural residuals y − Xθ.
 *
 * @param solve least squares from dense moments
 * @throws ModelError where the instruments do not identify the coefficients
 */
export function* solveInstrumentedSteps(
  moments: CrossProducts,
  regression: Regression,
  solve: (moments: CrossProducts, regression: Regression) => Steps<Solution>,
): Steps<Solution> {
  const equation = yield* equationSteps(moments, regression);
  const { estimating, absorbed, coordinates, kappa } = equation;
  const solved = yield* solve(estimating, equation.regression);
  const y = moments.index(regression.target);
  const found = absorbed === undefined ? solved : withoutIntercept(solved, regression.terms.length);
  const first = regression.intercept ? 1 : 0;
  const slopes = found.coefficients.subarray(first);
  return {
    ...found,
    rss: structuralSquares(equation, slopes),
    tss: moments.product(y, y, regression.intercept || absorbed !== undefined),
    ...(absorbed === undefined ? {} : { absorbed }),
    instrumented: { kappa, redundant: coordinates.redundant, doubtful: coordinates.doubtful },
  };
}

function withoutIntercept(solution: Solution, k: number): Solution {
  const { coefficients, inverse, variances, rank } = solution;
  return {
    ...solution,
    coefficients: coefficients.slice(1),
    inverse: inverse.length === 0 ? inverse : withoutFirst(inverse, k),
    variances: variances?.slice(1),
    rank: rank - 1,
  };
}

/**
 * Σ w (y − Xθ)² of the endogenous terms' slopes, the exogenous columns taken out: ‖Z̃ᵀ(y − Yβ)‖² + (y − Yβ)ᵀM(y − Yβ), for
 * what is left is orthogonal to the exogenous columns.
 */
function structuralSquares(
  { instruments: { endogenous }, coordinates, form }: InstrumentedEquation,
  slopes: Float64Array,
): number {
  const { columns, left, exogenous } = coordinates;
  const m = form.endogenous;
  const weights = [...endogenous.map((j) => -slopes[j]!), 1];
  if (weights.some(Number.isNaN))
    throw new ModelError("an endogenous term depends linearly on others, and has no coefficient");
  let sum = new DoubleDouble(0);
  for (let t = exogenous.length; t < columns[0]!.hi.length; t++) {
    let rest = new DoubleDouble(0);
    for (let i = 0; i <= m; i++) rest = rest.add(entry(columns[i]!, t).mul(new DoubleDouble(weights[i]!)));
    sum = sum.add(rest.mul(rest));
  }
  for (let i = 0; i <= m; i++)
    for (let j = 0; j <= m; j++) {
      const product = entry(left, packedIndex(Math.max(i, j), Math.min(i, j)));
      sum = sum.add(product.mul(DoubleDouble.product(weights[i]!, weights[j]!)));
    }
  return Math.max(0, sum.toNumber());
}
