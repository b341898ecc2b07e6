import { applyOp, type Node, type Operand } from "../graph.js";
import { type Attributes, checkArity, type Kernel, Op, resolveAxis } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";

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

/** e^x / Σ e^x along `axis`, the last when left out. */
export const softmax = (x: Operand, axis = -1): Node => applyOp(new Softmax({ axis }), [x]);
