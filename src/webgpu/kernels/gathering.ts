import type { DeviceKernel, Pass } from "../../machine/device/device-kernel.js";
import { resolveAxis, type TensorType } from "../../machine/op.js";
import type {
  Combination,
  Gather,
  GatherElements,
  GatherTuples,
  ScatterElements,
  ScatterTuples,
} from "../../machine/ops/gathering.js";
import { type Shape, sizeOf, stridesOf } from "../../machine/shape.js";
import type { DType } from "../../machine/tensor.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, movedType, unsigned } from "./elements.js";
import { places } from "./indexing.js";
import { type Buffer, elementPass, groupPass, input, result, WIDTH } from "./pass.js";

/** The kernel raises a fault where an index is none of its axis, as the CPU does. */
const FAULTS: Buffer = { name: "faults", of: "fault", index: 0, dtype: "uint32" };

/** What a fault of index `low`, the lower word of it, means; axes may have several lengths. */
const faultOf =
  (lengths: readonly number[]) =>
  ([, low]: Uint32Array): Error => {
    const one = lengths.length === 1 ? lengths[0] : `one axis of ${lengths.join("×")}`;
    return new RangeError(`index ${low! | 0} is not one of ${one}`);
  };

/**
 * `place_of(i, length)`: the index number i, from the end where it is negative, as a place in an axis; 0, with a fault, where
 * there is no such place. Undefined for indices that are not integers.
 */
function placeText(dtype: DType): string | undefined {
  const value = elementType(dtype)?.value;
  if (value === undefined || value === "f32" || dtype === "bool") return undefined;
  const words = {
    "vec2<u32>": "let low = indices(i).x; let high = indices(i).y;",
    i32: "let low = bitcast<u32>(indices(i)); let high = select(0u, 0xffffffffu, low >= 0x80000000u);",
    u32: "let low = indices(i); let high = 0u;",
  }[value];
  const signed = dtype !== "uint64" && value !== "u32";
  return `fn place_of(i: u32, length: u32) -> u32 {
  ${words}
  let negative = ${signed ? "high == 0xffffffffu && low >= 0x80000000u" : "false"};
  let own = low + select(0u, length, negative);
  if ((high == 0u || negative) && own < length) { return own; }
  atomicMax(&faults_words[0], 1u);
  atomicMax(&faults_words[1], low);
  return 0u;
}`;
}

/** A pass that reads each element from where indices say. */
function gathering(
  [x, indices]: readonly [TensorType, TensorType],
  y: TensorType,
  lengths: readonly number[],
  element: string,
): DeviceKernel | undefined {
  const moved = movedType(x.dtype);
  const declarations = placeText(indices.dtype);
  if (moved === undefined || declarations === undefined) return undefined;
  const pass = elementPass({
    reads: [input("x", 0, moved), input("indices", 1, indices.dtype), FAULTS],
    writes: result("y", 0, moved),
    size: sizeOf(y.shape),
    declarations,
    element,
  });
  const own = kernelOf([pass], { bytes: bytesOfAll([y, y, indices]) });
  return { ...own, fault: faultOf(lengths) };
}

/** Rows by their numbers. */
export function gather(
  op: Gather,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const [x, indices] = inputs as [TensorType, TensorType];
  const axis = resolveAxis(op.attributes.axis, x.shape);
  const length = x.shape[axis]!;
  const inner = unsigned(sizeOf(x.shape.slice(axis + 1)));
  const count = unsigned(sizeOf(indices.shape));
  return gathering(
    [x, indices],
    y!,
    [length],
    `  let unit = o / ${inner};
  let row = unit / ${count} * ${unsigned(length)} + place_of(unit % ${count}, ${unsigned(length)});
  return x(row * ${inner} + o % ${inner});`,
  );
}

/** The strides of a shape, 0 along an axis. */
const without = (shape: Shape, axis: number) =>
  stridesOf(shape).map((stride, i) => (i === axis ? 0 : stride));

/** One element for each index, along an axis. */
export function gatherElements(
  op: GatherElements,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const [x, indices] = inputs as [TensorType, TensorType];
  const axis = resolveAxis(op.attributes.axis, x.shape);
  const length = x.shape[axis]!;
  return gathering(
    [x, indices],
    y!,
    [length],
    `${places("o", indices.shape, [{ name: "at", strides: without(x.shape, axis) }])}
  return x(at + place_of(o, ${unsigned(length)}) * ${unsigned(stridesOf(x.shape)[axis]!)});`,
  );
}

/** Where the part begins that tuple number `unit` says, of `lengths.length` indices. */
const tupleText = (lengths: readonly number[], strides: readonly number[]): string => `
  var start = 0u;
${lengths
  .map((length, k) => {
    const index = `unit * ${unsigned(lengths.length)} + ${unsigned(k)}`;
    return `  start += place_of(${index}, ${unsigned(length)}) * ${unsigned(strides[k]!)};`;
  })
  .join("\n")}`;

/** Parts by tuples of indices, after common axes. */
export function gatherTuples(
  op: GatherTuples,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const [x, indices] = inputs as [TensorType, TensorType];
  const { batchAxes } = op.attributes;
  const tuple = indices.shape.at(-1)!;
  const own = x.shape.slice(batchAxes, batchAxes + tuple);
  const strides = stridesOf(x.shape).slice(batchAxes);
  const inner = unsigned(sizeOf(x.shape.slice(batchAxes + tuple)));
  const perBatch = sizeOf(indices.shape.slice(batchAxes, -1));
  return gathering(
    [x, indices],
    y!,
    own,
    `  let unit = o / ${inner};
${tupleText(own, strides)}
  return x(start + unit / ${unsigned(perBatch)} * ${unsigned(sizeOf(x.shape.slice(batchAxes)))} + o % ${inner});`,
  );
}

/** What becomes of `old` as `value` meets it; undefined for types that it is not computed in. */
function combination(how: Combination, dtype: DType): string | undefined {
  if (how === "none") return "value";
  const real = dtype === "float32";
  if (!real && dtype !== "int32" && dtype !== "uint32") return undefined;
  const less = (a: string, b: string) => (real ? `is_less(${a}, ${b})` : `${a} < ${b}`);
  return {
    add: "old + value",
    mul: "old * value",
    min: `select(old, value, ${less("value", "old")})`,
    max: `select(old, value, ${less("old", "value")})`,
  }[how];
}

/**
 * A copy of x, and a pass in which each invocation puts in order all updates that may meet: `lanes` of them, each of `main`,
 * with `put(place, i)` for update number i.
 */
function scattering(
  inputs: readonly TensorType[],
  y: TensorType,
  how: Combination,
  lanes: number,
  lengths: readonly number[],
  main: string,
): DeviceKernel | undefined {
  const [x, indices, updates] = inputs as [TensorType, TensorType, TensorType];
  const moved = how === "none" ? movedType(x.dtype) : x.dtype;
  const text = combination(how, x.dtype);
  const place = placeText(indices.dtype);
  if (moved === undefined || text === undefined || place === undefined) return undefined;
  // Elements that share a word may be another invocation's.
  if (elementType(moved)!.packed > 0 || updates.dtype !== x.dtype) return undefined;
  const writes = result("y", 0, moved);
  const copy = elementPass({
    reads: [input("x", 0, moved)],
    writes,
    size: sizeOf(y.shape),
    element: "  return x(o);",
  });
  const put: Pass = groupPass({
    buffers: [input("indices", 1, indices.dtype), input("updates", 2, moved), FAULTS, writes],
    groups: Math.ceil(lanes / WIDTH),
    width: WIDTH,
    declarations: `${place}
fn put(place: u32, i: u32) {
  let old = y(place);
  let value = updates(i);
  y_words[place] = ${text};
}`,
    main: `  let own = group * ${WIDTH}u + lane;
  if (own >= ${unsigned(lanes)}) { return; }
${main}`,
  });
  const { passes, scratch, cost } = kernelOf([copy, put], { bytes: 4 * bytesOfAll([y, updates]) });
  // A lane's updates come one after another.
  const serial = (100 * sizeOf(updates.shape)) / lanes;
  return { passes, scratch, cost: cost + serial, fault: faultOf(lengths) };
}

/** Updates meet along the axis alone: one invocation for each lane of indices. */
export function scatterElements(
  op: ScatterElements,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const [x, indices] = inputs as [TensorType, TensorType, TensorType];
  const axis = resolveAxis(op.attributes.axis, x.shape);
  const kept = <T>(list: readonly T[]) => list.filter((_, i) => i !== axis);
  const [own, strides] = [stridesOf(indices.shape), stridesOf(x.shape)];
  const count = indices.shape[axis]!;
  const length = x.shape[axis]!;
  const lanes = sizeOf(kept(indices.shape));
  return scattering(
    inputs,
    y!,
    op.attributes.combination,
    lanes,
    [length],
    `${places("own", kept(indices.shape), [
      { name: "index_start", strides: kept(own) },
      { name: "start", strides: kept(strides) },
    ])}
  for (var k = 0u; k < ${unsigned(count)}; k++) {
    let i = index_start + k * ${unsigned(own[axis]!)};
    put(start + place_of(i, ${unsigned(length)}) * ${unsigned(strides[axis]!)}, i);
  }`,
  );
}

/** Any two tuples may meet: one invocation for each element of a part, over all tuples. */
export function scatterTuples(
  op: ScatterTuples,
  inputs: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const [x, indices] = inputs as [TensorType, TensorType, TensorType];
  const tuple = indices.shape.at(-1)!;
  const lengths = x.shape.slice(0, tuple);
  const inner = sizeOf(x.shape.slice(tuple));
  const count = sizeOf(indices.shape.slice(0, -1));
  return scattering(
    inputs,
    y!,
    op.attributes.combination,
    inner,
    lengths,
    `  for (var unit = 0u; unit < ${unsigned(count)}; unit++) {
${tupleText(lengths, stridesOf(x.shape))}
    put(start + own, unit * ${unsigned(inner)} + own);
  }`,
  );
}
