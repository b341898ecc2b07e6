import { applyOp, type Node, type Operand } from "../graph.js";
import { softmaxLane } from "../kernels/rows.js";
import { kernelsOn, SCRATCH_AT, SCRATCH_BYTES } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, Op, resolveAxis, type TensorType } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";

/** From this many elements softmax is worth an operand in the machine's memory. */
const MIN_ELEMENTS = 512;

/** Softmax along one axis. */
export class Softmax extends Op {
  readonly name = "softmax";
  override readonly attributes: Attributes & { axis: number };
  override readonly portable = true;

  constructor(attributes: { axis: number }) {
    super();
    this.attributes = attributes;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    resolveAxis(this.attributes.axis, shapes[0]!);
    return shapes[0]!;
  }

  override make(inputs: readonly TensorType[], results: readonly TensorType[]): Kernel {
    const plain = super.make(inputs, results);
    if (results[0]!.dtype !== "float32") return plain;
    const { shape } = results[0]!;
    const axis = resolveAxis(this.attributes.axis, shape);
    const length = shape[axis]!;
    const step = sizeOf(shape.slice(axis + 1));
    return {
      ...plain,
      cost: sizeOf(shape) * 4,
      inMemory: sizeOf(shape) >= MIN_ELEMENTS,
      run([a], out, from, to) {
        const kernels = step === 1 && length * 8 <= SCRATCH_BYTES ? kernelsOn(out, [a!]) : undefined;
        if (kernels !== undefined) {
          const at = 4 * from * length;
          const { exports, room } = kernels;
          const scratch = room + SCRATCH_AT;
          exports.softmaxRows(a!.byteOffset + at, out.byteOffset + at, to - from, length, scratch);
          return;
        }
        const terms = new Float64Array(length);
        for (let outer = from; outer < to; outer++)
          for (let inner = 0; inner < step; inner++)
            softmaxLane(a!, out, outer * length * step + inner, step, length, terms);
      },
    };
  }

  prepare(_shapes: readonly Shape[], output: Shape): Kernel {
    const axis = resolveAxis(this.attributes.axis, output);
    const length = output[axis]!;
    const step = sizeOf(output.slice(axis + 1));
    return {
      // A unit is all that lies at one outer index: contiguous in the output, as shards must be.
      units: sizeOf(output.slice(0, axis)),
      cost: sizeOf(output) * 10,
      run: ([a], out, from, to) => {
        const terms = new Float64Array(length);
        for (let outer = from; outer < to; outer++) {
          for (let inner = 0; inner < step; inner++) {
            const start = outer * length * step + inner;
            // e^(x − max): no overflow, and the same result.
            let greatest = Number.NEGATIVE_INFINITY;
            for (let k = 0; k < length; k++) greatest = Math.max(greatest, a![start + k * step]!);
            let total = 0;
            for (let k = 0; k < length; k++) {
              terms[k] = Math.exp(a![start + k * step]! - greatest);
              total += terms[k]!;
            }
            for (let k = 0; k < length; k++) out[start + k * step] = terms[k]! / total;
          }
        }
      },
    };
  }
}

/**
 * e^x / Σ e^x along `axis`, the last when left out.
 *
 * @example
 * ```js
 * import { Graph, softmax, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = softmax(graph.parameter("x", tensor([0, 0])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 0.5, 0.5 ]
 * ```
 */
export const softmax = (x: Operand, axis = -1): Node => applyOp(new Softmax({ axis }), [x]);
