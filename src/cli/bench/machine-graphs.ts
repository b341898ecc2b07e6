import { add, Graph, matmul, mul, type Node, sigmoid, sub, Tensor, tanh, work } from "../../machine/index.js";

/** A graph whose leaves have values, and the nodes that are asked for. */
export interface BenchedGraph {
  readonly graph: Graph;
  readonly outputs: readonly Node[];
}

/** The article's equation on scalars, σ(w·x + b); with `rounds` of work after each op. */
function neuron(graph: Graph, rounds: number, at = 0): Node {
  const load = (node: Node) => (rounds === 0 ? node : work(node, rounds));
  const w = graph.parameter("w", 0.5 + at);
  const x = graph.parameter("x", 2);
  const b = graph.parameter("b", 1);
  return load(sigmoid(load(add(load(mul(w, x)), b))));
}

/** `count` neurons that share nothing. */
export function neurons(count: number, rounds: number): BenchedGraph {
  const graph = new Graph();
  const outputs = Array.from({ length: count }, (_, i) => neuron(graph, rounds, i / count));
  return { graph, outputs };
}

/** Two ops that share nothing. */
export function pair(rounds: number): BenchedGraph {
  const graph = new Graph();
  return { graph, outputs: ["x", "y"].map((name, i) => work(graph.parameter(name, i), rounds)) };
}

/** Each node feeds the next. */
export function chain(nodes: number): BenchedGraph {
  const graph = new Graph();
  let node = graph.parameter("x", 0.5);
  for (let i = 1; i < nodes; i++) node = i % 2 === 0 ? tanh(node) : sigmoid(node);
  return { graph, outputs: [node] };
}

/** One node feeds all others. */
export function fanOut(nodes: number): BenchedGraph {
  const graph = new Graph();
  const source = graph.parameter("x", 0.5);
  return { graph, outputs: Array.from({ length: nodes - 1 }, () => tanh(source)) };
}

/** Diamonds in a row: two nodes read one, and a third reads both. */
export function diamonds(nodes: number): BenchedGraph {
  const graph = new Graph();
  let node = graph.parameter("x", 0.5);
  while (graph.nodes.length + 3 <= nodes) node = sub(tanh(node), sigmoid(node));
  return { graph, outputs: [node] };
}

/** Two branches of two layers each, with n × n matrices: tanh(X·W₁)·W₂ + tanh(X·W₃)·W₄. */
export function network(n: number): BenchedGraph {
  const graph = new Graph();
  const matrix = (name: string, phase: number) =>
    graph.parameter(
      name,
      new Tensor(
        Float64Array.from({ length: n * n }, (_, i) => Math.sin(phase + i) / n),
        [n, n],
      ),
    );
  const x = matrix("X", 0);
  const branch = (first: string, second: string, phase: number) =>
    matmul(tanh(matmul(x, matrix(first, phase))), matrix(second, phase + 1));
  return { graph, outputs: [add(branch("W1", "W2", 1), branch("W3", "W4", 3))] };
}
