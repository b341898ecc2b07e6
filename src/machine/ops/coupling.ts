import { ShapeError } from "../errors.js";
import { checkArity, type Kernel, Op } from "../op.js";
import { formatShape, type Shape } from "../shape.js";

/** At most so many rounds, or as many as there are classes. */
const ROUNDS = 100;
/** Rounds end when no class is off by more than this over the number of classes. */
const TOLERANCE = 0.005;

/**
 * Probabilities of k classes, N × k, of those of one class against another, N × k(k − 1)/2 in the order (1, 2), (1, 3), …,
 * (k − 1, k): the p that minimises Σ over i and j ≠ i of (r_ji p_i − r_ij p_j)², Σ p = 1.
 *
 * Wu, Lin & Weng (2004), "Probability estimates for multi-class classification by pairwise coupling", algorithm 2: as
 * libsvm does it, with its stop.
 */
export class PairwiseCoupling extends Op {
  readonly name = "pairwiseCoupling";
  override readonly portable = true;

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const [n, pairs] = shapes[0] as [number, number];
    const classes = Math.round((1 + Math.sqrt(1 + 8 * (pairs ?? 0))) / 2);
    if (shapes[0]!.length !== 2 || (classes * (classes - 1)) / 2 !== pairs)
      throw new ShapeError(`${formatShape(shapes[0]!)} are not rows of the pairs of some classes`);
    return [n, classes];
  }

  prepare([pairs]: readonly Shape[], [n, k]: Shape): Kernel {
    const count = pairs![1]!;
    return {
      units: n!,
      cost: n! * k! * k! * 50,
      run([r], out, from, to) {
        const q = new Float64Array(k! * k!);
        for (let row = from; row < to; row++) {
          q.fill(0);
          for (let i = 0, pair = row * count; i < k!; i++) {
            for (let j = i + 1; j < k!; j++, pair++) {
              const own = r![pair] as number;
              q[i * k! + i]! += (1 - own) ** 2;
              q[j * k! + j]! += own ** 2;
              q[i * k! + j] = q[j * k! + i] = -own * (1 - own);
            }
          }
          const p = coupled(q, k!);
          for (let i = 0; i < k!; i++) out[row * k! + i] = p[i]!;
        }
      },
    };
  }
}

/** The p with pᵀQp least, by fixed points of one class after another. */
function coupled(q: Float64Array, k: number): Float64Array {
  const p = new Float64Array(k).fill(1 / k);
  const qp = new Float64Array(k);
  for (let round = 0; round < Math.max(ROUNDS, k); round++) {
    let pqp = 0;
    for (let i = 0; i < k; i++) {
      qp[i] = 0;
      for (let j = 0; j < k; j++) qp[i]! += q[i * k + j]! * p[j]!;
      pqp += p[i]! * qp[i]!;
    }
    const least = pqp;
    if (qp.every((own) => Math.abs(own - least) < TOLERANCE / k)) break;
    for (let i = 0; i < k; i++) {
      const by = (pqp - qp[i]!) / q[i * k + i]!;
      p[i]! += by;
      pqp = (pqp + by * (by * q[i * k + i]! + 2 * qp[i]!)) / (1 + by) ** 2;
      for (let j = 0; j < k; j++) {
        qp[j] = (qp[j]! + by * q[i * k + j]!) / (1 + by);
        p[j]! /= 1 + by;
      }
    }
  }
  return p;
}
