import { afterAll, describe, expect, test } from "vitest";
import { Padding, type PaddingMode, Stride, Triangle } from "../../../src/machine/ops/boxes.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../../../src/machine/ops/layout.js";
import { Split } from "../../../src/machine/ops/split.js";
import type { Shape } from "../../../src/machine/shape.js";
import type { DType } from "../../../src/machine/tensor.js";
import { agrees, integers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

/** One of each width: 4, 1, 2 and 8 bytes. */
const types: DType[] = ["float32", "int8", "uint16", "int64"];
const box = (dtype: DType, shape: Shape, seed = 1) => integers(dtype, shape, seed);

describe.runIf(dawn !== undefined)("copies", () => {
  const own = dawn!;

  test.each(types)("transposes of %s", async (dtype) => {
    for (const [shape, axes] of [
      [[5, 7], undefined],
      [
        [3, 1, 129],
        [2, 0, 1],
      ],
      [
        [2, 3, 4, 5],
        [0, 2, 1, 3],
      ],
      [
        [2, 3, 4, 5],
        [3, 1, 0, 2],
      ],
      [[1], [0]],
      [[], undefined],
    ] as [Shape, number[]?][])
      await agrees(own, new Transpose(axes === undefined ? {} : { axes }), [box(dtype, shape)]);
  });

  test.each(types)("parts of %s", async (dtype) => {
    await agrees(own, new Reshape({ shape: [3, -1] }), [box(dtype, [7, 9])]);
    await agrees(own, new BroadcastTo({ shape: [2, 3, 5] }), [box(dtype, [3, 1])]);
    await agrees(own, new BroadcastTo({ shape: [131] }), [box(dtype, [])]);
    await agrees(
      own,
      new Slice({
        ranges: [
          [1, 4],
          [0, 7],
          [2, -1],
        ],
      }),
      [box(dtype, [5, 7, 6])],
    );
    const steps = { starts: [4, 0, 5], steps: [-2, 3, -1], lengths: [3, 2, 6] };
    await agrees(own, new Stride(steps), [box(dtype, [5, 7, 6])]);
    await agrees(own, new Split({ axis: 1, lengths: [1, 0, 4, 2] }), [box(dtype, [3, 7, 5])]);
    await agrees(own, new Split({ axis: -1, lengths: [3] }), [box(dtype, [2, 3])]);
    for (const upper of [true, false])
      for (const diagonal of [-2, 0, 3, 1e12])
        await agrees(own, new Triangle({ upper, diagonal }), [box(dtype, [2, 4, 5])]);
  });

  test.each(types)("operands of %s one after another, of nothing too", async (dtype) => {
    const parts = (lengths: readonly number[], axis: number) =>
      lengths.map((length, i) =>
        box(
          dtype,
          [2, 3, 2].map((own, k) => (k === axis ? length : own)),
          i,
        ),
      );
    for (const axis of [0, 1, 2]) await agrees(own, new Concat({ axis }), parts([3, 1, 0, 5], axis));
    await agrees(own, new Concat({ axis: 0 }), [box(dtype, [5])]);
    const many = parts([1, 2, 3, 1, 2, 3, 1, 2, 3, 4, 5, 1, 1, 2, 3, 9], 1);
    // Elements that share words cannot be written in several passes.
    if (["int8", "uint16"].includes(dtype))
      expect(await own.apply(new Concat({ axis: 1 }), many)).toBeUndefined();
    else await agrees(own, new Concat({ axis: 1 }), many);
  });

  test.each(types)("%s padded, and cut", async (dtype) => {
    for (const mode of ["constant", "edge", "reflect", "wrap"] as PaddingMode[]) {
      const op = (before: number[], after: number[]) => new Padding({ before, after, mode });
      await agrees(own, op([2, 0, 1], [0, 3, 5]), [box(dtype, [3, 4, 2])]);
      await agrees(own, op([-1, 2], [3, -2]), [box(dtype, [4, 5])]);
      await agrees(own, op([2, 1], [1, 2]), [box(dtype, [1, 3]), box(dtype, [], 9)]);
    }
  });
});
