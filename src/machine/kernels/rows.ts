import type { Data } from "../tensor.js";
import { exponential } from "./exponential.js";

/**
 * The twins of src/kernels/assembly/tensor/rows.ts: sums over rows of floats, in double. Elements go in turn to eight
 * sums (four of a softmax), which are added in a fixed order, then what is left over, one by one.
 */

/** Σ x over n elements, or Σ (x − shift)² where there is a shift. */
function sumOf(x: Data, at: number, n: number, shift?: number): number {
  const term = (i: number) =>
    shift === undefined ? x[at + i]! : (x[at + i]! - shift) * (x[at + i]! - shift);
  const sums = [0, 0, 0, 0, 0, 0, 0, 0] as [number, number, number, number, number, number, number, number];
  let i = 0;
  for (; i + 8 <= n; i += 8) for (let lane = 0; lane < 8; lane++) sums[lane]! += term(i + lane);
  let sum = sums[0] + sums[2] + (sums[4] + sums[6]) + (sums[1] + sums[3] + (sums[5] + sums[7]));
  for (; i < n; i++) sum += term(i);
  return sum;
}

/** y = Σ x / divisor for each of `rows` rows of n elements. */
export function sumRows(
  x: Data,
  at: number,
  y: Data,
  o: number,
  rows: number,
  n: number,
  divisor: number,
): void {
  for (let row = 0; row < rows; row++) y[o + row] = sumOf(x, at + row * n, n) / divisor;
}

/** y = (x − μ)·f of n elements, μ their mean and f = 1 / √(variance + ε), which are given. */
export function normalizeRow(
  x: Data,
  at: number,
  y: Data,
  o: number,
  n: number,
  epsilon: number,
): [number, number] {
  const mean = sumOf(x, at, n) / n;
  const factor = 1 / Math.sqrt(sumOf(x, at, n, mean) / n + epsilon);
  for (let i = 0; i < n; i++) y[o + i] = (x[at + i]! - mean) * factor;
  return [mean, factor];
}

/** y = e^(x − max) / Σ e^(x − max) of n elements `step` apart; `terms` is room for as many. */
export function softmaxLane(
  x: Data,
  y: Data,
  at: number,
  step: number,
  n: number,
  terms: Float64Array,
): void {
  let greatest = Number.NEGATIVE_INFINITY;
  for (let k = 0; k < n; k++) greatest = Math.max(greatest, x[at + k * step]!);
  const sums = [0, 0, 0, 0] as [number, number, number, number];
  for (let k = 0; k < n; k++) terms[k] = exponential(x[at + k * step]! - greatest);
  let k = 0;
  for (; k + 4 <= n; k += 4) for (let lane = 0; lane < 4; lane++) sums[lane]! += terms[k + lane]!;
  let sum = sums[0] + sums[2] + (sums[1] + sums[3]);
  for (; k < n; k++) sum += terms[k]!;
  for (k = 0; k < n; k++) y[at + k * step] = terms[k]! / sum;
}
