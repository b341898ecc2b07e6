import { expect } from "vitest";
import type { TypedOp } from "../../../src/machine/op.js";
import { type Shape, sizeOf } from "../../../src/machine/shape.js";
import { type DType, Tensor } from "../../../src/machine/tensor.js";
import { tolerances } from "../../../src/webgpu/kernels/tolerance.js";
import { uniform } from "../../uniform.js";
import type { Dawn } from "./dawn.js";

const EPSILON = 2 ** -23;
/** Below, floats are subnormal, which a GPU may take for 0; times what may come after. */
const TINY = 2 ** -120;

/** What a bound is made of: an element's operands by their size, how many terms it has, and Σ|terms|. */
export interface Magnitude {
  readonly operands?: (i: number) => number;
  readonly terms?: number;
  readonly total?: (i: number) => number;
}

/** Checks that the kernel of an op gives what the CPU does, within its tolerance, and the same bits twice. */
export async function agrees(
  dawn: Dawn,
  op: TypedOp,
  inputs: readonly Tensor[],
  magnitude: Magnitude = {},
): Promise<void> {
  const want = (await op.doAll(inputs)) as Tensor[];
  const got = await dawn.apply(op, inputs);
  const shapes = inputs.map((own) => `${own.dtype} [${own.shape}]`).join(", ");
  const what = `${op.name} ${JSON.stringify(op.attributes)} of ${shapes}`;
  expect(got, `${what} has a kernel`).toBeDefined();
  const again = (await dawn.apply(op, inputs))!;
  for (const [r, own] of want.entries()) {
    expect(bytes(again[r]!), `${what} twice`).toEqual(bytes(got![r]!));
    compare(op.name, `${what}, result ${r}`, got![r]!, own, magnitude);
  }
}

function compare(name: string, what: string, got: Tensor, want: Tensor, magnitude: Magnitude): void {
  const { ulps = 0, ofOperands = 0, perTerm = 0 } = tolerances[name] ?? {};
  const { operands = () => 0, terms = 1, total = () => 0 } = magnitude;
  if (want.dtype !== "float32") {
    expect([...got.data], what).toEqual([...want.data]);
    return;
  }
  for (let i = 0; i < want.data.length; i++) {
    const [x, y] = [got.data[i]!, want.data[i]!];
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const parts = [ulps * Math.abs(y), ofOperands * operands(i), perTerm * terms * total(i)];
    const bound = parts.filter(Number.isFinite).reduce((sum, part) => sum + EPSILON * part, TINY);
    if (!(Math.abs(x - y) <= bound))
      expect.fail(`${what}: element ${i} is ${x}, not ${y}: off by ${Math.abs(x - y)}, more than ${bound}`);
  }
}

const bytes = ({ data }: Tensor) =>
  Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("hex");

/** The same numbers without their signs. */
const absolute = (own: Tensor): Tensor =>
  own.dtype === "float32" ? new Tensor((own.data as Float32Array).map(Math.abs), own.shape) : own;

/** Σ|terms| of each element of an op that sums products or elements: its result of the numbers without signs. */
export function totals(op: TypedOp, inputs: readonly Tensor[]): (i: number) => number {
  const { data } = op.do(inputs.map(absolute)) as Tensor;
  return (i) => Math.abs(data[i]!);
}

/** Numbers from a seed. */
export function numbers(shape: Shape, seed: number, low = -2, high = 2): Tensor {
  const random = uniform(seed);
  return new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => low + (high - low) * random()),
    shape,
  );
}

/** Integers of a type from a seed. */
export function integers(dtype: DType, shape: Shape, seed: number, low = -100, high = 100): Tensor {
  const random = uniform(seed);
  const values = Array.from({ length: sizeOf(shape) }, () => Math.floor(low + (high - low) * random()));
  const big = BigInt64Array.from(values.map(BigInt));
  const arrays = {
    int8: Int8Array,
    uint8: Uint8Array,
    bool: Uint8Array,
    int16: Int16Array,
    uint16: Uint16Array,
    int32: Int32Array,
    uint32: Uint32Array,
    float32: Float32Array,
    float64: Float64Array,
  };
  if (dtype === "int64") return new Tensor(big, shape);
  if (dtype === "uint64") return new Tensor(new BigUint64Array(big.buffer), shape);
  const own = dtype === "bool" ? values.map((value) => value & 1) : values;
  return new Tensor(arrays[dtype].from(own), shape, dtype);
}
