import type { Pass } from "../../machine/device/device-kernel.js";
import { type Shape, sizeOf, stridesOf } from "../../machine/shape.js";
import { unsigned } from "./elements.js";
import { places } from "./indexing.js";
import { type Buffer, groupPass, WIDTH } from "./pass.js";

/** Invocations that go over one lane together. */
export const LANES = 128;
/** Up to so many elements a lane is left to one invocation; longer ones too, where so many lie side by side. */
const SHORT = 16;
const MANY = 8192;

/** The axes of an operand cut in two: those that stay, and those that are reduced. */
export interface Cut {
  readonly kept: Shape;
  readonly keptStrides: readonly number[];
  readonly reduced: Shape;
  readonly reducedStrides: readonly number[];
}

export function cutOf(shape: Shape, axes: readonly number[]): Cut {
  const strides = stridesOf(shape);
  const pick = <T>(list: readonly T[], chosen: boolean) =>
    list.filter((_, axis) => axes.includes(axis) === chosen);
  return {
    kept: pick(shape, false),
    keptStrides: pick(strides, false),
    reduced: pick(shape, true),
    reducedStrides: pick(strides, true),
  };
}

/** The functions that say where lane number i begins, and how far from there its element number k is. */
export function laneFunctions({ kept, keptStrides, reduced, reducedStrides }: Cut): string {
  return `fn lane_start(i: u32) -> u32 {
${places("i", kept, [{ name: "at", strides: keptStrides }])}
  return at;
}
fn lane_offset(k: u32) -> u32 {
${places("k", reduced, [{ name: "at", strides: reducedStrides }])}
  return at;
}`;
}

/**
 * Statements for a tree over the `LANES` invocations of a workgroup, each with a total of its own, after which that of
 * all is in `shared[0]`: always in the same order.
 */
export function treeLines(
  shared: string,
  join: (a: string, b: string) => string,
  width = LANES,
  total = "total",
): string {
  return `  ${shared}[lane] = ${total};
  workgroupBarrier();
  for (var half = ${width / 2}u; half > 0u; half /= 2u) {
    if (lane < half) { ${shared}[lane] = ${join(`${shared}[lane]`, `${shared}[lane + half]`)}; }
    workgroupBarrier();
  }`;
}

/** Writes what is done to a lane, by one invocation or by those of a workgroup. */
interface LaneText {
  /** Runs `body` for each element: k is its number, `at` where it lies. */
  loop(body: string): string;
  /** Sets `name` to the elements' terms joined, in every invocation. */
  reduce(name: string, first: string, term: string, join: (a: string, b: string) => string): string;
  /** Runs `body` once for the lane. */
  once(body: string): string;
}

interface LanePass {
  readonly cut: Cut;
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** The statements for the lane number `number`. */
  readonly text: (own: LaneText) => string;
  /** Whether one invocation must do the whole lane, in order. */
  readonly inOrder?: boolean;
}

/** A pass over lanes of elements, in float32. */
export function lanePass({ cut, reads, writes, text, inOrder = false }: LanePass): Pass {
  const [lanes, count] = [sizeOf(cut.kept), sizeOf(cut.reduced)];
  const across = cut.keptStrides.at(-1) === 1 && lanes >= MANY;
  const alone = inOrder || count <= SHORT || across;
  const loop = (body: string) =>
    `  for (var k = ${alone ? "0u" : "lane"}; k < ${unsigned(count)}; k += ${alone ? 1 : LANES}u) {
    let at = start + lane_offset(k);
    ${body}
  }`;
  const own: LaneText = {
    loop,
    once: (body) => (alone ? body : `if (lane == 0u) { ${body} }`),
    reduce(name, first, term, join) {
      const total = `  var ${name}_total = ${first};\n${loop(`${name}_total = ${join(`${name}_total`, term)};`)}`;
      if (alone) return `${total}\n  let ${name} = ${name}_total;`;
      const tree = treeLines("totals", join, LANES, `${name}_total`);
      return `${total}\n${tree}\n  let ${name} = totals[0];\n  workgroupBarrier();`;
    },
  };
  const number = alone
    ? `  let number = group * ${WIDTH}u + lane;\n  if (number >= ${unsigned(lanes)}) { return; }`
    : "  let number = group;";
  return groupPass({
    buffers: [...reads, ...writes],
    groups: alone ? Math.ceil(lanes / WIDTH) : lanes,
    width: alone ? WIDTH : LANES,
    declarations: `${alone ? "" : `var<workgroup> totals: array<f32, ${LANES}>;\n`}${laneFunctions(cut)}`,
    main: `${number}\n  let start = lane_start(number);\n${text(own)}`,
  });
}
