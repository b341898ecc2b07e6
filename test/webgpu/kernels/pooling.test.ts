import { afterAll, describe, expect, test } from "vitest";
import { Pooling, type PoolingAttributes } from "../../../src/machine/ops/pooling.js";
import type { Shape } from "../../../src/machine/shape.js";
import { Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

const window = (kernel: number[], more: Partial<PoolingAttributes> = {}): PoolingAttributes => ({
  kernel,
  strides: kernel.map(() => 1),
  dilations: kernel.map(() => 1),
  before: kernel.map(() => 0),
  after: kernel.map(() => 0),
  ceil: false,
  ...more,
});

const cases: [Shape, PoolingAttributes][] = [
  [[1, 2, 5], window([3], { before: [1], after: [1], strides: [2] })],
  [[2, 3, 7, 6], window([2, 3], { strides: [2, 2], ceil: true, before: [1, 0], after: [0, 1] })],
  [[1, 2, 9, 9], window([3, 3], { dilations: [2, 3], before: [1, 2], after: [2, 1] })],
  [[1, 2, 4, 5, 6], window([2, 3, 2], { strides: [2, 1, 3], before: [0, 1, 1], after: [1, 0, 0] })],
  [[2, 3, 4, 4], window([4, 4])],
];

describe.runIf(dawn !== undefined)("pooling", () => {
  const own = dawn!;

  test.each(cases)("of %j by %j", async (shape, attributes) => {
    const x = numbers(shape, 1);
    const sums = { terms: 20, total: () => 40 };
    await agrees(own, new Pooling("maxPooling", attributes), [x]);
    for (const places of ["rows", "columns"] as const)
      await agrees(own, new Pooling("maxPooling", { ...attributes, places }), [x]);
    for (const countPadding of [true, false])
      await agrees(own, new Pooling("averagePooling", { ...attributes, countPadding }), [x], {
        terms: 20,
        total: () => 2,
      });
    for (const p of [1, 2, 3]) await agrees(own, new Pooling("normPooling", { ...attributes, p }), [x], sums);
  });

  test("NaN and ∞ in a window, as on the CPU", async () => {
    const odd = [1, Number.NaN, 2, 3, -Infinity, -Infinity, Number.NaN, Number.NaN, Infinity, 5, -0, 0];
    const x = new Tensor(Float32Array.from(odd), [1, 1, odd.length]);
    await agrees(own, new Pooling("maxPooling", window([2])), [x]);
    await agrees(own, new Pooling("maxPooling", { ...window([2]), places: "rows" }), [x]);
  });

  test("integers have greatest elements alone", async () => {
    const attributes = window([2, 2], { before: [1, 1] });
    for (const dtype of ["int8", "uint8", "int32"] as const) {
      const x = integers(dtype, [1, 3, 5, 5], 2, dtype === "uint8" ? 0 : -100, 100);
      await agrees(own, new Pooling("maxPooling", attributes), [x]);
      // Windows of padding alone among them.
      await agrees(own, new Pooling("maxPooling", window([1, 2], { before: [2, 3], after: [1, 0] })), [x]);
      expect(await own.apply(new Pooling("averagePooling", attributes), [x])).toBeUndefined();
    }
  });
});
