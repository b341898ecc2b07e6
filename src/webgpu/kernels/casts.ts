import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import type { TensorType } from "../../machine/op.js";
import type { Cast } from "../../machine/ops/cast.js";
import { sizeOf } from "../../machine/shape.js";
import type { DType } from "../../machine/tensor.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType } from "./elements.js";
import { elementPass, input, result } from "./pass.js";

/** Fractions cut off, integers modulo the range, all but 0 true: as the CPU converts, by the bits of floats. */
export function cast(
  _op: Cast,
  [from]: readonly TensorType[],
  [to]: readonly TensorType[],
): DeviceKernel | undefined {
  const text = conversion(from!.dtype, to!.dtype);
  if (text === undefined) return undefined;
  const pass = elementPass({
    reads: [input("x", 0, from!.dtype)],
    writes: result("y", 0, to!.dtype),
    size: sizeOf(to!.shape),
    element: `  let value = x(o);\n  return ${text};`,
  });
  return kernelOf([pass], { bytes: bytesOfAll([from!, to!]) });
}

/** `value`, of one type, as another; undefined of float64. */
function conversion(from: DType, to: DType): string | undefined {
  const [source, target] = [elementType(from)?.value, elementType(to)?.value];
  if (source === undefined || target === undefined) return undefined;
  const big = "vec2<u32>";
  if (to === "bool") {
    if (from === "bool") return "value";
    if (source === "f32") return "select(1u, 0u, is_zero(value))";
    return source === big ? "select(0u, 1u, (value.x | value.y) != 0u)" : "select(0u, 1u, value != 0)";
  }
  if (source === big) {
    if (target === "f32") return `${from === "int64" ? "signed_words_to_float" : "words_to_float"}(value)`;
    return target === big ? "value" : `bitcast<${target}>(value.x)`;
  }
  if (target === big) {
    if (source === "f32") return "float_to_words(value)";
    return source === "u32"
      ? `${big}(value, 0u)`
      : `${big}(bitcast<u32>(value), select(0u, 0xffffffffu, value < 0))`;
  }
  if (source === "f32") return target === "f32" ? "value" : `bitcast<${target}>(to_integer(value))`;
  return target === "f32" ? "f32(value)" : `bitcast<${target}>(value)`;
}
