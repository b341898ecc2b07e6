import { LinearPredictor } from "../../kernels/gemv.js";
import { threadKernels } from "../../kernels/kernels.js";

/** Multiplications below which a plain loop is done before the kernels have their copy of θ. */
const KERNEL_PRODUCTS = 1 << 16;

/**
 * out[i] = w₀ + Σ_j X[i, j] w_{j+1} for rows `from` to `to`: X row-major, n × k; `weights` k + 1 values.
 *
 * Terms are added in order, each product rounded, then each sum: every way of predicting in goml adds in this
 * order, which is why they give the same bits. Many rows go through the WebAssembly kernel, which needs two thirds
 * of the loop's time, its copy of X included; out of shared memory that copy takes twice as long (the engine moves
 * it word by word), and the loop is as fast.
 */
export function predictRows(
  X: Float64Array,
  weights: Float64Array,
  out: Float64Array,
  from = 0,
  to = out.length,
): void {
  if ((to - from) * (weights.length - 1) < KERNEL_PRODUCTS || X.buffer instanceof SharedArrayBuffer) {
    predictInLoop(X, weights, out, from, to);
    return;
  }
  const kernels = threadKernels();
  const mark = kernels.mark();
  new LinearPredictor(kernels, weights.subarray(1), weights[0]!).rows(X, out.subarray(from, to), from);
  kernels.release(mark);
}

/** Four rows go side by side because one row's additions wait for each other. */
function predictInLoop(
  X: Float64Array,
  weights: Float64Array,
  out: Float64Array,
  from: number,
  to: number,
): void {
  const k = weights.length - 1;
  const w0 = weights[0]!;
  let i = from;
  for (; i + 4 <= to; i += 4) {
    let a = w0;
    let b = w0;
    let c = w0;
    let d = w0;
    const base = i * k;
    for (let j = 0; j < k; j++) {
      const w = weights[j + 1]!;
      a += X[base + j]! * w;
      b += X[base + k + j]! * w;
      c += X[base + 2 * k + j]! * w;
      d += X[base + 3 * k + j]! * w;
    }
    out[i] = a;
    out[i + 1] = b;
    out[i + 2] = c;
    out[i + 3] = d;
  }
  for (; i < to; i++) {
    let a = w0;
    for (let j = 0; j < k; j++) a += X[i * k + j]! * weights[j + 1]!;
    out[i] = a;
  }
}
