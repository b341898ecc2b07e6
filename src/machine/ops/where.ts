import { ShapeError } from "../errors.js";
import { applyOp, type Node, type Operand } from "../graph.js";
import { checkArity, type Kernel, Op } from "../op.js";
import { broadcast, broadcastStrides, formatShape, type Shape, sizeOf } from "../shape.js";
import { strided, walkOf } from "./strips.js";

/** The elementwise choice between two operands; all three are broadcast. */
export class Where extends Op {
  readonly name = "where";
  override readonly portable = true;

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 3);
    const shape = broadcast(shapes);
    if (shape === undefined) {
      throw new ShapeError(`shapes ${shapes.map(formatShape).join(", ")} do not broadcast`);
    }
    return shape;
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const units = sizeOf(output);
    const walk = walkOf(
      output,
      shapes.map((shape) => broadcastStrides(shape, output)),
    );
    return {
      units,
      cost: units * 2,
      run: ([condition, x, y], out, from, to) => {
        strided(walk, from, to, (offsets, steps, o, n) => {
          const [ci, xi, yi] = offsets as [number, number, number];
          const [cs, xs, ys] = steps as [number, number, number];
          for (let i = 0; i < n; i++) {
            out[o + i] = condition![ci + i * cs]! !== 0 ? x![xi + i * xs]! : y![yi + i * ys]!;
          }
        });
      },
    };
  }
}

/**
 * x where `condition` is not 0, else y; NaN counts as not 0.
 *
 * @example
 * ```js
 * import { Graph, gt, TapeMachine, tensor, where } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([1, 2, 3]));
 * const y = where(gt(x, 1), x, 0);
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0, 2, 3 ]
 * ```
 */
export const where = (condition: Operand, x: Operand, y: Operand): Node =>
  applyOp(new Where(), [condition, x, y]);
