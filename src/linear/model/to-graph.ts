import { UsageError } from "../../errors.js";
import { concat, Graph, matmul, type Node, tensor } from "../../machine/index.js";

/** A model as an expression graph. */
export interface ModelGraph {
  readonly graph: Graph;
  /** The input X, rows × k: one column per term, in order. */
  readonly x: Node;
  /** θ, with the intercept first (0 where there is none): k + 1 values. */
  readonly theta: Node;
  /** ŷ = [1 X] θ, one value per row. */
  readonly prediction: Node;
}

/**
 * The graph of ŷ = [1 X] θ for a given number of rows.
 *
 * The ones come first so that each row is added up in the order in which `predictRows` does it, θ₀ + x₁θ₁ + …: its
 * values are those of `model.predict`, bit for bit.
 *
 * @param X the rows to start from, where X should be a parameter and not an input; rows × k
 * @param weights k + 1 values: the intercept, then one per term
 * @throws UsageError unless `rows` is an integer of 1 or more
 */
export function linearGraph(
  weights: Float64Array,
  rows: number,
  X?: readonly (readonly number[])[],
): ModelGraph {
  if (!(rows >= 1) || !Number.isInteger(rows))
    throw new UsageError(`rows is an integer of 1 or more, got ${rows}`);
  const graph = new Graph();
  const k = weights.length - 1;
  const x = X === undefined ? graph.input("X", [rows, k]) : graph.parameter("X", tensor(X, [rows, k]));
  const theta = graph.parameter("θ", weights.slice());
  const ones = graph.constant(
    Array.from({ length: rows }, () => [1]),
    "float64",
    "1",
  );
  const prediction = matmul(concat([ones, x], 1), theta);
  prediction.name = "ŷ";
  return { graph, x, theta, prediction };
}
