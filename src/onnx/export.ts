import { ModelError } from "../errors.js";
import { type DType, type Graph, type Node, type Tensor, tensor } from "../machine/index.js";
import { Result } from "../machine/op.js";
import { type Converter, converterOf, type Writer } from "./export-ops.js";
import { Message } from "./protobuf.js";

/** ONNX's numbers of element types. */
const TYPES: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** Operator set 17 and the file format of its time, which onnxruntime 1.12 and later read. */
const OPSET = 17;
const IR_VERSION = 8;

export interface ExportOptions {
  /** The nodes whose values are wanted; only what they need is written. Default: the nodes that nothing consumes. */
  readonly outputs?: readonly Node[] | undefined;
  /** What the first axis of every input and output is called, for any length; default: shapes as they are. */
  readonly batch?: string | undefined;
  /** Values of parameters in place of those that they start with. */
  readonly parameters?: ReadonlyMap<Node, Tensor> | undefined;
}

/**
 * A graph as an ONNX model: inputs by their names, outputs by their labels, parameters and constants as initializers.
 *
 * @throws ModelError naming all ops that ONNX has no node for
 * @example
 * ```js
 * import { Graph, relu } from "goml/machine";
 * import { loadOnnx, toOnnx } from "goml/onnx";
 *
 * const graph = new Graph();
 * const y = relu(graph.input("x", [2], "float32"));
 * console.log(loadOnnx(toOnnx(graph, { outputs: [y] })).inputs.map(({ name }) => name)); // [ 'x' ]
 * ```
 */
export function toOnnx(graph: Graph, options: ExportOptions = {}): Uint8Array {
  const consumed = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
  const outputs = options.outputs ?? graph.nodes.filter((node) => !consumed.has(node));
  const needed = neededBy(outputs);
  const nodes = graph.nodes.filter((node) => needed.has(node));
  checkOps(nodes);
  const body = new Message();
  const writer = new GraphWriter(body, options);
  for (const node of nodes) writer.write(node);
  body.text(2, "graph");
  for (const initializer of writer.initializers) body.message(5, initializer);
  for (const node of nodes) if (node.op === "input") body.message(11, writer.declaration(node));
  for (const node of outputs) body.message(12, writer.declaration(node));
  return new Message()
    .integer(1, IR_VERSION)
    .text(2, "goml")
    .message(7, body)
    .message(8, new Message().text(1, "").integer(2, OPSET))
    .encode();
}

function neededBy(outputs: readonly Node[]): Set<Node> {
  const needed = new Set<Node>();
  const stack = [...outputs];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (needed.has(node)) continue;
    needed.add(node);
    stack.push(...node.inputs);
  }
  return needed;
}

function checkOps(nodes: readonly Node[]): void {
  const missing = new Map<string, string[]>();
  for (const { op, label } of nodes) {
    if (typeof op === "string" || op instanceof Result) continue;
    // What `fuse` has joined is written as it was before.
    if (converterOf(op.name) !== undefined && op.attributes.next === undefined) continue;
    missing.set(op.name, [...(missing.get(op.name) ?? []), label]);
  }
  if (missing.size === 0) return;
  const list = [...missing].map(([name, labels]) => `${name} (${labels.slice(0, 3).join(", ")})`);
  throw new ModelError(`the graph has ops that cannot be written as ONNX: ${list.join("; ")}`);
}

/** Writes nodes one after another, each value with a name of its own. */
class GraphWriter implements Writer {
  readonly initializers: Message[] = [];
  private readonly body: Message;
  private readonly options: ExportOptions;
  private readonly names = new Map<Node, string>();
  private readonly taken = new Set<string>();

  constructor(body: Message, options: ExportOptions) {
    this.body = body;
    this.options = options;
  }

  write(node: Node): void {
    const { op } = node;
    if (op instanceof Result) {
      const [first] = node.inputs;
      if (!this.names.has(node)) throw new ModelError(`${node.label} comes before ${first!.label}`);
      return;
    }
    for (const own of node.results ?? [node]) this.names.set(own, this.fresh(own.label));
    if (op === "input") return;
    if (op === "parameter" || op === "constant") {
      const value = this.options.parameters?.get(node) ?? node.initial!;
      this.initialize(this.nameOf(node), value);
      return;
    }
    const convert = converterOf((op as { name: string }).name) as Converter;
    convert(
      node,
      node.inputs.map((input) => this.nameOf(input)),
      (node.results ?? [node]).map((own) => this.nameOf(own)),
      this,
    );
  }

  node(
    op: string,
    inputs: readonly string[],
    outputs: readonly string[],
    attributes: Parameters<Writer["node"]>[3] = {},
  ): void {
    const message = new Message();
    for (const input of inputs) message.text(1, input);
    for (const output of outputs) message.text(2, output);
    message.text(3, `${op}_${outputs[0]}`).text(4, op);
    for (const [name, value] of Object.entries(attributes)) {
      const attribute = new Message().text(1, name);
      if (typeof value === "number") attribute.integer(3, value).integer(20, 2);
      else if (typeof value === "string") attribute.text(4, value).integer(20, 3);
      else if ("float" in value) attribute.float(2, value.float).integer(20, 1);
      else {
        for (const each of value) attribute.integer(8, each);
        attribute.integer(20, 7);
      }
      message.message(5, attribute);
    }
    this.body.message(1, message);
  }

  constant(value: Tensor, name = "constant"): string {
    const own = this.fresh(name);
    this.initialize(own, value);
    return own;
  }

  integers(values: readonly number[], name?: string): string {
    return this.constant(tensor(BigInt64Array.from(values, BigInt)), name);
  }

  value(name = "value"): string {
    return this.fresh(name);
  }

  typeOf(dtype: DType): number {
    return TYPES[dtype];
  }

  /** An input or output with its type. */
  declaration(node: Node): Message {
    const shape = new Message();
    const { batch } = this.options;
    for (const [axis, length] of node.shape.entries()) {
      const open = axis === 0 && batch !== undefined;
      shape.message(1, open ? new Message().text(2, batch) : new Message().integer(1, length));
    }
    const type = new Message().integer(1, TYPES[node.dtype]).message(2, shape);
    return new Message().text(1, this.nameOf(node)).message(2, new Message().message(1, type));
  }

  private nameOf(node: Node): string {
    return this.names.get(node)!;
  }

  private fresh(name: string): string {
    let own = name;
    for (let i = 2; this.taken.has(own); i++) own = `${name}_${i}`;
    this.taken.add(own);
    return own;
  }

  private initialize(name: string, { data, shape, dtype }: Tensor): void {
    const message = new Message();
    for (const length of shape) message.integer(1, length);
    message.integer(2, TYPES[dtype]).text(8, name);
    this.initializers.push(message.bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
  }
}
