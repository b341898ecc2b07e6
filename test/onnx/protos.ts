import { Message } from "../../src/onnx/protobuf.js";

/** ONNX's numbers of element types. */
export const TYPE = { float: 1, uint8: 2, int8: 3, int64: 7, string: 8, bool: 9, double: 11 } as const;

/** A tensor with its elements as raw bytes. */
export function tensorProto(
  name: string,
  dims: readonly number[],
  type: number,
  raw: Float32Array | BigInt64Array | Uint8Array,
): Message {
  const message = new Message();
  for (const dim of dims) message.integer(1, dim);
  return message
    .integer(2, type)
    .text(8, name)
    .bytes(9, new Uint8Array(raw.buffer, raw.byteOffset, raw.byteLength));
}

/** A declared input or output; lengths that are open are names. */
export function valueProto(
  name: string,
  dims: readonly (number | string)[],
  type: number = TYPE.float,
): Message {
  const shape = new Message();
  for (const dim of dims)
    shape.message(1, typeof dim === "number" ? new Message().integer(1, dim) : new Message().text(2, dim));
  const tensor = new Message().integer(1, type).message(2, shape);
  return new Message().text(1, name).message(2, new Message().message(1, tensor));
}

export type AttributeValue =
  | number
  | string
  | readonly number[]
  | Message
  | { readonly float: number }
  | { readonly floats: readonly number[] }
  | { readonly texts: readonly string[] }
  | { readonly tensor: Message };

/** A node; an attribute that is a graph is a message. */
export function nodeProto(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
  domain = "",
): Message {
  const node = new Message();
  for (const input of inputs) node.text(1, input);
  for (const output of outputs) node.text(2, output);
  node.text(3, `${op}_${outputs[0]}`).text(4, op);
  for (const [name, value] of Object.entries(attributes)) {
    const attribute = new Message().text(1, name);
    if (typeof value === "number") attribute.integer(3, value).integer(20, 2);
    else if (typeof value === "string") attribute.text(4, value).integer(20, 3);
    else if (value instanceof Message) attribute.message(6, value).integer(20, 5);
    else if ("float" in value) attribute.float(2, value.float).integer(20, 1);
    else if ("tensor" in value) attribute.message(5, value.tensor).integer(20, 4);
    else if ("texts" in value) {
      for (const each of value.texts) attribute.text(9, each);
      attribute.integer(20, 8);
    } else if ("floats" in value) {
      for (const each of value.floats) attribute.float(7, each);
      attribute.integer(20, 6);
    } else {
      for (const each of value) attribute.integer(8, each);
      attribute.integer(20, 7);
    }
    node.message(5, attribute);
  }
  if (domain !== "") node.text(7, domain);
  return node;
}

export interface GraphParts {
  readonly nodes: readonly Message[];
  readonly inputs?: readonly Message[];
  readonly outputs: readonly Message[];
  readonly initializers?: readonly Message[];
}

export function graphProto({ nodes, inputs = [], outputs, initializers = [] }: GraphParts): Message {
  const graph = new Message();
  for (const node of nodes) graph.message(1, node);
  graph.text(2, "graph");
  for (const initializer of initializers) graph.message(5, initializer);
  for (const input of inputs) graph.message(11, input);
  for (const output of outputs) graph.message(12, output);
  return graph;
}

/** A whole model's bytes. */
export function modelProto(
  graph: GraphParts,
  {
    opset = 17,
    irVersion = 8,
    domains = {},
  }: { opset?: number; irVersion?: number; domains?: Record<string, number> } = {},
): Uint8Array {
  const model = new Message().integer(1, irVersion).text(2, "goml's tests").message(7, graphProto(graph));
  model.message(8, new Message().text(1, "").integer(2, opset));
  for (const [domain, version] of Object.entries(domains))
    model.message(8, new Message().text(1, domain).integer(2, version));
  return model.encode();
}
