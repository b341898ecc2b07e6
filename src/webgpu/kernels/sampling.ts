import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import { resolveAxis, type TensorType } from "../../machine/op.js";
import type { ResizeAttributes, ResizeAxis } from "../../machine/ops/resize.js";
import type { GridSample } from "../../machine/ops/sampling.js";
import { sizeOf, stridesOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, float, movedType, unsigned } from "./elements.js";
import { elementPass, input, result } from "./pass.js";

/** The largest common denominator that is tried of where a resized axis is read. */
const MOST_DENOMINATOR = 8192;

/** A line over the numbers of a result's elements, at·denominator = i·slope + offset, in whole numbers. */
interface Line {
  readonly slope: number;
  readonly offset: number;
  readonly denominator: number;
}

/** Where in x element i of a resized axis is, i·slope + offset: linear whatever the coordinates are. */
function lineOf(
  { coordinates, length: to, scale, start, end }: ResizeAttributes,
  length: number,
): readonly [slope: number, offset: number] {
  switch (coordinates) {
    case "align_corners":
      return [scale * length === 1 ? 0 : (length - 1) / (scale * length - 1), 0];
    case "asymmetric":
      return [1 / scale, 0];
    case "tf_half_pixel_for_nn":
      return [1 / scale, 0.5 / scale];
    case "pytorch_half_pixel":
      return to > 1 ? [1 / scale, 0.5 / scale - 0.5] : [0, 0];
    case "tf_crop_and_resize":
      return to > 1
        ? [((end - start) * (length - 1)) / (to - 1), start * (length - 1)]
        : [0, 0.5 * (start + end) * (length - 1)];
    case "half_pixel_symmetric":
      return [1 / scale, (length / 2) * (1 - to / (scale * length)) + 0.5 / scale - 0.5];
    default:
      return [1 / scale, 0.5 / scale - 0.5];
  }
}

/** The line in whole numbers, so that a place between two elements is told exactly; undefined where it has no such form. */
function wholeLine([slope, offset]: readonly [number, number], to: number): Line | undefined {
  const whole = (x: number) => Math.abs(x - Math.round(x)) < 1e-9 * Math.max(1, Math.abs(x));
  for (let denominator = 1; denominator <= MOST_DENOMINATOR; denominator++) {
    const [a, b] = [slope * denominator, offset * denominator];
    if (!whole(a) || !whole(b)) continue;
    // Twice as much is computed with.
    if (2 * (Math.abs(a) * to + Math.abs(b) + denominator) >= 2 ** 31) return undefined;
    return { slope: Math.round(a), offset: Math.round(b), denominator };
  }
  return undefined;
}

/** One axis longer or shorter: places by whole numbers, weights by their rests. */
export function resizeAxis(
  op: ResizeAxis,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { mode, nearest, cubic, excludeOutside, antialias, coordinates, outside } = op.attributes;
  const axis = resolveAxis(op.attributes.axis, x!.shape);
  const length = x!.shape[axis]!;
  const to = op.attributes.length;
  const line = wholeLine(lineOf(op.attributes, length), to);
  const moved = mode === "nearest" && outside === 0 ? movedType(x!.dtype) : x!.dtype;
  const cropped = coordinates === "tf_crop_and_resize";
  if (line === undefined || moved === undefined || (antialias && mode !== "nearest")) return undefined;
  if (mode !== "nearest" || (cropped && outside !== 0)) if (x!.dtype !== "float32") return undefined;
  const { slope, offset, denominator: q } = line;
  const inner = unsigned(sizeOf(x!.shape.slice(axis + 1)));
  const rounded = {
    floor: [`n`, q],
    ceil: [`n + ${q - 1}`, q],
    round_prefer_ceil: [`2 * n + ${q}`, 2 * q],
    // ⌈n/q − ½⌉.
    round_prefer_floor: [`2 * n + ${q - 1}`, 2 * q],
  }[nearest];
  const type = elementType(moved)!.value;
  const zero = type === "f32" ? float(outside) : type === "vec2<u32>" ? "vec2<u32>(0u)" : `${type}(0)`;
  const lines = [
    `  let row = o / ${inner};`,
    `  let n = i32(row % ${unsigned(to)}) * ${slope} + ${offset};`,
    `  let start = row / ${unsigned(to)} * ${unsigned(length)};`,
  ];
  if (cropped) lines.push(`  if (n < 0 || n > ${(length - 1) * q}) { return ${zero}; }`);
  if (mode === "nearest") {
    lines.push(
      `  let place = clamp(floor_divide(${rounded[0]}, ${rounded[1]}), 0, ${length - 1});`,
      `  return x((start + u32(place)) * ${inner} + o % ${inner});`,
    );
  } else {
    const reach = mode === "linear" ? [0, 1] : [-1, 0, 1, 2];
    lines.push(
      `  let low = floor_divide(n, ${q});`,
      `  let t = f32(n - low * ${q}) / ${float(q)};`,
      "  var total = 0.0;",
      "  var weights = 0.0;",
    );
    for (const step of reach) {
      const distance = step <= 0 ? `(t - ${float(step)})` : `(${float(step)} - t)`;
      const weight = mode === "linear" ? `(1.0 - ${distance})` : `cubic_weight(${distance}, ${float(cubic)})`;
      // An element of no weight is not read, for 0·∞ is no number.
      const add = `let weight = ${weight}; if (weight != 0.0) { weights += weight; total += weight * x((start + u32(clamp(low + ${step}, 0, ${length - 1}))) * ${inner} + o % ${inner}); }`;
      const inside = `low + ${step} >= 0 && low + ${step} < ${length}`;
      lines.push(excludeOutside ? `  if (${inside}) { ${add} }` : `  { ${add} }`);
    }
    // Where all are outside there is nothing, and 0 of it.
    lines.push(`  return ${excludeOutside ? "select(total / weights, 0.0, weights == 0.0)" : "total"};`);
  }
  const pass = elementPass({
    reads: [input("x", 0, moved)],
    writes: result("y", 0, moved),
    size: sizeOf(y!.shape),
    element: lines.join("\n"),
  });
  return kernelOf([pass], { bytes: bytesOfAll([x!, y!]), operations: 30 * sizeOf(y!.shape) });
}

/**
 * x read at the places of a grid: weights of the elements around each. Not of the nearest element alone, which another
 * rounding of a place may change.
 */
export function gridSample(
  op: GridSample,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { mode, padding, alignCorners } = op.attributes;
  if (mode === "nearest" || inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const { shape } = inputs[0]!;
  const lengths = shape.slice(2);
  const rank = lengths.length;
  const strides = stridesOf(lengths);
  const count = unsigned(sizeOf(y!.shape.slice(2)));
  const taps = mode === "bilinear" ? 2 : 4;
  const lines = [
    `  let plane = o / ${count};`,
    `  let first = (plane / ${unsigned(shape[1]!)} * ${count} + o % ${count}) * ${unsigned(rank)};`,
  ];
  for (const [axis, length] of lengths.entries()) {
    // The last axis' number comes first.
    const at = `grid(first + ${unsigned(rank - 1 - axis)})`;
    const place = alignCorners
      ? `(${at} + 1.0) * 0.5 * ${float(length - 1)}`
      : `((${at} + 1.0) * ${float(length)} - 1.0) * 0.5`;
    const [low, high] = alignCorners ? [0, length - 1] : [-0.5, length - 0.5];
    const held = {
      zeros: "raw",
      border: `clamp(raw, 0.0, ${float(length - 1)})`,
      reflection: `reflected(raw, ${float(low)}, ${float(high - low)})`,
    }[padding];
    lines.push(
      `  let place${axis} = ${held.replace("raw", `(${place})`)};`,
      `  let low${axis} = floor(place${axis});`,
      `  let t${axis} = place${axis} - low${axis};`,
    );
  }
  const names = lengths.map((_, axis) => `tap${axis}`);
  let body = `total += ${lengths.map((_, axis) => `weight${axis}`).join(" * ")} * x(plane * ${unsigned(sizeOf(lengths))} + ${lengths
    .map((_, axis) => `u32(own${axis}) * ${unsigned(strides[axis]!)}`)
    .join(" + ")});`;
  for (const [axis, length] of [...lengths.entries()].reverse()) {
    const [low, high] = alignCorners ? [0, length - 1] : [-0.5, length - 0.5];
    const raw = `(low${axis} + f32(${names[axis]}) - ${float(taps / 2 - 1)})`;
    const inside = {
      // As a float, for a place may be far outside.
      zeros: `if (at${axis} < 0.0 || at${axis} > ${float(length - 1)} || is_nan(at${axis})) { continue; }\nlet own${axis} = i32(at${axis});`,
      border: `let own${axis} = i32(clamp(at${axis}, 0.0, ${float(length - 1)}));`,
      reflection: `let own${axis} = i32(clamp(round(reflected(at${axis}, ${float(low)}, ${float(high - low)})), 0.0, ${float(length - 1)}));`,
    }[padding];
    const distance = `abs(f32(${names[axis]}) - ${float(taps / 2 - 1)} - t${axis})`;
    const weight = mode === "bilinear" ? `1.0 - ${distance}` : `cubic_weight(${distance}, ${float(-0.75)})`;
    body = `for (var ${names[axis]} = 0; ${names[axis]} < ${taps}; ${names[axis]}++) {
let at${axis} = ${raw};
${inside}
let weight${axis} = ${weight};
${body}
}`;
  }
  const pass = elementPass({
    reads: [input("x", 0, "float32"), input("grid", 1, "float32")],
    writes: result("y", 0, "float32"),
    size: sizeOf(y!.shape),
    element: `${lines.join("\n")}\n  var total = 0.0;\n${body}\n  return total;`,
  });
  const operations = 20 * taps ** rank * sizeOf(y!.shape);
  return kernelOf([pass], { bytes: bytesOfAll([...inputs, y!]), operations });
}
