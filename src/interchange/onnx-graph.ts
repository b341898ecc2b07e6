import { Message } from "../onnx/protobuf.js";
import { version } from "../version.js";

/** Element types of ONNX tensors, with their numbers in the format. */
const TYPES = { float: 1, int64: 7, string: 8, double: 11 } as const;
export type ElementType = keyof typeof TYPES;

/** An attribute of a node. */
export type Attribute = { i: number } | { floats: number[] } | { ints: number[] } | { strings: string[] };

/** Operator sets: those of 2022, which onnxruntime has had since 1.12; nothing later is needed. */
const OPSETS = [
  ["", 17],
  ["ai.onnx.ml", 3],
] as const;
/** The version of the file format that came with them. */
const IR_VERSION = 8;

/** A graph of ONNX under construction. Values are named; `add` gives the name of its result. */
export class OnnxGraph {
  readonly #nodes: Message[] = [];
  readonly #constants: Message[] = [];
  readonly #inputs: Message[] = [];
  readonly #taken: Set<string>;
  #values = 0;

  /** @param names the names of inputs and output, which inner values keep clear of */
  constructor(names: readonly string[]) {
    this.#taken = new Set(names);
  }

  /** An input of N rows of `columns` values. */
  input(name: string, type: ElementType, columns: number, doc = ""): string {
    this.#inputs.push(valueInfo(name, type, columns, doc));
    return name;
  }

  /** A constant tensor; row-major. */
  constant(type: "float" | "double" | "int64", values: readonly number[], shape: readonly number[]): string {
    const name = this.#fresh();
    const tensor = new Message();
    for (const size of shape) tensor.integer(1, size);
    tensor.integer(2, TYPES[type]).text(8, name).bytes(9, rawData(type, values));
    this.#constants.push(tensor);
    return name;
  }

  /** A node of one result; `output` names it where it is the graph's. */
  add(
    op: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, Attribute>> = {},
    output = this.#fresh(),
  ): string {
    const node = new Message();
    for (const input of inputs) node.text(1, input);
    node.text(2, output).text(4, op);
    for (const [name, attribute] of Object.entries(attributes))
      node.message(5, attributeMessage(name, attribute));
    if (ML_OPERATORS.has(op)) node.text(7, "ai.onnx.ml");
    this.#nodes.push(node);
    return output;
  }

  /** `add` for a change of element type. */
  cast(input: string, type: ElementType): string {
    return this.add("Cast", [input], { to: { i: TYPES[type] } });
  }

  /** The bytes of the model file, its output N rows of one value. */
  encode(output: { name: string; type: ElementType }, about: Readonly<Record<string, string>>): Uint8Array {
    const graph = new Message();
    for (const node of this.#nodes) graph.message(1, node);
    graph.text(2, "goml");
    for (const constant of this.#constants) graph.message(5, constant);
    for (const input of this.#inputs) graph.message(11, input);
    graph.message(12, valueInfo(output.name, output.type, 1, ""));
    const model = new Message().integer(1, IR_VERSION).text(2, "goml").text(3, version).message(7, graph);
    for (const [domain, number] of OPSETS) model.message(8, new Message().text(1, domain).integer(2, number));
    for (const [key, value] of Object.entries(about))
      model.message(14, new Message().text(1, key).text(2, value));
    return model.encode();
  }

  #fresh(): string {
    let name: string;
    do name = `v${this.#values++}`;
    while (this.#taken.has(name));
    return name;
  }
}

const ML_OPERATORS = new Set(["LabelEncoder", "LinearRegressor"]);

function rawData(type: "float" | "double" | "int64", values: readonly number[]): Uint8Array {
  const size = type === "float" ? 4 : 8;
  const view = new DataView(new ArrayBuffer(values.length * size));
  values.forEach((value, i) => {
    if (type === "float") view.setFloat32(i * size, value, true);
    else if (type === "double") view.setFloat64(i * size, value, true);
    else view.setBigInt64(i * size, BigInt(value), true);
  });
  return new Uint8Array(view.buffer);
}

/** AttributeProto; its field 20 repeats which kind of value it has. */
function attributeMessage(name: string, attribute: Attribute): Message {
  const message = new Message().text(1, name);
  if ("i" in attribute) return message.integer(3, attribute.i).integer(20, 2);
  if ("floats" in attribute) {
    for (const value of attribute.floats) message.float(7, value);
    return message.integer(20, 6);
  }
  if ("ints" in attribute) {
    for (const value of attribute.ints) message.integer(8, value);
    return message.integer(20, 7);
  }
  for (const value of attribute.strings) message.text(9, value);
  return message.integer(20, 8);
}

function valueInfo(name: string, type: ElementType, columns: number, doc: string): Message {
  const shape = new Message()
    .message(1, new Message().text(2, "N"))
    .message(1, new Message().integer(1, columns));
  const tensor = new Message().integer(1, TYPES[type]).message(2, shape);
  const info = new Message().text(1, name).message(2, new Message().message(1, tensor));
  return doc === "" ? info : info.text(3, doc);
}
