import { ShapeError } from "../errors.js";
import { applyOp, type Node, type Operand } from "../graph.js";
import { kernelsOn } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, Op, resolveAxis } from "../op.js";
import {
  broadcast,
  broadcastStrides,
  formatShape,
  type Shape,
  sameShape,
  sizeOf,
  stridesOf,
} from "../shape.js";
import { rowsOf, strided, walkOf } from "./strips.js";

/** A copy of one operand's elements, read with other strides; of four bytes in WebAssembly, in the machine's memory. */
function copy(output: Shape, strides: readonly number[], start: number): Kernel {
  const units = sizeOf(output);
  const walk = walkOf(output, [strides]);
  return {
    units,
    cost: units * 0.5,
    run: ([a], out, from, to) => {
      const kernels = a!.BYTES_PER_ELEMENT === 4 ? kernelsOn(out, [a!]) : undefined;
      if (kernels !== undefined) {
        const [x, y] = [a!.byteOffset + 4 * start, out.byteOffset];
        const step = 4 * walk.steps[0]!;
        rowsOf(walk, from, to, (offsets, rows, o, count, n) =>
          kernels.exports.copyRows(
            x + 4 * offsets[0]!,
            4 * rows[0]!,
            step,
            y + 4 * o,
            4 * walk.inner,
            count,
            n,
          ),
        );
        return;
      }
      if (walk.steps[0] === 1 && walk.lengths.length === 0) {
        out.set(a!.subarray(start + from, start + to), from);
        return;
      }
      strided(walk, from, to, (offsets, steps, o, n) => {
        const at = start + offsets[0]!;
        const step = steps[0]!;
        for (let i = 0; i < n; i++) out[o + i] = a![at + i * step]!;
      });
    },
  };
}

/** The axes in another order. */
export class Transpose extends Op {
  readonly name = "transpose";
  override readonly attributes: Attributes & { axes?: readonly number[] };
  override readonly portable = true;

  constructor(attributes: { axes?: readonly number[] }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    return this.order(shapes[0]!).map((axis) => shapes[0]![axis]!);
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const strides = stridesOf(shapes[0]!);
    return copy(
      output,
      this.order(shapes[0]!).map((axis) => strides[axis]!),
      0,
    );
  }

  /** For each axis of the result that of an operand of `shape`. */
  order(shape: Shape): number[] {
    const given = this.attributes.axes;
    if (given === undefined) return shape.map((_, axis) => shape.length - 1 - axis);
    const axes = given.map((axis) => resolveAxis(axis, shape));
    if (axes.length !== shape.length || new Set(axes).size !== axes.length) {
      throw new ShapeError(
        `axes [${given.join(", ")}] are no order of the ${shape.length} axes of ${formatShape(shape)}`,
      );
    }
    return axes;
  }
}

/**
 * x with its axes in the order `axes`; reversed when left out, so that a matrix is transposed.
 *
 * @example
 * ```js
 * import { Graph, TapeMachine, tensor, transpose } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = transpose(x);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ [ 1, 4 ], [ 2, 5 ], [ 3, 6 ] ]
 * ```
 */
export const transpose = (x: Operand, axes?: readonly number[]): Node =>
  applyOp(new Transpose(axes === undefined ? {} : { axes: [...axes] }), [x]);

/** The same elements in another shape. */
export class Reshape extends Op {
  readonly name = "reshape";
  override readonly attributes: Attributes & { shape: Shape };
  override readonly portable = true;

  constructor(attributes: { shape: Shape }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const { shape } = this.attributes;
    const size = sizeOf(shapes[0]!);
    const known = sizeOf(shape.filter((length) => length !== -1));
    const open = shape.filter((length) => length === -1).length;
    const inferred = shape.map((length) => (length === -1 ? size / known : length));
    if (open > 1 || !inferred.every((l) => Number.isInteger(l) && l >= 0) || sizeOf(inferred) !== size) {
      throw new ShapeError(`${size} elements do not fit into [${shape.join(", ")}]`);
    }
    return inferred;
  }

  prepare(shapes: readonly Shape[]): Kernel {
    return copy([sizeOf(shapes[0]!)], [1], 0);
  }
}

/**
 * The elements of x, in row-major order, in another shape; one length may be −1 and is worked out.
 *
 * @example
 * ```js
 * import { Graph, reshape, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = reshape(x, [3, 2]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ [ 1, 2 ], [ 3, 4 ], [ 5, 6 ] ]
 * ```
 */
export const reshape = (x: Operand, shape: Shape): Node => applyOp(new Reshape({ shape: [...shape] }), [x]);

/** An operand repeated along axes of length 1 and new outer axes. */
export class BroadcastTo extends Op {
  readonly name = "broadcastTo";
  override readonly attributes: Attributes & { shape: Shape };
  override readonly portable = true;

  constructor(attributes: { shape: Shape }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const { shape } = this.attributes;
    const joint = broadcast([shapes[0]!, shape]);
    if (joint === undefined || !sameShape(joint, shape)) {
      throw new ShapeError(`${formatShape(shapes[0]!)} does not broadcast to ${formatShape(shape)}`);
    }
    return shape;
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    return copy(output, broadcastStrides(shapes[0]!, output), 0);
  }
}

/**
 * x repeated to `shape`, by the rule of broadcasting.
 *
 * @example
 * ```js
 * import { broadcastTo, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = broadcastTo(graph.parameter("b", tensor([1, 2])), [2, 2]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ [ 1, 2 ], [ 1, 2 ] ]
 * ```
 */
export const broadcastTo = (x: Operand, shape: Shape): Node =>
  applyOp(new BroadcastTo({ shape: [...shape] }), [x]);

/** A box of an operand: along each axis the elements from a start to an end. */
export class Slice extends Op {
  readonly name = "slice";
  override readonly attributes: Attributes & { ranges: readonly (readonly [number, number])[] };
  override readonly portable = true;

  constructor(attributes: { ranges: readonly (readonly [number, number])[] }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    return this.box(shapes[0]!).map(([start, end]) => end - start);
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const strides = stridesOf(shapes[0]!);
    const start = this.box(shapes[0]!).reduce((offset, [from], axis) => offset + from * strides[axis]!, 0);
    return copy(output, strides, start);
  }

  /** The [start, end) of each axis, for an operand of `shape`. */
  box(shape: Shape): [number, number][] {
    const { ranges } = this.attributes;
    if (ranges.length > shape.length) {
      throw new ShapeError(`${ranges.length} ranges for the ${shape.length} axes of ${formatShape(shape)}`);
    }
    return shape.map((length, axis) => {
      const [from, to] = ranges[axis] ?? [0, length];
      const start = from < 0 ? from + length : from;
      const end = to < 0 ? to + length : to;
      if (
        !(Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= length)
      ) {
        throw new ShapeError(`range ${from}:${to} is not within axis ${axis} of ${formatShape(shape)}`);
      }
      return [start, end];
    });
  }
}

/**
 * The box of x given by one [start, end) per axis, outermost first; axes left out are kept whole, negative bounds
 * count from the end.
 *
 * @example
 * ```js
 * import { Graph, slice, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = slice(x, [[0, 1], [1, 3]]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ [ 2, 3 ] ]
 * ```
 */
export const slice = (x: Operand, ranges: readonly (readonly [number, number])[]): Node =>
  applyOp(new Slice({ ranges: ranges.map(([start, end]) => [start, end]) }), [x]);

/** Operands one after another along an axis. */
export class Concat extends Op {
  readonly name = "concat";
  override readonly attributes: Attributes & { axis: number };
  override readonly portable = true;

  constructor(attributes: { axis: number }) {
    super();
    this.attributes = attributes;
  }

  override takes(): boolean {
    return true;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    const [first] = shapes;
    if (first === undefined) throw new ShapeError("needs 1 input or more");
    const axis = resolveAxis(this.attributes.axis, first);
    for (const shape of shapes) {
      if (shape.length !== first.length || shape.some((length, i) => i !== axis && length !== first[i])) {
        throw new ShapeError(`${formatShape(first)} and ${formatShape(shape)} differ beside axis ${axis}`);
      }
    }
    return first.map((length, i) => (i === axis ? shapes.reduce((n, shape) => n + shape[axis]!, 0) : length));
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const axis = resolveAxis(this.attributes.axis, output);
    const runs = shapes.map((shape) => sizeOf(shape.slice(axis)));
    const stride = sizeOf(output.slice(axis));
    return {
      units: sizeOf(output.slice(0, axis)),
      cost: sizeOf(output),
      run: (inputs, out, from, to) => {
        for (let row = from; row < to; row++) {
          let o = row * stride;
          for (const [i, length] of runs.entries()) {
            out.set(inputs[i]!.subarray(row * length, (row + 1) * length), o);
            o += length;
          }
        }
      },
    };
  }
}

/**
 * The operands one after another along `axis`; their other axes must be alike.
 *
 * @example
 * ```js
 * import { concat, Graph, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = concat([x, x], 0);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray());
 * // [ [ 1, 2, 3 ], [ 4, 5, 6 ], [ 1, 2, 3 ], [ 4, 5, 6 ] ]
 * ```
 */
export const concat = (parts: readonly Operand[], axis = 0): Node => applyOp(new Concat({ axis }), parts);
