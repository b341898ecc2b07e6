import { UsageError } from "../../errors.js";

/** X as row-major values; an array of rows is copied. */
export function flatten(X: Float64Array | readonly (readonly number[])[], k: number): Float64Array {
  if (X instanceof Float64Array) return X;
  const flat = new Float64Array(X.length * k);
  X.forEach((row, i) => {
    if (row.length !== k) throw new UsageError(`row ${i} of X has ${row.length} values, expected ${k}`);
    for (let j = 0; j < k; j++) {
      const value: unknown = row[j];
      // An array takes null, "" and [] for 0.
      if (typeof value !== "number")
        throw new UsageError(`row ${i} of X, value ${j}: expected a number, got ${described(value)}`);
      flat[i * k + j] = value;
    }
  });
  return flat;
}

function described(value: unknown): string {
  return value === undefined ? "nothing" : (JSON.stringify(value) ?? typeof value);
}

/** The number of rows of k values in X. */
export function rowCount(X: Float64Array, k: number): number {
  if (k === 0) throw new UsageError("a model without terms does not tell the number of rows from X");
  if (X.length % k !== 0)
    throw new UsageError(`X has ${X.length} values, which do not make rows of ${k} (the number of terms)`);
  return X.length / k;
}
