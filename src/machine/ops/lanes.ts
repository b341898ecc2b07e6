import { type Attributes, checkArity, type Kernel, Op, resolveAxis } from "../op.js";
import { type Shape, sizeOf } from "../shape.js";
import { type BigData, type Data, type DType, isBig } from "../tensor.js";

export interface LaneAttributes {
  readonly axis: number;
  /** Of a running sum: without the element itself. */
  readonly exclusive?: boolean;
  /** Of a running sum: from the end. */
  readonly reverse?: boolean;
  /** Of a division by the norm: 1 or 2. */
  readonly p?: number;
}

/** An op on each lane of elements along one axis, that gives a lane of the same length. */
export class Lanes extends Op {
  readonly name: LaneOpName;
  override readonly attributes: Attributes & LaneAttributes;
  override readonly portable = true;

  constructor(name: LaneOpName, attributes: LaneAttributes) {
    super();
    this.name = name;
    this.attributes = { ...attributes };
  }

  override takes(dtype: DType): boolean {
    return this.name === "runningSum" || !isBig(dtype);
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
    const lane = laneOps[this.name];
    return {
      units: sizeOf(output.slice(0, axis)),
      cost: sizeOf(output) * 15,
      run: ([a], out, from, to) => {
        for (let outer = from; outer < to; outer++)
          for (let inner = 0; inner < step; inner++)
            lane(a!, out, outer * length * step + inner, step, length, this.attributes);
      },
    };
  }
}

type Lane = (
  a: Data,
  out: Data,
  start: number,
  step: number,
  length: number,
  attributes: LaneAttributes,
) => void;

const laneOps = {
  /** x − log Σ eˣ. */
  logSoftmax(a, out, start, step, length) {
    let greatest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < length; k++) greatest = Math.max(greatest, a[start + k * step]!);
    let total = 0;
    for (let k = 0; k < length; k++) total += Math.exp(a[start + k * step]! - greatest);
    const rest = Math.log(total);
    // The greatest first: of large elements the sum of both would be the greatest again.
    for (let k = 0; k < length; k++) out[start + k * step] = a[start + k * step]! - greatest - rest;
  },
  /** 1 where the first of the greatest elements is, else 0. */
  hardmax(a, out, start, step, length) {
    let best = 0;
    for (let k = 1; k < length; k++) if (a[start + k * step]! > a[start + best * step]!) best = k;
    for (let k = 0; k < length; k++) out[start + k * step] = k === best ? 1 : 0;
  },
  runningSum(a, out, start, step, length, { exclusive, reverse }) {
    const [x, y] = [a, out] as unknown as [BigData, BigData];
    let total = typeof a[start] === "bigint" ? 0n : (0 as unknown as bigint);
    for (let k = 0; k < length; k++) {
      const at = start + (reverse ? length - 1 - k : k) * step;
      if (exclusive) y[at] = total;
      total += x[at]!;
      if (!exclusive) y[at] = total;
    }
  },
  /** x over its norm; 0 where that is 0. */
  normalize(a, out, start, step, length, { p = 2 }) {
    let norm = 0;
    for (let k = 0; k < length; k++)
      norm += p === 1 ? Math.abs(a[start + k * step]!) : a[start + k * step]! ** 2;
    if (p !== 1) norm = Math.sqrt(norm);
    for (let k = 0; k < length; k++) out[start + k * step] = norm === 0 ? 0 : a[start + k * step]! / norm;
  },
} satisfies Record<string, Lane>;

export type LaneOpName = keyof typeof laneOps;
export const LANE_OPS = Object.keys(laneOps) as readonly LaneOpName[];
