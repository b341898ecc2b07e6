import { ShapeError } from "../errors.js";
import { type Geometry as PlaneGeometry, written } from "../kernels/geometry.js";
import { kernelsOn } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { sizeOf } from "../shape.js";
import { type BigData, type Data, isBig } from "../tensor.js";
import { checkWindow, geometryOf, type WindowAttributes, windowCount } from "./windows.js";

/** From this many elements windows are worth an operand in the machine's memory. */
const MIN_ELEMENTS = 512;

export interface PoolingAttributes extends WindowAttributes {
  readonly kernel: readonly number[];
  /** Whether a last window may reach beyond the padding. */
  readonly ceil: boolean;
  /** Of an average: whether padding counts as elements. */
  readonly countPadding?: boolean;
  /** Of a p-norm: p. */
  readonly p?: number;
  /** Of a maximum: whether its places are a second result, int64, counted column by column where "columns". */
  readonly places?: "rows" | "columns";
}

/** The greatest element, the average or the p-norm of each window over the spatial axes of N × C × …. */
export class Pooling extends TypedOp {
  readonly name: PoolingName;
  override readonly attributes: Attributes & PoolingAttributes;
  override readonly portable = true;

  constructor(name: PoolingName, attributes: PoolingAttributes) {
    super();
    this.name = name;
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 1);
    const { dtype, shape } = inputs[0]!;
    const { kernel, ceil, places } = this.attributes;
    if (isBig(dtype)) throw new ShapeError(`does not compute with ${dtype}`);
    checkWindow(shape.length - 2, kernel, this.attributes);
    const spatial = shape
      .slice(2)
      .map((length, axis) => windowCount(length, kernel[axis]!, axis, this.attributes, ceil));
    const result = { dtype, shape: [shape[0]!, shape[1]!, ...spatial] };
    return places === undefined ? [result] : [result, { dtype: "int64", shape: result.shape }];
  }

  make([input]: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { kernel, countPadding = false, p = 2, places, after } = this.attributes;
    const spatial = input!.shape.slice(2);
    const geometry = geometryOf(spatial, result!.shape.slice(2), kernel, this.attributes);
    const [inD, inH, inW] = geometry.input;
    const [outD, outH, outW] = geometry.output;
    const [kD, kH, kW] = geometry.kernel;
    const [sD, sH, sW] = geometry.strides;
    const [dD, dH, dW] = geometry.dilations;
    const [pD, pH, pW] = geometry.before;
    const lead = 3 - after.length;
    const room = geometry.input.map((length, axis) => length + (axis < lead ? 0 : after[axis - lead]!));
    const name = this.name;
    const round = result!.dtype === "float32" ? Math.fround : (x: number) => x;
    const planar =
      result!.dtype === "float32" && name !== "normPooling" && places === undefined && inD * outD * kD === 1;
    const plane: PlaneGeometry = {
      channels: 1,
      height: inH,
      width: inW,
      kernelHeight: kH,
      kernelWidth: kW,
      outHeight: outH,
      outWidth: outW,
      strideY: sH,
      strideX: sW,
      dilationY: dH,
      dilationX: dW,
      padTop: pH,
      padLeft: pW,
    };
    return {
      units: sizeOf(result!.shape.slice(0, 2)),
      cost: sizeOf(result!.shape) * sizeOf(kernel) * (planar ? 0.7 : 2),
      inMemory: planar && sizeOf(input!.shape) >= MIN_ELEMENTS,
      run: ([x], out, from, to, results) => {
        const kernels = planar ? kernelsOn(out, [x!]) : undefined;
        if (kernels !== undefined) {
          kernels.exports.pool(
            x!.byteOffset,
            out.byteOffset,
            written(kernels, plane),
            from,
            to,
            name === "averagePooling",
            countPadding,
            room[1]!,
            room[2]!,
          );
          return;
        }
        const indices = results?.[1] as unknown as BigData | undefined;
        for (let plane = from; plane < to; plane++) {
          const base = plane * inD * inH * inW;
          let o = plane * outD * outH * outW;
          for (let oz = 0; oz < outD; oz++) {
            for (let oy = 0; oy < outH; oy++) {
              for (let ox = 0; ox < outW; ox++, o++) {
                let total = name === "maxPooling" ? Number.NEGATIVE_INFINITY : 0;
                let count = 0;
                let best = -1;
                for (let kz = 0; kz < kD; kz++) {
                  const z = oz * sD + kz * dD - pD;
                  for (let ky = 0; ky < kH; ky++) {
                    const y = oy * sH + ky * dH - pH;
                    for (let kx = 0; kx < kW; kx++) {
                      const at = ox * sW + kx * dW - pW;
                      if (z < 0 || z >= inD || y < 0 || y >= inH || at < 0 || at >= inW) {
                        if (countPadding && z < room[0]! && y < room[1]! && at < room[2]!) count++;
                        continue;
                      }
                      const place = base + (z * inH + y) * inW + at;
                      const value = x![place]!;
                      count++;
                      if (name === "averagePooling") total = round(total + value);
                      else if (name === "normPooling") total = round(total + Math.abs(value) ** p);
                      else if (planar) total = Math.max(total, value);
                      else if (value > total || best < 0 || Number.isNaN(value)) {
                        total = value;
                        best = place;
                      }
                    }
                  }
                }
                if (name === "averagePooling") total /= count;
                else if (name === "normPooling") total **= 1 / p;
                out[o] = total;
                if (indices === undefined) continue;
                if (places === "columns") best = columnPlace(best - base, geometry.input) + base;
                indices[o] = BigInt(best);
              }
            }
          }
        }
      },
    };
  }
}

export type PoolingName = "maxPooling" | "averagePooling" | "normPooling";

/** A place in a plane counted along the first axis first. */
function columnPlace(place: number, [depth, height, width]: readonly [number, number, number]): number {
  const x = place % width;
  const y = Math.floor(place / width) % height;
  const z = Math.floor(place / (width * height));
  return (x * height + y) * depth + z;
}

/** Puts each element of x where the second operand says, in a result of `shape` that is 0 elsewhere. */
export class Unpooling extends TypedOp {
  readonly name = "unpooling";
  override readonly attributes: Attributes & { shape: readonly number[] };
  override readonly portable = true;

  constructor(attributes: { shape: readonly number[] }) {
    super();
    this.attributes = attributes;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    return [{ dtype: inputs[0]!.dtype, shape: this.attributes.shape }];
  }

  make(_inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const size = sizeOf(result!.shape);
    return {
      units: 1,
      cost: size,
      run: ([x, places], out: Data) => {
        out.fill(0);
        for (let i = 0; i < x!.length; i++) {
          const place = Number(places![i]!);
          if (place >= 0 && place < size) out[place] = x![i]!;
        }
      },
    };
  }
}
