import type { DeviceKernel, Pass } from "../../machine/device/device-kernel.js";
import { resolveAxis, type TensorType } from "../../machine/op.js";
import type { Reduce } from "../../machine/ops/reduce.js";
import type { ArgReduction, Reduction } from "../../machine/ops/reductions.js";
import { sizeOf } from "../../machine/shape.js";
import { bytesOfAll, kernelOf } from "./cost.js";
import { elementType, float, unsigned } from "./elements.js";
import { type Cut, cutOf, LANES, laneFunctions, lanePass, treeLines } from "./lane-text.js";
import { type Buffer, groupPass, input, result, scratch, WIDTH } from "./pass.js";

/** Up to so many elements a lane is reduced by one invocation. */
const ALONE = 32;
/** A lane this long is cut into parts, where there are fewer lanes than would keep a GPU busy. */
const LONG = 16_384;
const FEW = 64;
const MOST_PARTS = 256;
/** Lanes side by side that keep a GPU busy with an invocation each. */
const MANY = 8192;

/** An accumulation in WGSL: what it begins with, a term of it, how two totals become one, and the result of the total. */
interface Accumulation {
  readonly first: string;
  term(x: string): string;
  join(a: string, b: string): string;
  last(total: string): string;
}

const sum = (term = (x: string) => x, last = (total: string) => total): Accumulation => ({
  first: "0.0",
  term,
  join: (a, b) => `${a} + ${b}`,
  last,
});

const square = (x: string) => `${x} * ${x}`;

const accumulations: Readonly<Record<string, (count: number) => Accumulation>> = {
  sum: () => sum(),
  sumOf: () => sum(),
  mean: (count) => sum(undefined, (total) => `${total} / ${float(count)}`),
  meanOf: (count) => sum(undefined, (total) => `${total} / ${float(count)}`),
  max: () => extreme("maximum", "-infinity()"),
  maxOf: () => extreme("maximum", "-infinity()"),
  minOf: () => extreme("minimum", "infinity()"),
  product: () => ({ ...sum(), first: "1.0", join: (a, b) => `${a} * ${b}` }),
  norm1: () => sum((x) => `abs(${x})`),
  norm2: () => sum(square, (total) => `sqrt(${total})`),
  sumOfSquares: () => sum(square),
  logSum: () => sum(undefined, (total) => `logarithm(${total})`),
};

function extreme(name: string, first: string): Accumulation {
  return { first, term: (x) => x, join: (a, b) => `${name}(${a}, ${b})`, last: (total) => total };
}

/** The same of integers, as far as sums modulo 2³² are what the CPU has. */
function integerAccumulation(name: string, type: "i32" | "u32"): Accumulation | undefined {
  const whole = { ...sum(), first: `${type}(0)` };
  if (name === "sumOf") return whole;
  if (name === "norm1") return { ...whole, term: (x) => `abs(${x})` };
  const [least, greatest] = type === "i32" ? ["i32(0x80000000u)", "2147483647i"] : ["0u", "0xffffffffu"];
  if (name === "maxOf") return extreme("max", least!);
  return name === "minOf" ? extreme("min", greatest!) : undefined;
}

/** The passes of a reduction of one operand to one result. */
function reductionPasses(
  own: Accumulation,
  cut: Cut,
  type: "f32" | "i32" | "u32",
  x: Buffer,
  y: Buffer,
): { readonly passes: Pass[]; readonly scratch: number[] } {
  const [lanes, count] = [sizeOf(cut.kept), sizeOf(cut.reduced)];
  const lines = laneFunctions(cut);
  const accumulate = (from: string, to: string, step: string) => `  var total = ${own.first};
  for (var k = ${from}; k < ${to}; k += ${step}) {
    let value = x(start + lane_offset(k));
    total = ${own.join("total", own.term("value"))};
  }`;
  // Neighbouring invocations read neighbouring elements.
  const across = cut.keptStrides.at(-1) === 1 && lanes >= MANY;
  if (count <= ALONE || across) {
    const main = `  let own = group * ${WIDTH}u + lane;
  if (own >= ${unsigned(lanes)}) { return; }
  let start = lane_start(own);
${accumulate("0u", unsigned(count), "1u")}
  y_words[own] = ${own.last("total")};`;
    const groups = Math.ceil(lanes / WIDTH);
    return {
      passes: [groupPass({ buffers: [x, y], groups, width: WIDTH, declarations: lines, main })],
      scratch: [],
    };
  }
  const shared = `var<workgroup> totals: array<${type}, ${LANES}>;`;
  const declarations = `${shared}\n${lines}`;
  const tree = treeLines("totals", own.join);
  const parts = count >= LONG && lanes < FEW ? Math.min(MOST_PARTS, Math.ceil(count / (LONG / 4))) : 1;
  if (parts === 1) {
    const main = `  let start = lane_start(group);
${accumulate("lane", unsigned(count), `${LANES}u`)}
${tree}
  if (lane == 0u) { y_words[group] = ${own.last("totals[0]")}; }`;
    return {
      passes: [groupPass({ buffers: [x, y], groups: lanes, width: LANES, declarations, main })],
      scratch: [],
    };
  }
  // Parts of a lane first, then their totals.
  const size = Math.ceil(count / parts);
  const dtype = y.dtype;
  const first = groupPass({
    buffers: [x, scratch("z", 0, dtype)],
    groups: lanes * parts,
    width: LANES,
    declarations,
    main: `  let start = lane_start(group / ${unsigned(parts)});
  let begin = group % ${unsigned(parts)} * ${unsigned(size)};
  let to = min(begin + ${unsigned(size)}, ${unsigned(count)});
${accumulate("begin + lane", "to", `${LANES}u`)}
${tree}
  if (lane == 0u) { z_words[group] = totals[0]; }`,
  });
  const second = groupPass({
    buffers: [scratch("z", 0, dtype), y],
    groups: Math.ceil(lanes / WIDTH),
    width: WIDTH,
    main: `  let own = group * ${WIDTH}u + lane;
  if (own >= ${unsigned(lanes)}) { return; }
  var total = z(own * ${unsigned(parts)});
  for (var k = 1u; k < ${unsigned(parts)}; k++) {
    let value = z(own * ${unsigned(parts)} + k);
    total = ${own.join("total", "value")};
  }
  y_words[own] = ${own.last("total")};`,
  });
  return { passes: [first, second], scratch: [4 * lanes * parts] };
}

/** Sums and the like over axes: one invocation, a tree of a workgroup, or two passes for each lane. */
export function reduction(
  op: Reduction | Reduce,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype, shape } = x!;
  const given = op.attributes.axes ?? shape.map((_, axis) => axis);
  const cut = cutOf(
    shape,
    given.map((axis) => resolveAxis(axis, shape)),
  );
  const type = elementType(dtype)?.value;
  // Narrower integers would have to be written by whole words.
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "uint32") return undefined;
  const count = sizeOf(cut.reduced);
  if (op.name === "logSumExp") return logSumExp(cut, x!, y!);
  const own =
    dtype === "float32"
      ? accumulations[op.name]?.(count)
      : integerAccumulation(op.name, type as "i32" | "u32");
  if (own === undefined) return undefined;
  const { passes, scratch: room } = reductionPasses(
    own,
    cut,
    type as "f32",
    input("x", 0, dtype),
    result("y", 0, dtype),
  );
  return kernelOf(passes, { bytes: bytesOfAll([x!, y!]), operations: 2 * sizeOf(shape) }, room);
}

/** log Σ eˣ = m + log Σ e^(x − m), m being the greatest, or 0 where that is not finite. */
function logSumExp(cut: Cut, x: TensorType, y: TensorType): DeviceKernel | undefined {
  if (x.dtype !== "float32") return undefined;
  const pass = lanePass({
    cut,
    reads: [input("x", 0, "float32")],
    writes: [result("y", 0, "float32")],
    text: (own) => `${own.reduce("greatest", "-infinity()", "x(at)", (a, b) => `maximum(${a}, ${b})`)}
  let shift = select(0.0, greatest, is_finite(greatest));
${own.reduce("sum", "0.0", "exponential(x(at) - shift)", (a, b) => `${a} + ${b}`)}
  ${own.once("y_words[number] = logarithm(sum) + shift;")}`,
  });
  return kernelOf([pass], { bytes: bytesOfAll([x, y]), operations: 20 * sizeOf(x.shape) });
}

/** A place is better where its element is greater, or least, and of equals the first or last; NaN is never, but where it is first. */
export function argReduction(
  op: ArgReduction,
  [x]: readonly TensorType[],
  [y]: readonly TensorType[],
): DeviceKernel | undefined {
  const { dtype, shape } = x!;
  if (!["float32", "int32", "uint32", "int16", "uint16", "int8", "uint8"].includes(dtype)) return undefined;
  const cut = cutOf(shape, [resolveAxis(op.attributes.axis, shape)]);
  const [lanes, count] = [sizeOf(cut.kept), sizeOf(cut.reduced)];
  const type = elementType(dtype)!.value;
  const key = dtype === "float32" ? "i32" : type;
  const sign = op.name === "argMax" ? ">" : "<";
  const real = dtype === "float32";
  // Of infinite equals the CPU keeps the first, for ∞ − ∞ is no number.
  const tie = op.attributes.last
    ? real
      ? "best.key == other.key && select(min(best.at, other.at), max(best.at, other.at), is_tied(other.key)) == other.at"
      : "best.key == other.key && other.at > best.at"
    : "best.key == other.key && other.at < best.at";
  const declarations = `struct Best { key: ${key}, at: u32, known: u32 }
var<workgroup> totals: array<Best, ${LANES}>;
${real ? "fn is_tied(key: i32) -> bool { return abs(key) < 0x7f800000; }" : ""}
fn better(best: Best, other: Best) -> Best {
  if (other.known == 0u) { return best; }
  if (best.known == 0u) { return other; }
  if (other.key ${sign} best.key || (${tie})) { return other; }
  return best;
}
fn entry(start: u32, k: u32) -> Best {
  let value = x(start + lane_offset(k));
  return ${real ? "Best(order(value), k, select(1u, 0u, is_nan(value)))" : "Best(value, k, 1u)"};
}
${laneFunctions(cut)}`;
  const pass = groupPass({
    buffers: [input("x", 0, dtype), result("y", 0, "int64")],
    groups: lanes,
    width: LANES,
    declarations,
    main: `  let start = lane_start(group);
  var total = Best(${key}(0), 0u, 0u);
  for (var k = lane; k < ${unsigned(count)}; k += ${LANES}u) { total = better(total, entry(start, k)); }
${treeLines("totals", (a, b) => `better(${a}, ${b})`)}
  if (lane == 0u) {
    let first = entry(start, 0u);
    y_words[group] = vec2<u32>(select(totals[0].at, 0u, first.known == 0u), 0u);
  }`,
  });
  return kernelOf([pass], { bytes: bytesOfAll([x!, y!]), operations: 4 * sizeOf(shape) });
}
