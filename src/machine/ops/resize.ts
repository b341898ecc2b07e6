import { ShapeError } from "../errors.js";
import { kernelsOn, SCRATCH_AT, SCRATCH_BYTES } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, Op, resolveAxis } from "../op.js";
import { formatShape, type Shape, sizeOf } from "../shape.js";
import type { DType } from "../tensor.js";
import { isFloat } from "../tensor.js";

/** From this many elements an axis is worth an operand in the machine's memory. */
const MIN_ELEMENTS = 512;

export interface ResizeAttributes {
  readonly axis: number;
  readonly length: number;
  /** How much longer the axis becomes, which need not be the quotient of the lengths. */
  readonly scale: number;
  readonly mode: "nearest" | "linear" | "cubic";
  /** Where in x the middle of a result's element lies. */
  readonly coordinates:
    | "half_pixel"
    | "half_pixel_symmetric"
    | "pytorch_half_pixel"
    | "align_corners"
    | "asymmetric"
    | "tf_half_pixel_for_nn"
    | "tf_crop_and_resize";
  /** How a nearest element is chosen. */
  readonly nearest: "round_prefer_floor" | "round_prefer_ceil" | "floor" | "ceil";
  /** The kernel's parameter of cubic interpolation. */
  readonly cubic: number;
  /** Whether weights outside of x are left out, and the others are scaled up to sum to 1. */
  readonly excludeOutside: boolean;
  /** With `tf_crop_and_resize`: the part of x, from 0 to 1, and what elements outside of x are. */
  readonly start: number;
  readonly end: number;
  readonly outside: number;
  /** Whether a kernel is widened by what an axis is shortened, so that every element of x counts. */
  readonly antialias: boolean;
}

/** x with one axis longer or shorter, its elements interpolated. Axes are resized one after another. */
export class ResizeAxis extends Op {
  readonly name = "resizeAxis";
  override readonly attributes: Attributes & ResizeAttributes;
  override readonly portable = true;

  constructor(attributes: ResizeAttributes) {
    super();
    this.attributes = { ...attributes };
  }

  override takes(dtype: DType): boolean {
    return isFloat(dtype) || this.attributes.mode === "nearest";
  }

  inferShape(shapes: readonly Shape[]): Shape {
    checkArity(shapes, 1);
    const [shape] = shapes as [Shape];
    const axis = resolveAxis(this.attributes.axis, shape);
    const { length } = this.attributes;
    if (!Number.isInteger(length) || length < 0 || (shape[axis] === 0 && length > 0))
      throw new ShapeError(`cannot resize axis ${axis} of ${formatShape(shape)} to ${length}`);
    return shape.map((own, i) => (i === axis ? length : own));
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const axis = resolveAxis(this.attributes.axis, output);
    const length = shapes[0]![axis]!;
    const inner = sizeOf(output.slice(axis + 1));
    const taps = tapsOf(this.attributes, length);
    const own = this.attributes.length;
    const { outside } = this.attributes;
    const most = Math.max(1, ...taps.map(({ places }) => places.length));
    const entry = 8 + 16 * most;
    return {
      units: sizeOf(output.slice(0, axis + 1)),
      cost: sizeOf(output) * (taps[0]?.places.length ?? 1),
      inMemory: sizeOf(output) >= MIN_ELEMENTS,
      run: ([a], out, from, to) => {
        const single = out instanceof Float32Array && own * entry <= SCRATCH_BYTES;
        const kernels = single ? kernelsOn(out, [a!]) : undefined;
        if (kernels !== undefined) {
          const { exports, room } = kernels;
          const table = room + SCRATCH_AT;
          writeTable(out.buffer, table, entry, taps);
          const [x, y] = [a!.byteOffset, out.byteOffset];
          exports.resize(x, y, from, to, own, length, inner, table, most, outside);
          return;
        }
        for (let unit = from; unit < to; unit++) {
          const outer = Math.floor(unit / own);
          const tap = taps[unit - outer * own]!;
          const base = outer * length * inner;
          const o = unit * inner;
          if (tap.places.length === 0) out.fill(outside, o, o + inner);
          else if (tap.places.length === 1 && tap.weights[0] === 1) {
            out.set(a!.subarray(base + tap.places[0]! * inner, base + (tap.places[0]! + 1) * inner), o);
          } else {
            for (let i = 0; i < inner; i++) {
              let total = 0;
              for (let k = 0; k < tap.places.length; k++)
                total += a![base + tap.places[k]! * inner + i]! * tap.weights[k]!;
              out[o + i] = total;
            }
          }
        }
      },
    };
  }
}

/** The elements that one is made of; none where it lies outside. */
interface Taps {
  readonly places: number[];
  readonly weights: number[];
}

/** Writes the taps where the kernel reads them. */
function writeTable(buffer: ArrayBufferLike, table: number, entry: number, taps: readonly Taps[]): void {
  const size = entry * taps.length;
  const words = new Int32Array(buffer, table, size / 4);
  const doubles = new Float64Array(buffer, table, size / 8);
  for (const [i, { places, weights }] of taps.entries()) {
    const at = (i * entry) / 8;
    words[2 * at] = places.length;
    for (let k = 0; k < places.length; k++) {
      words[2 * (at + 1 + 2 * k)] = places[k]!;
      doubles[at + 2 + 2 * k] = weights[k]!;
    }
  }
}

function tapsOf(attributes: ResizeAttributes, length: number): Taps[] {
  return Array.from({ length: attributes.length }, (_, i) => {
    const at = coordinate(attributes, i, length);
    if (attributes.coordinates === "tf_crop_and_resize" && (at < 0 || at > length - 1))
      return { places: [], weights: [] };
    if (attributes.mode === "nearest") {
      return { places: [Math.max(0, Math.min(length - 1, nearest(attributes, at)))], weights: [1] };
    }
    return kernelTaps(attributes, at, length);
  });
}

function coordinate(
  { coordinates, length: to, scale, start, end }: ResizeAttributes,
  i: number,
  length: number,
): number {
  switch (coordinates) {
    case "align_corners":
      // By the length that the scale says, which need not be whole.
      return scale * length === 1 ? 0 : (i * (length - 1)) / (scale * length - 1);
    case "asymmetric":
      return i / scale;
    case "tf_half_pixel_for_nn":
      return (i + 0.5) / scale;
    case "pytorch_half_pixel":
      return to > 1 ? (i + 0.5) / scale - 0.5 : 0;
    case "tf_crop_and_resize":
      return to > 1
        ? start * (length - 1) + (i * (end - start) * (length - 1)) / (to - 1)
        : 0.5 * (start + end) * (length - 1);
    case "half_pixel_symmetric": {
      const adjustment = to / (scale * length);
      return (length / 2) * (1 - adjustment) + (i + 0.5) / scale - 0.5;
    }
    default:
      return (i + 0.5) / scale - 0.5;
  }
}

function nearest({ nearest: rule }: ResizeAttributes, place: number): number {
  // A whole or a half that was rounded on the way is itself again: else ⌈10⁻¹⁶⌉ would be another element.
  const half = Math.round(2 * place) / 2;
  const at = Math.abs(place - half) < 1e-9 ? half : place;
  switch (rule) {
    case "floor":
      return Math.floor(at);
    case "ceil":
      return Math.ceil(at);
    case "round_prefer_ceil":
      return Math.floor(at + 0.5);
    default:
      return Math.ceil(at - 0.5);
  }
}

function kernelTaps(
  { mode, cubic, scale, antialias, excludeOutside }: ResizeAttributes,
  at: number,
  length: number,
): Taps {
  const widen = antialias && scale < 1 ? 1 / scale : 1;
  const reach = (mode === "linear" ? 1 : 2) * widen;
  const first = Math.floor(at - reach) + 1;
  const last = Math.ceil(at + reach) - 1;
  const weights = new Map<number, number>();
  let total = 0;
  for (let place = first; place <= Math.max(last, first); place++) {
    const distance = Math.abs(place - at) / widen;
    const weight = mode === "linear" ? Math.max(0, 1 - distance) : cubicWeight(distance, cubic);
    const outside = place < 0 || place >= length;
    if (weight === 0 || (outside && excludeOutside)) continue;
    total += weight;
    const inside = Math.max(0, Math.min(length - 1, place));
    weights.set(inside, (weights.get(inside) ?? 0) + weight);
  }
  const divisor = antialias || excludeOutside ? total : 1;
  return { places: [...weights.keys()], weights: [...weights.values()].map((weight) => weight / divisor) };
}

/** The cubic convolution kernel (Keys 1981). */
function cubicWeight(x: number, a: number): number {
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}
