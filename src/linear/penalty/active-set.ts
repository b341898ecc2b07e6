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

/** ½ bᵀRb − rᵀb + Σ lasso_j |b_j| + ½ Σ ridge_j b_j² within lower ≤ b ≤ upper, which has 0 in it. */
export interface PenalizedQuadratic extends Quadratic {
  lasso: Float64Array;
  ridge: Float64Array;
  lower: Float64Array;
  upper: Float64Array;
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

/** Whether a column is neither at a bound nor at the kink of its penalty, so that b_j is where the gradient is 0. */
function isFree(problem: PenalizedQuadratic, b: Float64Array, j: number): boolean {
  const { lasso, lower, upper, gram } = problem;
  const at = b[j]!;
  return gram[packedIndex(j, j)]! > 0 && at > lower[j]! && at < upper[j]! && !(at === 0 && lasso[j]! > 0);
}

/**
 * Solves for the free columns exactly, the others staying where they are; true, and b is the answer, where signs, bounds
 * and the other columns bear it out.
 */
export function* polish(problem: PenalizedQuadratic, b: Float64Array): Steps<boolean> {
  const { size, lasso, lower, upper } = problem;
  const free: number[] = [];
  for (let j = 0; j < size; j++) if (isFree(problem, b, j)) free.push(j);
  const signs = b.map((v, j) => lasso[j]! * Math.sign(v));
  const found = b.slice();
  if (!(yield* solveFree(problem, free, signs, found))) return false;
  for (const j of free) {
    if (signs[j] !== 0 && found[j]! * signs[j]! <= 0) return false;
    if (found[j]! < lower[j]! || found[j]! > upper[j]!) return false;
  }
  const isIn = new Uint8Array(size);
  for (const j of free) isIn[j] = 1;
  const { pull, noise } = pulls(problem, found);
  for (let j = 0; j < size; j++)
    if (!isIn[j] && descent(problem, j, found[j]!, pull[j]!, noise[j]!) !== 0) return false;
  b.set(found);
  return true;
}

/**
 * Minimises from b on, in place, by the active set method: towards the minimum over the free columns with their signs, as
 * far as none of them changes its sign or passes a bound; the first that would stays there, and at the minimum the column
 * becomes free that pulls hardest. Where the free columns depend on each other it goes along their dependence, on which
 * only ‖b‖₁ changes, until one stays. Each step lowers the objective, so sets do not come twice.
 */
export function* descendActiveSet(problem: PenalizedQuadratic, b: Float64Array): Steps<void> {
  const { size, lasso, lower, upper, gram } = problem;
  const free = Uint8Array.from(b, (_, j) => (isFree(problem, b, j) ? 1 : 0));
  const signs = b.map((v, j) => (free[j] ? lasso[j]! * Math.sign(v) : 0));
  /** Columns that became free and could not move, since the last step that led anywhere. */
  const stuck = new Uint8Array(size);
  for (let step = 0; step < 50 * (size + 1); step++) {
    const active: number[] = [];
    for (let j = 0; j < size; j++) if (free[j]) active.push(j);
    yield;
    const target = b.slice();
    const whole = yield* solveFree(problem, active, signs, target);
    const direction = whole
      ? target.map((v, j) => v - b[j]!)
      : downhill(yield* dependenceOf(problem, active), signs);
    const ends = { lower, upper, signs };
    let leaving = firstEnd(b, direction, active, whole ? 1 : Infinity, ends);
    if (leaving.share === Infinity) {
      for (const j of active) direction[j] = -direction[j]!;
      leaving = firstEnd(b, direction, active, Infinity, ends);
      // Columns without penalty and bounds, of which one can be spared wherever it stands.
      if (leaving.share === Infinity)
        leaving = { column: active.findLast((j) => direction[j] !== 0)!, share: 0, end: Number.NaN };
    }
    for (const j of active) b[j]! += leaving.share * direction[j]!;
    if (leaving.share > 0) stuck.fill(0);
    if (leaving.column >= 0) {
      const { column, end } = leaving;
      if (!Number.isNaN(end)) b[column] = end;
      free[column] = 0;
      signs[column] = 0;
      stuck[column] = 1;
      continue;
    }
    const { pull, noise } = pulls(problem, b);
    let entering = -1;
    let hardest = 0;
    for (let j = 0; j < size; j++) {
      if (free[j] || stuck[j] || gram[packedIndex(j, j)] === 0) continue;
      const towards = descent(problem, j, b[j]!, pull[j]!, noise[j]!);
      if (Math.abs(towards) > Math.abs(hardest)) {
        entering = j;
        hardest = towards;
      }
    }
    if (entering < 0) return;
    free[entering] = 1;
    signs[entering] = lasso[entering]! * Math.sign(b[entering] || hardest);
  }
}

/** −∇ of the smooth part, r − Rb − ridge b, and what rounding may have made of it. */
function pulls(
  { size, gram, covariance, ridge }: PenalizedQuadratic,
  b: Float64Array,
): { pull: Float64Array; noise: Float64Array } {
  const pull = covariance.slice();
  const noise = covariance.map(Math.abs);
  for (let j = 0; j < size; j++) {
    if (b[j] === 0) continue;
    for (let i = 0; i < size; i++) {
      const part = b[j]! * gram[packedIndex(i, j)]!;
      pull[i]! -= part;
      noise[i]! += Math.abs(part);
    }
    pull[j]! -= ridge[j]! * b[j]!;
  }
  return { pull, noise };
}

/** By how much a column pulls upwards (positive) or downwards from where it stands, 0 where it does not. */
function descent(
  { lasso, lower, upper }: PenalizedQuadratic,
  j: number,
  at: number,
  pull: number,
  noise: number,
): number {
  const slack = 1e-12 * lasso[j]! + 1e-15 * noise;
  const up = at < upper[j]! ? pull - (at >= 0 ? lasso[j]! : -lasso[j]!) : 0;
  const down = at > lower[j]! ? pull + (at <= 0 ? lasso[j]! : -lasso[j]!) : 0;
  if (up > slack) return up;
  return down < -slack ? down : 0;
}

/** Where a column's way ends: at a bound, or at 0 where it has a sign. */
interface Ends {
  lower: Float64Array;
  upper: Float64Array;
  signs: Float64Array;
}

/** The first column to come to its end on the way, and where; none (−1) if none does within the share `most`. */
function firstEnd(
  b: Float64Array,
  direction: Float64Array,
  active: readonly number[],
  most: number,
  { lower, upper, signs }: Ends,
): { column: number; share: number; end: number } {
  let first = { column: -1, share: most, end: 0 };
  for (const j of active) {
    const step = direction[j]!;
    if (step === 0) continue;
    const end = step > 0 ? (signs[j]! < 0 ? 0 : upper[j]!) : signs[j]! > 0 ? 0 : lower[j]!;
    const share = (end - b[j]!) / step;
    if (share < first.share) first = { column: j, share: Math.max(0, share), end };
  }
  return first;
}

/** A combination v of the active columns with (R + ridge) v = 0, from the first column that depends on others. */
function* dependenceOf(problem: PenalizedQuadratic, active: readonly number[]): Steps<Float64Array> {
  const { size, gram } = problem;
  const none = new Float64Array(size);
  for (let k = 1; k <= active.length; k++) {
    const before = active.slice(0, k - 1);
    const column = active[k - 1]!;
    const target = { ...problem, covariance: new Float64Array(size) };
    for (const j of before) target.covariance[j] = -gram[packedIndex(j, column)]!;
    const v = new Float64Array(size);
    if (yield* solveFree(target, active.slice(0, k), none, v)) continue;
    v.fill(0);
    yield* solveFree(target, before, none, v);
    v[column] = 1;
    return v;
  }
  return none;
}

/** v or −v, whichever does not lengthen b: Σ signs v ≤ 0. */
function downhill(v: Float64Array, signs: Float64Array): Float64Array {
  const slope = v.reduce((sum, x, j) => sum + x * signs[j]!, 0);
  return slope > 0 ? v.map((x) => -x) : v;
}

/**
 * Solves (R + ridge) b = r − signs for the columns `free`, the others staying what they are in b; false where that is
 * singular: then columns that depend on others before them are 0.
 */
export function* solveFree(
  { size, gram, covariance, ridge }: Pick<PenalizedQuadratic, "size" | "gram" | "covariance" | "ridge">,
  free: readonly number[],
  signs: Float64Array,
  b: Float64Array,
): Steps<boolean> {
  const usable = free.filter((j) => gram[packedIndex(j, j)]! > 0);
  const k = usable.length;
  for (const j of free) b[j] = 0;
  const right = covariance.slice();
  for (let j = 0; j < size; j++) if (b[j] !== 0) shift(gram, size, right, j, b[j]!);
  // Scaled to unit diagonal, which the factor's tolerance is made for.
  const scale = usable.map((j) => Math.sqrt(gram[packedIndex(j, j)]! + ridge[j]!));
  const rows: SymmetricRows = {
    order: k,
    row(i, out) {
      const a = usable[i]!;
      for (let j = 0; j < i; j++) out[j] = gram[packedIndex(a, usable[j]!)]! / scale[i]! / scale[j]!;
      out[i] = (gram[packedIndex(a, a)]! + ridge[a]!) / scale[i]! / scale[i]!;
    },
  };
  const factor = yield* factorSpd(rows, SINGULAR);
  const { high } = yield* factor.solve(
    Float64Array.from(factor.kept, (i) => (right[usable[i]!]! - signs[usable[i]!]!) / scale[i]!),
  );
  factor.release();
  for (const [at, i] of factor.kept.entries()) b[usable[i]!] = high[at]! / scale[i]!;
  return factor.aliased.length === 0;
}
