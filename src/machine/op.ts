import { ShapeError } from "./errors.js";
import { formatShape, type Shape, sizeOf } from "./shape.js";
import { allocate, type Data, type DType, isFloat, Tensor } from "./tensor.js";

/** What an op is told besides its inputs, such as axes: plain data, for printing and for worker threads. */
export type Attributes = Readonly<Record<string, unknown>>;

/** What is known of a value before it is there. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** A node as ops know it; graphs make them, with more to them. */
export interface OpNode extends TensorType {
  readonly id: number;
  readonly inputs: readonly OpNode[];
  readonly label: string;
}

/** An op made ready for inputs of given types. */
export interface Kernel {
  /** Into how many pieces the output can be cut that are computed independently, each in the same way. */
  readonly units: number;
  /** About how long the whole takes on one thread, in nanoseconds; it decides whether worker threads pay. */
  readonly cost: number;
  /** How much of the cost every piece has, whatever its size, as it packs operands; default 0. */
  readonly repeated?: number;
  /**
   * Whether it is fastest where its operands lie in the machine's memory, because its loops are in WebAssembly: then
   * machines copy leaves there. Elsewhere it gives the same bits.
   */
  readonly inMemory?: boolean;
  /**
   * Computes the pieces `from` to `to` (exclusive) of `output`, writes nothing else and leaves `inputs` alone.
   * Only ops of your own may return a promise.
   *
   * @param results all results, `output` the first of them, for an op that has several
   */
  run(
    inputs: readonly Data[],
    output: Data,
    from: number,
    to: number,
    results?: readonly Data[],
  ): void | Promise<void>;
}

/**
 * An operation on tensors: pure, so that its results depend on its inputs alone.
 *
 * The types and the number of its results follow from the types of its inputs. Inputs that may be left out are named in
 * the attributes, so that a node's inputs are always those that there are. `Op` is the simpler case of one result.
 */
export abstract class TypedOp {
  abstract readonly name: string;
  readonly attributes: Attributes = {};
  /** Whether a worker thread can rebuild this op from its name and attributes. */
  readonly portable: boolean = false;

  /**
   * The types of the results, one or more.
   *
   * @throws ShapeError saying what does not fit; the graph adds the nodes and their types.
   */
  abstract infer(inputs: readonly TensorType[]): readonly TensorType[];

  /** Works out, once per node, what does not depend on the elements; `results` is `infer(inputs)`. */
  abstract make(inputs: readonly TensorType[], results: readonly TensorType[]): Kernel;

  /**
   * The derivative of a cost with respect to each input, as nodes, given `upstream`, the derivative with respect to
   * `output`. Undefined where it is 0 everywhere that it exists; asked for only where `wanted`. Left out by ops that
   * are not differentiated, and by those of this library, whose derivatives stand in a table above the ops.
   */
  gradient?(
    inputs: readonly OpNode[],
    output: OpNode,
    upstream: OpNode,
    wanted: readonly boolean[],
  ): readonly (OpNode | undefined)[];

  /**
   * Applies the op to tensors, outside of any graph, and gives the first result.
   *
   * @throws ShapeError when the types do not fit.
   */
  do(inputs: readonly Tensor[]): Tensor | Promise<Tensor> {
    const results = this.doAll(inputs);
    return results instanceof Promise ? results.then(([first]) => first!) : results[0]!;
  }

  /** As `do`, giving all results. */
  doAll(inputs: readonly Tensor[]): Tensor[] | Promise<Tensor[]> {
    const types = checkedTypes(this, inputs, inputs.map(formatType));
    const kernel = this.make(inputs, types);
    const outputs = types.map(({ dtype, shape }) => allocate(dtype, sizeOf(shape)));
    const data = inputs.map((input) => input.data);
    const running = kernel.run(data, outputs[0]!, 0, kernel.units, outputs);
    const done = () => types.map(({ dtype, shape }, i) => new Tensor(outputs[i]!, shape, dtype));
    return running === undefined ? done() : running.then(done);
  }
}

/**
 * An operation of one result, whose shape follows from the inputs' shapes and whose type is that of all inputs.
 *
 * Extend it for an op of your own and add it with `graph.apply(op, inputs)`. Elements are computed in double and
 * rounded once when the output is float32, but for sums of products, of which every product and sum is rounded.
 */
export abstract class Op extends TypedOp {
  /**
   * The shape of the result of inputs of `shapes`.
   *
   * @throws ShapeError saying what does not fit; the graph adds the nodes and the shapes.
   */
  abstract inferShape(shapes: readonly Shape[]): Shape;

  /** Works out, once per node, what does not depend on the elements; `output` is `inferShape(shapes)`. */
  abstract prepare(shapes: readonly Shape[], output: Shape): Kernel;

  /** Whether the op computes with elements of a type. Default: float64 and float32 alone. */
  takes(dtype: DType): boolean {
    return isFloat(dtype);
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const dtype = inputs[0]?.dtype ?? "float64";
    if (!this.takes(dtype)) throw new ShapeError(`does not compute with ${dtype}`);
    return [{ dtype, shape: this.inferShape(inputs.map(({ shape }) => shape)) }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    return this.prepare(
      inputs.map(({ shape }) => shape),
      result!.shape,
    );
  }
}

/** A result after the first of an op that has several, which writes it: this op itself does nothing. */
export class Result extends TypedOp {
  readonly name = "result";
  override readonly attributes: Attributes & { readonly type: TensorType };
  override readonly portable = true;

  constructor(attributes: { readonly type: TensorType }) {
    super();
    this.attributes = attributes;
  }

  infer(): readonly TensorType[] {
    return [this.attributes.type];
  }

  make(): Kernel {
    return { units: 1, cost: 0, run: () => undefined };
  }
}

/** `op.infer(inputs)`, with the op and its `operands` named in the error. */
export function checkedTypes(
  op: TypedOp,
  inputs: readonly TensorType[],
  operands: readonly string[],
): readonly TensorType[] {
  try {
    const types = op.infer(inputs);
    const odd = types.find(({ shape }) => !shape.every((length) => Number.isInteger(length) && length >= 0));
    if (odd !== undefined) throw new ShapeError(`there is no shape ${formatShape(odd.shape)}`);
    return types;
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(`${op.name}(${operands.join(", ")}): ${error.message}`);
  }
}

/** A type for a message: `3×2`, with its dtype where that is not float64. */
function formatType({ dtype, shape }: TensorType): string {
  return dtype === "float64" ? formatShape(shape) : `${dtype} ${formatShape(shape)}`;
}

/** @throws ShapeError when there are not `arity` inputs. */
export function checkArity(inputs: readonly unknown[], arity: number): void {
  if (inputs.length !== arity) throw new ShapeError(`needs ${arity} inputs, got ${inputs.length}`);
}

/** An axis counted from the end when negative, as in NumPy. @throws ShapeError when there is no such axis. */
export function resolveAxis(axis: number, shape: Shape): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= shape.length) {
    throw new ShapeError(`axis ${axis} is not one of the ${shape.length} axes of ${formatShape(shape)}`);
  }
  return resolved;
}
