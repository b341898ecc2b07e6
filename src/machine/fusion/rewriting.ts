import { Graph, type Node } from "../graph.js";
import type { TypedOp } from "../op.js";

/** A graph that gives the same outputs by fewer ops. */
export interface Fused {
  readonly graph: Graph;
  /** The node of the new graph that has the value of an output or of an input that the outputs need; else undefined. */
  nodeOf(node: Node): Node | undefined;
}

/** A graph that is being written anew, node after node, from another one. */
export class Rewriting {
  readonly graph = new Graph();
  private readonly nodes = new Map<Node, Node>();

  /** What a node of the old graph is in the new one. */
  of(node: Node): Node {
    return this.nodes.get(node)!;
  }

  has(node: Node): boolean {
    return this.nodes.has(node);
  }

  /** The node as it is, with all its results. */
  copy(node: Node): void {
    const { op, name, shape, dtype, initial, site } = node;
    if (op === "input") this.nodes.set(node, this.graph.input(name ?? "", shape, dtype));
    else if (op === "parameter") this.nodes.set(node, this.graph.parameter(name ?? "", initial!));
    else if (op === "constant") this.nodes.set(node, this.graph.constant(initial!, undefined, name));
    else
      this.put(
        node,
        op,
        node.inputs.map((input) => this.of(input)),
      );
    this.of(node).site = site;
  }

  /** A node alone in the place of a node, without its further results. */
  stand(node: Node, own: Node): void {
    this.nodes.set(node, own);
  }

  /** Another op in the place of a node's. */
  put(node: Node, op: TypedOp, inputs: readonly Node[]): void {
    const own = this.graph.apply(op, inputs, node.name);
    this.nodes.set(node, own);
    for (const [i, result] of (node.results ?? []).entries())
      if (i > 0) this.nodes.set(result, own.results![i]!);
    own.site = node.site;
  }
}

/** What must be known of a graph to rewrite it. */
export interface Uses {
  /** The nodes that the outputs need, in order, without results after the first. */
  readonly needed: readonly Node[];
  /** Who reads a node, once for each time. */
  readersOf(node: Node): readonly Node[];
  isOutput(node: Node): boolean;
}

export function usesOf(graph: Graph, outputs: readonly Node[]): Uses {
  const needed = new Uint8Array(graph.nodes.length);
  const wanted = new Set(outputs);
  for (const node of outputs) needed[node.id] = 1;
  for (let id = graph.nodes.length - 1; id >= 0; id--)
    if (needed[id] === 1) for (const input of graph.nodes[id]!.inputs) needed[input.id] = 1;
  const readers = new Map<Node, Node[]>();
  const list: Node[] = [];
  for (const node of graph.nodes) {
    if (needed[node.id] === 0) continue;
    for (const input of node.inputs) {
      const own = readers.get(input);
      if (own === undefined) readers.set(input, [node]);
      else own.push(node);
    }
    // A result after the first comes with the first, by `put`.
    if (typeof node.op === "string" || node.op.name !== "result") list.push(node);
  }
  return {
    needed: list,
    readersOf: (node) => readers.get(node) ?? [],
    isOutput: (node) => wanted.has(node),
  };
}
