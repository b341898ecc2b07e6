import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import type { ElementStep } from "../../machine/kernels/elementwise.js";
import type { TensorType } from "../../machine/op.js";
import type { Contraction } from "../../machine/ops/contraction.js";
import type { Matmul } from "../../machine/ops/matmul.js";
import { broadcastStrides, type Shape, sizeOf, stridesOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { unsigned } from "./elements.js";
import { stepsText } from "./elementwise.js";
import { broadcastPlaces, places } from "./indexing.js";
import { elementPass, input, result } from "./pass.js";
import { productPasses } from "./product.js";

/**
 * `finish(value, o)`: the steps that follow a product or a convolution, `value` being the first that they are given, after
 * `before` has been done to it; the others are read from `extra0`, `extra1`, … beside element o. Undefined where there is no such step.
 */
export function finishText(
  steps: readonly ElementStep[],
  extras: readonly Shape[],
  shape: Shape,
  before = "",
): string | undefined {
  const own = stepsText(steps, ["value", ...extras.map((_, i) => `y${i}`)]);
  if (own === undefined) return undefined;
  const operands = extras.map((extra, i) => ({ name: `at${i}`, shape: extra }));
  return `fn finish(sum: f32, o: u32) -> f32 {
  var value = sum;
${before}
${extras.length > 0 ? broadcastPlaces("o", shape, operands) : ""}
${extras.map((_, i) => `  let y${i} = extra${i}(at${i});`).join("\n")}
${own.text}
  return ${own.last};
}`;
}

/** The most buffers of a pass on every device. */
export const MOST_BUFFERS = 8;

/** Products of the matrices along the last two axes, the axes before broadcast, with the steps that follow. */
export function matmul(
  op: Matmul,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const [a, b, ...others] = inputs.map(({ shape }) => shape) as [Shape, Shape, ...Shape[]];
  const [rows, depth, columns] = [a.at(-2)!, a.at(-1)!, b.at(-1)!];
  const batch = y!.shape.slice(0, -2);
  const finish = finishText(op.attributes.next ?? [], others, y!.shape);
  if (finish === undefined || inputs.length + 2 > MOST_BUFFERS) return undefined;
  // Matrices of one right factor, one below the other, are one matrix.
  const joined = sizeOf(b.slice(0, -2)) === 1 && sizeOf(a.slice(0, -2)) === sizeOf(batch);
  const batches = joined ? 1 : sizeOf(batch);
  const height = joined ? rows * sizeOf(batch) : rows;
  const start = (name: string, shape: Shape, size: number) => {
    const strides = broadcastStrides(shape.slice(0, -2), batch).map((own) => own * size);
    return `fn ${name}_start(batch: u32) -> u32 {
${joined ? "  let at = 0u;" : places("batch", batch, [{ name: "at", strides }])}
  return at;
}`;
  };
  const { passes, scratch } = productPasses({
    batches,
    rows: height,
    columns,
    depth,
    writes: result("y", 0, "float32"),
    factors: {
      buffers: [input("a", 0, "float32"), input("b", 1, "float32")],
      functions: `${start("a", a, rows * depth)}
${start("b", b, depth * columns)}
fn left(batch: u32, row: u32, k: u32) -> f32 { return a(a_start(batch) + row * ${unsigned(depth)} + k); }
fn right(batch: u32, k: u32, column: u32) -> f32 { return b(b_start(batch) + k * ${unsigned(columns)} + column); }`,
    },
    placing: {
      buffers: others.map((_, i) => input(`extra${i}`, 2 + i, "float32")),
      functions: `fn place(batch: u32, row: u32, column: u32) -> u32 {
  return (batch * ${unsigned(height)} + row) * ${unsigned(columns)} + column;
}
${finish}`,
    },
  });
  const operations = 2 * sizeOf(y!.shape) * depth;
  return kernelOf(passes, { bytes: bytesOfAll([...inputs, y!]), operations }, scratch);
}

/** The strides by which an operand is read along labels: for each label the sum of those of its axes. */
function stridesAlong(shape: Shape, own: readonly number[], labels: readonly number[]): number[] {
  const strides = stridesOf(shape);
  return labels.map((label) =>
    own.reduce((sum, each, axis) => sum + (each === label && shape[axis] !== 1 ? strides[axis]! : 0), 0),
  );
}

/** Sums over products in Einstein's notation: of two operands as products of matrices, else a loop for each element. */
export function contraction(
  op: Contraction,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32") || inputs.length + 1 > MOST_BUFFERS) return undefined;
  const { operands, result: kept } = op.attributes;
  const shapes = inputs.map(({ shape }) => shape);
  const lengths = new Map<number, number>();
  for (const [i, shape] of shapes.entries())
    for (const [axis, length] of shape.entries()) {
      const label = operands[i]![axis]!;
      lengths.set(label, Math.max(lengths.get(label) ?? 1, length));
    }
  const summed = [...lengths.keys()].filter((label) => !kept.includes(label));
  const lengthsOf = (labels: readonly number[]) => labels.map((label) => lengths.get(label)!);
  const depth = sizeOf(lengthsOf(summed));
  const bytes = bytesOfAll([...inputs, y!]);
  const operations = 2 * shapes.length * sizeOf(y!.shape) * depth;
  const along = (index: string, labels: readonly number[], chosen: readonly number[]) =>
    places(
      index,
      lengthsOf(labels),
      chosen.map((i) => ({ name: `at${i}`, strides: stridesAlong(shapes[i]!, operands[i]!, labels) })),
    );
  const all = shapes.map((_, i) => i);
  const paired = shapes.length === 2 && new Set(kept).size === kept.length;
  if (paired) {
    // An operand has a label where it is read along it, not repeated.
    const has = (i: number, label: number) => stridesAlong(shapes[i]!, operands[i]!, [label])[0] !== 0;
    const groups = { rows: [] as number[], columns: [] as number[], batch: [] as number[] };
    for (const label of kept) {
      const [left, right] = [has(0, label), has(1, label)];
      (left && right ? groups.batch : right ? groups.columns : groups.rows).push(label);
    }
    const place = (index: string, labels: readonly number[]) => {
      const own = stridesOf(y!.shape);
      const strides = labels.map((label) => own[kept.indexOf(label)]!);
      return places(index, lengthsOf(labels), [{ name: `${index}_at`, strides }]);
    };
    const reader = (name: string, i: number, labels: readonly number[]) => {
      const index = i === 0 ? "row" : "column";
      return `fn ${name}_outer(batch: u32, ${index}: u32) -> u32 {
  var sum = 0u;
  {
${along("batch", groups.batch, [i])}
    sum += at${i};
  }
  {
${along(index, labels, [i])}
    sum += at${i};
  }
  return sum;
}
fn ${name}_inner(k: u32) -> u32 {
${along("k", summed, [i])}
  return at${i};
}`;
    };
    const { passes, scratch } = productPasses({
      batches: sizeOf(lengthsOf(groups.batch)),
      rows: sizeOf(lengthsOf(groups.rows)),
      columns: sizeOf(lengthsOf(groups.columns)),
      depth,
      writes: result("y", 0, "float32"),
      factors: {
        buffers: [input("a", 0, "float32"), input("b", 1, "float32")],
        functions: `${reader("a", 0, groups.rows)}
${reader("b", 1, groups.columns)}
fn left(batch: u32, row: u32, k: u32) -> f32 { return a(a_outer(batch, row) + a_inner(k)); }
fn right(batch: u32, k: u32, column: u32) -> f32 { return b(b_outer(batch, column) + b_inner(k)); }`,
      },
      placing: {
        buffers: [],
        functions: `fn place(batch: u32, row: u32, column: u32) -> u32 {
${place("batch", groups.batch)}
${place("row", groups.rows)}
${place("column", groups.columns)}
  return batch_at + row_at + column_at;
}
fn finish(value: f32, o: u32) -> f32 { return value; }`,
      },
    });
    return kernelOf(passes, { bytes, operations }, scratch);
  }
  const pass = elementPass({
    reads: all.map((i) => input(`x${i}`, i, "float32")),
    writes: result("y", 0, "float32"),
    size: sizeOf(y!.shape),
    declarations: all
      .map((i) => `fn inner${i}(k: u32) -> u32 {\n${along("k", summed, [i])}\n  return at${i};\n}`)
      .join("\n"),
    element: `${along("o", kept, all)}
  var total = 0.0;
  for (var k = 0u; k < ${unsigned(depth)}; k++) {
    total += ${all.map((i) => `x${i}(at${i} + inner${i}(k))`).join(" * ")};
  }
  return total;`,
  });
  return kernelOf([pass], { bytes, operations: operations * 4 });
}
