import type { DeviceKernel, Pass } from "../../machine/device/device-kernel.js";
import type { TensorType } from "../../machine/op.js";
import { resolveAxis } from "../../machine/op.js";
import type { Padding, Stride, Triangle } from "../../machine/ops/boxes.js";
import type { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../../machine/ops/layout.js";
import type { Split } from "../../machine/ops/split.js";
import { broadcastStrides, sizeOf, stridesOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, movedType, unsigned } from "./elements.js";
import { places } from "./indexing.js";
import { elementPass, input, result } from "./pass.js";

/** The most operands of one pass beside its result: every device has 8 buffers for a pass. */
const MOST_OPERANDS = 7;

/** The elements of one operand read with other strides, bit by bit. */
function strided(
  from: TensorType,
  to: TensorType,
  strides: readonly number[],
  start = 0,
): DeviceKernel | undefined {
  const moved = movedType(from.dtype);
  if (moved === undefined) return undefined;
  const pass = elementPass({
    reads: [input("x", 0, moved)],
    writes: result("y", 0, moved),
    size: sizeOf(to.shape),
    element: `${places("o", to.shape, [{ name: "at", start, strides }])}\n  return x(at);`,
  });
  return kernelOf([pass], { bytes: 2 * bytesOfAll([to]) });
}

export function transpose(
  op: Transpose,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const strides = stridesOf(x!.shape);
  return strided(
    x!,
    y!,
    op.order(x!.shape).map((axis) => strides[axis]!),
  );
}

export function reshape(
  _op: Reshape,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  return strided(x!, { dtype: y!.dtype, shape: [sizeOf(y!.shape)] }, [1]);
}

export function broadcastTo(
  _op: BroadcastTo,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  return strided(x!, y!, broadcastStrides(x!.shape, y!.shape));
}

export function slice(
  op: Slice,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const strides = stridesOf(x!.shape);
  const start = op.box(x!.shape).reduce((sum, [from], axis) => sum + from * strides[axis]!, 0);
  return strided(x!, y!, strides, start);
}

export function stride(
  op: Stride,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const own = stridesOf(x!.shape);
  const { starts, steps } = op.attributes;
  return strided(
    x!,
    y!,
    own.map((each, axis) => each * steps[axis]!),
    starts.reduce((sum, at, axis) => sum + at * own[axis]!, 0),
  );
}

/** Each result is a slice of the operand: a pass for each. */
export function split(
  op: Split,
  [x]: readonly TensorType[],
  results: readonly TensorType[],
): DeviceKernel | undefined {
  const moved = movedType(x!.dtype);
  if (moved === undefined) return undefined;
  const strides = stridesOf(x!.shape);
  const axis = resolveAxis(op.attributes.axis, x!.shape);
  const passes: Pass[] = [];
  let from = 0;
  for (const [i, { shape }] of results.entries()) {
    const start = from * strides[axis]!;
    from += shape[axis]!;
    if (sizeOf(shape) === 0) continue;
    passes.push(
      elementPass({
        reads: [input("x", 0, moved)],
        writes: result("y", i, moved),
        size: sizeOf(shape),
        element: `${places("o", shape, [{ name: "at", start, strides }])}\n  return x(at);`,
      }),
    );
  }
  return kernelOf(passes, { bytes: 2 * bytesOfAll([x!]) });
}

/**
 * Operands one after another along an axis. Of words, a pass writes as many operands as there are buffers for; narrower
 * elements share words across operands, so that they must come in one pass.
 */
export function concat(
  op: Concat,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype, shape } = y!;
  const moved = movedType(dtype);
  const axis = resolveAxis(op.attributes.axis, shape);
  const parts = inputs
    .map((own, index) => ({ index, run: sizeOf(own.shape.slice(axis)), size: sizeOf(own.shape) }))
    .filter(({ size }) => size > 0);
  if (moved === undefined || inputs.some((own) => own.dtype !== dtype)) return undefined;
  const narrow = elementType(moved)!.packed > 0;
  if (narrow && parts.length > MOST_OPERANDS) return undefined;
  const total = sizeOf(shape.slice(axis));
  const outer = sizeOf(shape.slice(0, axis));
  const passes: Pass[] = [];
  let start = 0;
  for (let first = 0; first < parts.length; first += MOST_OPERANDS) {
    const own = parts.slice(first, first + MOST_OPERANDS);
    const width = own.reduce((sum, { run }) => sum + run, 0);
    const reads = own.map(({ index }, i) => input(`x${i}`, index, moved));
    let lead = 0;
    const choices = own.map(({ run }, i) => {
      const from = lead;
      lead += run;
      const at = `row * ${unsigned(run)} + column - ${unsigned(from)}`;
      return i === own.length - 1
        ? `  return x${i}(${at});`
        : `  if (column < ${unsigned(lead)}) { return x${i}(${at}); }`;
    });
    const element = [
      `  let row = o / ${unsigned(width)};`,
      `  let column = o % ${unsigned(width)};`,
      ...choices,
    ].join("\n");
    passes.push(
      elementPass({
        reads,
        writes: result("y", 0, moved),
        size: outer * width,
        element,
        ...(width === total
          ? {}
          : {
              place: `own / ${unsigned(width)} * ${unsigned(total)} + own % ${unsigned(width)} + ${unsigned(start)}`,
            }),
      }),
    );
    start += width;
  }
  return kernelOf(passes, { bytes: 2 * bytesOfAll([y!]) });
}

/** x with more around it, or less; where the place read lies outside of x, the constant or 0. */
export function padding(
  op: Padding,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype, shape: from } = inputs[0]!;
  const { before, mode } = op.attributes;
  const { shape } = y!;
  const moved = movedType(dtype);
  if (moved === undefined || (inputs[1] !== undefined && inputs[1].dtype !== dtype)) return undefined;
  const own = stridesOf(shape);
  const strides = stridesOf(from);
  const lines = ["  var at = 0u;", "  var outside = false;"];
  for (const [axis, length] of shape.entries()) {
    const index = `i32(o / ${unsigned(own[axis]!)} % ${unsigned(length)}) - ${before[axis]}`;
    lines.push(`  let place${axis} = ${index};`);
    lines.push(sourceLines(`place${axis}`, from[axis]!, mode));
    lines.push(`  at += u32(place${axis}_source) * ${unsigned(strides[axis]!)};`);
  }
  const zero = elementType(moved)!.value === "vec2<u32>" ? "vec2<u32>(0u)" : "0u";
  const reads = [input("x", 0, moved)];
  const filled = inputs[1] !== undefined && mode === "constant";
  if (filled) reads.push(input("fill", 1, moved));
  lines.push(`  if (outside) { return ${filled ? "fill(0u)" : zero}; }`, "  return x(at);");
  const pass = elementPass({
    reads,
    writes: result("y", 0, moved),
    size: sizeOf(shape),
    element: lines.join("\n"),
  });
  return kernelOf([pass], { bytes: bytesOfAll([inputs[0]!, y!]) });
}

/** Sets `place_source` to where along an axis of x a place is read, as the CPU's `sourceOf`. */
function sourceLines(place: string, length: number, mode: Padding["attributes"]["mode"]): string {
  const inside = `${place} >= 0 && ${place} < ${length}`;
  const period = 2 * (length - 1);
  const folded = (by: number) => `((${place} % ${by}) + ${by}) % ${by}`;
  switch (mode) {
    case "constant":
      return `  if (!(${inside})) { outside = true; }\n  let ${place}_source = clamp(${place}, 0, ${length - 1});`;
    case "edge":
      return `  let ${place}_source = clamp(${place}, 0, ${length - 1});`;
    case "wrap":
      return `  let ${place}_source = ${folded(length)};`;
    default:
      if (length === 1) return `  let ${place}_source = 0;`;
      return `  let ${place}_folded = ${folded(period)};
  let ${place}_source = min(${place}_folded, ${period} - ${place}_folded);`;
  }
}

export function triangle(
  op: Triangle,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const moved = movedType(x!.dtype);
  if (moved === undefined) return undefined;
  const { upper, diagonal } = op.attributes;
  const [rows, columns] = y!.shape.slice(-2) as [number, number];
  const zero = elementType(moved)!.value === "vec2<u32>" ? "vec2<u32>(0u)" : "0u";
  const pass = elementPass({
    reads: [input("x", 0, moved)],
    writes: result("y", 0, moved),
    size: sizeOf(y!.shape),
    element: `  let row = i32(o / ${unsigned(columns)} % ${unsigned(rows)});
  let above = i32(o % ${unsigned(columns)}) - row;
  if (above ${upper ? ">=" : "<="} ${Math.max(-(2 ** 30), Math.min(2 ** 30, diagonal))}) { return x(o); }
  return ${zero};`,
  });
  return kernelOf([pass], { bytes: 2 * bytesOfAll([y!]) });
}
