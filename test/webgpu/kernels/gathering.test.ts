import { afterAll, describe, expect, test } from "vitest";
import type { TypedOp } from "../../../src/machine/op.js";
import {
  type Combination,
  Gather,
  GatherElements,
  GatherTuples,
  ScatterElements,
  ScatterTuples,
} from "../../../src/machine/ops/gathering.js";
import { TopK } from "../../../src/machine/ops/top.js";
import { type DType, Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

describe.runIf(dawn !== undefined)("gathering", () => {
  const own = dawn!;

  test.each<DType>(["float32", "int64", "uint8"])("rows of %s", async (dtype) => {
    const x = integers(dtype, [5, 3, 4], 1);
    for (const of of ["int64", "int32", "int8"] as const) {
      await agrees(own, new Gather({ axis: 1 }), [x, integers(of, [2, 3], 2, -3, 3)]);
      await agrees(own, new Gather({ axis: 0 }), [x, integers(of, [], 3, 0, 5)]);
    }
    await agrees(own, new GatherElements({ axis: 1 }), [x, integers("int64", [4, 6, 3], 2, -3, 3)]);
    await agrees(own, new GatherTuples({ batchAxes: 0 }), [x, integers("int64", [7, 2], 4, -3, 3)]);
    await agrees(own, new GatherTuples({ batchAxes: 1 }), [x, integers("int32", [5, 2, 2], 4, -3, 3)]);
  });

  test.each<Combination>(["none", "add", "mul", "min", "max"])("scattering by %s, in order", async (how) => {
    for (const dtype of ["float32", "int32"] as const) {
      const x = integers(dtype, [4, 5], 1);
      const indices = integers("int64", [3, 9], 2, -5, 5);
      const updates = integers(dtype, [3, 9], 3, -9, 9);
      await agrees(own, new ScatterElements({ axis: 1, combination: how }), [x, indices, updates]);
      const tuples = integers("int64", [8, 1], 4, -4, 4);
      await agrees(own, new ScatterTuples({ combination: how }), [x, tuples, integers(dtype, [8, 5], 5)]);
      const pairs = integers("int32", [30, 2], 6, 0, 4);
      await agrees(own, new ScatterTuples({ combination: how }), [x, pairs, integers(dtype, [30], 7, -9, 9)]);
    }
  });

  test("an index out of range is the CPU's error, whatever its type", async () => {
    const x = numbers([5, 3], 1);
    const cases: [TypedOp, Tensor, Tensor?][] = [];
    for (const bad of [5, -6, 2 ** 31]) {
      const indices = new Tensor(BigInt64Array.of(0n, BigInt(bad), 1n), [3]);
      cases.push([new Gather({ axis: 0 }), indices]);
    }
    // The lower word alone would be a place.
    cases.push([new Gather({ axis: 0 }), new Tensor(BigInt64Array.of(2n ** 32n + 1n), [1])]);
    cases.push([new Gather({ axis: 1 }), new Tensor(Int32Array.of(3), [1])]);
    cases.push([new GatherTuples({ batchAxes: 0 }), new Tensor(Int32Array.of(4, -4), [1, 2])]);
    const place = new Tensor(Int32Array.of(7), [1, 1]);
    cases.push([new ScatterElements({ axis: 0, combination: "add" }), place, numbers([1, 1], 2)]);
    for (const [op, ...others] of cases) {
      const inputs = [x, ...others.filter((other) => other !== undefined)];
      expect(() => op.do(inputs)).toThrow(RangeError);
      await expect(own.apply(op, inputs), op.name).rejects.toThrow(RangeError);
    }
  });

  test("products of integers modulo 2³²", async () => {
    const x = new Tensor(Uint32Array.of(0xffffffff, 3), [2, 1]);
    const updates = new Tensor(Uint32Array.of(0xffffffff, 0xfffffffe, 7), [3, 1]);
    const [elements, tuples] = [
      new ScatterElements({ axis: 0, combination: "mul" }),
      new ScatterTuples({ combination: "mul" }),
    ];
    const places = new Tensor(Int32Array.of(0, 0, 1), [3, 1]);
    for (const op of [elements, tuples]) {
      await agrees(own, op, [x, places, updates]);
      // (−1)·(−1)·(−2), and 3·7.
      expect([...(op.do([x, places, updates]) as Tensor).data]).toEqual([0xfffffffe, 21]);
    }
  });

  test("elements that share words are not scattered", async () => {
    const op = new ScatterElements({ axis: 0, combination: "none" });
    const inputs = [integers("int8", [4], 1), integers("int32", [2], 2, 0, 4), integers("int8", [2], 3)];
    expect(await own.apply(op, inputs)).toBeUndefined();
  });

  test("the greatest and least in order, of equals the first", async () => {
    for (const greatest of [true, false]) {
      await agrees(own, new TopK({ axis: 1, k: 3, greatest }), [integers("float32", [3, 20, 2], 1, 0, 9)]);
      await agrees(own, new TopK({ axis: 0, k: 7, greatest }), [integers("int32", [7], 2, -3, 3)]);
      // NaN of either sign is above ∞.
      const odd = Float32Array.of(1, Number.NaN, Infinity, -0, Number.NaN, 0, -Infinity);
      new Uint32Array(odd.buffer)[4]! |= 0x80000000;
      const op = new TopK({ axis: 0, k: 7, greatest });
      await agrees(own, op, [new Tensor(odd, [7])]);
      const places = [1n, 4n, 2n, 0n, 3n, 5n, 6n];
      const least = [6n, 3n, 5n, 0n, 2n, 1n, 4n];
      expect([...(await op.doAll([new Tensor(odd, [7])]))[1]!.data]).toEqual(greatest ? places : least);
    }
  });
});
