import { ShapeError } from "../errors.js";
import { formatShape, type Shape } from "../shape.js";

/** How a window moves over the spatial axes of an N × C × … operand; a list has an entry per spatial axis. */
export interface WindowAttributes {
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before each axis. */
  readonly before: readonly number[];
  /** Padding after each axis. */
  readonly after: readonly number[];
}

/** A window over three axes, those that an operand lacks being of length 1. */
export interface Geometry {
  readonly input: readonly [number, number, number];
  readonly output: readonly [number, number, number];
  readonly kernel: readonly [number, number, number];
  readonly strides: readonly [number, number, number];
  readonly dilations: readonly [number, number, number];
  readonly before: readonly [number, number, number];
}

/** How many places a window takes along an axis, the last of which may reach beyond the padding where `ceil`. */
export function windowCount(
  length: number,
  kernel: number,
  axis: number,
  { strides, dilations, before, after }: WindowAttributes,
  ceil = false,
): number {
  const reach = (kernel - 1) * dilations[axis]! + 1;
  const room = (length + before[axis]! + after[axis]! - reach) / strides[axis]!;
  let count = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
  // A window that begins in the padding after the axis sees nothing.
  if (ceil && (count - 1) * strides[axis]! >= length + before[axis]!) count--;
  return Math.max(0, count);
}

/** @throws ShapeError unless there are one to three spatial axes, and as many entries in each list. */
export function checkWindow(spatial: number, kernel: readonly number[], window: WindowAttributes): void {
  const { strides, dilations, before, after } = window;
  if (spatial < 1 || spatial > 3) throw new ShapeError(`needs 1 to 3 spatial axes, got ${spatial}`);
  for (const list of [kernel, strides, dilations, before, after]) {
    if (list.length !== spatial)
      throw new ShapeError(`needs ${spatial} entries for as many axes, got [${list.join(", ")}]`);
  }
  for (const list of [kernel, strides, dilations]) {
    if (!list.every((entry) => Number.isInteger(entry) && entry >= 1))
      throw new ShapeError(`windows, strides and dilations are 1 or more, got ${formatShape(list)}`);
  }
}

export function geometryOf(
  input: Shape,
  output: Shape,
  kernel: Shape,
  { strides, dilations, before }: WindowAttributes,
): Geometry {
  const three = (list: readonly number[], fill: number): [number, number, number] => {
    const lead = 3 - list.length;
    const at = (axis: number) => (axis < lead ? fill : list[axis - lead]!);
    return [at(0), at(1), at(2)];
  };
  return {
    input: three(input, 1),
    output: three(output, 1),
    kernel: three(kernel, 1),
    strides: three(strides, 1),
    dilations: three(dilations, 1),
    before: three(before, 0),
  };
}

/** The first window whose tap `tap` (its distance from the window's start) lies at 0 or beyond, and the one after the last within `length`. */
export function windowsWithin(
  tap: number,
  before: number,
  stride: number,
  length: number,
  count: number,
): [number, number] {
  const first = Math.max(0, Math.ceil((before - tap) / stride));
  const end = Math.min(count, Math.floor((length - 1 + before - tap) / stride) + 1);
  return [first, end];
}
