import type { DeviceKernel } from "../../machine/device/device-kernel.js";
import type { TensorType } from "../../machine/op.js";
import type { Convolution, TransposedConvolution } from "../../machine/ops/convolution.js";
import { type Geometry, geometryOf } from "../../machine/ops/windows.js";
import { sizeOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { unsigned } from "./elements.js";
import { elementPass, input, result } from "./pass.js";
import { NARROW, productPasses } from "./product.js";
import { finishText, MOST_BUFFERS } from "./products.js";

/** Up to so many terms a sum of a few filters' is one invocation's: depthwise convolutions are. */
const FEW_TERMS = 256;

const AXES = ["z", "y", "x"] as const;

/**
 * Statements that split the number `index` of a place among `lengths` into constants `prefix_z`, `prefix_y`, `prefix_x`, all
 * of i32, and what is left of it as `prefix_rest`.
 */
export function placeLines(prefix: string, index: string, lengths: readonly number[]): string {
  const lines: string[] = [];
  let stride = 1;
  for (const axis of [2, 1, 0]) {
    const length = lengths[axis]!;
    const quotient = stride === 1 ? index : `${index} / ${unsigned(stride)}`;
    lines.push(
      `  let ${prefix}_${AXES[axis]} = i32(${length === 1 ? "0u" : `${quotient} % ${unsigned(length)}`});`,
    );
    stride *= length;
  }
  lines.push(`  let ${prefix}_rest = ${index} / ${unsigned(stride)};`);
  return lines.join("\n");
}

/** Statements after which `inside` says whether a window's tap meets an element, whose place in its plane is `at`. */
function tapLines(
  { input: lengths, output: places, kernel, strides, dilations, before }: Geometry,
  turned: boolean,
  output: readonly number[],
): string {
  const lines = ["  var inside = true;", "  var at = 0;"];
  for (const axis of [0, 1, 2]) {
    const name = AXES[axis]!;
    const length = turned ? output[axis]! : lengths[axis]!;
    const [s, d, p] = [strides[axis]!, dilations[axis]!, before[axis]!];
    if (turned) {
      // The place of x that adds this tap to this place of the result, where there is one.
      lines.push(
        `  let ${name}_sum = o_${name} + ${p} - k_${name} * ${d};`,
        `  inside = inside && ${name}_sum >= 0 && ${name}_sum % ${s} == 0 && ${name}_sum / ${s} < ${length};`,
        `  at = at * ${length} + ${name}_sum / ${s};`,
      );
    } else {
      lines.push(`  let ${name}_place = o_${name} * ${s} + k_${name} * ${d} - ${p};`);
      // Padding after the axis alone is met by windows of one tap too.
      const furthest = (places[axis]! - 1) * s + (kernel[axis]! - 1) * d - p;
      if (p > 0 || furthest >= length)
        lines.push(`  inside = inside && ${name}_place >= 0 && ${name}_place < ${length};`);
      lines.push(`  at = at * ${length} + ${name}_place;`);
    }
  }
  return lines.join("\n");
}

/** Whether windows of one tap stand at the operand's own places, one at each. */
function isPointwise({ input: lengths, output, strides, before }: Geometry): boolean {
  return lengths.every(
    (length, axis) => length === output[axis] && before[axis] === 0 && (strides[axis] === 1 || length === 1),
  );
}

interface Sizes {
  readonly images: number;
  readonly channels: number;
  readonly filters: number;
  readonly groups: number;
  /** Elements of a plane of the operand and of the result, and of a filter's window. */
  readonly plane: number;
  readonly positions: number;
  readonly taps: number;
}

/**
 * Functions `term(group, row, k)`, the weight number k of a group's filter, and `patch(group, k, column)`, the element that
 * it meets at a position of an image.
 */
function factorsText(geometry: Geometry, sizes: Sizes, turned: boolean): string {
  const { channels, filters, groups, plane, positions, taps } = sizes;
  const [perGroup, own] = [channels / groups, filters / groups];
  const depth = perGroup * taps;
  const output = turned ? geometry.input : geometry.output;
  const weight = turned
    ? `w(((group * ${unsigned(perGroup)} + k / ${unsigned(taps)}) * ${unsigned(own)} + row) * ${unsigned(taps)} + k % ${unsigned(taps)})`
    : `w((group * ${unsigned(own)} + row) * ${unsigned(depth)} + k)`;
  const pointwise = !turned && taps === 1 && isPointwise(geometry);
  const channel = `((column / ${unsigned(positions)}) * ${unsigned(channels)} + group * ${unsigned(perGroup)} + ${pointwise ? "k" : "k_rest"}) * ${unsigned(plane)}`;
  const body = pointwise
    ? `  return x(${channel} + column % ${unsigned(positions)});`
    : `${placeLines("o", "column", output)}
${placeLines("k", "k", geometry.kernel)}
${tapLines(geometry, turned, geometry.output)}
  if (!inside) { return 0.0; }
  return x(${channel} + u32(at));`;
  return `fn left(group: u32, row: u32, k: u32) -> f32 { return ${weight}; }
fn right(group: u32, k: u32, column: u32) -> f32 {
${body}
}`;
}

/** Convolutions as products: the filters of a group are the rows, all images' positions the columns; no patch is stored. */
function convolve(
  geometry: Geometry,
  sizes: Sizes,
  turned: boolean,
  inputs: readonly TensorType[],
  y: TensorType,
  biased: boolean,
  finish: string,
): DeviceKernel {
  const { images, channels, filters, groups, positions, taps } = sizes;
  const [perGroup, own] = [channels / groups, filters / groups];
  const depth = perGroup * taps;
  const others = inputs.slice(biased ? 3 : 2);
  const factorBuffers = [input("x", 0, "float32"), input("w", 1, "float32")];
  const finishBuffers = [
    ...(biased ? [input("bias", 2, "float32")] : []),
    ...others.map((_, i) => input(`extra${i}`, (biased ? 3 : 2) + i, "float32")),
  ];
  const work = {
    bytes: bytesOfAll([...inputs, y]),
    operations: 2 * images * filters * positions * depth,
  };
  const factors = factorsText(geometry, sizes, turned);
  if (own <= NARROW && depth <= FEW_TERMS) {
    const pass = elementPass({
      reads: [...factorBuffers, ...finishBuffers],
      writes: result("y", 0, "float32"),
      size: sizeOf(y.shape),
      declarations: `${factors}\n${finish}`,
      element: `  let own_filter = o / ${unsigned(positions)} % ${unsigned(filters)};
  let group = own_filter / ${unsigned(own)};
  let column = o / ${unsigned(positions * filters)} * ${unsigned(positions)} + o % ${unsigned(positions)};
  var sum = 0.0;
  for (var k = 0u; k < ${unsigned(depth)}; k++) { sum += left(group, own_filter % ${unsigned(own)}, k) * right(group, k, column); }
  return finish(sum, o);`,
    });
    return kernelOf([pass], { ...work, operations: 4 * work.operations });
  }
  const { passes, scratch } = productPasses({
    batches: groups,
    rows: own,
    columns: images * positions,
    depth,
    factors: { buffers: factorBuffers, functions: factors },
    placing: {
      buffers: finishBuffers,
      functions: `fn place(group: u32, row: u32, column: u32) -> u32 {
  let own_filter = group * ${unsigned(own)} + row;
  return (column / ${unsigned(positions)} * ${unsigned(filters)} + own_filter) * ${unsigned(positions)} + column % ${unsigned(positions)};
}
${finish}`,
    },
    writes: result("y", 0, "float32"),
  });
  return kernelOf(passes, work, scratch);
}

const biasLine = (biased: boolean, positions: number, filters: number) =>
  biased ? `  value += bias(o / ${unsigned(positions)} % ${unsigned(filters)});` : "";

export function convolution(
  op: Convolution,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32") || inputs.length + 2 > MOST_BUFFERS) return undefined;
  const [x, w] = inputs as [TensorType, TensorType];
  const geometry = geometryOf(x.shape.slice(2), y!.shape.slice(2), w.shape.slice(2), op.attributes);
  const { groups, next } = op.attributes;
  const biased = next?.biased ?? inputs.length > 2;
  const sizes = {
    images: x.shape[0]!,
    channels: x.shape[1]!,
    filters: w.shape[0]!,
    groups,
    plane: sizeOf(x.shape.slice(2)),
    positions: sizeOf(y!.shape.slice(2)),
    taps: sizeOf(w.shape.slice(2)),
  };
  const extras = inputs.slice(biased ? 3 : 2).map(({ shape }) => shape);
  const bias = biasLine(biased, sizes.positions, sizes.filters);
  const finish = finishText(next?.steps ?? [], extras, y!.shape, bias);
  return finish === undefined ? undefined : convolve(geometry, sizes, false, inputs, y!, biased, finish);
}

/** Seen from the result: each of its places gathers the elements of x whose windows it is in. */
export function transposedConvolution(
  op: TransposedConvolution,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  if (inputs.some(({ dtype }) => dtype !== "float32")) return undefined;
  const [x, w] = inputs as [TensorType, TensorType];
  const geometry = geometryOf(y!.shape.slice(2), x.shape.slice(2), w.shape.slice(2), op.attributes);
  const sizes = {
    images: x.shape[0]!,
    channels: x.shape[1]!,
    filters: y!.shape[1]!,
    groups: op.attributes.groups,
    plane: sizeOf(x.shape.slice(2)),
    positions: sizeOf(y!.shape.slice(2)),
    taps: sizeOf(w.shape.slice(2)),
  };
  const biased = inputs.length > 2;
  const finish = finishText([], [], y!.shape, biasLine(biased, sizes.positions, sizes.filters))!;
  return convolve(geometry, sizes, true, inputs, y!, biased, finish);
}
