import type { Pass } from "../../machine/device/device-kernel.js";
import type { DType } from "../../machine/tensor.js";
import { elementType, unsigned, wordsOf } from "./elements.js";
import { withLibrary } from "./wgsl/library.js";

/** A buffer that a pass sees, with the name by which its text reads it: `name(i)`, or `name_words[i]` as it lies there. */
export interface Buffer {
  readonly name: string;
  readonly of: Pass["buffers"][number]["of"];
  readonly index: number;
  readonly dtype: DType;
}

export const input = (name: string, index: number, dtype: DType): Buffer => ({
  name,
  of: "input",
  index,
  dtype,
});
export const result = (name: string, index: number, dtype: DType): Buffer => ({
  name,
  of: "result",
  index,
  dtype,
});
export const scratch = (name: string, index: number, dtype: DType = "float32"): Buffer => ({
  name,
  of: "scratch",
  index,
  dtype,
});

/** Invocations of a workgroup where it does not matter. */
export const WIDTH = 128;
/** Every device takes so many workgroups along an axis. */
const MOST_GROUPS = 65_535;

interface GroupPass {
  readonly buffers: readonly Buffer[];
  /** Workgroups, numbered by `group`. */
  readonly groups: number;
  /** Invocations of each, numbered by `lane`. */
  readonly width: number;
  /** Constants, variables in workgroup memory, functions. */
  readonly declarations?: string;
  /** What an invocation does. */
  readonly main: string;
}

/** A pass of workgroups that are numbered along one line, folded where they are many. */
export function groupPass({ buffers, groups, width, declarations = "", main }: GroupPass): Pass {
  const across = Math.min(groups, MOST_GROUPS);
  const down = Math.ceil(groups / across);
  const folded = down > 1;
  const code = [
    ...buffers.map(binding),
    declarations,
    `@compute @workgroup_size(${width})`,
    "fn main(@builtin(workgroup_id) group_id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {",
    `  let group = ${folded ? `group_id.y * ${unsigned(across)} + group_id.x` : "group_id.x"};`,
    ...(folded ? [`  if (group >= ${unsigned(groups)}) { return; }`] : []),
    main,
    "}",
  ];
  return {
    code: withLibrary(code.join("\n")),
    workgroups: [across, down, 1],
    buffers: buffers.map(({ of, index }) => ({ of, index })),
  };
}

interface ElementPass {
  readonly reads: readonly Buffer[];
  readonly writes: Buffer;
  /** The elements that are written. */
  readonly size: number;
  readonly declarations?: string;
  /** The body of `fn element(o: u32)`, which gives element number o as the type that its dtype is computed in. */
  readonly element: string;
  /** Where element number `own` is written, of elements that fill words. Default: `own`. */
  readonly place?: string;
}

/** A pass that computes every element of one buffer by itself; those that share a word are computed by one invocation. */
export function elementPass({
  reads,
  writes,
  size,
  declarations = "",
  element,
  place: to = "own",
}: ElementPass): Pass {
  const { value, packed } = elementType(writes.dtype)!;
  const place = `${writes.name}_words`;
  const invocations = packed === 0 ? size : wordsOf(writes.dtype, size);
  const store =
    packed === 0
      ? `  ${place}[${to}] = element(own);`
      : `  var word = 0u;
  for (var part = 0u; part < ${32 / packed}u; part++) {
    let o = own * ${32 / packed}u + part;
    if (o < ${unsigned(size)}) { word |= (u32(element(o)) & ${unsigned(2 ** packed - 1)}) << (part * ${packed}u); }
  }
  ${place}[own] = word;`;
  return groupPass({
    buffers: [...reads, writes],
    groups: Math.ceil(invocations / WIDTH),
    width: WIDTH,
    declarations: `${declarations}\nfn element(o: u32) -> ${value} {\n${element}\n}`,
    main: `  let own = group * ${WIDTH}u + lane;
  if (own >= ${unsigned(invocations)}) { return; }
${store}`,
  });
}

/** A buffer's declaration, and the function that reads an element of it. */
function binding({ name, of, dtype }: Buffer, i: number): string {
  const { stored, value, packed } = elementType(dtype)!;
  const access = of === "input" ? "read" : "read_write";
  const words = `${name}_words`;
  // Raised by any invocation, but read by none.
  if (of === "fault")
    return `@group(0) @binding(${i}) var<storage, read_write> ${words}: array<atomic<u32>, 2>;`;
  const whole = `@group(0) @binding(${i}) var<storage, ${access}> ${words}: array<${stored}>;`;
  if (packed === 0) return `${whole}\nfn ${name}(i: u32) -> ${value} { return ${words}[i]; }`;
  const perWord = 32 / packed;
  const at = `(i % ${perWord}u) * ${packed}u`;
  const word = `${words}[i / ${perWord}u]`;
  // extractBits of signed numbers repeats the sign.
  const read =
    value === "i32"
      ? `extractBits(bitcast<i32>(${word}), ${at}, ${packed}u)`
      : `extractBits(${word}, ${at}, ${packed}u)`;
  return `${whole}\nfn ${name}(i: u32) -> ${value} { return ${read}; }`;
}
