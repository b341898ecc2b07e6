import fc from "fast-check";
import { Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import {
  abs,
  add,
  broadcastTo,
  concat,
  div,
  eq,
  exp,
  Graph,
  ge,
  gt,
  le,
  log,
  lt,
  matmul,
  max,
  mean,
  mul,
  type Node,
  ne,
  neg,
  type Operand,
  pow,
  relu,
  reshape,
  type Shape,
  sigmoid,
  sign,
  slice,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  TapeMachine,
  Tensor,
  tanh,
  transpose,
  where,
  work,
} from "../../src/machine/index.js";
import { broadcastAt, indicesOf, randomFrom, randomShapes, randomTensor } from "./random.js";

async function evaluate(build: (graph: Graph) => Node): Promise<Tensor> {
  const graph = new Graph();
  const node = build(graph);
  const run = await new TapeMachine(graph, { outputs: [node] }).runAll();
  expect(run.value(node).shape).toEqual(node.shape);
  return run.value(node);
}

const seeds = fc.integer();
const same = (got: Tensor, shape: Shape, want: readonly number[]) => {
  expect(got.shape).toEqual(shape);
  expect([...got.data]).toEqual(want);
};

const binary: Record<string, [(x: Operand, y: Operand) => Node, (x: number, y: number) => number]> = {
  add: [add, (x, y) => x + y],
  sub: [sub, (x, y) => x - y],
  mul: [mul, (x, y) => x * y],
  div: [div, (x, y) => x / y],
  pow: [pow, (x, y) => x ** y],
  gt: [gt, (x, y) => Number(x > y)],
  ge: [ge, (x, y) => Number(x >= y)],
  lt: [lt, (x, y) => Number(x < y)],
  le: [le, (x, y) => Number(x <= y)],
  eq: [eq, (x, y) => Number(x === y)],
  ne: [ne, (x, y) => Number(x !== y)],
};

const unary: Record<string, [(x: Operand) => Node, (x: number) => number]> = {
  neg: [neg, (x) => -x],
  exp: [exp, Math.exp],
  log: [log, Math.log],
  sqrt: [sqrt, Math.sqrt],
  abs: [abs, Math.abs],
  sign: [sign, Math.sign],
  square: [square, (x) => x * x],
  sigmoid: [sigmoid, (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x)))],
  tanh: [tanh, Math.tanh],
  relu: [relu, (x) => Math.max(x, 0)],
  work: [(x) => work(x, 10), (x) => x],
};

describe("elementwise ops against plain loops, broadcast over random shapes", () => {
  test.each(Object.keys(binary))("%s", async (name) => {
    const [op, plain] = binary[name]!;
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const { parts } = randomShapes(random, 2);
        // Rounded to halves, so that some elements are equal.
        const [x, y] = parts.map((shape) => {
          const { data } = randomTensor(random, shape);
          return new Tensor(
            data.map((v) => Math.round(v * 2) / 2),
            shape,
          );
        }) as [Tensor, Tensor];
        const got = await evaluate((graph) => op(graph.constant(x), graph.constant(y)));
        const want = [...indicesOf(got.shape)].map((i) => plain(broadcastAt(x, i), broadcastAt(y, i)));
        same(got, got.shape, want);
      }),
    );
  });

  test.each(Object.keys(unary))("%s", async (name) => {
    const [op, plain] = unary[name]!;
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const x = randomTensor(random, randomShapes(random, 0).shape);
        const got = await evaluate((graph) => op(graph.constant(x)));
        same(got, x.shape, [...x.data].map(plain));
      }),
    );
  });

  test("where", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const { parts } = randomShapes(random, 3);
        const [c, x, y] = parts.map((shape) => randomTensor(random, shape)) as [Tensor, Tensor, Tensor];
        const got = await evaluate((graph) =>
          where(gt(graph.constant(c), 0), graph.constant(x), graph.constant(y)),
        );
        const want = [...indicesOf(got.shape)].map((i) =>
          broadcastAt(c, i) > 0 ? broadcastAt(x, i) : broadcastAt(y, i),
        );
        same(got, got.shape, want);
      }),
    );
  });

  test("values at the edges: sigmoid does not overflow, NaN and infinities pass through", async () => {
    const x = [-1000, 1000, Number.NaN, Number.NEGATIVE_INFINITY, -0];
    same(await evaluate((graph) => sigmoid(graph.constant(x))), [5], [0, 1, Number.NaN, 0, 0.5]);
    same(await evaluate((graph) => relu(graph.constant([Number.NaN, -1]))), [2], [Number.NaN, 0]);
    same(await evaluate((graph) => gt(graph.constant([Number.NaN, 2]), 1)), [2], [0, 1]);
  });
});

describe("reductions and softmax against plain loops, over random axes", () => {
  const reductions: Record<string, [typeof sum, (values: number[]) => number]> = {
    sum: [sum, (values) => values.reduce((a, b) => a + b, 0)],
    mean: [mean, (values) => values.reduce((a, b) => a + b, 0) / values.length],
    max: [max, (values) => Math.max(...values)],
  };
  test.each(Object.keys(reductions))("%s", async (name) => {
    const [op, plain] = reductions[name]!;
    await fc.assert(
      fc.asyncProperty(seeds, fc.boolean(), async (seed, keep) => {
        const random = randomFrom(seed);
        const x = randomTensor(random, randomShapes(random, 0).shape);
        const axes = x.shape.map((_, axis) => axis).filter(() => random() < 0.5);
        const signed = axes.map((axis) => (random() < 0.5 ? axis : axis - x.shape.length));
        const groups = new Map<string, number[]>();
        for (const index of indicesOf(x.shape)) {
          const key = index.filter((_, axis) => !axes.includes(axis)).join();
          groups.set(key, [...(groups.get(key) ?? []), x.at(...index)]);
        }
        const got = await evaluate((graph) => op(graph.constant(x), signed, keep));
        const shape = keep
          ? x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length))
          : x.shape.filter((_, axis) => !axes.includes(axis));
        same(got, shape, [...groups.values()].map(plain));
      }),
    );
  });

  test("over all axes when none are named", async () => {
    expect(
      (
        await evaluate((graph) =>
          sum(
            graph.constant([
              [1, 2],
              [3, 4],
            ]),
          ),
        )
      ).item(),
    ).toBe(10);
    expect(
      (
        await evaluate((graph) =>
          mean(
            graph.constant([
              [1, 2],
              [3, 4],
            ]),
            0,
          ),
        )
      ).toArray(),
    ).toEqual([2, 3]);
  });

  test("softmax", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const shape = [...randomShapes(random, 0).shape, 1 + Math.floor(random() * 4)];
        const x = randomTensor(random, shape, -900, 900);
        const axis = Math.floor(random() * shape.length);
        const got = await evaluate((graph) => softmax(graph.constant(x), axis));
        for (const index of indicesOf(shape)) {
          const line = Array.from({ length: shape[axis]! }, (_, k) => x.at(...index.with(axis, k)));
          const greatest = Math.max(...line);
          const total = line.reduce((t, v) => t + Math.exp(v - greatest), 0);
          expect(got.at(...index)).toBe(Math.exp(x.at(...index) - greatest) / total);
        }
      }),
    );
  });
});

describe("layout ops against plain loops", () => {
  test("transpose", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const x = randomTensor(random, randomShapes(random, 0).shape);
        const axes = x.shape.map((_, axis) => axis).sort(() => random() - 0.5);
        const got = await evaluate((graph) => transpose(graph.constant(x), axes));
        const shape = axes.map((axis) => x.shape[axis]!);
        const want = [...indicesOf(shape)].map((index) =>
          x.at(...x.shape.map((_, axis) => index[axes.indexOf(axis)]!)),
        );
        same(got, shape, want);
      }),
    );
    expect((await evaluate((graph) => transpose(graph.constant([[1, 2, 3]])))).toArray()).toEqual([
      [1],
      [2],
      [3],
    ]);
  });

  test("broadcastTo and reshape", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const { shape, parts } = randomShapes(random, 1);
        const x = randomTensor(random, parts[0]!);
        const wide = await evaluate((graph) => broadcastTo(graph.constant(x), shape));
        same(
          wide,
          shape,
          [...indicesOf(shape)].map((index) => broadcastAt(x, index)),
        );
        const flat = await evaluate((graph) => reshape(graph.constant(wide), [1, -1]));
        same(flat, [1, wide.data.length], [...wide.data]);
      }),
    );
  });

  test("slice and concat, and that concat puts together what slice took apart", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const random = randomFrom(seed);
        const shape = [...randomShapes(random, 0).shape, 1 + Math.floor(random() * 4)];
        const x = randomTensor(random, shape);
        const ranges = shape.map((length): [number, number] => {
          const start = Math.floor(random() * (length + 1));
          return [start, start + Math.floor(random() * (length - start + 1))];
        });
        const box = await evaluate((graph) => slice(graph.constant(x), ranges));
        const boxShape = ranges.map(([start, end]) => end - start);
        const want = [...indicesOf(boxShape)].map((index) =>
          x.at(...index.map((i, axis) => i + ranges[axis]![0])),
        );
        same(box, boxShape, want);

        const axis = Math.floor(random() * shape.length);
        const cut = Math.floor(random() * (shape[axis]! + 1));
        const whole = await evaluate((graph) => {
          const leaf = graph.constant(x);
          const part = (start: number, end: number) =>
            slice(
              leaf,
              shape.map((length, own) => (own === axis ? [start, end] : [0, length])),
            );
          return concat([part(0, cut), part(cut, shape[axis]!)], axis);
        });
        same(whole, shape, [...x.data]);
      }),
    );
    const ends = await evaluate((graph) => slice(graph.constant([1, 2, 3, 4]), [[-3, -1]]));
    expect(ends.toArray()).toEqual([2, 3]);
  });
});

describe("matmul", () => {
  test("against ml-matrix", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(12), fc.nat(12), fc.nat(12), async (seed, m, k, n) => {
        const random = randomFrom(seed);
        const x = randomTensor(random, [m + 1, k + 1]);
        const y = randomTensor(random, [k + 1, n + 1]);
        const got = await evaluate((graph) => matmul(graph.constant(x), graph.constant(y)));
        const want = new Matrix(x.toArray() as number[][]).mmul(new Matrix(y.toArray() as number[][]));
        // Both sum k ascending from 0, so not even the last bit may differ.
        expect(got.toArray()).toEqual(want.to2DArray());
      }),
    );
  });

  test("outer axes are broadcast, against plain loops", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.nat(6), fc.nat(5), fc.nat(6), async (seed, m, k, n) => {
        const random = randomFrom(seed);
        const { parts } = randomShapes(random, 2);
        const x = randomTensor(random, [...parts[0]!, m + 1, k + 1]);
        const y = randomTensor(random, [...parts[1]!, k + 1, n + 1]);
        const got = await evaluate((graph) => matmul(graph.constant(x), graph.constant(y)));
        for (const index of indicesOf(got.shape)) {
          const [i, j] = index.slice(-2) as [number, number];
          let want = 0;
          const outer = index.slice(0, -2);
          for (let l = 0; l <= k; l++) want += broadcastAt2(x, outer, i, l) * broadcastAt2(y, outer, l, j);
          expect(got.at(...index)).toBe(want);
        }
      }),
    );
  });

  test("vectors, as in NumPy", async () => {
    const a = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const v = [1, 0, -1];
    const value = (x: Operand, y: Operand) => evaluate((graph) => matmul(graph.constant(x as number[]), y));
    expect((await value(a, v)).toArray()).toEqual([-2, -2]);
    expect((await value([1, -1], a)).toArray()).toEqual([-3, -3, -3]);
    expect((await value(v, v)).toArray()).toBe(2);
  });
});

/** The element (i, j) of the matrix that broadcasting over the outer axes puts at `outer`. */
function broadcastAt2(x: Tensor, outer: readonly number[], i: number, j: number): number {
  const own = outer.slice(outer.length - (x.shape.length - 2));
  return x.at(...own.map((o, axis) => (x.shape[axis] === 1 ? 0 : o)), i, j);
}

test("float32 elements are computed in double and rounded once", async () => {
  const random = randomFrom(7);
  const x = new Tensor(Float32Array.from(randomTensor(random, [50]).data), [50]);
  const narrow = await evaluate((graph) => sigmoid(graph.constant(x)));
  const wide = await evaluate((graph) =>
    sigmoid(graph.constant(new Tensor(Float64Array.from(x.data), [50]))),
  );
  expect(narrow.dtype).toBe("float32");
  expect(narrow.data).toEqual(Float32Array.from(wide.data));
});
