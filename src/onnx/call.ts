import { DataError } from "../errors.js";
import type { Shape, Tensor } from "../machine/index.js";
import { resolveAxis } from "../machine/op.js";
import { type Builder, type Operand, Sequence, type Value } from "./builder.js";
import { type ExternalData, elementType, StringTensor, sameTensorOf } from "./elements.js";
import type { AttributeProto, GraphProto, NodeProto } from "./messages.js";

/** Runs a subgraph within the graph that is built: its outputs' values, given its inputs'. */
export type Inline = (graph: GraphProto, inputs: readonly Value[]) => Value[];

/** A node of a model that is to become nodes of a graph: its inputs' values and its attributes. */
export class Call {
  readonly node: NodeProto;
  /** The version of the operator set that the node's op is of. */
  readonly opset: number;
  readonly inputs: readonly Value[];
  readonly build: Builder;
  readonly inline: Inline;
  private readonly external: ExternalData | undefined;

  constructor(
    node: NodeProto,
    opset: number,
    inputs: readonly Value[],
    build: Builder,
    inline: Inline,
    external: ExternalData | undefined,
  ) {
    this.node = node;
    this.opset = opset;
    this.inputs = inputs;
    this.build = build;
    this.inline = inline;
    this.external = external;
  }

  /** Whether output number i has a name, so that someone may read it. */
  wants(i: number): boolean {
    return (this.node.output[i] ?? "") !== "";
  }

  /** The input's tensor. @throws DataError where there is none */
  input(i: number): Operand {
    const value = this.inputs[i];
    if (value === undefined) throw new DataError(`input ${i} is missing`);
    if (value instanceof Sequence || value instanceof StringTensor)
      throw new DataError(`input ${i} should be a tensor of numbers`);
    return value;
  }

  optional(i: number): Operand | undefined {
    return this.inputs[i] === undefined ? undefined : this.input(i);
  }

  /** All inputs' tensors. */
  operands(): Operand[] {
    return this.inputs.map((_, i) => this.input(i));
  }

  sequence(i: number): readonly Value[] {
    const value = this.inputs[i];
    if (value instanceof Sequence) return value.items;
    throw new DataError(`input ${i} should be a sequence`);
  }

  /** The strings of an input. */
  strings(i: number): StringTensor {
    const value = this.inputs[i];
    if (value instanceof StringTensor) return value;
    throw new DataError(`input ${i} should be a tensor of strings`);
  }

  /** The value of an input that decides shapes. */
  known(i: number): Tensor {
    return this.build.known(this.input(i));
  }

  /** The elements of such an input, as numbers. */
  numbers(i: number): number[] {
    return Array.from(this.known(i).data, Number);
  }

  /** As `numbers`; undefined where the input is missing. */
  optionalNumbers(i: number): number[] | undefined {
    return this.inputs[i] === undefined ? undefined : this.numbers(i);
  }

  has(name: string): boolean {
    return this.attribute(name) !== undefined;
  }

  integer(name: string, otherwise: number): number {
    return this.attribute(name)?.i ?? otherwise;
  }

  flag(name: string, otherwise = false): boolean {
    return this.integer(name, otherwise ? 1 : 0) !== 0;
  }

  float(name: string, otherwise: number): number {
    return this.attribute(name)?.f ?? otherwise;
  }

  text(name: string, otherwise: string): string {
    const bytes = this.attribute(name)?.s;
    return bytes === undefined ? otherwise : new TextDecoder().decode(bytes);
  }

  integers(name: string): readonly number[] | undefined {
    return this.attribute(name)?.ints;
  }

  floats(name: string): readonly number[] | undefined {
    return this.attribute(name)?.floats;
  }

  texts(name: string): string[] | undefined {
    return this.attribute(name)?.strings.map((bytes) => new TextDecoder().decode(bytes));
  }

  tensor(name: string): Tensor | StringTensor | undefined {
    const proto = this.attribute(name)?.t;
    return proto && sameTensorOf(proto, this.external);
  }

  subgraph(name: string): GraphProto {
    const graph = this.attribute(name)?.g;
    if (graph === undefined) throw new DataError(`the subgraph ${name} is missing`);
    return graph;
  }

  /** An attribute that is a number of an element type. */
  type(name: string, otherwise: number) {
    const type = elementType(this.integer(name, otherwise));
    if (type === "string") throw new DataError(`${name} is string`);
    return type;
  }

  attribute(name: string): AttributeProto | undefined {
    return this.node.attribute.find((own) => own.name === name);
  }

  /** An axis counted from the start. */
  axis(axis: number, shape: Shape): number {
    return resolveAxis(axis, shape);
  }

  /** Axes given as an attribute, in newer operator sets as an input; undefined where neither is. */
  axes(input: number, shape: Shape): number[] | undefined {
    const given = this.integers("axes") ?? this.optionalNumbers(input);
    return given?.map((axis) => resolveAxis(axis, shape));
  }
}

/** What the nodes of an op become: the values of its outputs. */
export type Conversion = (call: Call) => Value | readonly Value[];

/** Whether a value is a tensor of numbers. */
export function isOperand(value: Value): value is Operand {
  return value !== undefined && !(value instanceof Sequence) && !(value instanceof StringTensor);
}
