import type { Node } from "../graph.js";

/**
 * The derivative of a cost with respect to each of `inputs`, given `upstream`, that with respect to `output`; see
 * `Op.gradient`.
 */
export type Derivative = (
  inputs: readonly Node[],
  output: Node,
  upstream: Node,
  wanted: readonly boolean[],
) => readonly (Node | undefined)[];
