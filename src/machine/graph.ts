import { UsageError } from "../errors.js";
import { ShapeError } from "./errors.js";
import { checkedTypes, Op, Result, type TypedOp } from "./op.js";
import { formatShape, type Shape, sameShape, sizeOf } from "./shape.js";
import { type BigData, type Data, type DType, isTypedArray, type Nested, Tensor, tensor } from "./tensor.js";

/** A leaf's kind: an input gets its value from `machine.let`, a parameter has one until then, a constant keeps it. */
export type Leaf = "input" | "parameter" | "constant";

/** Something that can become a tensor of a given type: a tensor, a typed array, nested arrays or a number. */
export type Value = Tensor | Data | BigData | Nested;

/** What an op is built from: a node, or a value that becomes a constant of the same graph. */
export type Operand = Node | Value;

/** A node of a graph: a leaf, or an op applied to other nodes. Made by a `Graph`. */
export class Node {
  readonly graph: Graph;
  /** The node's place in `graph.nodes`; greater than that of its inputs. */
  readonly id: number;
  readonly op: TypedOp | Leaf;
  readonly inputs: readonly Node[];
  readonly shape: Shape;
  readonly dtype: DType;
  /** What messages, traces and drawings call the node; may be set. See `label`. */
  name: string | undefined;
  /**
   * The site at which it is computed where a graph is run by several (`GoMachineOptions.sites`), from 0; may be set. By
   * default ops are divided among the sites, and a leaf is everywhere: each site gives it its value. See `place`.
   */
  site: number | undefined = undefined;
  /** All results of an op that has several, this node the first of them, the others those made right after it. */
  results: readonly Node[] | undefined = undefined;
  /** The value of a constant, the starting value of a parameter. */
  readonly initial: Tensor | undefined;
  /** The node's value in the last run in which it was an output. */
  value: Tensor | undefined = undefined;

  constructor(
    graph: Graph,
    op: TypedOp | Leaf,
    inputs: readonly Node[],
    shape: Shape,
    dtype: DType,
    name: string | undefined,
    initial: Tensor | undefined,
  ) {
    this.graph = graph;
    this.id = graph.nodes.length;
    this.op = op;
    this.inputs = inputs;
    this.shape = shape;
    this.dtype = dtype;
    this.name = name;
    this.initial = initial;
  }

  /** The node's name, else one made of its op and its place: `add#7`. */
  get label(): string {
    return this.name ?? `${typeof this.op === "string" ? this.op : this.op.name}#${this.id}`;
  }
}

/**
 * An expression graph: nodes in topological order, because a node is made after its inputs.
 *
 * Leaves are made here; ops by functions such as `add(x, y)`, which append to the graph of their operands. Shapes
 * and types are checked as it is built.
 */
export class Graph {
  readonly nodes: Node[] = [];

  /** A leaf whose value is given to a machine before each run. */
  input(name: string, shape: Shape, dtype: DType = "float64"): Node {
    return this.leaf("input", name, shape, dtype, undefined);
  }

  /** A leaf with a starting value, such as a weight; `machine.let` gives it another. */
  parameter(name: string, value: Value, dtype?: DType): Node {
    const initial = toTensor(value, dtype);
    return this.leaf("parameter", name, initial.shape, initial.dtype, initial);
  }

  /** A leaf with a fixed value. */
  constant(value: Value, dtype?: DType, name?: string): Node {
    const initial = toTensor(value, dtype);
    return this.leaf("constant", name, initial.shape, initial.dtype, initial);
  }

  /**
   * Appends `op` applied to `inputs`; of an op of several results this is the first, whose `results` are all.
   *
   * @throws ShapeError when shapes or types do not fit; UsageError when a node belongs to another graph.
   */
  apply(op: TypedOp, inputs: readonly Node[], name?: string): Node {
    for (const input of inputs) {
      if (input.graph !== this)
        throw new UsageError(`${op.name}: node ${input.label} belongs to another graph`);
    }
    const first = inputs[0];
    const odd = inputs.find((input) => input.dtype !== first?.dtype);
    if (first !== undefined && odd !== undefined && op instanceof Op) {
      throw new ShapeError(
        `${op.name}: ${first.label} is ${first.dtype} and ${odd.label} is ${odd.dtype}; they cannot be mixed`,
      );
    }
    const [type, ...others] = checkedTypes(
      op,
      inputs,
      inputs.map((input) => `${input.label} ${formatShape(input.shape)}`),
    );
    const node = this.append(op, inputs, type!.shape, type!.dtype, name, undefined);
    if (others.length === 0) return node;
    const rest = others.map((other) =>
      this.append(new Result({ type: other }), [node], other.shape, other.dtype, undefined, undefined),
    );
    node.results = [node, ...rest];
    return node;
  }

  private leaf(
    kind: Leaf,
    name: string | undefined,
    shape: Shape,
    dtype: DType,
    initial: Tensor | undefined,
  ): Node {
    if (!shape.every((length) => Number.isInteger(length) && length >= 0)) {
      throw new ShapeError(
        `${kind} ${name ?? ""}: the axes' lengths are integers, 0 or more, got [${shape.join(", ")}]`,
      );
    }
    return this.append(kind, [], [...shape], dtype, name, initial);
  }

  private append(
    op: TypedOp | Leaf,
    inputs: readonly Node[],
    shape: Shape,
    dtype: DType,
    name: string | undefined,
    initial: Tensor | undefined,
  ): Node {
    const node = new Node(this, op, inputs, shape, dtype, name, initial);
    this.nodes.push(node);
    return node;
  }
}

/**
 * Applies `op` to operands of which one at least is a node; values become constants of its graph and type.
 *
 * @throws UsageError when no operand is a node, else as `Graph.apply`.
 */
export function applyOp(op: TypedOp, operands: readonly Operand[]): Node {
  const nodes = asNodes(op.name, operands);
  return nodes[0]!.graph.apply(op, nodes);
}

/** The operands as nodes of one graph; see `applyOp`. */
export function asNodes(what: string, operands: readonly Operand[]): Node[] {
  const known = operands.find((operand) => operand instanceof Node);
  if (known === undefined) throw new UsageError(`${what} needs a node of a graph among its operands`);
  const { graph, dtype } = known;
  return operands.map((operand) => (operand instanceof Node ? operand : graph.constant(operand, dtype)));
}

/**
 * The elements of `value` for `node`; a typed array takes the node's shape.
 *
 * @throws ShapeError unless `value` has the shape and, when it is a tensor, the type of `node`.
 */
export function valueFor(node: Node, value: Value): Data {
  const shape = isTypedArray(value) && value.length === sizeOf(node.shape) ? node.shape : undefined;
  const given = value instanceof Tensor ? value : tensor(value, shape, node.dtype);
  if (!sameShape(given.shape, node.shape) || given.dtype !== node.dtype) {
    throw new ShapeError(
      `${node.label} is ${node.dtype} ${formatShape(node.shape)}, ` +
        `the value given is ${given.dtype} ${formatShape(given.shape)}`,
    );
  }
  return given.data;
}

function toTensor(value: Value, dtype: DType | undefined): Tensor {
  if (!(value instanceof Tensor)) return tensor(value, undefined, dtype);
  return dtype === undefined || dtype === value.dtype ? value : tensor(value.data, value.shape, dtype);
}
