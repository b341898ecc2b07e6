import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, Op, type TensorType, TypedOp } from "../op.js";
import { broadcast, broadcastStrides, formatShape, type Shape, sizeOf, stridesOf } from "../shape.js";
import { strided, walkOf } from "./strips.js";

interface Steps {
  readonly starts: readonly number[];
  readonly steps: readonly number[];
  readonly lengths: readonly number[];
}

/** Along each axis `lengths` elements, from `starts` on, `steps` apart, which may be negative. */
export class Stride extends Op {
  readonly name = "stride";
  override readonly attributes: Attributes & Steps;
  override readonly portable = true;

  constructor(attributes: Steps) {
    super();
    this.attributes = { ...attributes };
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const [shape] = shapes as [Shape];
    const { starts, steps, lengths } = this.attributes;
    for (const [axis, length] of shape.entries()) {
      const last = starts[axis]! + (lengths[axis]! - 1) * steps[axis]!;
      const inside = (at: number) => at >= 0 && at < length;
      if (lengths[axis]! > 0 && !(inside(starts[axis]!) && inside(last)))
        throw new ShapeError(
          `${starts[axis]} to ${last} is not within axis ${axis} of ${formatShape(shape)}`,
        );
    }
    return lengths;
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const { starts, steps } = this.attributes;
    const own = stridesOf(shapes[0]!);
    const start = starts.reduce((sum, at, axis) => sum + at * own[axis]!, 0);
    const walk = walkOf(output, [own.map((stride, axis) => stride * steps[axis]!)]);
    return {
      units: sizeOf(output),
      cost: sizeOf(output) * 2,
      run: ([a], out, from, to) => {
        strided(walk, from, to, (offsets, along, o, n) => {
          const at = start + offsets[0]!;
          for (let i = 0; i < n; i++) out[o + i] = a![at + i * along[0]!]!;
        });
      },
    };
  }
}

export type PaddingMode = "constant" | "edge" | "reflect" | "wrap";

/** x with elements before and after each axis; fewer than none are cut off. The second operand is the constant. */
export class Padding extends TypedOp {
  readonly name = "padding";
  override readonly attributes: Attributes & {
    before: readonly number[];
    after: readonly number[];
    mode: PaddingMode;
  };
  override readonly portable = true;

  constructor(attributes: { before: readonly number[]; after: readonly number[]; mode: PaddingMode }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const { dtype, shape } = inputs[0]!;
    const { before, after, mode } = this.attributes;
    const result = shape.map((length, axis) => length + before[axis]! + after[axis]!);
    const empty = shape.some((length, axis) => length === 0 && result[axis]! > 0 && mode !== "constant");
    if (!result.every((length) => Number.isInteger(length) && length >= 0) || empty) {
      throw new ShapeError(
        `cannot pad ${formatShape(shape)} by [${before.join(", ")}], [${after.join(", ")}]`,
      );
    }
    return [{ dtype, shape: result }];
  }

  make([input]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { before, mode } = this.attributes;
    const { shape } = input!;
    const strides = stridesOf(shape);
    const rank = shape.length;
    // For each axis where in x the places of the result are; −1 outside.
    const places = result!.shape.map((length, axis) =>
      Float64Array.from({ length }, (_, i) => {
        const at = sourceOf(i - before[axis]!, shape[axis]!, mode);
        return at < 0 ? -1 : at * strides[axis]!;
      }),
    );
    const width = rank === 0 ? 1 : result!.shape[rank - 1]!;
    const units = width === 0 ? 0 : sizeOf(result!.shape) / width;
    return {
      units,
      cost: sizeOf(result!.shape) * 3,
      run: ([a, constant], out, from, to) => {
        const fill = constant === undefined ? 0 : constant[0]!;
        for (let unit = from; unit < to; unit++) {
          let start = 0;
          for (let axis = rank - 2, rest = unit; axis >= 0; axis--) {
            const length = result!.shape[axis]!;
            const outer = Math.floor(rest / length);
            const at = places[axis]![rest - outer * length]!;
            start = at < 0 || start < 0 ? -1 : start + at;
            rest = outer;
          }
          for (let i = 0; i < width; i++) {
            const at = rank === 0 ? 0 : places[rank - 1]![i]!;
            // Without an operand bigints need a zero of their own, which fresh memory is not.
            if (start >= 0 && at >= 0) out[unit * width + i] = a![start + at]!;
            else if (constant !== undefined) out[unit * width + i] = fill;
            else
              out.fill(
                (typeof out[0] === "bigint" ? 0n : 0) as number,
                unit * width + i,
                unit * width + i + 1,
              );
          }
        }
      },
    };
  }
}

/** Where in an axis of x a place of the padded one is read, counted from the start of x; −1 where it is not. */
export function sourceOf(place: number, length: number, mode: PaddingMode): number {
  if (place >= 0 && place < length) return place;
  if (mode === "constant") return -1;
  if (mode === "edge") return place < 0 ? 0 : length - 1;
  if (mode === "wrap") return ((place % length) + length) % length;
  if (length === 1) return 0;
  const period = 2 * (length - 1);
  const folded = ((place % period) + period) % period;
  return folded < length ? folded : period - folded;
}

/** The elements of the last two axes on and above, or below, a diagonal; 0 elsewhere. */
export class Triangle extends Op {
  readonly name = "triangle";
  override readonly attributes: Attributes & { upper: boolean; diagonal: number };
  override readonly portable = true;

  constructor(attributes: { upper: boolean; diagonal: number }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    if (shapes[0]!.length < 2) throw new ShapeError(`needs matrices, got ${formatShape(shapes[0]!)}`);
    return shapes[0]!;
  }

  prepare(_shapes: readonly Shape[], output: Shape): Kernel {
    const { upper, diagonal } = this.attributes;
    const [rows, columns] = output.slice(-2) as [number, number];
    return {
      units: sizeOf(output.slice(0, -1)),
      cost: sizeOf(output),
      run: ([a], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const zero = (typeof a![0] === "bigint" ? 0n : 0) as number;
          for (let j = 0; j < columns; j++) {
            const above = j - (unit % rows) - diagonal;
            const kept = upper ? above >= 0 : above <= 0;
            out[unit * columns + j] = kept ? a![unit * columns + j]! : zero;
          }
        }
      },
    };
  }
}

/** The elementwise choice between two operands of one type by a bool; all three are broadcast. */
export class Select extends TypedOp {
  readonly name = "select";
  override readonly portable = true;

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 3);
    const [condition, x, y] = inputs as [TensorType, TensorType, TensorType];
    const shape = broadcast(inputs.map((input) => input.shape));
    if (condition.dtype !== "bool" || x.dtype !== y.dtype || shape === undefined) {
      const types = inputs.map((input) => `${input.dtype} ${formatShape(input.shape)}`);
      throw new ShapeError(`needs a bool and two alike that broadcast, got ${types.join(", ")}`);
    }
    return [{ dtype: x.dtype, shape }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { shape } = result!;
    const walk = walkOf(
      shape,
      inputs.map((input) => broadcastStrides(input.shape, shape)),
    );
    return {
      units: sizeOf(shape),
      cost: sizeOf(shape) * 2,
      run: ([condition, x, y], out, from, to) => {
        strided(walk, from, to, (offsets, steps, o, n) => {
          const [ci, xi, yi] = offsets as [number, number, number];
          const [cs, xs, ys] = steps as [number, number, number];
          for (let i = 0; i < n; i++)
            out[o + i] = condition![ci + i * cs]! !== 0 ? x![xi + i * xs]! : y![yi + i * ys]!;
        });
      },
    };
  }
}
