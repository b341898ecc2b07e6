import type { Graph, Node } from "../machine/index.js";
import { sizeOf } from "../machine/shape.js";

/**
 * About how many floating-point operations a run of a graph takes; a multiplication and an addition are two.
 *
 * @example
 * ```js
 * import { Graph, matmul, tensor } from "goml/machine";
 * import { operationsOf } from "goml/onnx";
 *
 * const graph = new Graph();
 * matmul(graph.parameter("a", tensor([[1, 2], [3, 4]])), graph.parameter("b", tensor([[1], [2]])));
 * console.log(operationsOf(graph)); // 8
 * ```
 */
export function operationsOf(graph: Graph): number {
  return graph.nodes.reduce((sum, node) => sum + operations(node), 0);
}

function operations({ op, inputs, shape }: Node): number {
  if (typeof op === "string") return 0;
  const size = sizeOf(shape);
  switch (op.name) {
    case "convolution":
      return 2 * size * sizeOf(inputs[1]!.shape.slice(1));
    case "transposedConvolution":
      return 2 * sizeOf(inputs[0]!.shape) * sizeOf(inputs[1]!.shape.slice(1));
    case "matmul":
      return 2 * size * inputs[0]!.shape.at(-1)!;
    case "rnn":
    case "gru":
    case "lstm": {
      // Steps and sequences, times all weights.
      const [x, w, r] = inputs;
      return 2 * x!.shape[0]! * x!.shape[1]! * (sizeOf(w!.shape) + sizeOf(r!.shape));
    }
    case "maxPooling":
    case "averagePooling":
    case "normPooling":
      return size * sizeOf((op.attributes as { kernel: readonly number[] }).kernel);
    case "reshape":
    case "transpose":
    case "slice":
    case "stride":
    case "concat":
    case "split":
    case "result":
    case "broadcastTo":
    case "gather":
    case "cast":
    case "padding":
      return 0;
    default:
      return Math.max(size, ...inputs.map((input) => sizeOf(input.shape)));
  }
}
