/** The twin of `LinearPredictor.rows`: out = intercept + X θ, X being n × p, row-major. */
export function predictRows(
  X: Float64Array,
  theta: Float64Array,
  intercept: number,
  out: Float64Array,
): void {
  const p = theta.length;
  for (let i = 0, x = 0; i < out.length; i++) {
    let sum = intercept;
    for (let j = 0; j < p; j++, x++) sum += X[x]! * theta[j]!;
    out[i] = sum;
  }
}
