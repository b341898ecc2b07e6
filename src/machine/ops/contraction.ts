import { ShapeError } from "../errors.js";
import { type Attributes, type Kernel, Op } from "../op.js";
import { type Shape, sizeOf, stridesOf } from "../shape.js";
import { type DType, isBig } from "../tensor.js";

/**
 * The sum over products in Einstein's notation: each operand's axes have labels, the result's axes some of them, and the
 * others are summed over. Labels are numbers.
 */
export class Contraction extends Op {
  readonly name = "contraction";
  override readonly attributes: Attributes & {
    operands: readonly (readonly number[])[];
    result: readonly number[];
  };
  override readonly portable = true;

  constructor(attributes: { operands: readonly (readonly number[])[]; result: readonly number[] }) {
    super();
    this.attributes = attributes;
  }

  override takes(dtype: DType): boolean {
    return !isBig(dtype);
  }

  inferShape(shapes: readonly Shape[]): Shape {
    const lengths = this.lengths(shapes);
    return this.attributes.result.map((label) => {
      const length = lengths.get(label);
      if (length === undefined) throw new ShapeError("the result has an axis that no operand has");
      return length;
    });
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const { operands, result } = this.attributes;
    const lengths = this.lengths(shapes);
    const summed = [...lengths.keys()].filter((label) => !result.includes(label));
    // Where each operand's element lies: for each label the sum of the strides of its axes.
    const stridesFor = (labels: readonly number[]) =>
      shapes.map((shape, i) => {
        const strides = stridesOf(shape);
        return labels.map((label) =>
          operands[i]!.reduce(
            (sum, own, axis) => sum + (own === label && shape[axis] !== 1 ? strides[axis]! : 0),
            0,
          ),
        );
      });
    const outer = stridesFor(result);
    const inner = stridesFor(summed);
    const depths = summed.map((label) => lengths.get(label)!);
    const count = sizeOf(depths);
    const starts = shapes.map((_, i) => offsetsOf(depths, inner[i]!));
    const places = new Array<number>(shapes.length);
    return {
      units: sizeOf(output),
      cost: sizeOf(output) * count * 2 * shapes.length,
      run: (inputs, out, from, to) => {
        for (let o = from; o < to; o++) {
          for (let i = 0; i < inputs.length; i++) {
            let place = 0;
            for (let axis = result.length - 1, rest = o; axis >= 0; axis--) {
              const next = Math.floor(rest / output[axis]!);
              place += (rest - next * output[axis]!) * outer[i]![axis]!;
              rest = next;
            }
            places[i] = place;
          }
          let total = 0;
          for (let k = 0; k < count; k++) {
            let product = 1;
            for (let i = 0; i < inputs.length; i++) product *= inputs[i]![places[i]! + starts[i]![k]!]!;
            total += product;
          }
          out[o] = total;
        }
      },
    };
  }

  private lengths(shapes: readonly Shape[]): Map<number, number> {
    const { operands } = this.attributes;
    const lengths = new Map<number, number>();
    for (const [i, shape] of shapes.entries()) {
      if (operands[i]?.length !== shape.length)
        throw new ShapeError("an operand has not as many axes as labels");
      for (const [axis, length] of shape.entries()) {
        const label = operands[i]![axis]!;
        const known = lengths.get(label);
        if (known !== undefined && known !== length && known !== 1 && length !== 1)
          throw new ShapeError(`axes of ${known} and ${length} have one label`);
        lengths.set(label, Math.max(known ?? 1, length));
      }
    }
    return lengths;
  }
}

function offsetsOf(lengths: readonly number[], strides: readonly number[]): Float64Array {
  let offsets = new Float64Array(1);
  for (const [axis, length] of lengths.entries()) {
    const longer = new Float64Array(offsets.length * length);
    for (let i = 0, o = 0; i < offsets.length; i++)
      for (let k = 0; k < length; k++) longer[o++] = offsets[i]! + k * strides[axis]!;
    offsets = longer;
  }
  return offsets;
}
