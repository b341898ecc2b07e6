import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { isElementName } from "../../../src/machine/kernels/elementwise.js";
import { Binary, type BinaryName } from "../../../src/machine/ops/binary.js";
import { Select } from "../../../src/machine/ops/boxes.js";
import { Cast } from "../../../src/machine/ops/cast.js";
import { Elementwise } from "../../../src/machine/ops/elementwise.js";
import { type FunctionName, MathFunction, mathFunctions } from "../../../src/machine/ops/functions.js";
import { PAIRWISE, Pairwise } from "../../../src/machine/ops/pairwise.js";
import { Unary, type UnaryName } from "../../../src/machine/ops/unary.js";
import { Where } from "../../../src/machine/ops/where.js";
import { type DType, Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

const floats = (values: readonly number[]) => new Tensor(Float32Array.from(values), [values.length]);

/** Zeros, NaN, infinities, subnormal numbers, the ends of the range, thousands between, and arguments of many turns. */
const everything = floats([
  ...[0, -0, Number.NaN, Infinity, -Infinity, 1, -1, 2.5, 1.5, 0.5, -2.5, 3.4e38, -3.4e38, 1e-40, -1e-40],
  ...[8191, 8193, 123_456, 1e10, 1e20, -1e30, 88, 88.7, 89, -87, -88, -103, -104, 1e-10, -1e-10, 0.9999999],
  ...Array.from({ length: 401 }, (_, i) => (i - 200) / 37),
  ...Array.from({ length: 401 }, (_, i) => (i - 200) / 199),
  ...Array.from({ length: 241 }, (_, i) => Math.sign(i - 120) * 2 ** (Math.abs(i - 120) - 60)),
]);
/** Without those that are flushed to 0 before they count, as 1/x and √x do. */
const normal = floats([...everything.data].filter((x) => !(x !== 0 && Math.abs(x) < 2 ** -126)));

const parameters: Partial<Record<FunctionName, { alpha: number; beta?: number }>> = {
  elu: { alpha: 1.3 },
  celu: { alpha: 0.7 },
  selu: { alpha: 1.67, beta: 1.05 },
  leakyRelu: { alpha: 0.1 },
  hardSigmoid: { alpha: 0.2, beta: 0.5 },
  thresholdedRelu: { alpha: 1 },
  shrink: { alpha: 0.5, beta: 0.25 },
  affine: { alpha: 2.5, beta: 1 },
  clip: { alpha: -1, beta: Infinity },
  swish: { alpha: 1.1 },
};

/** Pairs of odd numbers, of both signs, whole and not, for ops of two operands. */
const odd = [0, -0, 1, -1, 2, -3, 0.5, 7.25, -7.25, 1e-3, 100, 1e20, Number.NaN, Infinity, -Infinity];
const [left, right] = [0, 1].map((side) =>
  floats(odd.flatMap((x) => odd.map((y) => (side === 0 ? x : y)))),
) as [Tensor, Tensor];

describe.runIf(dawn !== undefined)("elementwise kernels", () => {
  const own = dawn!;

  test.each(Object.keys(mathFunctions) as FunctionName[])("%s", async (name) => {
    const { alpha = 0, beta = 0 } = parameters[name] ?? {};
    const x = ["reciprocal", "hardSwish", "softsign"].includes(name) ? normal : everything;
    await agrees(own, new MathFunction(name, { alpha, beta }), [x], {
      operands: (i) => Math.abs(alpha * x.data[i]!) + Math.abs(x.data[i]!) + (Math.abs(beta) || 1),
    });
  });

  test.each<UnaryName>(["neg", "exp", "log", "sqrt", "abs", "sign", "square", "sigmoid", "tanh", "relu"])(
    "%s",
    async (name) => {
      await agrees(own, new Unary(name), [name === "sqrt" ? normal : everything]);
      if (["neg", "abs", "sign", "square", "relu"].includes(name))
        for (const dtype of ["int32", "uint32", "int8"] as const)
          await agrees(own, new Unary(name), [
            integers(dtype, [7, 3], 5, dtype === "uint32" ? 0 : -128, 128),
          ]);
    },
  );

  const binary: BinaryName[] = ["add", "sub", "mul", "div", "pow", "gt", "ge", "lt", "le", "eq", "ne"];
  test.each(binary)("%s of every pair of odd numbers, and broadcast", async (name) => {
    const size = (i: number) => {
      const log = Math.abs(right.data[i]! * Math.log(Math.abs(left.data[i]!)));
      return name === "pow" && Number.isFinite(log) ? log * left.data[i]! ** right.data[i]! : 0;
    };
    await agrees(own, new Binary(name), [left, right], { operands: (i) => Math.abs(size(i)) || 0 });
    if (name === "pow") return;
    for (const [a, b] of [
      [
        [3, 1, 5],
        [4, 1],
      ],
      [[], [131]],
      [
        [2, 3, 1, 2],
        [3, 129, 1],
      ],
      [[1], [1, 1]],
    ])
      await agrees(own, new Binary(name), [numbers(a!, 1), numbers(b!, 2)]);
  });

  test("integers: wrapped around, over 0, beyond either end", async () => {
    const ends = [-2147483648, 2147483647, -1, 0, 1, 46341, -7, 13];
    const pairs = ends.flatMap((x) => ends.map((y) => [x, y] as const));
    for (const dtype of ["int32", "uint32", "int16", "uint8"] as const) {
      const array = { int32: Int32Array, uint32: Uint32Array, int16: Int16Array, uint8: Uint8Array }[dtype];
      const [x, y] = [0, 1].map((i) => new Tensor(array.from(pairs.map((own) => own[i]!)), [64], dtype));
      // Every op of the widest types; of the narrow ones those that depend on their width.
      const narrow = ["int16", "uint8"].includes(dtype);
      for (const name of binary) {
        if (narrow && !["sub", "mul", "div", "lt"].includes(name)) continue;
        if (name === "pow") expect(await own.apply(new Binary(name), [x!, y!])).toBeUndefined();
        else await agrees(own, new Binary(name), [x!, y!]);
      }
      for (const name of PAIRWISE) {
        if (narrow && !["minimum", "modulo", "isGreater"].includes(name)) continue;
        if (name === "prelu") expect(await own.apply(new Pairwise(name), [x!, y!])).toBeUndefined();
        else if (!name.startsWith("shift") || !dtype.startsWith("int"))
          await agrees(own, new Pairwise(name), [x!, y!]);
      }
    }
  });

  test("integers of 64 bits, wrapped around, and as floats", async () => {
    const ends = [0n, 1n, -1n, 7n, -(2n ** 31n), 2n ** 32n - 1n, 2n ** 32n, 2n ** 40n + 1n, 3n ** 39n];
    const all = [...ends, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 55n + 2n ** 31n + 1n, -(2n ** 24n) - 1n];
    const pairs = all.flatMap((x) => all.map((y) => [x, y] as const));
    for (const make of [BigInt64Array, BigUint64Array]) {
      const [x, y] = [0, 1].map((i) => {
        const data = new make(pairs.map((both) => BigInt.asIntN(64, both[i]!)) as bigint[]);
        return new Tensor(data, [pairs.length]);
      }) as [Tensor, Tensor];
      for (const name of ["add", "sub", "mul", "gt", "ge", "lt", "le", "eq", "ne"] as const)
        await agrees(own, new Binary(name), [x, y]);
      for (const name of PAIRWISE)
        if (/^is|imum$|^bit/.test(name)) await agrees(own, new Pairwise(name), [x, y]);
      await agrees(own, new Cast({ to: "float32" }), [x]);
      expect(await own.apply(new Binary("div"), [x, y])).toBeUndefined();
    }
    await agrees(own, new Unary("neg"), [new Tensor(BigInt64Array.from(all), [all.length])]);
  });

  test.each(PAIRWISE.filter((name) => !/^bit|^shift/.test(name)))("%s of odd numbers", async (name) => {
    // The CPU's x − y·⌊x/y⌋ has no digits left where x/y has more than 2⁵³ has.
    const x =
      name === "modulo"
        ? floats([...left.data].map((own) => (own > 1e19 && own < 1e30 ? 12_345 : own)))
        : left;
    await agrees(own, new Pairwise(name), [x, right]);
  });

  test("shifts by any number of places", async () => {
    const by = [0, 1, 5, 31, 32, 40, 255];
    const x = integers("uint32", [9, 1], 3, 0, 2 ** 32);
    const signed = new Tensor(Int32Array.from(x.data), [9, 1]);
    for (const name of ["shiftLeft", "shiftRight"] as const) {
      await agrees(own, new Pairwise(name), [x, new Tensor(Uint32Array.from(by), [7])]);
      await agrees(own, new Pairwise(name), [signed, new Tensor(Int32Array.from([...by, -1]), [8])]);
    }
  });

  test("what subnormal numbers are compared with", async () => {
    const small = floats([1e-40, -1e-40, 0, 2e-45, -0]);
    for (const name of ["gt", "le", "eq", "ne"] as const)
      await agrees(own, new Binary(name), [small, new Tensor(small.data, [5, 1])]);
    await agrees(own, new Pairwise("maximum"), [small, new Tensor(small.data, [5, 1])]);
  });

  test("a fused program, of every step that there is", async () => {
    const names = ["add", "sub", "mul", "minimum", "maximum", "prelu", "neg", "abs", "square", "relu"];
    const others = ["clip", "sigmoid", "tanh", "hardSigmoid", "hardSwish", "leakyRelu", "affine", "swish"];
    const all = [...names, ...others].filter(isElementName);
    const steps = all.map((op, i) => ({
      op,
      inputs: i < 6 ? [i === 0 ? 0 : 1 + i, i % 2] : [1 + i],
      alpha: -0.5,
      beta: 0.75,
    }));
    await agrees(own, new Elementwise({ steps }), [numbers([5, 1, 7], 3), numbers([33, 1], 4)], {
      operands: () => 8,
    });
  });

  test("choices, by what is not 0", async () => {
    const condition = floats([0, -0, 1, Number.NaN, 1e-40, -3]);
    await agrees(own, new Where(), [condition, numbers([2, 1], 1), numbers([6], 2)]);
    const bool = integers("bool", [7, 1], 4);
    for (const dtype of ["float32", "int8", "bool", "int64", "int16"] as const)
      await agrees(own, new Select(), [bool, integers(dtype, [1, 5], 5), integers(dtype, [7, 5], 6)]);
  });

  const types: DType[] = ["float32", "int32", "uint32", "int16", "uint16", "int8", "uint8", "bool", "int64"];
  test.each(types)("casts from %s", async (from) => {
    const values = floats([
      ...[0, -0, Number.NaN, Infinity, -Infinity, 1e-40, 0.9, -0.9, 1.5, -1.5, 255.5, 256, -129, 65_536.5],
      ...[2147483648, -2147483648, 2147483520, 4294967296, 1e10, -1e10, 1e20, 2 ** 55, 2 ** 54 + 2 ** 31],
    ]);
    const x =
      from === "float32" ? values : integers(from, [61], 8, from.startsWith("u") ? 0 : -40_000, 40_000);
    for (const to of types) await agrees(own, new Cast({ to }), [x]);
  });

  test("any shapes that broadcast", async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 });
    const ones = fc.array(fc.boolean(), { minLength: 4, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(lengths, ones, fc.nat(4), async (shape, kept, from) => {
        const other = shape.map((length, i) => (kept[i] ? length : 1)).slice(from);
        await agrees(own, new Binary("sub"), [numbers(shape, 1), numbers(other, 2)]);
        await agrees(own, new Pairwise("isLess"), [numbers(other, 1), numbers(shape, 2)]);
      }),
      { numRuns: 25 },
    );
  });
});
