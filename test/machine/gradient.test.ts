import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  abs,
  add,
  broadcastTo,
  concat,
  div,
  exp,
  Graph,
  grad,
  gt,
  log,
  matmul,
  max,
  mean,
  mul,
  type Node,
  neg,
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
import { checkGradient, drawn } from "./differences.js";
import { randomFrom, randomShapes, randomTensor } from "./random.js";

const shapeOf = (random: () => number): Shape => randomShapes(random, 0).shape;
/** Away from 0, where some ops have a kink: ±[0.2, 2]. */
const apart = (random: () => number, shape: Shape): Tensor => {
  const { data } = randomTensor(random, shape, 0.2, 2);
  return new Tensor(
    data.map((v) => (random() < 0.5 ? -v : v)),
    shape,
  );
};
/** All elements at least 0.01 from each other. */
const distinct = (random: () => number, shape: Shape): Tensor => {
  const x = randomTensor(random, shape);
  const order = [...x.data.keys()].sort(() => random() - 0.5);
  return new Tensor(
    x.data.map((_, i) => order[i]! * 0.05 - 0.5),
    shape,
  );
};

describe("every op against central differences, over random shapes with broadcasting", () => {
  const pairs: [string, (x: Node, y: Node) => Node, [number, number]][] = [
    ["add", add, [-2, 2]],
    ["sub", sub, [-2, 2]],
    ["mul", mul, [-2, 2]],
    ["div", div, [0.3, 2]],
    ["pow", pow, [0.3, 2]],
  ];
  test.each(pairs)("%s", (_name, op, [low, high]) =>
    drawn(async (random) => {
      const { parts } = randomShapes(random, 2);
      await checkGradient(
        random,
        parts.map((shape) => randomTensor(random, shape, low, high)),
        op as never,
      );
    }),
  );

  const singles: [string, (x: Node) => Node, (random: () => number, shape: Shape) => Tensor][] = [
    ["neg", neg, randomTensor],
    ["exp", exp, randomTensor],
    ["log", log, (random, shape) => randomTensor(random, shape, 0.3, 2)],
    ["sqrt", sqrt, (random, shape) => randomTensor(random, shape, 0.3, 2)],
    ["abs", abs, apart],
    ["sign", sign, apart],
    ["square", square, randomTensor],
    ["sigmoid", sigmoid, randomTensor],
    ["tanh", tanh, randomTensor],
    ["relu", relu, apart],
    ["work", (x) => work(x, 3), randomTensor],
    ["pow with a fixed exponent", (x) => pow(x, 3), randomTensor],
    ["x * x", (x) => mul(x, x), randomTensor],
    ["x / x + x", (x) => add(div(x, x), x), apart],
  ];
  test.each(singles)("%s", (_name, op, draw) =>
    drawn((random) => checkGradient(random, [draw(random, shapeOf(random))], op)),
  );

  test("where", () =>
    drawn(async (random) => {
      const { parts } = randomShapes(random, 3);
      const [c, x, y] = parts.map((shape) => apart(random, shape)) as [Tensor, Tensor, Tensor];
      await checkGradient(random, [c, x, y], (cn, xn, yn) => where(gt(cn, 0), xn, yn));
    }));

  const reductions: [string, typeof sum][] = [
    ["sum", sum],
    ["mean", mean],
    ["max", max],
  ];
  test.each(reductions)("%s", (_name, op) =>
    drawn(async (random) => {
      const x = distinct(random, shapeOf(random));
      const axes = x.shape.map((_, axis) => axis).filter(() => random() < 0.6);
      await checkGradient(random, [x], (node) => op(node, axes, random() < 0.5));
    }),
  );

  test("softmax", () =>
    drawn(async (random) => {
      const shape = [...shapeOf(random), 1 + Math.floor(random() * 4)];
      const axis = Math.floor(random() * shape.length);
      await checkGradient(random, [randomTensor(random, shape)], (x) => softmax(x, axis));
    }));

  test("matmul, vectors and outer axes included", () =>
    drawn(async (random) => {
      const size = () => 1 + Math.floor(random() * 4);
      const [m, k, n] = [size(), size(), size()];
      const { parts } = randomShapes(random, 2);
      const left = random() < 0.2 ? [k] : [...parts[0]!, m, k];
      const right = random() < 0.2 ? [k] : [...parts[1]!, k, n];
      await checkGradient(random, [randomTensor(random, left), randomTensor(random, right)], matmul);
    }));

  test("transpose, reshape, broadcastTo", () =>
    drawn(async (random) => {
      const { shape, parts } = randomShapes(random, 1);
      const x = randomTensor(random, parts[0]!);
      const axes = shape.map((_, axis) => axis).sort(() => random() - 0.5);
      await checkGradient(random, [x], (node) => transpose(broadcastTo(node, shape), axes));
      await checkGradient(random, [x], (node) => reshape(node, [-1]));
    }));

  test("slice and concat", () =>
    drawn(async (random) => {
      const shape = [...shapeOf(random), 2 + Math.floor(random() * 3)];
      const axis = Math.floor(random() * shape.length);
      const ranges = shape.map((length): [number, number] => {
        const start = Math.floor(random() * length);
        return [start, start + 1 + Math.floor(random() * (length - start))];
      });
      await checkGradient(random, [randomTensor(random, shape)], (x) => slice(x, ranges));
      const other = shape.with(axis, 1 + Math.floor(random() * 3));
      await checkGradient(random, [randomTensor(random, shape), randomTensor(random, other)], (x, y) =>
        concat([x, y, x], axis),
      );
    }));

  test("a two-layer network", () =>
    drawn(async (random) => {
      const [n, p, h] = [4, 3, 5];
      const shapes = [[n, p], [p, h], [h], [h, 1], []];
      await checkGradient(
        random,
        shapes.map((shape) => randomTensor(random, shape, -1, 1)),
        (x, w1, b1, w2, b2) => sigmoid(add(matmul(tanh(add(matmul(x!, w1!), b1!)), w2!), b2!)),
      );
    }));
});

async function values(nodes: readonly Node[]): Promise<unknown[]> {
  const run = await new TapeMachine(nodes[0]!.graph, { outputs: nodes }).runAll();
  return nodes.map((node) => run.value(node).toArray());
}

test("the places without a derivative are as documented", async () => {
  const graph = new Graph();
  const x = graph.parameter("x", [0, 0]);
  const y = graph.parameter("y", [0, 2]);
  expect(await values(grad(sum(abs(x)), [x]))).toEqual([[0, 0]]);
  expect(await values(grad(sum(relu(x)), [x]))).toEqual([[0, 0]]);
  expect(await values(grad(max(x), [x]))).toEqual([[0.5, 0.5]]);
  expect(await values(grad(sum(pow(x, y)), [x, y]))).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(await values(grad(sum(gt(x, y)), [x]))).toEqual([[0, 0]]);
});

test("the gradient of an inner node, of the cost itself, and of a gradient", async () => {
  const graph = new Graph();
  const x = graph.parameter("x", 3);
  const inner = mul(x, x);
  const cost = mul(inner, x);
  expect(await values(grad(cost, [inner, cost, x]))).toEqual([3, 1, 27]);
  const [first] = grad(cost, [x]) as [Node];
  expect(await values(grad(first, [x]))).toEqual([18]);
});

test("gradients of float32 nodes are float32, and agree with those in double", async () => {
  const random = randomFrom(8);
  const [x, w] = [randomTensor(random, [4, 3]), randomTensor(random, [3, 2])];
  const derivatives = async (make: (x: Tensor) => Tensor) => {
    const graph = new Graph();
    const [xn, wn] = [graph.parameter("x", make(x)), graph.parameter("w", make(w))];
    const y = softmax(matmul(slice(xn, [[0, 3]]), wn));
    const nodes = grad(mean(square(sub(max(y, 1), sum(tanh(div(xn, 3)), 0)))), [xn, wn]);
    const run = await new TapeMachine(graph, { outputs: nodes }).runAll();
    return nodes.map((node) => run.value(node));
  };
  const narrow = await derivatives((t) => new Tensor(Float32Array.from(t.data), t.shape));
  const wide = await derivatives((t) => t);
  for (const [i, { data, dtype }] of narrow.entries()) {
    expect(dtype).toBe("float32");
    // Some twenty roundings at 2^-24 each.
    for (const [k, value] of data.entries()) expect(Math.abs(value - wide[i]!.data[k]!)).toBeLessThan(3e-6);
  }
});

test("a cost that is no scalar, or does not depend on what is asked for, is an error that names both", () => {
  const graph = new Graph();
  const x = graph.parameter("x", [1, 2]);
  const lone = graph.parameter("lone", 1);
  const later = square(x);
  expect(() => grad(later, [x])).toThrow(UsageError);
  expect(() => grad(later, [x])).toThrow("a cost of one element, square#2 is 2");
  expect(() => grad(sum(x), [lone])).toThrow("does not depend on lone");
  expect(() => grad(sum(x), [later])).toThrow("does not depend on square#2");
  expect(() => grad(sum(x), [new Graph().parameter("far", 1)])).toThrow("does not depend on far");
});

test("a chain of 100,000 nodes is differentiated without a deep stack", async () => {
  const graph = new Graph();
  const x = graph.parameter("x", 1);
  let y: Node = x;
  for (let i = 0; i < 100_000; i++) y = i % 2 === 0 ? add(y, x) : sub(y, x);
  expect(await values(grad(mul(y, 2), [x]))).toEqual([2]);
});
