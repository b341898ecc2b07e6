import { Tensor } from "../machine/index.js";
import { Sequence } from "./builder.js";
import type { StringTensor } from "./elements.js";
import type { OnnxTensor } from "./machine.js";

/** How far numbers may lie apart: |a − b| ≤ atol + rtol·|b|. */
export interface Tolerance {
  readonly rtol: number;
  readonly atol: number;
}

/**
 * Says in what a value differs from the one expected, and where first; undefined where it does not.
 *
 * @example
 * ```js
 * import { tensor } from "goml/machine";
 * import { differenceOf } from "goml/onnx";
 *
 * console.log(differenceOf(tensor([1, 2]), tensor([1, 2.5]), { rtol: 1e-3, atol: 0 }));
 * // element [1]: 2, expected 2.5; 1 of 2 differ
 * ```
 */
export function differenceOf(got: OnnxTensor, want: OnnxTensor, tolerance: Tolerance): string | undefined {
  if (want instanceof Sequence) {
    if (!(got instanceof Sequence)) return "it is no sequence";
    if (got.items.length !== want.items.length)
      return `it has ${got.items.length} items, ${want.items.length} are expected`;
    for (const [i, item] of want.items.entries()) {
      const why = differenceOf(got.items[i] as OnnxTensor, item as OnnxTensor, tolerance);
      if (why !== undefined) return `item ${i}: ${why}`;
    }
    return undefined;
  }
  if (want === undefined || got === undefined || got instanceof Sequence)
    return got === want ? undefined : want === undefined ? "nothing is expected" : "it is missing";
  if (got.dtype !== want.dtype) return `it is ${got.dtype}, ${want.dtype} is expected`;
  if (got.shape.join() !== want.shape.join())
    return `its shape is [${got.shape.join(", ")}], [${want.shape.join(", ")}] is expected`;
  const [a, b] = [elementsOf(got), elementsOf(want)];
  let differing = 0;
  let first = -1;
  for (let i = 0; i < b.length; i++) {
    if (isClose(a[i]!, b[i]!, tolerance)) continue;
    if (first < 0) first = i;
    differing++;
  }
  if (first < 0) return undefined;
  const place = got.shape.length === 0 ? "" : `element [${indexOf(first, got.shape).join(", ")}]: `;
  return `${place}${a[first]}, expected ${b[first]}; ${differing} of ${b.length} differ`;
}

function elementsOf(value: Tensor | StringTensor): ArrayLike<number | bigint | string> {
  return value instanceof Tensor ? (value.data as ArrayLike<number | bigint>) : value.strings;
}

function isClose(
  a: number | bigint | string,
  b: number | bigint | string,
  { rtol, atol }: Tolerance,
): boolean {
  if (a === b || (Number.isNaN(a) && Number.isNaN(b))) return true;
  if (typeof a !== "number" || typeof b !== "number") return false;
  return Math.abs(a - b) <= atol + rtol * Math.abs(b);
}

function indexOf(place: number, shape: readonly number[]): number[] {
  const index = new Array<number>(shape.length);
  for (let axis = shape.length - 1, rest = place; axis >= 0; axis--) {
    index[axis] = rest % shape[axis]!;
    rest = Math.floor(rest / shape[axis]!);
  }
  return index;
}
