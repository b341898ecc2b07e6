import { DataError } from "../../errors.js";
import { type Shape, tensor } from "../../machine/index.js";
import { Padding } from "../../machine/ops/boxes.js";
import { Contraction } from "../../machine/ops/contraction.js";
import { Convolution, TransposedConvolution } from "../../machine/ops/convolution.js";
import { DeformedWindows } from "../../machine/ops/deformation.js";
import {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../../machine/ops/normalization.js";
import { Pooling, type PoolingName, Unpooling } from "../../machine/ops/pooling.js";
import { RegionMaximum } from "../../machine/ops/region-pooling.js";
import { type ResizeAttributes, ResizeAxis } from "../../machine/ops/resize.js";
import { GridSample, type GridSampleAttributes, RegionAlign } from "../../machine/ops/sampling.js";
import type { WindowAttributes } from "../../machine/ops/windows.js";
import { sizeOf } from "../../machine/shape.js";
import type { Builder, Operand } from "../builder.js";
import type { Call, Conversion } from "../call.js";

/** Strides, dilations and padding, where need be from `auto_pad`. */
export function windowOf(call: Call, spatial: Shape, kernel: readonly number[]): WindowAttributes {
  const ones = spatial.map(() => 1);
  const strides = call.integers("strides") ?? ones;
  const dilations = call.integers("dilations") ?? ones;
  const pads = call.integers("pads") ?? spatial.flatMap(() => [0, 0]);
  const auto = call.text("auto_pad", "NOTSET");
  const window = { strides, dilations };
  if (auto === "VALID") return { ...window, before: spatial.map(() => 0), after: spatial.map(() => 0) };
  if (auto === "NOTSET" || auto === "") {
    return { ...window, before: pads.slice(0, spatial.length), after: pads.slice(spatial.length) };
  }
  const all = spatial.map((length, axis) => {
    const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
    return Math.max(0, (Math.ceil(length / strides[axis]!) - 1) * strides[axis]! + reach - length);
  });
  const less = all.map((total) => Math.floor(total / 2));
  const more = all.map((total, axis) => total - less[axis]!);
  return auto === "SAME_UPPER"
    ? { ...window, before: less, after: more }
    : { ...window, before: more, after: less };
}

const convolution: Conversion = (call) => {
  const [x, w] = [call.input(0), call.input(1)];
  const bias = call.optional(2);
  const window = windowOf(call, x.shape.slice(2), w.shape.slice(2));
  const op = new Convolution({ ...window, groups: call.integer("group", 1) });
  return call.build.apply(op, x, w, ...(bias === undefined ? [] : [bias]));
};

const transposed: Conversion = (call) => {
  const [x, w] = [call.input(0), call.input(1)];
  const bias = call.optional(2);
  const spatial = x.shape.slice(2);
  const kernel = w.shape.slice(2);
  const groups = call.integer("group", 1);
  const outputPadding = call.integers("output_padding") ?? spatial.map(() => 0);
  const { strides, dilations, ...pads } = windowOf(call, spatial, kernel);
  let { before, after } = pads;
  const auto = call.text("auto_pad", "NOTSET");
  const wanted = call.integers("output_shape")?.slice(-spatial.length);
  const same = auto.startsWith("SAME");
  if (wanted !== undefined || same) {
    const totals = spatial.map((length, axis) => {
      const reach = (kernel[axis]! - 1) * dilations[axis]! + 1;
      const whole = (length - 1) * strides[axis]! + reach + outputPadding[axis]!;
      return whole - (wanted?.[axis] ?? length * strides[axis]!);
    });
    // What is wanted beyond the whole comes after it.
    const less = totals.map((total) => Math.max(0, Math.floor(total / 2)));
    const more = totals.map((total, axis) => total - less[axis]!);
    const upper = auto === "SAME_UPPER" || totals.some((total) => total < 0);
    [before, after] = upper ? [less, more] : [more, less];
  }
  const op = new TransposedConvolution({ strides, dilations, before, after, groups, outputPadding });
  return call.build.apply(op, x, w, ...(bias === undefined ? [] : [bias]));
};

const pooling =
  (name: PoolingName): Conversion =>
  (call) => {
    const x = call.input(0);
    const spatial = x.shape.slice(2);
    const kernel = call.integers("kernel_shape") ?? spatial;
    const window = windowOf(call, spatial, kernel);
    const op = new Pooling(name, {
      ...window,
      kernel,
      ceil: call.flag("ceil_mode"),
      ...(name === "averagePooling" && { countPadding: call.flag("count_include_pad") }),
      ...(name === "normPooling" && { p: call.integer("p", 2) }),
      ...(call.wants(1) && { places: call.flag("storage_order") ? ("columns" as const) : ("rows" as const) }),
    });
    return call.build.applyAll(op, [x]);
  };

/** A statistic of each channel's whole plane. */
const overPlanes =
  (name: "meanOf" | "maxOf"): Conversion =>
  (call) => {
    const x = call.input(0);
    const axes = x.shape.map((_, axis) => axis).slice(2);
    return call.build.reduce(name, x, axes, true);
  };

const globalNorm: Conversion = (call) => {
  const x = call.input(0);
  const spatial = x.shape.slice(2);
  const none = spatial.map(() => 0);
  const ones = spatial.map(() => 1);
  const op = new Pooling("normPooling", {
    kernel: spatial,
    strides: ones,
    dilations: ones,
    before: none,
    after: none,
    ceil: false,
    p: call.integer("p", 2),
  });
  return call.build.apply(op, x);
};

/** The reverse of a maximum's pooling: each element where it came from. */
const unpooling: Conversion = (call) => {
  const x = call.input(0);
  const kernel = call.integers("kernel_shape")!;
  const { strides, before, after } = windowOf(call, x.shape.slice(2), kernel);
  const given = call.optionalNumbers(2);
  const natural = x.shape.map((length, axis) => {
    const i = axis - 2;
    return i < 0 ? length : (length - 1) * strides[i]! + kernel[i]! - before[i]! - after[i]!;
  });
  const { build } = call;
  const whole = build.apply(new Unpooling({ shape: natural }), x, call.input(1));
  if (given === undefined) return whole;
  // Places are counted in the natural shape, also where another is wanted.
  const more = given.map((length, axis) => length - natural[axis]!);
  const padding = new Padding({ before: natural.map(() => 0), after: more, mode: "constant" });
  return build.apply(padding, whole, build.scalar(0, x));
};

/** One number a channel, to go with N × C × …. */
function perChannel(build: Builder, x: Operand, values: Operand): Operand {
  return build.reshape(values, [x.shape[1] ?? 1, ...x.shape.slice(2).map(() => 1)]);
}

const batchNormalization: Conversion = (call) => {
  const { build } = call;
  const [x, scale, bias, mean, variance] = call.operands() as [Operand, Operand, Operand, Operand, Operand];
  const epsilon = call.float("epsilon", 1e-5);
  const training =
    call.flag("training_mode") || (call.opset < 7 && call.has("is_test") && !call.flag("is_test"));
  const op = new BatchNormalization({ epsilon });
  const like = (values: Operand) => build.cast(values, x.dtype);
  if (!training) return build.apply(op, x, like(scale), like(bias), like(mean), like(variance));
  const momentum = call.float("momentum", 0.9);
  const axes = x.shape.map((_, axis) => axis).filter((axis) => axis !== 1);
  const own = build.reduce("meanOf", x, axes, true);
  const spread = build.reduce("meanOf", build.unary("square", build.binary("sub", x, own)), axes, true);
  const flat = (values: Operand) => build.cast(build.reshape(values, [x.shape[1]!]), mean.dtype);
  const mixed = (old: Operand, now: Operand) =>
    build.binary(
      "add",
      build.binary("mul", old, build.scalar(momentum, old)),
      build.binary("mul", flat(now), build.scalar(1 - momentum, old)),
    );
  const result = build.apply(op, x, like(scale), like(bias), like(flat(own)), like(flat(spread)));
  return [result, mixed(mean, own), mixed(variance, spread)];
};

/** Each stretch of elements from `axis` on by its mean and deviation, then by a scale and a bias. */
function standardised(build: Builder, x: Operand, axis: number, epsilon: number): Operand[] {
  return build.applyAll(new LayerNormalization({ axis, epsilon, statistics: true }), [x]);
}

const layerNormalization: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const axis = call.axis(call.integer("axis", -1), x.shape);
  const [result, mean, deviation] = standardised(build, x, axis, call.float("epsilon", 1e-5));
  const scaled = build.binary("mul", result!, call.input(1));
  const bias = call.optional(2);
  return [bias === undefined ? scaled : build.binary("add", scaled, bias), mean!, deviation!];
};

const instanceNormalization: Conversion = (call) => {
  const { build } = call;
  const [x, scale, bias] = call.operands() as [Operand, Operand, Operand];
  const flat = build.reshape(x, [x.shape[0]!, x.shape[1]!, sizeOf(x.shape.slice(2))]);
  const [own] = standardised(build, flat, 2, call.float("epsilon", 1e-5));
  const scaled = build.binary("mul", build.reshape(own!, x.shape), perChannel(build, x, scale));
  return build.binary("add", scaled, perChannel(build, x, bias));
};

const groupNormalization: Conversion = (call) => {
  const { build } = call;
  const [x, scale, bias] = call.operands() as [Operand, Operand, Operand];
  const groups = call.integer("num_groups", 1);
  const flat = build.reshape(x, [x.shape[0]!, groups, sizeOf(x.shape) / (x.shape[0]! * groups)]);
  const [own] = standardised(build, flat, 2, call.float("epsilon", 1e-5));
  // Before operator set 21 there was a scale for each group, not for each channel.
  const each = (values: Operand) =>
    values.shape[0] === x.shape[1]
      ? perChannel(build, x, values)
      : perChannel(
          build,
          x,
          build.reshape(
            build.broadcastTo(build.reshape(values, [groups, 1]), [groups, x.shape[1]! / groups]),
            [x.shape[1]!],
          ),
        );
  return build.binary("add", build.binary("mul", build.reshape(own!, x.shape), each(scale)), each(bias));
};

const meanVarianceNormalization: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const axes = (call.integers("axes") ?? [0, 2, 3]).map((axis) => call.axis(axis, x.shape));
  const apart = build.binary("sub", x, build.reduce("meanOf", x, axes, true));
  const variance = build.reduce("meanOf", build.unary("square", apart), axes, true);
  return build.binary(
    "div",
    apart,
    build.binary("add", build.unary("sqrt", variance), build.scalar(1e-9, x)),
  );
};

/** α·A·B + β·C, with A and B perhaps transposed. */
const gemm: Conversion = (call) => {
  const { build } = call;
  const flip = (x: Operand, flipped: boolean) => (flipped ? build.transpose(x, [1, 0]) : x);
  const a = flip(call.input(0), call.flag("transA"));
  const b = flip(call.input(1), call.flag("transB"));
  const scaled = (x: Operand, factor: number) =>
    factor === 1 ? x : build.binary("mul", x, build.scalar(factor, x));
  const product = scaled(build.matmul(a, b), call.float("alpha", 1));
  const c = call.optional(2);
  if (c === undefined) return product;
  return build.binary("add", product, scaled(c, call.float("beta", 1)));
};

const einsum: Conversion = (call) => {
  const equation = call.text("equation", "").replaceAll(" ", "");
  const operands = call.operands();
  const [left, right] = equation.split("->") as [string, string?];
  const terms = left.split(",");
  if (terms.length !== operands.length)
    throw new DataError(`${equation} is not of ${operands.length} operands`);
  const dotted = (term: string, i: number) => operands[i]!.shape.length - term.replace("...", "").length;
  const most = Math.max(0, ...terms.map((term, i) => (term.includes("...") ? dotted(term, i) : 0)));
  // Labels: letters by their codes, the axes of an ellipsis by negative numbers, matched from the last.
  const labels = (term: string, ellipsis: number): number[] =>
    term
      .split(/(\.\.\.)/)
      .flatMap((part) =>
        part === "..."
          ? Array.from({ length: ellipsis }, (_, k) => k - ellipsis)
          : Array.from(part, (letter) => letter.codePointAt(0)!),
      );
  const lists = terms.map((term, i) => labels(term, term.includes("...") ? dotted(term, i) : 0));
  const letters = Array.from(left.replaceAll(/[.,]/g, ""));
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  const result =
    right === undefined ? labels(`${most > 0 ? "..." : ""}${once.join("")}`, most) : labels(right, most);
  return call.build.applyAll(new Contraction({ operands: lists, result }), operands)[0];
};

/** The sides of a resize: sizes or scales, by inputs or attributes as the operator set has them. */
const resize: Conversion = (call) => {
  const x = call.input(0);
  const rank = x.shape.length;
  const first = call.opset < 11 || call.node.opType === "Upsample";
  const given = <T>(list: readonly T[] | undefined) =>
    list === undefined || list.length === 0 ? undefined : list;
  const scalesGiven = given(call.floats("scales") ?? call.optionalNumbers(first ? 1 : 2));
  const sizesGiven = first ? undefined : given(call.optionalNumbers(3));
  const axes =
    call.integers("axes")?.map((axis) => call.axis(axis, x.shape)) ?? x.shape.map((_, axis) => axis);
  const mode = call.text("mode", "nearest");
  const coordinates = call.text(
    "coordinate_transformation_mode",
    first ? "asymmetric" : "half_pixel",
  ) as ResizeAttributes["coordinates"];
  const region = coordinates === "tf_crop_and_resize" ? call.optionalNumbers(1) : undefined;
  const policy = call.text("keep_aspect_ratio_policy", "stretch");
  let factors = axes.map((axis, i) => scalesGiven?.[i] ?? sizesGiven![i]! / x.shape[axis]!);
  let lengths = axes.map((axis, i) => sizesGiven?.[i] ?? Math.floor(x.shape[axis]! * factors[i]!));
  if (sizesGiven !== undefined && policy !== "stretch") {
    const factor = policy === "not_larger" ? Math.min(...factors) : Math.max(...factors);
    factors = axes.map(() => factor);
    lengths = axes.map((axis) => Math.floor(x.shape[axis]! * factor + 0.5));
  }
  let result: Operand = x;
  for (const [i, axis] of axes.entries()) {
    const attributes: ResizeAttributes = {
      axis,
      length: lengths[i]!,
      scale: factors[i]!,
      mode: mode === "nearest" || mode === "cubic" ? mode : "linear",
      coordinates,
      nearest: call.text(
        "nearest_mode",
        first ? "floor" : "round_prefer_floor",
      ) as ResizeAttributes["nearest"],
      cubic: call.float("cubic_coeff_a", -0.75),
      excludeOutside: call.flag("exclude_outside"),
      start: region?.[i] ?? 0,
      end: region?.[axes.length + i] ?? 1,
      outside: call.float("extrapolation_value", 0),
      antialias: call.flag("antialias"),
    };
    const same = attributes.length === x.shape[axis] && attributes.scale === 1 && region === undefined;
    if (!same) result = call.build.apply(new ResizeAxis(attributes), result);
  }
  if (axes.length > rank) throw new DataError("more axes than there are");
  return result;
};

const dropout: Conversion = (call) => {
  const x = call.input(0);
  const ratio = call.opset < 12 ? call.float("ratio", 0.5) : (call.optionalNumbers(1)?.[0] ?? 0.5);
  const training = call.opset >= 12 && (call.optionalNumbers(2)?.[0] ?? 0) !== 0;
  if (training && ratio !== 0) throw new DataError("training with random dropout is not supported");
  if (!call.wants(1)) return x;
  const kept = call.opset < 10 ? x.dtype : "bool";
  return [x, call.build.broadcastTo(tensor([1], [], kept), x.shape)];
};

const gridSample: Conversion = (call) => {
  const mode = call.text("mode", "bilinear");
  const names: Record<string, GridSampleAttributes["mode"]> = { linear: "bilinear", cubic: "bicubic" };
  const op = new GridSample({
    mode: names[mode] ?? (mode as GridSampleAttributes["mode"]),
    padding: call.text("padding_mode", "zeros") as GridSampleAttributes["padding"],
    alignCorners: call.flag("align_corners"),
  });
  return call.build.apply(op, call.input(0), call.input(1));
};

/** Windows whose elements are moved by offsets, multiplied by weights as those of a convolution are. */
const deformable: Conversion = (call) => {
  const { build } = call;
  const [x, w, offset] = [call.input(0), call.input(1), call.input(2)];
  const [bias, mask] = [call.optional(3), call.optional(4)];
  const kernel = call.integers("kernel_shape") ?? w.shape.slice(2);
  const { strides, dilations, before } = windowOf(call, x.shape.slice(2), kernel);
  const groups = call.integer("group", 1);
  const [batch, outputs] = [x.shape[0]!, w.shape[0]!];
  const op = new DeformedWindows({
    kernel,
    strides,
    dilations,
    before,
    groups: call.integer("offset_group", 1),
  });
  const windows = build.apply(op, x, offset, ...(mask === undefined ? [] : [mask]));
  const terms = (x.shape[1]! / groups) * sizeOf(kernel);
  const product = build.matmul(
    build.reshape(w, [1, groups, outputs / groups, terms]),
    build.reshape(windows, [batch, groups, terms, windows.shape[3]!]),
  );
  const result = build.reshape(product, [batch, outputs, ...offset.shape.slice(2)]);
  return bias === undefined ? result : build.binary("add", result, perChannel(build, result, bias));
};

/** Where in [−1, 1]² or [−1, 1]³ each place of a grid lies after an affine map: θ·(x, y, 1). */
const affineGrid: Conversion = (call) => {
  const { build } = call;
  const theta = call.input(0);
  const [images, , ...lengths] = call.numbers(1) as [number, number, ...number[]];
  const corners = call.flag("align_corners");
  const axes = lengths.length;
  const size = lengths.reduce((product, length) => product * length, 1);
  const middle = (i: number, length: number) =>
    corners ? (length === 1 ? 0 : (2 * i) / (length - 1) - 1) : (2 * i + 1) / length - 1;
  const places = new Float64Array(size * (axes + 1));
  for (let place = 0; place < size; place++) {
    for (let axis = axes - 1, rest = place; axis >= 0; axis--) {
      const length = lengths[axis]!;
      // The last axis is x.
      places[place * (axes + 1) + (axes - 1 - axis)] = middle(rest % length, length);
      rest = Math.floor(rest / length);
    }
    places[place * (axes + 1) + axes] = 1;
  }
  const base = tensor(places, [1, size, axes + 1], theta.dtype);
  const grid = build.matmul(base, build.transpose(theta, [0, 2, 1]));
  return build.reshape(grid, [images, ...lengths, axes]);
};

/** Blocks of an image, one a column, added where they were taken from: a transposed convolution whose weights are 0 and 1. */
const columnsToImage: Conversion = (call) => {
  const { build } = call;
  const x = call.input(0);
  const image = call.numbers(1);
  const block = call.numbers(2);
  const ones = image.map(() => 1);
  const strides = call.integers("strides") ?? ones;
  const dilations = call.integers("dilations") ?? ones;
  const pads = call.integers("pads") ?? image.flatMap(() => [0, 0]);
  const [before, after] = [pads.slice(0, image.length), pads.slice(image.length)];
  const counts = image.map((length, axis) => {
    const reach = (block[axis]! - 1) * dilations[axis]! + 1;
    return Math.floor((length + before[axis]! + after[axis]! - reach) / strides[axis]!) + 1;
  });
  const size = sizeOf(block);
  const channels = x.shape[1]! / size;
  const weights = new Float64Array(channels * size * size);
  for (let k = 0; k < channels * size; k++) weights[k * size + (k % size)] = 1;
  const w = tensor(weights, [channels * size, 1, ...block], x.dtype);
  const op = new TransposedConvolution({
    strides,
    dilations,
    before,
    after,
    groups: channels,
    outputPadding: image.map((length, axis) => {
      const reach = (block[axis]! - 1) * dilations[axis]! + 1;
      return length + before[axis]! + after[axis]! - reach - (counts[axis]! - 1) * strides[axis]!;
    }),
  });
  return build.apply(op, build.reshape(x, [x.shape[0]!, channels * size, ...counts]), w);
};

const regionAlign: Conversion = (call) => {
  const op = new RegionAlign({
    mode: call.text("mode", "avg") as "avg" | "max",
    height: call.integer("output_height", 1),
    width: call.integer("output_width", 1),
    samplingRatio: call.integer("sampling_ratio", 0),
    spatialScale: call.float("spatial_scale", 1),
    halfPixel:
      call.text("coordinate_transformation_mode", call.opset < 16 ? "output_half_pixel" : "half_pixel") ===
      "half_pixel",
  });
  return call.build.apply(op, call.input(0), call.input(1), call.input(2));
};

export const neural: Readonly<Record<string, Conversion>> = {
  Conv: convolution,
  ConvTranspose: transposed,
  MaxPool: pooling("maxPooling"),
  AveragePool: pooling("averagePooling"),
  LpPool: pooling("normPooling"),
  GlobalAveragePool: overPlanes("meanOf"),
  GlobalMaxPool: overPlanes("maxOf"),
  GlobalLpPool: globalNorm,
  MaxUnpool: unpooling,
  BatchNormalization: batchNormalization,
  InstanceNormalization: instanceNormalization,
  LayerNormalization: layerNormalization,
  GroupNormalization: groupNormalization,
  MeanVarianceNormalization: meanVarianceNormalization,
  LRN: (call) =>
    call.build.apply(
      new LocalResponseNormalization({
        size: call.integer("size", 1),
        alpha: call.float("alpha", 1e-4),
        beta: call.float("beta", 0.75),
        bias: call.float("bias", 1),
      }),
      call.input(0),
    ),
  MatMul: (call) => call.build.matmul(call.input(0), call.input(1)),
  Gemm: gemm,
  Einsum: einsum,
  Resize: resize,
  Upsample: resize,
  Dropout: dropout,
  GridSample: gridSample,
  DeformConv: deformable,
  AffineGrid: affineGrid,
  Col2Im: columnsToImage,
  RoiAlign: regionAlign,
  MaxRoiPool: (call) => {
    const [height, width] = call.integers("pooled_shape") as [number, number];
    const op = new RegionMaximum({ height, width, spatialScale: call.float("spatial_scale", 1) });
    return call.build.apply(op, call.input(0), call.input(1));
  },
  Det: (call) => {
    const x = call.known(0);
    const n = x.shape.at(-1)!;
    const count = n === 0 ? 1 : x.data.length / (n * n);
    const values = Array.from({ length: count }, (_, i) =>
      determinant(
        Array.from({ length: n }, (_, r) =>
          Array.from(x.data.subarray(i * n * n + r * n, i * n * n + (r + 1) * n), Number),
        ),
      ),
    );
    return tensor(values, x.shape.slice(0, -2), x.dtype);
  },
};

/** By elimination with the greatest pivot of each column. */
function determinant(rows: number[][]): number {
  let result = 1;
  for (let k = 0; k < rows.length; k++) {
    let best = k;
    for (let i = k + 1; i < rows.length; i++)
      if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    const pivot = rows[best]!;
    if (pivot[k] === 0) return 0;
    if (best !== k) {
      rows[best] = rows[k]!;
      rows[k] = pivot;
      result = -result;
    }
    result *= pivot[k]!;
    for (let i = k + 1; i < rows.length; i++) {
      const factor = rows[i]![k]! / pivot[k]!;
      for (let j = k; j < rows.length; j++) rows[i]![j]! -= factor * pivot[j]!;
    }
  }
  return result;
}
