/**
 * out[i] = w₀ + Σ_j X[i, j] w_{j+1} for rows `from` to `to`: X row-major, n × k; `weights` k + 1 values.
 *
 * Terms are added in order, each product rounded, then each sum: every way of predicting in goml adds in this
 * order, which is why they give the same bits. Four rows go side by side because one row's additions wait for
 * each other.
 */
export function predictRows(
  X: Float64Array,
  weights: Float64Array,
  out: Float64Array,
  from = 0,
  to = out.length,
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
