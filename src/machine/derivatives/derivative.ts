import type { Node } from "../graph.js";

/**
 * The derivative of a cost with respect to each of `inputs`, given `upstream`, that with respect to `output`; see
 * `Op.gradient`. Of an op of several results `upstreams` has those of all, undefined where the cost does not depend on
 * one; `upstream` is then 0 where that is the first. `gradients` is `grad`, for ops that are differentiated as what they
 * are made of.
 */
export type Derivative = (
  inputs: readonly Node[],
  output: Node,
  upstream: Node,
  wanted: readonly boolean[],
  upstreams: readonly (Node | undefined)[],
  gradients: (cost: Node, wrt: readonly Node[]) => Node[],
) => readonly (Node | undefined)[];
