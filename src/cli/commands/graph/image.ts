import { DataError } from "../../../errors.js";
import { optionalPackage } from "../../../files/optional-package.js";
import { type Tensor, tensor } from "../../../machine/index.js";
import type { OnnxValue } from "../../../onnx/index.js";

/** Pixels row by row, `channels` numbers each, of 0 to 1. */
interface Picture {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Float64Array;
}

/** How pixels become a model's numbers, by channel: (v − mean)/deviation, v being 0 to 1. */
export interface ImageScale {
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Whether a file is a picture that `imageTensor` reads, by its first bytes. */
export function isImage(bytes: Uint8Array): boolean {
  return isPng(bytes) || isJpeg(bytes);
}

const isPng = (bytes: Uint8Array) => [0x89, 0x50, 0x4e, 0x47].every((byte, i) => bytes[i] === byte);
const isJpeg = (bytes: Uint8Array) => [0xff, 0xd8, 0xff].every((byte, i) => bytes[i] === byte);

/**
 * A PNG or JPEG as the input of a model of images: N × C × H × W or N × H × W × C, of one channel or three, made as large
 * as the input is by bilinear interpolation where that says. Integers are pixels of 0 to 255 as they are; floats v of 0
 * to 1, less a mean and over a deviation. What is transparent is laid over black.
 *
 * @param shape what `--shape` says of the input
 * @throws DataError for a damaged picture, or where a decoder is not installed; or an input that is no image
 */
export async function imageTensor(
  file: string,
  bytes: Uint8Array,
  { name, dtype = "float32", shape }: OnnxValue,
  scale: ImageScale,
  wanted: readonly number[] | undefined,
): Promise<Tensor> {
  const rank = shape?.length;
  const lengths = wanted ?? shape ?? [];
  const isDepth = (length: number | string | undefined) => length === 1 || length === 3;
  const first = lengths.length - 3;
  const planes = isDepth(lengths[first]) || !isDepth(lengths.at(-1));
  const depth = planes ? lengths[first] : lengths.at(-1);
  if (
    dtype === "string" ||
    !(rank === 3 || rank === 4) ||
    lengths.length !== rank ||
    typeof depth === "string"
  )
    throw new DataError(`input ${name} takes no picture`, {
      place: { file },
      hint: "expected N × C × H × W or N × H × W × C, of one or three channels",
    });
  const picture = await decoded(file, bytes);
  const channels = depth ?? 3;
  const [down, across] = planes
    ? [lengths[first + 1], lengths[first + 2]]
    : [lengths[first], lengths[first + 1]];
  const height = typeof down === "number" ? down : picture.height;
  const width = typeof across === "number" ? across : picture.width;
  const values = new Float64Array(channels * height * width);
  const whole = !dtype.startsWith("float");
  const own = inChannels(picture, channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const value = sample(
          own,
          ((y + 0.5) * own.height) / height - 0.5,
          ((x + 0.5) * own.width) / width - 0.5,
          c,
        );
        const at = planes ? (c * height + y) * width + x : (y * width + x) * channels + c;
        const [mean, deviation] = [scale.mean, scale.deviation].map(
          (list) => list[Math.min(c, list.length - 1)]!,
        );
        values[at] = whole ? Math.round(255 * value) : (value - mean!) / deviation!;
      }
    }
  }
  const image = planes ? [channels, height, width] : [height, width, channels];
  return tensor(values, rank === 4 ? [1, ...image] : image, dtype);
}

async function decoded(file: string, bytes: Uint8Array): Promise<Picture> {
  const kind = isPng(bytes) ? "a PNG image" : "a JPEG image";
  const place = { file };
  if (isPng(bytes)) {
    const { decode, convertIndexedToRgb } = await optionalPackage(() => import("fast-png"), {
      file,
      kind,
      packages: ["fast-png"],
    });
    try {
      const png = decode(bytes);
      const { width, height, depth } = png;
      const indexed = png.palette !== undefined;
      // Grey of fewer bits than eight comes as it lies, several pixels to a byte.
      const data = indexed
        ? convertIndexedToRgb(png)
        : depth < 8
          ? unpacked(png.data, width, depth)
          : png.data;
      const most = indexed ? 255 : 2 ** depth - 1;
      const channels = data.length / (width * height);
      return { width, height, channels, data: Float64Array.from(data, (value) => value / most) };
    } catch (cause) {
      throw new DataError(`cannot be read as ${kind}: ${(cause as Error).message}`, { place, cause });
    }
  }
  const { default: jpeg } = await optionalPackage(() => import("jpeg-js"), {
    file,
    kind,
    packages: ["jpeg-js"],
  });
  try {
    const { width, height, data } = jpeg.decode(bytes, { useTArray: true, formatAsRGBA: false });
    return { width, height, channels: 3, data: Float64Array.from(data, (value) => value / 255) };
  } catch (cause) {
    throw new DataError(`cannot be read as ${kind}: ${(cause as Error).message}`, { place, cause });
  }
}

/** Pixels of a few bits each, in rows of whole bytes. */
function unpacked(bytes: ArrayLike<number>, width: number, depth: number): Uint8Array {
  const row = Math.ceil((width * depth) / 8);
  const height = bytes.length / row;
  return Uint8Array.from({ length: width * height }, (_, i) => {
    const bit = (i % width) * depth;
    const byte = bytes[Math.floor(i / width) * row + (bit >> 3)]!;
    return (byte >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  });
}

/** The picture in one channel or three; one is ITU-R BT.601's luma of three. */
function inChannels({ width, height, channels, data }: Picture, wanted: number): Picture {
  const result = new Float64Array(width * height * wanted);
  // Grey, grey and opacity, colours, colours and opacity.
  const colours = channels < 3 ? 1 : 3;
  for (let i = 0; i < width * height; i++) {
    const opacity = channels === colours ? 1 : data[i * channels + colours]!;
    const colour = (c: number) => opacity * data[i * channels + Math.min(c, colours - 1)]!;
    if (wanted === 3) for (let c = 0; c < 3; c++) result[3 * i + c] = colour(c);
    else result[i] = colours === 1 ? colour(0) : 0.299 * colour(0) + 0.587 * colour(1) + 0.114 * colour(2);
  }
  return { width, height, channels: wanted, data: result };
}

/** Between the four pixels around a place; those at the edges go on beyond them. */
function sample({ width, height, channels, data }: Picture, y: number, x: number, c: number): number {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const at = (row: number, column: number) =>
    data[
      (Math.max(0, Math.min(height - 1, row)) * width + Math.max(0, Math.min(width - 1, column))) * channels +
        c
    ]!;
  const between = (a: number, b: number, share: number) => (share === 0 ? a : a + share * (b - a));
  return between(
    between(at(top, left), at(top, left + 1), x - left),
    between(at(top + 1, left), at(top + 1, left + 1), x - left),
    y - top,
  );
}
