import {
  add,
  Graph,
  grad,
  matmul,
  mean,
  type Node,
  sigmoid,
  square,
  sub,
  tanh,
} from "../../../machine/index.js";

/** A graph that can be run: every leaf has a value. */
export interface RunnableGraph {
  readonly graph: Graph;
  /** What to print after a run. */
  readonly outputs: readonly Node[];
}

/** The graphs that `goml graph --example` knows. */
export const examples: Readonly<Record<string, () => RunnableGraph>> = {
  /** σ(W·X + b): the article's equation, for one row of three columns. */
  equation() {
    const graph = new Graph();
    const w = graph.parameter("W", [[0.5, -1, 2]]);
    const x = graph.parameter("X", [[1], [2], [0.5]]);
    const b = graph.parameter("b", [[0.25]]);
    const y = sigmoid(add(matmul(w, x), b));
    y.name = "y";
    return { graph, outputs: [y] };
  },
  /** The same with its derivatives by W and b. */
  gradient() {
    const { graph, outputs } = examples.equation!();
    const [w, , b] = graph.nodes as [Node, Node, Node];
    const [dw, db] = grad(outputs[0]!, [w, b]) as [Node, Node];
    dw.name = "dy/dW";
    db.name = "dy/db";
    return { graph, outputs: [...outputs, dw, db] };
  },
  /** A network of two layers and its squared error, on 4 rows of 3 columns. */
  network() {
    const graph = new Graph();
    const wave = (rows: number, columns: number) =>
      Array.from({ length: rows }, (_, i) =>
        Array.from({ length: columns }, (_, j) => Math.sin(1 + i * columns + j)),
      );
    const x = graph.parameter("X", wave(4, 3));
    const y = graph.parameter("y", [[0], [1], [1], [0]]);
    const hidden = tanh(add(matmul(x, graph.parameter("W1", wave(3, 5))), graph.parameter("b1", wave(1, 5))));
    const output = sigmoid(
      add(matmul(hidden, graph.parameter("W2", wave(5, 1))), graph.parameter("b2", [[0]])),
    );
    const cost = mean(square(sub(output, y)));
    cost.name = "cost";
    return { graph, outputs: [cost] };
  },
  /** A diamond: two branches that do not wait for each other. */
  diamond() {
    const graph = new Graph();
    const x = graph.parameter("x", 0.5);
    return { graph, outputs: [add(tanh(x), sigmoid(x))] };
  },
};
