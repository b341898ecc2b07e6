import { UsageError } from "../../errors.js";
import type { Node } from "../graph.js";
import { Result } from "../op.js";
import { add } from "../ops/binary.js";
import { broadcastTo } from "../ops/layout.js";
import { formatShape, sizeOf } from "../shape.js";
import { derivativeOf, isOfAllResults } from "./table.js";

/**
 * Appends dcost/dx for each x of `wrt` to the graph, in reverse mode, and returns those nodes.
 *
 * Each has the shape of its x. Terms that come to a node from several consumers are summed in a fixed order, from
 * the last consumer to the first, so that every machine gives the same bits. Runs in time linear in the nodes up to
 * `cost` (Griewank & Walther 2008, ch. 3).
 *
 * @throws UsageError when `cost` has more than one element, or does not depend on one of `wrt`.
 * @example
 * ```js
 * import { grad, Graph, square, sum, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([1, 2, 3]));
 * const [dx] = grad(sum(square(x)), [x]);
 * const run = await new TapeMachine(graph, { outputs: [dx] }).runAll();
 * console.log(run.value(dx).toArray()); // [ 2, 4, 6 ]
 * ```
 */
export function grad(cost: Node, wrt: readonly Node[]): Node[] {
  const { graph } = cost;
  if (sizeOf(cost.shape) !== 1) {
    throw new UsageError(`grad needs a cost of one element, ${cost.label} is ${formatShape(cost.shape)}`, {
      hint: "sum or mean it first",
    });
  }
  const last = cost.id;
  const used = new Uint8Array(last + 1);
  used[last] = 1;
  for (let id = last; id >= 0; id--) {
    if (used[id] === 1) for (const input of graph.nodes[id]!.inputs) used[input.id] = 1;
  }
  // Derivatives are worked out only along paths that lead to one of `wrt`.
  const leads = new Uint8Array(last + 1);
  for (const x of wrt) {
    if (x.graph !== graph || x.id > last || used[x.id] === 0) {
      throw new UsageError(`the cost ${cost.label} does not depend on ${x.label}`);
    }
    leads[x.id] = 1;
  }
  for (let id = 0; id <= last; id++) {
    if (leads[id] === 0 && graph.nodes[id]!.inputs.some((input) => leads[input.id] === 1)) leads[id] = 1;
  }
  const derivatives = new Array<Node | undefined>(last + 1);
  derivatives[last] = filled(cost, 1);
  for (let id = last; id >= 0; id--) {
    const node = graph.nodes[id]!;
    // A result after the first is made by the first, which comes before it and takes its derivative.
    if (leads[id] === 0 || typeof node.op === "string" || node.op instanceof Result) continue;
    const upstreams = (node.results ?? [node]).map((own) => derivatives[own.id]);
    if (upstreams.every((own) => own === undefined)) continue;
    const upstream = upstreams[0] ?? filled(node, 0);
    const wanted = node.inputs.map((input) => leads[input.id] === 1);
    if (!wanted.includes(true)) continue;
    const derivative = derivativeOf(node.op);
    if (derivative === undefined || (upstreams.slice(1).some(Boolean) && !isOfAllResults(node.op))) {
      throw new UsageError(`${node.op.name} of node ${node.label} has no derivative`, {
        hint: "give the op a gradient method",
      });
    }
    const terms = derivative(node.inputs, node, upstream, wanted, upstreams, grad);
    for (const [i, input] of node.inputs.entries()) {
      const term = terms[i];
      if (term === undefined || !wanted[i]) continue;
      const sum = derivatives[input.id];
      derivatives[input.id] = sum === undefined ? term : add(sum, term);
    }
  }
  // A path through comparisons alone has a derivative of 0 wherever it has one.
  return wrt.map((x) => derivatives[x.id] ?? filled(x, 0));
}

/** A constant of the shape and type of `like`. */
function filled(like: Node, value: number): Node {
  const constant = like.graph.constant(value, like.dtype);
  return like.shape.length === 0 ? constant : broadcastTo(constant, like.shape);
}
