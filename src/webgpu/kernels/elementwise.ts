import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import type { ElementStep } from "../../machine/kernels/elementwise.js";
import type { TensorType } from "../../machine/op.js";
import type { Binary } from "../../machine/ops/binary.js";
import type { Select } from "../../machine/ops/boxes.js";
import type { Elementwise } from "../../machine/ops/elementwise.js";
import type { MathFunction } from "../../machine/ops/functions.js";
import type { Pairwise } from "../../machine/ops/pairwise.js";
import type { Unary } from "../../machine/ops/unary.js";
import type { Where } from "../../machine/ops/where.js";
import { sizeOf } from "../../machine/shape.js";
import type { DType } from "../../machine/tensor.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, movedType } from "./elements.js";
import {
  type Formula,
  floatFormula,
  floatPredicates,
  integerFormula,
  integerPredicates,
  wordFormula,
  wordPredicates,
} from "./formulas.js";
import { broadcastPlaces } from "./indexing.js";
import { elementPass, input, result } from "./pass.js";

/** About how many operations on floats an elementwise op is. */
const OPERATIONS = 10;

/** An op of operands that are broadcast, of which `formula` makes an element. */
function broadcasting(
  inputs: readonly TensorType[],
  results: readonly TensorType[],
  formula: (operands: readonly string[]) => string,
  dtypes: readonly DType[] = inputs.map(({ dtype }) => dtype),
  to: DType = results[0]!.dtype,
  declarations = "",
): DeviceKernel {
  const { shape } = results[0]!;
  const size = sizeOf(shape);
  const operands = inputs.map((own, i) => ({ name: `at${i}`, shape: own.shape }));
  const names = inputs.map((_, i) => `x${i}`);
  const reads = inputs.map((_, i) => input(`input${i}`, i, dtypes[i]!));
  const values = names.map((name, i) => `  let ${name} = input${i}(at${i});`);
  const pass = elementPass({
    reads,
    writes: result("y", 0, to),
    size,
    declarations,
    element: [broadcastPlaces("o", shape, operands), ...values, `  return ${formula(names)};`].join("\n"),
  });
  return kernelOf([pass], { bytes: bytesOfAll([...inputs, ...results]), operations: size * OPERATIONS });
}

/** Whether a dtype is computed as a 32-bit integer; bools are not. */
const isNumber = (dtype: DType) =>
  dtype !== "bool" && ["i32", "u32"].includes(elementType(dtype)?.value ?? "");

/** Whether a dtype is computed as two words. */
const isWords = (dtype: DType) => dtype === "int64" || dtype === "uint64";

/** Predicates of operands of a type, by their names. */
function predicatesOf(dtype: DType): Readonly<Record<string, Formula>> {
  if (dtype === "float32") return floatPredicates;
  if (isWords(dtype)) return wordPredicates(dtype === "int64");
  return isNumber(dtype) || dtype === "bool" ? integerPredicates : {};
}

/** The formula of an op of operands of a type that gives the same type. */
function formulaOf(name: string, dtype: DType): Formula | undefined {
  if (dtype === "float32") return floatFormula(name);
  if (isNumber(dtype)) return integerFormula(name, elementType(dtype)!.value as "i32" | "u32");
  if (isWords(dtype)) return wordFormula(name, dtype === "int64");
  // A bool is a byte of 0 or 1, which these keep.
  const bits = ["bitAnd", "bitOr", "bitXor", "eq", "ne", "minimum", "maximum"];
  return dtype === "bool" && bits.includes(name) ? integerFormula(name, "u32") : undefined;
}

/** One op by its name: unary, binary, functions. */
export function ofName(
  op: Binary | Unary | MathFunction,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const { alpha = 0, beta = 0 } = op.attributes as { alpha?: number; beta?: number };
  const { dtype } = results[0]!;
  const formula = formulaOf(op.name, dtype);
  if (formula === undefined || inputs.some((own) => own.dtype !== dtype)) return undefined;
  return broadcasting(inputs, results, (operands) => formula(operands, alpha, beta));
}

export function pairwise(
  op: Pairwise,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype } = inputs[0]!;
  const predicate = predicatesOf(dtype)[op.name];
  if (predicate !== undefined) {
    return broadcasting(inputs, results, (own) => `select(0u, 1u, ${predicate(own, 0, 0)})`);
  }
  const formula = formulaOf(op.name, dtype);
  return formula && broadcasting(inputs, results, (own) => formula(own, 0, 0));
}

/** Statements that compute a program's steps, their values being `step0`, `step1`, …, and the name of the last. */
export function stepsText(
  steps: readonly ElementStep[],
  given: readonly string[],
): { readonly text: string; readonly last: string } | undefined {
  const names = [...given];
  const lines: string[] = [];
  for (const [i, { op, inputs, alpha = 0, beta = 0 }] of steps.entries()) {
    const formula = floatFormula(op);
    if (formula === undefined) return undefined;
    const own = formula(
      inputs.map((value) => names[value]!),
      alpha,
      beta,
    );
    lines.push(`  let step${i} = ${own};`);
    names.push(`step${i}`);
  }
  return { text: lines.join("\n"), last: names.at(-1)! };
}

/** A fused program: one shader of all its steps. */
export function elementwise(
  op: Elementwise,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const names = inputs.map((_, i) => `x${i}`);
  const program = stepsText(op.attributes.steps, names);
  if (program === undefined) return undefined;
  const parameters = names.map((name) => `${name}: f32`).join(", ");
  const declarations = `fn program(${parameters}) -> f32 {\n${program.text}\n  return ${program.last};\n}`;
  const call = (own: readonly string[]) => `program(${own.join(", ")})`;
  return broadcasting(inputs, results, call, undefined, undefined, declarations);
}

/** The choice by a float that is not 0. */
export function where(
  _op: Where,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const choice = ([condition, x, y]: readonly string[]) => `select(${x}, ${y}, is_zero(${condition}))`;
  return broadcasting(inputs, results, choice);
}

/** The choice by a bool between values of any type, which are moved as they are. */
export function select(
  _op: Select,
  inputs: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const moved = movedType(inputs[1]!.dtype);
  if (moved === undefined) return undefined;
  const choice = ([condition, x, y]: readonly string[]) => `select(${y}, ${x}, ${condition} != 0u)`;
  return broadcasting(inputs, results, choice, ["bool", moved, moved], moved);
}
