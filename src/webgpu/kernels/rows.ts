import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import { resolveAxis, type TensorType } from "../../machine/op.js";
import type { Lanes } from "../../machine/ops/lanes.js";
import type {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../../machine/ops/normalization.js";
import type { Softmax } from "../../machine/ops/softmax.js";
import { sizeOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, float, unsigned } from "./elements.js";
import { cutOf, lanePass } from "./lane-text.js";
import { elementPass, input, result } from "./pass.js";

const add = (a: string, b: string) => `${a} + ${b}`;
const maximum = (a: string, b: string) => `maximum(${a}, ${b})`;

/** e^(x − m) over the sum of those of the lane, m being the greatest. */
export function softmax(
  op: Softmax,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (x!.dtype !== "float32") return undefined;
  const pass = lanePass({
    cut: cutOf(x!.shape, [resolveAxis(op.attributes.axis, x!.shape)]),
    reads: [input("x", 0, "float32")],
    writes: [result("y", 0, "float32")],
    text: (own) => `${own.reduce("greatest", "-infinity()", "x(at)", maximum)}
${own.reduce("sum", "0.0", "exponential(x(at) - greatest)", add)}
${own.loop("y_words[at] = exponential(x(at) - greatest) / sum;")}`,
  });
  return kernelOf([pass], { bytes: 2 * bytesOfAll([x!, y!]), operations: 40 * sizeOf(x!.shape) });
}

/** Ops on lanes; a running sum is one invocation's, so that its terms are added in order. */
export function lanes(
  op: Lanes,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype, shape } = x!;
  const { p = 2, exclusive = false, reverse = false } = op.attributes;
  const running = op.name === "runningSum";
  if (dtype !== "float32" && !(running && (dtype === "int32" || dtype === "uint32"))) return undefined;
  const count = shape[resolveAxis(op.attributes.axis, shape)]!;
  const texts: Record<typeof op.name, Parameters<typeof lanePass>[0]["text"]> = {
    logSoftmax: (own) => `${own.reduce("greatest", "-infinity()", "x(at)", maximum)}
${own.reduce("sum", "0.0", "exponential(x(at) - greatest)", add)}
  let shift = logarithm(sum);
${own.loop("y_words[at] = (x(at) - greatest) - shift;")}`,
    normalize: (own) => `${own.reduce("total", "0.0", p === 1 ? "abs(x(at))" : "x(at) * x(at)", add)}
  let norm = ${p === 1 ? "total" : "sqrt(total)"};
${own.loop("y_words[at] = select(x(at) / norm, 0.0, is_zero(norm));")}`,
    hardmax: (own) => `  var best = 0u;
  var greatest = x(start + lane_offset(0u));
${own.loop("if (is_less(greatest, x(at))) { greatest = x(at); best = k; }")}
${own.loop("y_words[at] = select(0.0, 1.0, k == best);")}`,
    runningSum: () => `  var total = ${elementType(dtype)!.value}(0);
  for (var k = 0u; k < ${unsigned(count)}; k++) {
    let at = start + lane_offset(${reverse ? `${unsigned(count - 1)} - k` : "k"});
    let value = x(at);
    ${exclusive ? "y_words[at] = total;\n    total += value;" : "total += value;\n    y_words[at] = total;"}
  }`,
  };
  const pass = lanePass({
    cut: cutOf(shape, [resolveAxis(op.attributes.axis, shape)]),
    reads: [input("x", 0, dtype)],
    writes: [result("y", 0, dtype)],
    text: texts[op.name],
    inOrder: running || op.name === "hardmax",
  });
  return kernelOf([pass], { bytes: 2 * bytesOfAll([x!, y!]), operations: 20 * sizeOf(shape) });
}

/** Rows from an axis on, with their means and the inverses of their deviations where those are asked for. */
export function layerNormalization(
  op: LayerNormalization,
  [x]: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  if (x!.dtype !== "float32") return undefined;
  const axis = resolveAxis(op.attributes.axis, x!.shape);
  const axes = x!.shape.map((_, i) => i).filter((i) => i >= axis);
  const cut = cutOf(x!.shape, axes);
  const count = float(sizeOf(cut.reduced));
  const writes = [result("y", 0, "float32")];
  if (results.length > 1) writes.push(result("means", 1, "float32"), result("factors", 2, "float32"));
  const statistics = "means_words[number] = mean; factors_words[number] = factor;";
  const pass = lanePass({
    cut,
    reads: [input("x", 0, "float32")],
    writes,
    text: (own) => `${own.reduce("sum", "0.0", "x(at)", add)}
  let mean = sum / ${count};
${own.reduce("squares", "0.0", "(x(at) - mean) * (x(at) - mean)", add)}
  let factor = 1.0 / sqrt(squares / ${count} + ${float(op.attributes.epsilon)});
${own.loop("y_words[at] = (x(at) - mean) * factor;")}
${results.length > 1 ? own.once(statistics) : ""}`,
  });
  return kernelOf([pass], { bytes: 3 * bytesOfAll([x!]), operations: 10 * sizeOf(x!.shape) });
}

export function batchNormalization(
  op: BatchNormalization,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const { shape } = inputs[0]!;
  const channels = shape[1] ?? 1;
  const names = ["x", "scale", "bias", "mean", "variance"];
  const pass = elementPass({
    reads: names.map((name, i) => input(name, i, "float32")),
    writes: result("y", 0, "float32"),
    size: sizeOf(y!.shape),
    element: `  let c = o / ${unsigned(sizeOf(shape.slice(2)))} % ${unsigned(channels)};
  let factor = scale(c) / sqrt(variance(c) + ${float(op.attributes.epsilon)});
  return (x(o) - mean(c)) * factor + bias(c);`,
  });
  return kernelOf([pass], { bytes: bytesOfAll([...inputs, y!]), operations: 10 * sizeOf(shape) });
}

export function localResponseNormalization(
  op: LocalResponseNormalization,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (x!.dtype !== "float32") return undefined;
  const { size, alpha, beta, bias } = op.attributes;
  const channels = x!.shape[1]!;
  const plane = unsigned(sizeOf(x!.shape.slice(2)));
  const pass = elementPass({
    reads: [input("x", 0, "float32")],
    writes: result("y", 0, "float32"),
    size: sizeOf(y!.shape),
    element: `  let channel = o / ${plane} % ${unsigned(channels)};
  let first = o - min(channel, ${unsigned(Math.floor((size - 1) / 2))}) * ${plane};
  let last = o + min(${unsigned(channels - 1)} - channel, ${unsigned(Math.ceil((size - 1) / 2))}) * ${plane};
  var squares = 0.0;
  for (var at = first; at <= last; at += ${plane}) { squares += x(at) * x(at); }
  return x(o) / power(${float(bias)} + ${float(alpha / size)} * squares, ${float(beta)});`,
  });
  return kernelOf([pass], { bytes: bytesOfAll([x!, y!]), operations: (40 + 2 * size) * sizeOf(x!.shape) });
}
