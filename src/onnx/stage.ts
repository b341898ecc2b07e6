import type { Graph, Node, Shape } from "../machine/index.js";
import type { Value } from "./builder.js";
import type { GraphProto, NodeProto } from "./messages.js";

/** Text of which only a run knows what it says. */
export class OpenText {
  readonly shape: Shape;
  readonly dtype = "string";

  constructor(shape: Shape) {
    this.shape = shape;
  }
}

/** A stretch of a model's main graph whose shapes can be planned, given the types of what goes into it. */
export interface OnnxStage {
  readonly graph: Graph;
  /** The inputs whose values a run takes. */
  readonly inputs: ReadonlyMap<string, Node>;
  /** What later nodes and the model's outputs need: nodes, or values that are known already. */
  readonly live: ReadonlyMap<string, Value | OpenText>;
  /** The number of the node before which it ends; that of all nodes where it ends with them. */
  readonly end: number;
  /** Whether the node at its end is to be worked out by itself, from the values of its inputs; see `BY_VALUE`. */
  readonly byValue: boolean;
  /** Else the inputs of the stage whose values the node at its end asks for, with their numbers of elements. */
  readonly asked: ReadonlyMap<string, number>;
}

/**
 * Ops whose results hang on their inputs' values in shape, or are text. Within a model's main graph they are worked out
 * between stages, so that what comes after them is planned for their results' shapes, not for every value.
 */
const BY_VALUE: ReadonlySet<string> = new Set([
  "ai.onnx.NonZero",
  "ai.onnx.Unique",
  "ai.onnx.Compress",
  "ai.onnx.NonMaxSuppression",
  "ai.onnx.Det",
  "ai.onnx.Cast",
  "ai.onnx.CastLike",
]);

/** Whether a node that asks for values is of `BY_VALUE`; all of ai.onnx.ml are, whose results may be text. */
export function isByValue(domain: string, op: string): boolean {
  return domain === "ai.onnx.ml" || BY_VALUE.has(`${domain}.${op}`);
}

/** The names that a node reads: its inputs, and whatever subgraphs name, which may be their own. */
export function namesOf(node: NodeProto): { direct: readonly string[]; within: ReadonlySet<string> } {
  const within = new Set<string>();
  const collect = (graph: GraphProto): void => {
    for (const { name = "" } of graph.output) within.add(name);
    for (const inner of graph.node) {
      for (const name of inner.input) within.add(name);
      for (const { g, graphs } of inner.attribute)
        for (const own of g === undefined ? graphs : [g]) collect(own);
    }
  };
  for (const { g, graphs } of node.attribute) for (const own of g === undefined ? graphs : [g]) collect(own);
  return { direct: node.input, within };
}
