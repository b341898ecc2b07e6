import { ShapeError } from "../errors.js";
import type { Node } from "../graph.js";
import { type Attributes, checkArity, type Kernel, resolveAxis, type TensorType, TypedOp } from "../op.js";
import { formatShape, sizeOf } from "../shape.js";

/** An operand cut into several along one axis. */
export class Split extends TypedOp {
  readonly name = "split";
  override readonly attributes: Attributes & { axis: number; lengths: readonly number[] };
  override readonly portable = true;

  constructor(attributes: { axis: number; lengths: readonly number[] }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { dtype, shape } = inputs[0]!;
    const { lengths } = this.attributes;
    const axis = resolveAxis(this.attributes.axis, shape);
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const whole = lengths.every((length) => Number.isInteger(length) && length >= 0);
    if (!whole || lengths.length === 0 || total !== shape[axis]) {
      throw new ShapeError(`axis ${axis} of ${formatShape(shape)} is not made of [${lengths.join(", ")}]`);
    }
    return lengths.map((length) => ({
      dtype,
      shape: shape.map((own, i) => (i === axis ? length : own)),
    }));
  }

  make([input]: readonly TensorType[]): Kernel {
    const { shape } = input!;
    const axis = resolveAxis(this.attributes.axis, shape);
    const inner = sizeOf(shape.slice(axis + 1));
    const runs = this.attributes.lengths.map((length) => length * inner);
    const stride = shape[axis]! * inner;
    return {
      units: sizeOf(shape.slice(0, axis)),
      cost: sizeOf(shape),
      run: ([a], out, from, to, results = [out]) => {
        for (let row = from; row < to; row++) {
          let at = row * stride;
          for (const [i, length] of runs.entries()) {
            results[i]!.set(a!.subarray(at, at + length), row * length);
            at += length;
          }
        }
      },
    };
  }
}

/**
 * x cut along `axis` into parts of `lengths`, which add up to the axis.
 *
 * @example
 * ```js
 * import { Graph, split, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const [first, rest] = split(graph.parameter("x", tensor([1, 2, 3])), [1, 2]);
 * const run = await new TapeMachine(graph, { outputs: [first, rest] }).runAll();
 * console.log(run.value(rest).toArray()); // [ 2, 3 ]
 * ```
 */
export function split(x: Node, lengths: readonly number[], axis = 0): readonly Node[] {
  const first = x.graph.apply(new Split({ axis, lengths: [...lengths] }), [x]);
  return first.results ?? [first];
}
