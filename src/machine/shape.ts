/** The lengths of a tensor's axes, outermost first; a scalar has none. Elements lie in row-major order. */
export type Shape = readonly number[];

/** The number of elements of a tensor of `shape`. */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (let i = 0; i < shape.length; i++) size *= shape[i]!;
  return size;
}

/** How far apart, in elements, neighbours along each axis lie. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= shape[i]!;
  }
  return strides;
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

/** `shape` for a message: `3×2`, or `scalar`. */
export function formatShape(shape: Shape): string {
  return shape.length === 0 ? "scalar" : shape.join("×");
}

/**
 * The shape of a result of operands of `shapes`, by NumPy's rule: axes are matched from the last; lengths are equal,
 * or one of them is 1 or missing and is repeated. Undefined when they do not fit.
 */
export function broadcast(shapes: readonly Shape[]): Shape | undefined {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result = new Array<number>(rank).fill(1);
  for (const shape of shapes) {
    const lead = rank - shape.length;
    for (let i = 0; i < shape.length; i++) {
      const length = shape[i]!;
      if (length === 1 || length === result[lead + i]) continue;
      if (result[lead + i] !== 1) return undefined;
      result[lead + i] = length;
    }
  }
  return result;
}

/** The strides with which a tensor of `shape` is read as one of shape `to`: 0 along the axes that are repeated. */
export function broadcastStrides(shape: Shape, to: Shape): number[] {
  const own = stridesOf(shape);
  const lead = to.length - shape.length;
  return to.map((_, i) => (i < lead || shape[i - lead] === 1 ? 0 : own[i - lead]!));
}
