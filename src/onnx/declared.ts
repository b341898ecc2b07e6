import type { DType } from "../machine/index.js";
import { formatShape } from "../machine/shape.js";
import { elementType } from "./elements.js";
import type { TypeProto, ValueInfoProto } from "./messages.js";

/** An input or output of a model, as the model declares it. */
export interface OnnxValue {
  readonly name: string;
  readonly kind: "tensor" | "sequence" | "optional" | "map";
  /** Undefined for what is no tensor. */
  readonly dtype: DType | "string" | undefined;
  /** Lengths that are open are names, or undefined where they have none. Undefined where even the rank is open. */
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

/** A declared input or output. */
export function describe({ name = "", type }: ValueInfoProto): OnnxValue {
  if (type?.sequenceType) return { name, kind: "sequence", dtype: undefined, shape: undefined };
  if (type?.optionalType) return { name, kind: "optional", dtype: undefined, shape: undefined };
  if (type?.mapType) return { name, kind: "map", dtype: undefined, shape: undefined };
  const tensor = tensorTypeOf(type);
  return {
    name,
    kind: "tensor",
    dtype: tensor?.elemType ? elementType(tensor.elemType) : undefined,
    shape: tensor?.shape?.dim.map(({ dimValue, dimParam }) => dimValue ?? (dimParam || undefined)),
  };
}

function tensorTypeOf(type: TypeProto | undefined) {
  return type?.tensorType ?? type?.sparseTensorType;
}

/**
 * A declared shape for a message: `batch × 3`.
 *
 * @example
 * ```js
 * import { readFileSync } from "node:fs";
 * import { formatDeclared, loadOnnx } from "goml/onnx";
 *
 * const [input] = loadOnnx(readFileSync("model.onnx")).inputs;
 * console.log(formatDeclared(input)); // float64 N×2
 * ```
 */
export function formatDeclared({ kind, dtype, shape }: OnnxValue): string {
  if (kind !== "tensor") return kind;
  if (shape === undefined) return dtype ?? "tensor";
  return `${dtype} ${shape.length === 0 ? formatShape([]) : shape.map((length) => length ?? "?").join("×")}`;
}
