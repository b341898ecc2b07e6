import type { Steps } from "../../parallel/steps.js";
import { packedIndex } from "../../stats/packed.js";
import { descendActiveSet, type PenalizedQuadratic, polish, shift, solveFree } from "./active-set.js";
import type { Problem } from "./problem.js";

/** Sweeps before the active set is sought directly: descent creeps where columns nearly depend on each other. */
const SWEEPS = 1000;

/** The problem at one λ. */
export function penalizedBy(problem: Problem, lambda: number, alpha: number): PenalizedQuadratic {
  const { factors, targetDeviation } = problem;
  return {
    ...problem,
    lasso: factors.map((factor) => factor * lambda * alpha),
    ridge: factors.map((factor) => (factor * lambda * (1 - alpha)) / targetDeviation),
  };
}

/** The problem without a penalty over the columns `chosen`, the others being 0. */
export function unpenalizedOver(problem: Problem, chosen: (j: number) => boolean): PenalizedQuadratic {
  const none = new Float64Array(problem.size);
  return {
    ...problem,
    lasso: none,
    ridge: none,
    lower: problem.lower.map((bound, j) => (chosen(j) ? bound : 0)),
    upper: problem.upper.map((bound, j) => (chosen(j) ? bound : 0)),
  };
}

/**
 * Improves b to the minimum, in place: where nothing has a kink or a bound by one solution; else by coordinate descent,
 * which finds the active set, on which the optimality conditions are solved by Cholesky.
 */
export function* minimize(problem: PenalizedQuadratic, b: Float64Array): Steps<void> {
  const { size, gram, covariance, lasso, ridge, lower, upper } = problem;
  const open: number[] = [];
  let smooth = true;
  for (let j = 0; j < size; j++) {
    if (lower[j] === 0 && upper[j] === 0) continue;
    open.push(j);
    if (lasso[j] !== 0 || lower[j] !== -Infinity || upper[j] !== Infinity) smooth = false;
  }
  if (smooth) {
    b.fill(0);
    yield* solveFree(problem, open, new Float64Array(size), b);
    return;
  }
  const largest = covariance.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  // The gradient r − Rb, kept up to date coordinate by coordinate.
  const gradient = covariance.slice();
  for (let j = 0; j < size; j++) if (b[j] !== 0) shift(gram, size, gradient, j, b[j]!);
  let tolerance = 1e-4 * largest;
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let change = 0;
    for (let j = 0; j < size; j++) {
      if ((j & 255) === 255) yield;
      const own = gram[packedIndex(j, j)]!;
      if (own === 0) continue;
      const before = b[j]!;
      const pull = gradient[j]! + own * before;
      const shrunk = Math.sign(pull) * Math.max(0, Math.abs(pull) - lasso[j]!);
      const after = Math.min(upper[j]!, Math.max(lower[j]!, shrunk / (own + ridge[j]!)));
      if (after === before) continue;
      b[j] = after;
      shift(gram, size, gradient, j, after - before);
      change = Math.max(change, Math.abs(after - before) * own);
    }
    if (change > tolerance) continue;
    if (yield* polish(problem, b)) return;
    if (tolerance < 1e-15 * largest) break;
    tolerance /= 100;
  }
  yield* descendActiveSet(problem, b);
}
