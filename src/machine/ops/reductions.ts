import { ShapeError } from "../errors.js";
import { sumRows } from "../kernels/rows.js";
import { kernelsOn } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, resolveAxis, type TensorType, TypedOp } from "../op.js";
import { type Shape, sizeOf, stridesOf } from "../shape.js";
import { type BigData, isBig, isFloat } from "../tensor.js";

/** From this many elements sums are worth an operand in the machine's memory. */
const MIN_ELEMENTS = 512;

export interface ReductionAttributes {
  readonly axes: readonly number[];
  readonly keepAxes: boolean;
}

/**
 * A statistic of the elements along axes, of numbers of any type: Σx, Πx, Σ|x|, Σx², …. Floats are accumulated in
 * double and rounded once: in row-major order, or of float32 that lies in rows Σx in eight sums (`kernels/rows.ts`).
 */
export class Reduction extends TypedOp {
  readonly name: ReductionName;
  override readonly attributes: Attributes & ReductionAttributes;
  override readonly portable = true;

  constructor(name: ReductionName, attributes: ReductionAttributes) {
    super();
    this.name = name;
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { dtype, shape } = inputs[0]!;
    return [{ dtype, shape: reducedShape(shape, this.attributes) }];
  }

  make([input]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { dtype, shape } = input!;
    const { starts, offsets } = lanesOf(shape, this.attributes.axes);
    const { first, next, last } = reductions[this.name];
    const count = offsets.length;
    const whole = !isFloat(dtype);
    const together = (places: Float64Array, step: number) => places.every((place, i) => place === i * step);
    if (dtype === "float32" && (this.name === "sumOf" || this.name === "meanOf"))
      if (together(offsets, 1) && together(starts, count))
        return rowSums(sizeOf(result!.shape), count, this.name === "meanOf");
    return {
      units: sizeOf(result!.shape),
      cost: sizeOf(shape) * 3,
      run: ([a], out, from, to) => {
        if (isBig(dtype)) {
          const [x, y] = [a, out] as unknown as [BigData, BigData];
          for (let i = from; i < to; i++) y[i] = bigReduction(this.name, x, starts[i]!, offsets);
          return;
        }
        for (let i = from; i < to; i++) {
          const start = starts[i]!;
          let shift = 0;
          if (this.name === "logSumExp") {
            shift = Number.NEGATIVE_INFINITY;
            for (let k = 0; k < count; k++) shift = Math.max(shift, a![start + offsets[k]!]!);
            if (!Number.isFinite(shift)) shift = 0;
          }
          let total = first;
          for (let k = 0; k < count; k++) total = next(total, a![start + offsets[k]!]!, shift);
          const value = last(total, count, shift);
          out[i] = whole ? Math.trunc(value) : value;
        }
      },
    };
  }
}

/** Sums or means of floats that lie in rows: in WebAssembly where they lie in the machine's memory. */
function rowSums(units: number, count: number, mean: boolean): Kernel {
  const divisor = mean ? count : 1;
  return {
    units,
    cost: units * count * 0.4,
    inMemory: units * count >= MIN_ELEMENTS,
    run([a], out, from, to) {
      const kernels = kernelsOn(out, [a!]);
      if (kernels === undefined) sumRows(a!, from * count, out, from, to - from, count, divisor);
      else {
        const [x, y] = [a!.byteOffset + 4 * from * count, out.byteOffset + 4 * from];
        kernels.exports.sumRows(x, y, to - from, count, divisor);
      }
    },
  };
}

/** Where the greatest or least element along an axis is, as int64. */
export class ArgReduction extends TypedOp {
  readonly name: "argMax" | "argMin";
  override readonly attributes: Attributes & { axis: number; keepAxes: boolean; last: boolean };
  override readonly portable = true;

  constructor(
    name: "argMax" | "argMin",
    attributes: { axis: number; keepAxes: boolean /** Of equals the last. */; last: boolean },
  ) {
    super();
    this.name = name;
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { axis, keepAxes } = this.attributes;
    const { shape } = inputs[0]!;
    if (shape[resolveAxis(axis, shape)] === 0) throw new ShapeError("has no greatest or least element");
    return [{ dtype: "int64", shape: reducedShape(shape, { axes: [axis], keepAxes }) }];
  }

  make([input]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { starts, offsets } = lanesOf(input!.shape, [this.attributes.axis]);
    const sign = this.name === "argMax" ? 1 : -1;
    const { last } = this.attributes;
    return {
      units: sizeOf(result!.shape),
      cost: sizeOf(input!.shape) * 2,
      run: ([a], out, from, to) => {
        const places = out as unknown as BigData;
        for (let i = from; i < to; i++) {
          let best = 0;
          for (let k = 1; k < offsets.length; k++) {
            const difference =
              sign * Number(a![starts[i]! + offsets[k]!]! - a![starts[i]! + offsets[best]!]!);
            if (difference > 0 || (last && difference === 0)) best = k;
          }
          places[i] = BigInt(best);
        }
      },
    };
  }
}

function reducedShape(shape: Shape, { axes, keepAxes }: ReductionAttributes): Shape {
  const chosen = axes.map((axis) => resolveAxis(axis, shape));
  if (keepAxes) return shape.map((length, axis) => (chosen.includes(axis) ? 1 : length));
  return shape.filter((_, axis) => !chosen.includes(axis));
}

/** Where each result's elements begin, and how far from there each of them lies. */
function lanesOf(shape: Shape, axes: readonly number[]): { starts: Float64Array; offsets: Float64Array } {
  const chosen = axes.map((axis) => resolveAxis(axis, shape));
  const strides = stridesOf(shape);
  const along = (own: number[]) => {
    let places = new Float64Array(1);
    for (const axis of own) {
      const longer = new Float64Array(places.length * shape[axis]!);
      for (let i = 0, o = 0; i < places.length; i++)
        for (let k = 0; k < shape[axis]!; k++) longer[o++] = places[i]! + k * strides[axis]!;
      places = longer;
    }
    return places;
  };
  const all = shape.map((_, axis) => axis);
  return {
    starts: along(all.filter((axis) => !chosen.includes(axis))),
    offsets: along(all.filter((axis) => chosen.includes(axis))),
  };
}

interface Accumulation {
  readonly first: number;
  next(total: number, x: number, shift: number): number;
  last(total: number, count: number, shift: number): number;
}

const itself = (total: number) => total;
const reductions = {
  sumOf: { first: 0, next: (t, x) => t + x, last: itself },
  meanOf: { first: 0, next: (t, x) => t + x, last: (t, count) => t / count },
  maxOf: { first: Number.NEGATIVE_INFINITY, next: (t, x) => Math.max(t, x), last: itself },
  minOf: { first: Number.POSITIVE_INFINITY, next: (t, x) => Math.min(t, x), last: itself },
  product: { first: 1, next: (t, x) => t * x, last: itself },
  /** Σ|x|. */
  norm1: { first: 0, next: (t, x) => t + Math.abs(x), last: itself },
  /** √Σx². */
  norm2: { first: 0, next: (t, x) => t + x * x, last: Math.sqrt },
  sumOfSquares: { first: 0, next: (t, x) => t + x * x, last: itself },
  logSum: { first: 0, next: (t, x) => t + x, last: Math.log },
  logSumExp: {
    first: 0,
    next: (t, x, shift) => t + Math.exp(x - shift),
    last: (t, _count, shift) => Math.log(t) + shift,
  },
} satisfies Record<string, Accumulation>;

export type ReductionName = keyof typeof reductions;
export const REDUCTIONS = Object.keys(reductions) as readonly ReductionName[];

function bigReduction(name: ReductionName, x: BigData, start: number, offsets: Float64Array): bigint {
  const values = Array.from(offsets, (offset) => x[start + offset]!);
  const sum = (each: (value: bigint) => bigint) => values.reduce((total, value) => total + each(value), 0n);
  const abs = (value: bigint) => (value < 0n ? -value : value);
  switch (name) {
    case "sumOf":
      return sum((value) => value);
    case "meanOf":
      return values.length === 0 ? 0n : sum((value) => value) / BigInt(values.length);
    case "maxOf":
      return values.sort(ascending).at(-1)!;
    case "minOf":
      return values.sort(ascending)[0]!;
    case "product":
      return values.reduce((a, b) => a * b, 1n);
    case "norm1":
      return sum(abs);
    case "sumOfSquares":
      return sum((value) => value * value);
    case "norm2":
      return BigInt(Math.trunc(Math.sqrt(Number(sum((value) => value * value)))));
    case "logSum":
      return BigInt(Math.trunc(Math.log(Number(sum((value) => value)))));
    default:
      return BigInt(Math.trunc(Math.log(values.reduce((t, value) => t + Math.exp(Number(value)), 0))));
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
