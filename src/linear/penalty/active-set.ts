import type { Steps } from "../../parallel/steps.js";
import { packedIndex } from "../../stats/packed.js";
import { factorSpd } from "../solve/factor-spd.js";
import type { SymmetricRows } from "../solve/spd-factor.js";

/** A pivot below this is rounding: the active columns depend on each other. */
const SINGULAR = 1e-13;

/** A quadratic in b: ½ bᵀRb − rᵀb. */
export interface Quadratic {
  size: number;
  /** R, packed. */
  gram: Float64Array;
  /** r. */
  covariance: Float64Array;
}

/** gradient −= step · column j of R. */
export function shift(
  gram: Float64Array,
  size: number,
  gradient: Float64Array,
  j: number,
  step: number,
): void {
  for (let i = 0; i < size; i++) gradient[i]! -= step * gram[packedIndex(i, j)]!;
}

/** Solves the active set exactly; true, and b is the answer, where signs and the other columns bear it out. */
export function* polish(problem: Quadratic, lasso: number, ridge: number, b: Float64Array): Steps<boolean> {
  const { size, gram, covariance } = problem;
  const active: number[] = [];
  for (let j = 0; j < size; j++) if (b[j] !== 0) active.push(j);
  const signs = b.map((v) => lasso * Math.sign(v));
  const trial = new Float64Array(size);
  if (!(yield* solveActive(problem, active, ridge, signs, trial))) return false;
  for (const j of active) if (trial[j]! * signs[j]! <= 0) return false;
  const gradient = covariance.slice();
  for (const j of active) shift(gram, size, gradient, j, trial[j]!);
  // A column out of the model must not pull harder than λα; rounding may exceed it by a little.
  for (let j = 0; j < size; j++)
    if (trial[j] === 0 && Math.abs(gradient[j]!) > lasso * (1 + 1e-12)) return false;
  b.set(trial);
  return true;
}

/**
 * Minimises ½ bᵀRb − rᵀb + lasso ‖b‖₁ + ridge/2 ‖b‖² from b on, in place, by the active set method: towards the
 * minimum over the active columns with their signs, as far as no sign changes; a column that comes to zero leaves,
 * and at the minimum the column enters that pulls hardest. Where the active columns depend on each other it goes
 * along their dependence, on which only ‖b‖₁ changes, until one leaves. Each step lowers the objective, so sets do
 * not come twice.
 */
export function* descendActiveSet(
  problem: Quadratic,
  lasso: number,
  ridge: number,
  b: Float64Array,
): Steps<void> {
  const { size, gram, covariance } = problem;
  const signs = b.map((v) => lasso * Math.sign(v));
  const trial = new Float64Array(size);
  for (let step = 0; step < 50 * (size + 1); step++) {
    const active = Array.from({ length: size }, (_, j) => j).filter((j) => signs[j] !== 0);
    yield;
    const dependence = (yield* solveActive(problem, active, ridge, signs, trial))
      ? undefined
      : yield* dependenceOf(problem, active, ridge);
    const direction = dependence === undefined ? trial.map((v, j) => v - b[j]!) : downhill(dependence, signs);
    const leaving = firstZero(b, direction, active, dependence === undefined ? 1 : Infinity);
    for (const j of active) b[j]! += leaving.share * direction[j]!;
    if (leaving.column >= 0) {
      b[leaving.column] = 0;
      signs[leaving.column] = 0;
      continue;
    }
    const gradient = covariance.slice();
    for (const j of active) shift(gram, size, gradient, j, b[j]!);
    let entering = -1;
    let pull = lasso * (1 + 1e-12);
    for (let j = 0; j < size; j++)
      if (signs[j] === 0 && Math.abs(gradient[j]!) > pull) {
        entering = j;
        pull = Math.abs(gradient[j]!);
      }
    if (entering < 0) return;
    signs[entering] = lasso * Math.sign(gradient[entering]!);
  }
}

/** The first column to change its sign on the way, and where; −1 if none does within the share `most`. */
function firstZero(
  b: Float64Array,
  direction: Float64Array,
  active: readonly number[],
  most: number,
): { column: number; share: number } {
  let first = { column: -1, share: most };
  for (const j of active) {
    // A column that has just entered stands at zero, and moves away from it.
    if (b[j] === 0 || b[j]! * direction[j]! >= 0) continue;
    const share = -b[j]! / direction[j]!;
    if (share < first.share) first = { column: j, share };
  }
  return first.share === Infinity ? { column: -1, share: 0 } : first;
}

/** A combination v of the active columns with (R + ridge I) v = 0, from the first column that depends on others. */
function* dependenceOf(problem: Quadratic, active: readonly number[], ridge: number): Steps<Float64Array> {
  const { size, gram } = problem;
  const v = new Float64Array(size);
  for (let k = 1; k <= active.length; k++) {
    const before = active.slice(0, k - 1);
    const column = active[k - 1]!;
    const target = { size, gram, covariance: new Float64Array(size) };
    for (const j of before) target.covariance[j] = -gram[packedIndex(j, column)]!;
    const zero = new Float64Array(size);
    if (yield* solveActive(target, active.slice(0, k), ridge, zero, v)) continue;
    yield* solveActive(target, before, ridge, zero, v);
    v[column] = 1;
    return v;
  }
  return v;
}

/** v or −v, whichever does not lengthen b: Σ signs v ≤ 0. */
function downhill(v: Float64Array, signs: Float64Array): Float64Array {
  const slope = v.reduce((sum, x, j) => sum + x * signs[j]!, 0);
  return slope > 0 ? v.map((x) => -x) : v;
}

/** Solves (R + ridge I) b = r − signs over the columns `active`; false where that is singular. */
export function* solveActive(
  { gram, covariance }: Quadratic,
  active: readonly number[],
  ridge: number,
  signs: Float64Array,
  b: Float64Array,
): Steps<boolean> {
  const usable = active.filter((j) => gram[packedIndex(j, j)]! > 0);
  const k = usable.length;
  // Scaled to unit diagonal, which the factor's tolerance is made for.
  const scale = usable.map((j) => Math.sqrt(gram[packedIndex(j, j)]! + ridge));
  const rows: SymmetricRows = {
    order: k,
    row(i, out) {
      for (let j = 0; j < i; j++) out[j] = gram[packedIndex(usable[i]!, usable[j]!)]! / scale[i]! / scale[j]!;
      out[i] = (gram[packedIndex(usable[i]!, usable[i]!)]! + ridge) / scale[i]! / scale[i]!;
    },
  };
  const factor = yield* factorSpd(rows, SINGULAR);
  const right = Float64Array.from(
    factor.kept,
    (i) => (covariance[usable[i]!]! - signs[usable[i]!]!) / scale[i]!,
  );
  const { high } = yield* factor.solve(right);
  factor.release();
  b.fill(0);
  for (const [at, i] of factor.kept.entries()) b[usable[i]!] = high[at]! / scale[i]!;
  return factor.aliased.length === 0;
}
