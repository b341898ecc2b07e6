import type { Graph, Node } from "./graph.js";
import type { Attributes } from "./op.js";
import { formatShape, type Shape } from "./shape.js";
import type { DType } from "./tensor.js";

/** A graph as plain data: what `JSON.stringify(graphToJson(graph))` writes. */
export interface GraphDocument {
  readonly nodes: readonly {
    readonly id: number;
    readonly label: string;
    readonly kind: "input" | "parameter" | "constant" | "op";
    readonly op?: string;
    readonly attributes?: Attributes;
    readonly shape: Shape;
    readonly dtype: DType;
  }[];
  /** One per operand, also where a node is an operand twice; `operand` counts from 0. */
  readonly edges: readonly {
    readonly from: number;
    readonly to: number;
    readonly operand: number;
    readonly shape: Shape;
  }[];
}

/**
 * The nodes and edges of a graph as plain data.
 *
 * @example
 * ```js
 * import { Graph, graphToJson, relu } from "goml/machine";
 *
 * const graph = new Graph();
 * relu(graph.parameter("x", 1));
 * console.log(graphToJson(graph).nodes.map(({ label }) => label)); // [ 'x', 'relu#1' ]
 * ```
 */
export function graphToJson(graph: Graph): GraphDocument {
  const nodes = graph.nodes.map((node) => {
    const { id, label, op, shape, dtype } = node;
    if (typeof op === "string") return { id, label, kind: op, shape, dtype };
    return { id, label, kind: "op" as const, op: op.name, attributes: op.attributes, shape, dtype };
  });
  return { nodes, edges: [...edgesOf(graph)] };
}

/**
 * A graph in Graphviz's language, with the shapes on the edges: `dot -Tsvg`.
 *
 * @example
 * ```js
 * import { Graph, graphToDot, relu } from "goml/machine";
 *
 * const graph = new Graph();
 * relu(graph.parameter("x", 1));
 * console.log(graphToDot(graph).split("\n")[0]); // digraph {
 * ```
 */
export function graphToDot(graph: Graph): string {
  const lines = [
    "digraph {",
    "  rankdir=LR;",
    '  node [fontname="Helvetica"];',
    '  edge [fontname="Helvetica"];',
  ];
  const forms = { input: "ellipse", parameter: "box", constant: "plaintext", op: "circle" };
  for (const node of graph.nodes) {
    const kind = typeof node.op === "string" ? node.op : "op";
    lines.push(`  n${node.id} [label=${quote(captionOf(node))}, shape=${forms[kind]}];`);
  }
  for (const { from, to, shape } of edgesOf(graph)) {
    lines.push(`  n${from} -> n${to} [label=${quote(formatShape(shape))}];`);
  }
  return `${lines.join("\n")}\n}\n`;
}

/**
 * A graph as a Mermaid flowchart, with the shapes on the edges.
 *
 * @example
 * ```js
 * import { Graph, graphToMermaid, relu } from "goml/machine";
 *
 * const graph = new Graph();
 * relu(graph.parameter("x", 1));
 * console.log(graphToMermaid(graph).split("\n")[1]); //   n0["x"]
 * ```
 */
export function graphToMermaid(graph: Graph): string {
  const lines = ["flowchart LR"];
  const forms = { input: ["([", "])"], parameter: ["[", "]"], constant: ["[/", "/]"], op: ["((", "))"] };
  for (const node of graph.nodes) {
    const [open, close] = forms[typeof node.op === "string" ? node.op : "op"];
    lines.push(`  n${node.id}${open}"${captionOf(node).replaceAll('"', "#quot;")}"${close}`);
  }
  for (const { from, to, shape } of edgesOf(graph)) {
    lines.push(`  n${from} -->|"${formatShape(shape)}"| n${to}`);
  }
  return `${lines.join("\n")}\n`;
}

function* edgesOf(graph: Graph): Generator<GraphDocument["edges"][number]> {
  for (const node of graph.nodes) {
    for (const [operand, input] of node.inputs.entries()) {
      yield { from: input.id, to: node.id, operand, shape: input.shape };
    }
  }
}

/** What stands in a node: its name, an op's name, a small constant's value. */
function captionOf(node: Node): string {
  if (node.name !== undefined)
    return typeof node.op === "string" ? node.name : `${node.op.name}: ${node.name}`;
  if (typeof node.op !== "string") return node.op.name;
  const { initial } = node;
  return initial?.data.length === 1 ? String(initial.data[0]) : `${node.op} ${formatShape(node.shape)}`;
}

function quote(text: string): string {
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}
