import {
  abs,
  add,
  broadcastTo,
  cast,
  concat,
  div,
  exp,
  Graph,
  gt,
  log,
  type Machine,
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
  slice,
  softmax,
  split,
  sqrt,
  square,
  sub,
  sum,
  Tensor,
  tanh,
  transpose,
  where,
} from "../../src/machine/index.js";
import { randomTensor } from "./random.js";

/** Shapes that broadcast with each other, whichever two an op draws. */
const SHAPES: readonly Shape[] = [[], [3], [2, 3], [2, 1], [1, 3]];

/**
 * A random graph of `size` ops: diamonds, `x * x`, several edges between two nodes, constants, values that nothing
 * uses. Values stay finite.
 */
export function randomDag(random: () => number, size: number, dtype: "float64" | "float32"): Graph {
  const graph = new Graph();
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!;
  const value = (shape: Shape) => {
    const { data } = randomTensor(random, shape);
    return new Tensor(dtype === "float64" ? data : Float32Array.from(data), shape);
  };
  const nodes: Node[] = SHAPES.map((shape, i) => graph.parameter(`p${i}`, value(shape)));
  for (let i = 0; i < 3; i++) nodes.push(graph.input(`x${i}`, pick(SHAPES), dtype));
  nodes.push(graph.constant(value([2, 3])), graph.constant(0.5, dtype));
  const full = (x: Node) => broadcastTo(x, [2, 3]);
  const ops: ((x: Node, y: Node) => Node)[] = [
    (x, y) => tanh(add(x, y)),
    (x, y) => sub(x, y),
    (x) => tanh(mul(x, x)),
    (x, y) => tanh(mul(mul(x, y), x)),
    (x, y) => div(x, add(square(y), 1)),
    (x, y) => where(gt(x, y), y, x),
    (x) => exp(neg(abs(x))),
    (x) => sigmoid(relu(x)),
    (x) => sqrt(add(abs(x), 0.25)),
    (x) => softmax(full(x), pick([0, 1])),
    (x) => (x.shape.length === 0 ? neg(x) : mean(x, pick([0, -1]), true)),
    (x) => sum(x),
    (x) => (x.shape.length === 0 ? abs(x) : max(x, pick([0, -1]), true)),
    (x, y) => pow(add(sigmoid(x), 0.5), tanh(y)),
    (x) => log(add(abs(x), 1)),
    (x, y) =>
      slice(transpose(reshape(concat([full(x), full(y)], 1), [3, 4])), [
        [0, 2],
        [-3, 3],
      ]),
    (x) =>
      reshape(
        slice(full(x), [
          [0, 1],
          [0, 3],
        ]),
        [3],
      ),
    // Results of which not all are read, and integers in between.
    (x, y) => {
      const parts = split(concat([full(x), full(y)], 1), [1, 3, 2], 1);
      return pick([() => parts[1]!, () => add(parts[0]!, parts[1]!), () => tanh(parts[0]!)])();
    },
    (x, y) => {
      const type = pick(["int64", "int32", "uint8", "int8", "uint16"] as const);
      const scaled = (z: Node) => cast(mul(z, 7), type);
      const whole = pick([add, sub, mul, div, gt])(scaled(x), scaled(y));
      return tanh(cast(split(broadcastTo(whole, [2, 3]), [1, 1])[pick([0, 1])]!, dtype));
    },
    (x) => cast(cast(gt(x, 0), "bool"), dtype),
    (x, y) => tanh(matmul(matmul(full(x), transpose(full(y))), full(x))),
    (x, y) => {
      const both = concat([full(x), full(y), full(x)], 0);
      const row = Math.floor(random() * 4);
      return slice(both, [[row, row + 2]]);
    },
  ];
  for (let i = 0; i < size; i++) {
    // Now recent nodes, for depth, now any, for breadth and diamonds.
    const recent = random() < 0.5 ? nodes.slice(-4) : nodes;
    nodes.push(pick(ops)(pick(recent), pick(nodes)));
  }
  return graph;
}

/** Gives all inputs of a graph values drawn from `random`. */
export function letInputs(machine: Machine, random: () => number): void {
  for (const node of machine.graph.nodes) {
    if (node.op !== "input") continue;
    const { data } = randomTensor(random, node.shape);
    machine.let(node, node.dtype === "float64" ? data : Float32Array.from(data));
  }
}
