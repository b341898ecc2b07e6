import { expect, test } from "vitest";
import { predictRows } from "../../../src/linear/model/predict-rows.js";

test("many rows, few rows and rows in shared memory give the bits of the plain sum", () => {
  const [n, k] = [9000, 13];
  const X = Float64Array.from({ length: n * k }, (_, i) => Math.sin(i) * 10 ** (i % 7));
  const shared = new Float64Array(new SharedArrayBuffer(X.byteLength));
  shared.set(X);
  const weights = Float64Array.from({ length: k + 1 }, (_, j) => Math.cos(j));
  const want = Float64Array.from({ length: n }, (_, i) => {
    let sum = weights[0]!;
    for (let j = 0; j < k; j++) sum += X[i * k + j]! * weights[j + 1]!;
    return sum;
  });
  for (const data of [X, shared]) {
    const out = new Float64Array(n);
    predictRows(data, weights, out);
    expect(out).toEqual(want);
    out.fill(0);
    predictRows(data, weights, out, 0, 7);
    predictRows(data, weights, out, 7, n - 2);
    predictRows(data, weights, out, n - 2, n);
    expect(out).toEqual(want);
  }
});
