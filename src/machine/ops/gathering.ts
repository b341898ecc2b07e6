import { ShapeError } from "../errors.js";
import { type Attributes, checkArity, type Kernel, resolveAxis, type TensorType, TypedOp } from "../op.js";
import { formatShape, type Shape, sizeOf, stridesOf } from "../shape.js";
import type { Data } from "../tensor.js";

/** An index as a number, counted from the end where it is negative. @throws RangeError where there is no such place. */
function placeOf(index: number | bigint, length: number): number {
  const place = Number(index);
  const own = place < 0 ? place + length : place;
  if (own >= 0 && own < length) return own;
  throw new RangeError(`index ${place} is not one of ${length}`);
}

/** Rows of an operand by their numbers: the axis is replaced by those of the indices. */
export class Gather extends TypedOp {
  readonly name = "gather";
  override readonly attributes: Attributes & { axis: number };
  override readonly portable = true;

  constructor(attributes: { axis: number }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, indices] = inputs as [TensorType, TensorType];
    const axis = resolveAxis(this.attributes.axis, x.shape);
    return [
      { dtype: x.dtype, shape: [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)] },
    ];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [x, indices] = inputs as [TensorType, TensorType];
    const axis = resolveAxis(this.attributes.axis, x.shape);
    const length = x.shape[axis]!;
    const inner = sizeOf(x.shape.slice(axis + 1));
    const count = sizeOf(indices.shape);
    return {
      units: sizeOf(x.shape.slice(0, axis)) * count,
      cost: sizeOf(result!.shape) * 2,
      run: ([a, at], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          const outer = Math.floor(unit / count);
          const start = (outer * length + placeOf(at![unit - outer * count]!, length)) * inner;
          if (inner === 1) out[unit] = a![start]!;
          else out.set(a!.subarray(start, start + inner), unit * inner);
        }
      },
    };
  }
}

/** For each element of the indices the one of the operand that lies there along an axis. */
export class GatherElements extends TypedOp {
  readonly name = "gatherElements";
  override readonly attributes: Attributes & { axis: number };
  override readonly portable = true;

  constructor(attributes: { axis: number }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, indices] = inputs as [TensorType, TensorType];
    resolveAxis(this.attributes.axis, x.shape);
    if (x.shape.length !== indices.shape.length)
      throw new ShapeError(`${formatShape(x.shape)} and ${formatShape(indices.shape)} have not as many axes`);
    return [{ dtype: x.dtype, shape: indices.shape }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const [x, indices] = inputs as [TensorType, TensorType];
    const axis = resolveAxis(this.attributes.axis, x.shape);
    const where = elementPlaces(indices.shape, x.shape, axis);
    const units = sizeOf(result!.shape);
    return {
      units,
      cost: units * 20,
      run: ([a, at], out, from, to) => {
        for (let i = from; i < to; i++) out[i] = a![where(i, at![i]!)]!;
      },
    };
  }
}

/** Where in an operand of shape `to` the element number i of `shape` lies, with its place along `axis` given. */
function elementPlaces(shape: Shape, to: Shape, axis: number): (i: number, index: number | bigint) => number {
  const own = stridesOf(shape);
  const strides = stridesOf(to);
  return (i, index) => {
    let place = placeOf(index, to[axis]!) * strides[axis]!;
    for (let k = 0, rest = i; k < shape.length; k++) {
      const along = Math.floor(rest / own[k]!);
      rest -= along * own[k]!;
      if (k !== axis) place += along * strides[k]!;
    }
    return place;
  };
}

/** Parts of an operand by tuples of indices, which lie along the indices' last axis, after `batchAxes` common axes. */
export class GatherTuples extends TypedOp {
  readonly name = "gatherTuples";
  override readonly attributes: Attributes & { batchAxes: number };
  override readonly portable = true;

  constructor(attributes: { batchAxes: number }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, indices] = inputs as [TensorType, TensorType];
    const { batchAxes } = this.attributes;
    const tuple = indices.shape.at(-1);
    if (tuple === undefined || batchAxes + tuple > x.shape.length)
      throw new ShapeError(`${formatShape(indices.shape)} has no indices into ${formatShape(x.shape)}`);
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batchAxes + tuple)] }];
  }

  make(inputs: readonly TensorType[]): Kernel {
    const [x, indices] = inputs as [TensorType, TensorType];
    const { batchAxes } = this.attributes;
    const tuple = indices.shape.at(-1)!;
    const strides = stridesOf(x.shape);
    const inner = sizeOf(x.shape.slice(batchAxes + tuple));
    const count = sizeOf(indices.shape.slice(0, -1));
    const batches = sizeOf(indices.shape.slice(0, batchAxes));
    const perBatch = count / Math.max(1, batches);
    const stride = sizeOf(x.shape.slice(batchAxes));
    return {
      units: count,
      cost: count * (10 + inner),
      run: ([a, at], out, from, to) => {
        for (let unit = from; unit < to; unit++) {
          let start = Math.floor(unit / perBatch) * stride;
          for (let k = 0; k < tuple; k++) {
            const axis = batchAxes + k;
            start += placeOf(at![unit * tuple + k]!, x.shape[axis]!) * strides[axis]!;
          }
          out.set(a!.subarray(start, start + inner), unit * inner);
        }
      },
    };
  }
}

export type Combination = "none" | "add" | "mul" | "min" | "max";

/** Puts `value` where `old` is; `whole` are integers of 32 bits, of whose products the lower bits count. */
function combined<T extends number | bigint>(old: T, value: T, combination: Combination, whole: boolean): T {
  switch (combination) {
    case "add":
      return ((old as number) + (value as number)) as T;
    case "mul":
      if (whole) return Math.imul(old as number, value as number) as T;
      return ((old as number) * (value as number)) as T;
    case "min":
      return value < old ? value : old;
    case "max":
      return value > old ? value : old;
    default:
      return value;
  }
}

/** A copy of the operand in which updates stand where indices along an axis say. One piece: updates may meet. */
export class ScatterElements extends TypedOp {
  readonly name = "scatterElements";
  override readonly attributes: Attributes & { axis: number; combination: Combination };
  override readonly portable = true;

  constructor(attributes: { axis: number; combination: Combination }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 3);
    const { dtype, shape } = inputs[0]!;
    resolveAxis(this.attributes.axis, shape);
    checkUpdates(inputs[1]!.shape, inputs[2]!.shape);
    return [{ dtype, shape }];
  }

  make(inputs: readonly TensorType[]): Kernel {
    const [x, indices] = inputs as [TensorType, TensorType];
    const axis = resolveAxis(this.attributes.axis, x.shape);
    const where = elementPlaces(indices.shape, x.shape, axis);
    const { combination } = this.attributes;
    return {
      units: 1,
      cost: sizeOf(x.shape) + sizeOf(indices.shape) * 20,
      run: ([a, at, updates], out) => {
        out.set(a!);
        const whole = isWhole(out);
        for (let i = 0; i < at!.length; i++) {
          const place = where(i, at![i]!);
          out[place] = combined(out[place]!, updates![i]!, combination, whole);
        }
      },
    };
  }
}

/** A copy of the operand in which updates stand where tuples of indices say. */
export class ScatterTuples extends TypedOp {
  readonly name = "scatterTuples";
  override readonly attributes: Attributes & { combination: Combination };
  override readonly portable = true;

  constructor(attributes: { combination: Combination }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 3);
    const [x, indices, updates] = inputs as [TensorType, TensorType, TensorType];
    const tuple = indices.shape.at(-1);
    if (tuple === undefined || tuple > x.shape.length)
      throw new ShapeError(`${formatShape(indices.shape)} has no indices into ${formatShape(x.shape)}`);
    checkUpdates([...indices.shape.slice(0, -1), ...x.shape.slice(tuple)], updates.shape);
    return [{ dtype: x.dtype, shape: x.shape }];
  }

  make(inputs: readonly TensorType[]): Kernel {
    const [x, indices] = inputs as [TensorType, TensorType];
    const tuple = indices.shape.at(-1)!;
    const strides = stridesOf(x.shape);
    const inner = sizeOf(x.shape.slice(tuple));
    const count = sizeOf(indices.shape.slice(0, -1));
    const { combination } = this.attributes;
    return {
      units: 1,
      cost: sizeOf(x.shape) + count * (10 + inner),
      run: ([a, at, updates], out) => {
        out.set(a!);
        for (let unit = 0; unit < count; unit++) {
          let start = 0;
          for (let k = 0; k < tuple; k++) start += placeOf(at![unit * tuple + k]!, x.shape[k]!) * strides[k]!;
          put(out, start, updates!, unit * inner, inner, combination);
        }
      },
    };
  }
}

/** Doubles would round products of such elements. */
const isWhole = (data: Data) => data instanceof Int32Array || data instanceof Uint32Array;

function put(out: Data, start: number, updates: Data, at: number, length: number, how: Combination): void {
  const whole = isWhole(out);
  for (let i = 0; i < length; i++) out[start + i] = combined(out[start + i]!, updates[at + i]!, how, whole);
}

function checkUpdates(want: Shape, got: Shape): void {
  if (want.length !== got.length || want.some((length, axis) => length !== got[axis]))
    throw new ShapeError(`needs updates of ${formatShape(want)}, got ${formatShape(got)}`);
}
