import { ShapeError } from "./errors.js";
import { formatShape, type Shape, sizeOf } from "./shape.js";
import { allocate, type Data, type DType, Tensor } from "./tensor.js";

/** What an op is told besides its inputs, such as axes: plain data, for printing and for worker threads. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A node as ops know it; graphs make them, with more to them. */
export interface OpNode {
  readonly id: number;
  readonly inputs: readonly OpNode[];
  readonly shape: Shape;
  readonly dtype: DType;
  readonly label: string;
}

/** An op made ready for inputs of given shapes. */
export interface Kernel {
  /** Into how many pieces the output can be cut that are computed independently, each in the same way. */
  readonly units: number;
  /** About how long the whole takes on one thread, in nanoseconds; it decides whether worker threads pay. */
  readonly cost: number;
  /**
   * Whether it is fastest where its operands lie in the machine's memory, because its loops are in WebAssembly: then
   * machines copy leaves there. Elsewhere it gives the same bits.
   */
  readonly inMemory?: boolean;
  /**
   * Computes the pieces `from` to `to` (exclusive) of `output`, writes nothing else and leaves `inputs` alone.
   * Only ops of your own may return a promise.
   */
  run(inputs: readonly Data[], output: Data, from: number, to: number): void | Promise<void>;
}

/**
 * An operation on tensors: pure, so that its result depends on its inputs alone.
 *
 * Extend it for an op of your own and add it with `graph.apply(op, inputs)`. Elements are computed in double and
 * rounded once when the output is float32, but for sums of products, of which every product and sum is rounded.
 */
export abstract class Op {
  abstract readonly name: string;
  readonly attributes: Attributes = {};
  /** Whether a worker thread can rebuild this op from its name and attributes. */
  readonly portable: boolean = false;

  /**
   * The shape of the result of inputs of `shapes`.
   *
   * @throws ShapeError saying what does not fit; the graph adds the nodes and the shapes.
   */
  abstract inferShape(shapes: readonly Shape[]): Shape;

  /** Works out, once per node, what does not depend on the elements; `output` is `inferShape(shapes)`. */
  abstract prepare(shapes: readonly Shape[], output: Shape): Kernel;

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
   * Applies the op to tensors, outside of any graph.
   *
   * @throws ShapeError when the shapes do not fit.
   */
  do(inputs: readonly Tensor[]): Tensor | Promise<Tensor> {
    const shapes = inputs.map((input) => input.shape);
    const shape = checkedShape(this, shapes, shapes.map(formatShape));
    const kernel = this.prepare(shapes, shape);
    const output = allocate(inputs[0]?.dtype ?? "float64", sizeOf(shape));
    const data = inputs.map((input) => input.data);
    const running = kernel.run(data, output, 0, kernel.units);
    const done = () => new Tensor(output, shape);
    return running === undefined ? done() : running.then(done);
  }
}

/** `op.inferShape(shapes)`, with the op and its `operands` named in the error. */
export function checkedShape(op: Op, shapes: readonly Shape[], operands: readonly string[]): Shape {
  try {
    return op.inferShape(shapes);
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ShapeError(`${op.name}(${operands.join(", ")}): ${error.message}`);
  }
}

/** @throws ShapeError when there are not `arity` shapes. */
export function checkArity(shapes: readonly Shape[], arity: number): void {
  if (shapes.length !== arity) throw new ShapeError(`needs ${arity} inputs, got ${shapes.length}`);
}

/** An axis counted from the end when negative, as in NumPy. @throws ShapeError when there is no such axis. */
export function resolveAxis(axis: number, shape: Shape): number {
  const resolved = axis < 0 ? axis + shape.length : axis;
  if (!Number.isInteger(axis) || resolved < 0 || resolved >= shape.length) {
    throw new ShapeError(`axis ${axis} is not one of the ${shape.length} axes of ${formatShape(shape)}`);
  }
  return resolved;
}
