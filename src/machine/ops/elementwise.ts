import { ShapeError } from "../errors.js";
import { ElementProgram, type ElementStep, isElementName, type Operand } from "../kernels/elementwise.js";
import { kernelsOn } from "../kernels/tensor-kernels.js";
import { type Attributes, type Kernel, Op } from "../op.js";
import { broadcast, broadcastStrides, type Shape, sizeOf } from "../shape.js";
import type { DType } from "../tensor.js";
import { rowsOf, walkOf } from "./strips.js";

/** From this many elements an op is worth operands in the machine's memory. */
const MIN_ELEMENTS = 1024;

/** Several elementwise ops of single precision in one pass: operands are broadcast, and so are the steps' results. */
export class Elementwise extends Op {
  readonly name = "elementwise";
  override readonly attributes: Attributes & { readonly steps: readonly ElementStep[] };
  override readonly portable = true;

  constructor(attributes: { readonly steps: readonly ElementStep[] }) {
    super();
    this.attributes = attributes;
  }

  override takes(dtype: DType): boolean {
    return dtype === "float32";
  }

  inferShape(shapes: readonly Shape[]): Shape {
    const shape = broadcast(shapes);
    if (shape === undefined) throw new ShapeError("the operands do not broadcast");
    return shape;
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    return programKernel(new ElementProgram(this.attributes.steps, shapes.length), shapes, output);
  }
}

/** The kernel of one op by itself: in WebAssembly where there is such a one for it, else `plain`, with the same bits. */
export function elementKernel(
  name: string,
  parameters: { readonly alpha?: number; readonly beta?: number },
  dtype: DType,
  shapes: readonly Shape[],
  output: Shape,
  plain: Kernel,
): Kernel {
  if (dtype !== "float32" || !isElementName(name) || plain.units < MIN_ELEMENTS) return plain;
  const step = { op: name, inputs: shapes.map((_, i) => i), ...parameters };
  const own = programKernel(new ElementProgram([step], shapes.length), shapes, output);
  return {
    ...own,
    run(inputs, out, from, to) {
      return (kernelsOn(out, inputs) === undefined ? plain : own).run(inputs, out, from, to);
    },
  };
}

/** The kernel of a program on operands of `shapes`, broadcast to the output's. */
function programKernel(program: ElementProgram, shapes: readonly Shape[], output: Shape): Kernel {
  const units = sizeOf(output);
  const walk = walkOf(
    output,
    shapes.map((shape) => broadcastStrides(shape, output)),
  );
  return {
    units,
    cost: units * program.cost,
    inMemory: units >= MIN_ELEMENTS,
    run(inputs, out, from, to) {
      rowsOf(walk, from, to, (offsets, rowSteps, o, rows, n) => {
        const operands = inputs.map(
          (data, i): Operand => ({
            data,
            at: offsets[i]!,
            row: rowSteps[i]!,
            step: walk.steps[i] === 0 ? 0 : 1,
          }),
        );
        program.run(operands, out, o, walk.inner, rows, n);
      });
    },
  };
}
