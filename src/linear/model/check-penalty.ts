import { columnLimits } from "../penalty/column-limits.js";
import type { LinearModel } from "./model.js";

/** The moments of a model as its optimality conditions see them. */
interface PenalizedSums {
  /** The columns that are looked at. */
  readonly looked: readonly number[];
  readonly W: number;
  readonly tss: number;
  readonly beta: Float64Array;
  readonly mean: Float64Array;
  readonly product: (i: number, j: number) => number;
  residual(j: number): { rest: number; size: number };
}

/**
 * How far a condition may be off, as a share of the absolute sum of its terms: fits are solved by a Cholesky factor in
 * double, whose residuals are seven digits smaller.
 */
const TOLERANCE = 1e-8;

/**
 * The first slope of a penalised fit that is outside its bounds or does not satisfy the optimality conditions of what the
 * model says it minimises; undefined where all do. With b = Dβ and the pull g = cov(Dx, residual) − ridge b, a slope that is
 * not at a bound has g = lasso sign(b), one at 0 has |g| ≤ lasso, and one at a bound pulls outwards. Of relaxed fits these
 * hold for γ = 0 alone, without a penalty, over what is not 0.
 */
export function unpenalizedSlope(
  model: Pick<LinearModel, "intercept" | "n" | "penalty" | "regression">,
  sums: PenalizedSums,
): number | undefined {
  const { penalty, regression, intercept, n } = model;
  if (penalty === undefined) return undefined;
  const { alpha, parametrization, gamma = 1 } = penalty;
  const { W, beta, mean } = sums;
  const { lower, upper, factors } = columnLimits(regression, penalty);
  const most = beta.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
  const relaxed = gamma === 0 && most <= n - 3;
  const lambda = relaxed ? 0 : penalty.lambda;
  const whole = factors === undefined ? 1 : factors.reduce((sum, one) => sum + one, 0) / factors.length;
  const plain = parametrization === undefined;
  const deviation = plain ? 1 : Math.sqrt(sums.tss / W) || 1;
  return sums.looked.find((j) => {
    const own = beta[j]!;
    const [least, most] = [lower?.[j] ?? -Infinity, upper?.[j] ?? Infinity];
    if (own < least || own > most) return true;
    if ((gamma !== 1 && !relaxed) || (relaxed && own === 0)) return false;
    const square = sums.product(j, j) - (plain || intercept ? 0 : W * mean[j]! ** 2);
    const d = Math.sqrt(square / W);
    // A constant column has no slope, and no condition.
    if (!(d > 1e-12 * Math.abs(mean[j]!))) return false;
    const { rest, size } = sums.residual(j);
    const share = (lambda * (factors?.[j] ?? 1)) / whole;
    const pull = rest / W / d - (share * (1 - alpha) * own * d) / deviation;
    const lasso = share * alpha;
    const bound = TOLERANCE * (size / W / d + lasso);
    const mayRise = own < most && !(pull - (own >= 0 ? lasso : -lasso) <= bound);
    const mayFall = own > least && !(pull + (own <= 0 ? lasso : -lasso) >= -bound);
    return mayRise || mayFall;
  });
}
