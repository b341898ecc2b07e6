import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import type { TensorType } from "../../machine/op.js";
import type { Pooling } from "../../machine/ops/pooling.js";
import { geometryOf } from "../../machine/ops/windows.js";
import { sizeOf } from "../../machine/shape.js";
import { placeLines } from "./convolution.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, float, unsigned } from "./elements.js";
import { elementPass, groupPass, input, result, WIDTH } from "./pass.js";

/** One window for each invocation. Integers have greatest elements alone. */
export function pooling(
  op: Pooling,
  [x]: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const [y] = results as [TensorType];
  const { kernel, countPadding = false, p = 2, places, after } = op.attributes;
  const type = elementType(x!.dtype)?.value;
  const real = x!.dtype === "float32";
  if (type === undefined || type === "vec2<u32>" || x!.dtype === "bool") return undefined;
  if (!real && (op.name !== "maxPooling" || places !== undefined)) return undefined;
  const geometry = geometryOf(x!.shape.slice(2), y.shape.slice(2), kernel, op.attributes);
  const { input: lengths, output, kernel: taps, strides, dilations, before } = geometry;
  const [depth, height, width] = lengths;
  const lead = 3 - after.length;
  const room = lengths.map((length, axis) => length + (axis < lead ? 0 : after[axis - lead]!));
  const plane = unsigned(depth * height * width);
  const axes = ["z", "y", "x"];
  const within = (limits: readonly number[], low: boolean) =>
    axes.map((axis, i) => `${low ? `${axis} >= 0 && ` : ""}${axis} < ${limits[i]}`).join(" && ");
  const least = real ? "-infinity()" : type === "i32" ? "i32(0x80000000u)" : "0u";
  const take = {
    averagePooling: "total += value;",
    normPooling: `total += ${p === 1 ? "abs(value)" : p === 2 ? "value * value" : `power(abs(value), ${float(p)})`};`,
    maxPooling: real
      ? places === undefined
        ? "total = maximum(total, value);"
        : "if (best < 0 || is_less(total, value) || is_nan(value)) { total = value; best = at; }"
      : "total = max(total, value);",
  }[op.name];
  const last = {
    averagePooling: "total / count",
    normPooling: p === 1 ? "total" : p === 2 ? "sqrt(total)" : `power(total, ${float(1 / p)})`,
    // A window of padding alone is −∞, which as an integer is 0.
    maxPooling: real ? "total" : `select(${type}(0), total, count > 0.0)`,
  }[op.name];
  const loop = (axis: number, inner: string) => {
    const name = axes[axis]!;
    return `  for (var k${name} = 0; k${name} < ${taps[axis]}; k${name}++) {
    let ${name} = o_${name} * ${strides[axis]} + k${name} * ${dilations[axis]} - ${before[axis]};
${inner}
  }`;
  };
  const counted = countPadding ? `if (${within(room, false)}) { count += 1.0; }` : "";
  const tap = `    if (!(${within(lengths, true)})) { ${counted} continue; }
    let at = (z * ${height} + y) * ${width} + x;
    let value = image(base + u32(at));
    count += 1.0;
    ${take}`;
  const body = `${placeLines("o", "o", output)}
  let base = o_rest * ${plane};
  var total = ${op.name === "maxPooling" ? least : "0.0"};
  var count = 0.0;
  var best = -1;
${loop(0, loop(1, loop(2, tap)))}`;
  const work = { bytes: bytesOfAll([x!, ...results]), operations: 6 * sizeOf(y.shape) * sizeOf(taps) };
  const reads = [input("image", 0, x!.dtype)];
  const writes = result("y", 0, y.dtype);
  if (places === undefined) {
    const element = `${body}\n  return ${last};`;
    return kernelOf([elementPass({ reads, writes, size: sizeOf(y.shape), element })], work);
  }
  // Counted along the first axis first, where by columns.
  const place =
    places === "rows"
      ? "best"
      : `((best % ${width}) * ${height} + best / ${width} % ${height}) * ${depth} + best / ${width * height}`;
  const pass = groupPass({
    buffers: [...reads, writes, result("places", 1, "int64")],
    groups: Math.ceil(sizeOf(y.shape) / WIDTH),
    width: WIDTH,
    main: `  let o = group * ${WIDTH}u + lane;
  if (o >= ${unsigned(sizeOf(y.shape))}) { return; }
${body}
  y_words[o] = ${last};
  let place = select(-1, i32(base) + ${place}, best >= 0);
  places_words[o] = vec2<u32>(bitcast<u32>(place), select(0u, 0xffffffffu, place < 0));`,
  });
  return kernelOf([pass], work);
}
