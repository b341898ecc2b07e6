import type { Graph, Node } from "../graph.js";
import { joinElementwise } from "./elementwise.js";
import type { Fused } from "./rewriting.js";
import { foldWeights } from "./weights.js";

/**
 * Writes a graph anew so that less passes through memory:
 *
 * - a batch normalisation behind a convolution becomes part of its weights, and zeros around an image part of the
 *   window, where they are constants;
 * - elementwise ops of float32 become one op, or follow a convolution or a product at once.
 *
 * The second leaves every bit as it is. The first rounds elsewhere: a weight times a factor is rounded to a float, so a
 * result is off by some units in the last place of its sum's largest terms. Any other normalisation becomes x·factor +
 * shift, each rounded.
 *
 * @param outputs the nodes whose values are wanted
 * @example
 * ```js
 * import { add, fuse, Graph, mul, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [2], "float32");
 * const y = add(mul(x, tensor(Float32Array.of(2, 3))), tensor(Float32Array.of(1, 1)));
 * console.log(graph.nodes.length, fuse(graph, [y]).graph.nodes.length); // 5 4
 * ```
 */
export function fuse(graph: Graph, outputs: readonly Node[]): Fused {
  const folded = foldWeights(graph, outputs);
  const wanted = outputs.map((node) => folded.nodeOf(node)!);
  const joined = joinElementwise(folded.graph, wanted);
  return {
    graph: joined.graph,
    nodeOf(node) {
      const own = folded.nodeOf(node);
      return own && joined.nodeOf(own);
    },
  };
}
