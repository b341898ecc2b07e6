/** The number of entries in the packed lower triangle of a p × p matrix: p(p + 1)/2. */
export function packedLength(p: number): number {
  return (p * (p + 1)) / 2;
}

/** Where entry (i, j) of a symmetric matrix lies in its packed lower triangle, in either order of i and j. */
export function packedIndex(i: number, j: number): number {
  return i >= j ? (i * (i + 1)) / 2 + j : (j * (j + 1)) / 2 + i;
}

/**
 * Typed numbers as a plain list, for JSON, with `other` in the place of what is no finite number: many times faster than
 * `Array.from`, which asks the iterator.
 */
export function plainList(values: Float64Array | Int32Array): number[];
export function plainList<Other>(values: Float64Array, other: Other): (number | Other)[];
export function plainList(values: Float64Array | Int32Array, other?: unknown): unknown[] {
  const list = new Array<unknown>(values.length);
  for (let i = 0; i < list.length; i++) {
    const value = values[i]!;
    list[i] = other === undefined || Number.isFinite(value) ? value : other;
  }
  return list;
}

/** Numbers that are taken over between two pauses. */
const STRETCH = 1 << 17;

/** A list of numbers as doubles, null as NaN, and whether all are finite, with pauses. */
export function* doublesSteps(
  list: readonly (number | null)[],
): Generator<undefined, { values: Float64Array; finite: boolean }, void> {
  const values = new Float64Array(list.length);
  let finite = true;
  for (let i = 0; i < list.length; i++) {
    const value = list[i] ?? Number.NaN;
    finite &&= Number.isFinite(value);
    values[i] = value;
    if (i % STRETCH === STRETCH - 1) yield;
  }
  return { values, finite };
}
