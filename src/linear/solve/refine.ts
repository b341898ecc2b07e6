import type { Steps } from "../../parallel/steps.js";
import { addAt, productError, sumError } from "../../stats/double-double.js";
import { packedIndex } from "../../stats/packed.js";
import { type ExtendedVector, extendedVector } from "./extended-cholesky.js";
import type { SpdFactor } from "./spd-factor.js";

/** Steps that improve by less than this factor lead nowhere: the condition number is about 1/u. */
const LEAST_GAIN = 2;

/** A correction of this share of x is beyond what double-double residuals can tell. */
const FINEST = 2 ** -90;

/** Multiplications in double-double at a stretch: some 10 ms. */
const STRETCH = 1 << 19;

/** A refined solution. */
export interface Refined {
  x: ExtendedVector;
  /** b − A x. */
  residual: ExtendedVector;
  /** Corrections that were added to the first solution. */
  steps: number;
}

/**
 * Solves A x = b with a factor in double and residuals in double-double, r = b − A x, x ← x + A⁻¹r, until that does not
 * improve x any more: mixed-precision iterative refinement, which converges to the solution in double-double while
 * κ(A) u < 1 (Higham 2002, Accuracy and Stability of Numerical Algorithms, chapter 12).
 *
 * @param gram A, packed; `factor` is a factor of its high parts, which has kept all columns among `columns`
 * @param columns the columns of A that count
 * @param share the share of x that a last correction may have: 2⁻⁹⁰ unless less will do
 * @returns undefined where it does not converge
 */
export function* refine(
  gram: ExtendedVector,
  columns: readonly number[],
  factor: SpdFactor,
  b: ExtendedVector,
  share = FINEST,
): Steps<Refined | undefined> {
  const r = columns.length;
  const x = extendedVector(r);
  const residual: ExtendedVector = { hi: b.hi.slice(), lo: b.lo.slice() };
  let before = Number.POSITIVE_INFINITY;
  for (let steps = 0; ; steps++) {
    const { high } = yield* factor.solve(residual.hi);
    let largest = 0;
    let change = 0;
    for (let i = 0; i < r; i++) {
      addAt(x.hi, x.lo, i, high[i]!, 0);
      largest = Math.max(largest, Math.abs(x.hi[i]!));
      change = Math.max(change, Math.abs(high[i]!));
    }
    if (!Number.isFinite(change)) return undefined;
    yield* subtractProduct(gram, columns, x, b, residual);
    if (change <= share * largest) return { x, residual, steps };
    if (change * LEAST_GAIN > before)
      // It has stopped improving: either at the end of what double-double can tell, or for want of convergence.
      return change <= 2 ** -58 * largest ? { x, residual, steps } : undefined;
    before = change;
  }
}

/** residual ← b − A x. */
function* subtractProduct(
  gram: ExtendedVector,
  columns: readonly number[],
  x: ExtendedVector,
  b: ExtendedVector,
  residual: ExtendedVector,
): Steps<void> {
  const r = columns.length;
  let done = 0;
  for (let i = 0; i < r; i++) {
    let hi = b.hi[i]!;
    let lo = b.lo[i]!;
    const row = columns[i]!;
    for (let j = 0; j < r; j++) {
      const at = packedIndex(row, columns[j]!);
      const a = -gram.hi[at]!;
      const y = x.hi[j]!;
      const p = a * y;
      const e = productError(a, y, p) + (a * x.lo[j]! - gram.lo[at]! * y);
      const s = hi + p;
      const rest = sumError(hi, p, s) + (lo + e);
      hi = s + rest;
      lo = rest - (hi - s);
    }
    residual.hi[i] = hi;
    residual.lo[i] = lo;
    done += r;
    if (done > STRETCH) {
      done = 0;
      yield;
    }
  }
}
