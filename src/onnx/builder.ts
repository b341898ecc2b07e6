import { DataError, UsageError } from "../errors.js";
import { type DType, Graph, type Node, type Shape, Tensor, type TypedOp, tensor } from "../machine/index.js";
import { Binary, type BinaryName } from "../machine/ops/binary.js";
import { Cast } from "../machine/ops/cast.js";
import { type FunctionName, MathFunction } from "../machine/ops/functions.js";
import { BroadcastTo, Concat, Reshape, Slice, Transpose } from "../machine/ops/layout.js";
import { Matmul } from "../machine/ops/matmul.js";
import { Pairwise, type PairwiseName } from "../machine/ops/pairwise.js";
import { Reduction, type ReductionName } from "../machine/ops/reductions.js";
import { Unary, type UnaryName } from "../machine/ops/unary.js";
import { sameShape, sizeOf } from "../machine/shape.js";
import { bytesOf } from "../machine/tensor.js";
import type { StringTensor } from "./elements.js";

/** Nodes that a graph may have, loops unrolled. */
const MOST_NODES = 2_000_000;

/** From so many elements on folded values are kept, for as long as the first operand is there. */
const KEPT = 1024;

/** What ops have made of known tensors, by the first of these. */
export type Folds = WeakMap<
  Tensor,
  { readonly key: string; readonly inputs: readonly Tensor[]; readonly results: readonly Tensor[] }[]
>;

/** A tensor that is known when a graph is planned, or a node that will have it in a run. */
export type Operand = Tensor | Node;

/** A list of values, known when the graph is planned, though its values may not be. */
export class Sequence {
  readonly items: readonly Value[];

  constructor(items: readonly Value[]) {
    this.items = items;
  }
}

/** What a name in a model stands for; undefined for an optional value that is missing. */
export type Value = Operand | StringTensor | Sequence | undefined;

/** A graph cannot be planned before the values of these inputs are known. */
export class ValuesNeeded extends Error {
  readonly inputs: readonly Node[];

  constructor(inputs: readonly Node[]) {
    super(`the values of ${inputs.map(({ label }) => label).join(", ")} decide shapes`);
    this.inputs = inputs;
  }
}

/**
 * Builds one graph of a model: applies ops to operands, at once where all of them are known, else as nodes.
 *
 * So what depends on constants and shapes alone is folded as it comes up, and the values that decide shapes are there
 * when they are asked for.
 */
export class Builder {
  readonly graph = new Graph();
  private readonly constants = new Map<Tensor, Node>();
  private readonly mostBytes: number;
  private folded = 0;

  private readonly folds: Folds;

  /** @param mostBytes how many bytes of folded values there may be */
  constructor(mostBytes: number, folds: Folds) {
    this.mostBytes = mostBytes;
    this.folds = folds;
  }

  /** All results of an op. @throws DataError where folded values take too much memory. */
  applyAll(op: TypedOp, inputs: readonly Operand[]): Operand[] {
    if (inputs.every((input) => input instanceof Tensor)) {
      const types = op.infer(inputs);
      this.account(types);
      return this.fold(
        op,
        inputs,
        types.reduce((sum, { shape }) => sum + sizeOf(shape), 0),
      );
    }
    if (this.graph.nodes.length > MOST_NODES)
      throw new DataError(`the graph has more than ${MOST_NODES} nodes`);
    const node = this.graph.apply(
      op,
      inputs.map((input) => this.node(input)),
    );
    return [...(node.results ?? [node])];
  }

  /** Applies an op to what is known; large results of the same are found again by later graphs of the model. */
  private fold(op: TypedOp, inputs: readonly Tensor[], size: number): Tensor[] {
    const [first] = inputs;
    if (size < KEPT || first === undefined) return op.doAll(inputs) as Tensor[];
    const key = `${op.name} ${JSON.stringify(op.attributes)}`;
    const known = this.folds.get(first) ?? [];
    this.folds.set(first, known);
    const same = known.find(
      (own) =>
        own.key === key && own.inputs.length === inputs.length && own.inputs.every((x, i) => x === inputs[i]),
    );
    if (same !== undefined) return [...same.results];
    const results = op.doAll(inputs) as Tensor[];
    known.push({ key, inputs: [...inputs], results });
    return [...results];
  }

  /** The first result of an op. */
  apply(op: TypedOp, ...inputs: readonly Operand[]): Operand {
    return this.applyAll(op, inputs)[0]!;
  }

  /** Zeros or other known values made outside of ops, of a size that a model says. */
  account(types: readonly { readonly dtype: DType; readonly shape: Shape }[]): void {
    for (const { dtype, shape } of types) this.folded += sizeOf(shape) * bytesOf(dtype);
    if (this.folded > this.mostBytes) {
      throw new DataError(
        `planning the graph takes ${Math.ceil(this.folded / 2 ** 20)} MiB of constants, more than ${Math.ceil(this.mostBytes / 2 ** 20)}`,
      );
    }
  }

  /** An operand as a node. */
  node(operand: Operand): Node {
    if (!(operand instanceof Tensor)) return operand;
    let node = this.constants.get(operand);
    if (node === undefined) {
      node = this.graph.constant(operand);
      this.constants.set(operand, node);
    }
    return node;
  }

  /** The value of an operand. @throws ValuesNeeded where it depends on inputs */
  known(operand: Operand): Tensor {
    if (operand instanceof Tensor) return operand;
    const inputs = this.inputsOf(operand);
    if (inputs.length === 0) throw new DataError(`${operand.label} decides shapes, and hangs on parameters`);
    throw new ValuesNeeded(inputs);
  }

  /** The inputs that a node depends on. */
  inputsOf(operand: Node): Node[] {
    const seen = new Set<Node>();
    const inputs: Node[] = [];
    const stack: Node[] = [operand];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (seen.has(node)) continue;
      seen.add(node);
      if (node.op === "input") inputs.push(node);
      stack.push(...node.inputs);
    }
    return inputs;
  }

  cast(x: Operand, to: DType): Operand {
    return x.dtype === to ? x : this.apply(new Cast({ to }), x);
  }

  unary(name: UnaryName, x: Operand): Operand {
    return this.apply(new Unary(name), x);
  }

  math(name: FunctionName, x: Operand, parameters: { alpha?: number; beta?: number } = {}): Operand {
    return this.apply(new MathFunction(name, parameters), x);
  }

  binary(name: BinaryName, x: Operand, y: Operand): Operand {
    if (x.dtype !== y.dtype) throw new UsageError(`cannot mix ${x.dtype} and ${y.dtype}`);
    return this.apply(new Binary(name), x, y);
  }

  pair(name: PairwiseName, x: Operand, y: Operand): Operand {
    return this.apply(new Pairwise(name), x, y);
  }

  /** A number of the type of `like`. */
  scalar(value: number, like: { readonly dtype: DType }): Tensor {
    return tensor([value], [], like.dtype);
  }

  reshape(x: Operand, shape: Shape): Operand {
    return sameShape(x.shape, shape) ? x : this.apply(new Reshape({ shape: [...shape] }), x);
  }

  transpose(x: Operand, axes: readonly number[]): Operand {
    if (axes.every((axis, i) => axis === i)) return x;
    return this.apply(new Transpose({ axes: [...axes] }), x);
  }

  broadcastTo(x: Operand, shape: Shape): Operand {
    return sameShape(x.shape, shape) ? x : this.apply(new BroadcastTo({ shape: [...shape] }), x);
  }

  /** Along `axis` the elements from `start` to before `end`. */
  part(x: Operand, axis: number, start: number, end: number): Operand {
    const ranges = x.shape.map((length, i): [number, number] => (i === axis ? [start, end] : [0, length]));
    return this.apply(new Slice({ ranges }), x);
  }

  concat(parts: readonly Operand[], axis: number): Operand {
    return parts.length === 1 ? parts[0]! : this.applyAll(new Concat({ axis }), parts)[0]!;
  }

  reduce(name: ReductionName, x: Operand, axes: readonly number[], keepAxes: boolean): Operand {
    return this.apply(new Reduction(name, { axes: [...axes], keepAxes }), x);
  }

  /** As NumPy's matmul: an operand of one axis is a row on the left and a column on the right. */
  matmul(x: Operand, y: Operand): Operand {
    const row = x.shape.length === 1;
    const column = y.shape.length === 1;
    const a = row ? this.reshape(x, [1, ...x.shape]) : x;
    const b = column ? this.reshape(y, [...y.shape, 1]) : y;
    const floats = x.dtype === "float32" || x.dtype === "float64";
    // Integers of up to 32 bits, whose sums of products a double holds up to 2⁵³.
    const product = floats
      ? this.apply(new Matmul(), a, b)
      : this.cast(this.apply(new Matmul(), this.cast(a, "float64"), this.cast(b, "float64")), x.dtype);
    const shape = product.shape.filter(
      (_, axis) =>
        !(row && axis === product.shape.length - 2) && !(column && axis === product.shape.length - 1),
    );
    return this.reshape(product, shape);
  }
}
