import { UsageError } from "../../errors.js";

/** X as row-major values; an array of rows is copied. */
export function flatten(X: Float64Array | readonly (readonly number[])[], k: number): Float64Array {
  if (X instanceof Float64Array) return X;
  const flat = new Float64Array(X.length * k);
  // Not by forEach, which skips holes.
  for (let i = 0; i < X.length; i++) {
    const row: unknown = X[i];
    if (!Array.isArray(row) && !ArrayBuffer.isView(row))
      throw new UsageError(`row ${i} of X: expected an array of numbers, got ${described(row)}`);
    const cells = row as unknown as ArrayLike<unknown>;
    if (cells.length !== k) throw new UsageError(`row ${i} of X has ${cells.length} values, expected ${k}`);
    for (let j = 0; j < k; j++) {
      const value = cells[j];
      // An array takes null, "" and [] for 0.
      if (typeof value !== "number")
        throw new UsageError(`row ${i} of X, value ${j}: expected a number, got ${described(value)}`);
      flat[i * k + j] = value;
    }
  }
  return flat;
}

function described(value: unknown): string {
  if (value === undefined) return "nothing";
  // JSON has no bigint, no function and no symbol, and does not end where a value holds itself.
  if (typeof value === "object")
    return value === null ? "null" : Array.isArray(value) ? "an array" : "an object";
  return typeof value === "string" ? JSON.stringify(value) : `${typeof value} ${String(value)}`;
}

/** The number of rows of k values in X. */
export function rowCount(X: Float64Array, k: number): number {
  if (k === 0) throw new UsageError("a model without terms does not tell the number of rows from X");
  if (X.length % k !== 0)
    throw new UsageError(`X has ${X.length} values, which do not make rows of ${k} (the number of terms)`);
  return X.length / k;
}
