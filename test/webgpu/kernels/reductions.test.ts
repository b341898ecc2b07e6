import { afterAll, describe, expect, test } from "vitest";
import { LANE_OPS, Lanes } from "../../../src/machine/ops/lanes.js";
import {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../../../src/machine/ops/normalization.js";
import { Reduce } from "../../../src/machine/ops/reduce.js";
import {
  ArgReduction,
  REDUCTIONS,
  Reduction,
  type ReductionName,
} from "../../../src/machine/ops/reductions.js";
import { Softmax } from "../../../src/machine/ops/softmax.js";
import { type Shape, sizeOf } from "../../../src/machine/shape.js";
import { Tensor } from "../../../src/machine/tensor.js";
import { agrees, integers, numbers } from "./agreement.js";
import { Dawn } from "./dawn.js";

const dawn = await Dawn.open();
afterAll(() => dawn?.close());

/** Shapes and axes: one element, lanes short and long, beside each other and apart, several axes, all. */
const cases: [Shape, number[]][] = [
  [[1], [0]],
  [[5, 7], [1]],
  [[5, 131], [1]],
  [[131, 5], [0]],
  [
    [3, 4, 5],
    [0, 2],
  ],
  [[3, 40, 5], [-2]],
  [[301], [0]],
  [
    [2, 3, 50, 4],
    [1, 2, 3],
  ],
];

/** The sum of what is reduced, without signs, for each element of the result; of norms the largest element is enough. */
const totals = (name: ReductionName, x: Tensor, axes: number[]) => {
  const squares = name === "sumOfSquares" || name === "norm2";
  const own = new Tensor(
    (x.data as Float32Array).map((value) => (squares ? value * value : Math.abs(value))),
    x.shape,
  );
  const { data } = new Reduction(name === "product" ? name : "sumOf", { axes, keepAxes: false }).do([
    own,
  ]) as Tensor;
  const count = name === "meanOf" ? sizeOf(x.shape) / data.length : 1;
  return (i: number) => (name === "norm2" ? Math.sqrt(data[i]!) : data[i]! / count);
};

describe.runIf(dawn !== undefined)("reductions", () => {
  const own = dawn!;

  test.each(REDUCTIONS)("%s", async (name) => {
    for (const [shape, axes] of cases) {
      const low = name.startsWith("log") ? 0.5 : name === "product" ? 0.9 : -2;
      const x = numbers(shape, 3, low, name === "product" ? 1.1 : 2);
      const op = new Reduction(name, { axes, keepAxes: true });
      const total = totals(name, x, axes);
      // A logarithm's error is its argument's, relative.
      const scaled = name.startsWith("log") ? () => 1 : total;
      await agrees(own, op, [x], { terms: 301, total: scaled, operands: () => 2 });
    }
  });

  test("a lane so long that it is cut into parts", async () => {
    const x = numbers([2, 40_000], 5);
    for (const name of ["sumOf", "maxOf", "meanOf"] as const)
      await agrees(own, new Reduction(name, { axes: [1], keepAxes: false }), [x], {
        terms: 400,
        total: totals(name, x, [1]),
      });
    await agrees(own, new Reduction("sumOf", { axes: [0], keepAxes: false }), [
      integers("int32", [20_000], 6),
    ]);
  });

  test("sums, means and maxima of graphs", async () => {
    for (const name of ["sum", "mean", "max"] as const) {
      await agrees(own, new Reduce(name, {}), [numbers([3, 50], 1)], { terms: 150, total: () => 300 });
      await agrees(own, new Reduce(name, { axes: [0], keepAxes: true }), [numbers([3, 50], 1)], {
        terms: 3,
        total: () => 6,
      });
    }
  });

  test("integers, wrapped around; NaN among the greatest", async () => {
    const big = new Tensor(Int32Array.from([2147483647, 2147483647, 5, -2147483648]), [2, 2]);
    for (const name of REDUCTIONS) {
      const op = new Reduction(name, { axes: [1], keepAxes: false });
      if (["sumOf", "norm1", "maxOf", "minOf"].includes(name)) await agrees(own, op, [big]);
      else expect(await own.apply(op, [big])).toBeUndefined();
      expect(await own.apply(op, [integers("int8", [3, 3], 1)])).toBeUndefined();
    }
    const odd = [1, Number.NaN, 2, -Infinity, -Infinity, -Infinity, -1e-40, -0, 0, Infinity, 3, 1e-40];
    const x = new Tensor(Float32Array.from(odd), [4, 3]);
    for (const name of ["maxOf", "minOf", "sumOf", "logSumExp"] as const)
      for (const axes of [[0], [1]]) await agrees(own, new Reduction(name, { axes, keepAxes: false }), [x]);
  });

  test("the places of the greatest and the least, of equals the first or the last", async () => {
    const values = [
      3,
      1,
      3,
      2,
      -1,
      -1,
      Number.NaN,
      5,
      5,
      2,
      Number.NaN,
      7,
      Infinity,
      Infinity,
      1,
      -Infinity,
      -Infinity,
      -Infinity,
    ];
    const x = new Tensor(Float32Array.from(values), [6, 3]);
    for (const name of ["argMax", "argMin"] as const) {
      for (const last of [false, true]) {
        const op = (axis: number) => new ArgReduction(name, { axis, keepAxes: false, last });
        // Each is a second of compiling in software.
        await agrees(own, op(last ? 0 : 1), [x]);
        if (last === (name === "argMax")) await agrees(own, op(1), [integers("float32", [4, 300], 2, 0, 20)]);
        else await agrees(own, op(0), [integers(last ? "uint8" : "int32", [150, 3], 4, 0, 9)]);
      }
    }
  });

  test("softmax and what else goes along lanes", async () => {
    for (const [shape, axis] of [
      [[5, 7], 1],
      [[5, 131], -1],
      [[131, 5], 0],
      [[3, 40, 5], 1],
      [[1, 1], 0],
    ] as [Shape, number][]) {
      const x = numbers(shape, 4, -20, 20);
      const count = shape.at(axis)!;
      await agrees(own, new Softmax({ axis }), [x], { operands: (i) => 20 / (i * 0 + count), terms: count });
      for (const name of LANE_OPS) {
        await agrees(own, new Lanes(name, { axis }), [x], {
          operands: () => 40,
          terms: count,
          total: () => 20 * count,
        });
      }
      for (const more of [{ exclusive: true }, { reverse: true }, { exclusive: true, reverse: true }]) {
        const op = new Lanes("runningSum", { axis, ...more });
        await agrees(own, op, [x], { terms: count, total: () => 20 * count });
        await agrees(own, op, [integers("int32", shape, 3, -2e9, 2e9)]);
      }
      await agrees(own, new Lanes("normalize", { axis, p: 1 }), [x], { operands: () => 1 });
    }
    const zeros = new Tensor(new Float32Array(40), [2, 20]);
    await agrees(own, new Lanes("normalize", { axis: 1 }), [zeros]);
    const minus = new Tensor(new Float32Array(40).fill(-Infinity), [2, 20]);
    await agrees(own, new Softmax({ axis: 1 }), [minus]);
  });

  test("normalisations", async () => {
    for (const [shape, axis] of [
      [[4, 7], 1],
      [[3, 300], -1],
      [[2, 3, 40], 1],
    ] as [Shape, number][])
      for (const statistics of [true, false])
        await agrees(own, new LayerNormalization({ axis, epsilon: 1e-5, statistics }), [numbers(shape, 2)], {
          operands: () => 4,
          terms: 300,
          total: () => 0.1,
        });
    for (const shape of [
      [2, 3, 5, 7],
      [4, 3],
      [1, 1, 131],
    ]) {
      const channels = [shape[1]!];
      const others = [
        numbers(channels, 2),
        numbers(channels, 3),
        numbers(channels, 4),
        numbers(channels, 5, 0.1, 2),
      ];
      const op = new BatchNormalization({ epsilon: 1e-5 });
      await agrees(own, op, [numbers(shape, 1), ...others], { operands: () => 20 });
    }
    for (const size of [1, 2, 3, 5]) {
      const op = new LocalResponseNormalization({ size, alpha: 0.1, beta: 0.75, bias: 1 });
      await agrees(own, op, [numbers([2, 6, 3, 5], 1)]);
    }
  });
});
