import { ShapeError } from "../errors.js";
import { applyOp, type Node, type Operand } from "../graph.js";
import { type Attributes, checkArity, type Kernel, Op, resolveAxis } from "../op.js";
import { formatShape, type Shape, sizeOf, stridesOf } from "../shape.js";
import type { Data } from "../tensor.js";
import { strided, type Walk, walkOf } from "./strips.js";

export type ReduceName = "sum" | "mean" | "max";

/** A sum, mean or greatest element over axes. Elements are taken in row-major order, whoever computes. */
export class Reduce extends Op {
  readonly name: ReduceName;
  override readonly attributes: Attributes & { axes?: readonly number[]; keepAxes?: boolean };
  override readonly portable = true;

  constructor(name: ReduceName, attributes: { axes?: readonly number[]; keepAxes?: boolean }) {
    super();
    this.name = name;
    this.attributes = attributes;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const [shape] = shapes as [Shape];
    const axes = this.axes(shape);
    if (this.name === "max" && axes.some((axis) => shape[axis] === 0)) {
      throw new ShapeError(`${formatShape(shape)} has no greatest element`);
    }
    if (this.attributes.keepAxes) return shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    return shape.filter((_, axis) => !axes.includes(axis));
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const [shape] = shapes as [Shape];
    const axes = this.axes(shape);
    const strides = stridesOf(shape);
    const along = (chosen: boolean) => {
      const picked = shape.map((_, axis) => axis).filter((axis) => axes.includes(axis) === chosen);
      return walkOf(
        picked.map((axis) => shape[axis]!),
        [picked.map((axis) => strides[axis]!)],
      );
    };
    const kept = along(false);
    const runs = runsOf(along(true));
    const reduce = reductions[this.name];
    return {
      units: sizeOf(output),
      cost: sizeOf(shape) * 1.5,
      run: ([a], out, from, to) => {
        strided(kept, from, to, (offsets, steps, o, n) => {
          for (let i = 0; i < n; i++) out[o + i] = reduce(a!, offsets[0]! + i * steps[0]!, runs);
        });
      },
    };
  }

  /** The axes reduced, of an operand of `shape`. */
  axes(shape: Shape): number[] {
    const given = this.attributes.axes;
    if (given === undefined) return shape.map((_, axis) => axis);
    const axes = given.map((axis) => resolveAxis(axis, shape));
    if (new Set(axes).size !== axes.length)
      throw new ShapeError(`axes [${given.join(", ")}] name one axis twice`);
    return axes;
  }
}

const reduceOver = (
  name: ReduceName,
  x: Operand,
  axes?: number | readonly number[],
  keepAxes = false,
): Node =>
  applyOp(
    new Reduce(name, {
      ...(axes === undefined ? {} : { axes: typeof axes === "number" ? [axes] : [...axes] }),
      ...(keepAxes ? { keepAxes } : {}),
    }),
    [x],
  );

/**
 * Σ x over `axes` (all when left out), in order; `keepAxes` leaves them in place with length 1.
 *
 * @example
 * ```js
 * import { Graph, sum, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = sum(x, [1]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 6, 15 ]
 * ```
 */
export const sum = (x: Operand, axes?: number | readonly number[], keepAxes?: boolean): Node =>
  reduceOver("sum", x, axes, keepAxes);
/**
 * The mean of x over `axes`, as `sum`; NaN over no elements.
 *
 * @example
 * ```js
 * import { Graph, mean, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = mean(x, [0]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 2.5, 3.5, 4.5 ]
 * ```
 */
export const mean = (x: Operand, axes?: number | readonly number[], keepAxes?: boolean): Node =>
  reduceOver("mean", x, axes, keepAxes);
/**
 * The greatest element of x over `axes`, NaN if there is one; equal greatest share the derivative equally.
 *
 * @example
 * ```js
 * import { Graph, max, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = max(x, [1]);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 3, 6 ]
 * ```
 */
export const max = (x: Operand, axes?: number | readonly number[], keepAxes?: boolean): Node =>
  reduceOver("max", x, axes, keepAxes);

/** The elements that one output is made of: runs of `length`, `step` apart, one from each of `starts`. */
interface Runs {
  readonly starts: Int32Array;
  readonly length: number;
  readonly step: number;
}

function runsOf(walk: Walk): Runs {
  const { inner, lengths } = walk;
  const starts = new Int32Array(sizeOf(lengths));
  if (inner > 0) {
    strided(walk, 0, starts.length * inner, (offsets, _steps, o) => {
      starts[o / inner] = offsets[0]!;
    });
  }
  return { starts, length: inner, step: walk.steps[0]! };
}

function total(a: Data, start: number, { starts, length, step }: Runs): number {
  let result = 0;
  for (let r = 0; r < starts.length; r++) {
    const at = start + starts[r]!;
    for (let k = 0; k < length; k++) result += a[at + k * step]!;
  }
  return result;
}

const reductions: Record<ReduceName, (a: Data, start: number, runs: Runs) => number> = {
  sum: total,
  mean: (a, start, runs) => total(a, start, runs) / (runs.starts.length * runs.length),
  max(a, start, { starts, length, step }) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let r = 0; r < starts.length; r++) {
      const at = start + starts[r]!;
      for (let k = 0; k < length; k++) greatest = Math.max(greatest, a[at + k * step]!);
    }
    return greatest;
  },
};
