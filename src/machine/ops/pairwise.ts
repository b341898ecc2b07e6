import { ShapeError } from "../errors.js";
import type { Node } from "../graph.js";
import { checkArity, type Kernel, type TensorType, TypedOp } from "../op.js";
import { broadcast, broadcastStrides, formatShape, sizeOf } from "../shape.js";
import { type BigData, type Data, isBig } from "../tensor.js";
import { elementKernel } from "./elementwise.js";
import { strided, walkOf } from "./strips.js";

/** An elementwise op of two operands of one type, broadcast against each other: choices, bits, and predicates. */
export class Pairwise extends TypedOp {
  readonly name: PairwiseName;
  override readonly portable = true;

  constructor(name: PairwiseName) {
    super();
    this.name = name;
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    checkArity(inputs, 2);
    const [x, y] = inputs as [TensorType, TensorType];
    if (x.dtype !== y.dtype) throw new ShapeError(`cannot mix ${x.dtype} and ${y.dtype}`);
    const shape = broadcast([x.shape, y.shape]);
    if (shape === undefined) {
      throw new ShapeError(`shapes ${formatShape(x.shape)} and ${formatShape(y.shape)} do not broadcast`);
    }
    return [{ dtype: this.name in predicates ? "bool" : x.dtype, shape }];
  }

  make(inputs: readonly TensorType[], [result]: readonly TensorType[]): Kernel {
    const { shape } = result!;
    const units = sizeOf(shape);
    const walk = walkOf(
      shape,
      inputs.map((input) => broadcastStrides(input.shape, shape)),
    );
    const { dtype } = inputs[0]!;
    const strip = isBig(dtype) ? this.bigStrip() : this.strip();
    const plain: Kernel = {
      units,
      cost: units * 4,
      run: ([a, b], out, from, to) => {
        strided(walk, from, to, (offsets, steps, o, n) => {
          strip(a!, offsets[0]!, steps[0]!, b!, offsets[1]!, steps[1]!, out, o, n);
        });
      },
    };
    const shapes = inputs.map((input) => input.shape);
    return elementKernel(this.name, {}, dtype, shapes, shape, plain);
  }

  private strip() {
    const predicate = (predicates as Record<string, Predicate>)[this.name];
    const f = (ofNumbers as Record<string, Formula<number>>)[this.name]!;
    return (
      a: Data,
      ai: number,
      as: number,
      b: Data,
      bi: number,
      bs: number,
      out: Data,
      o: number,
      n: number,
    ) => {
      if (predicate === undefined)
        for (let i = 0; i < n; i++) out[o + i] = f(a[ai + i * as]!, b[bi + i * bs]!);
      else for (let i = 0; i < n; i++) out[o + i] = predicate(a[ai + i * as]!, b[bi + i * bs]!) ? 1 : 0;
    };
  }

  private bigStrip() {
    const predicate = (predicates as Record<string, Predicate>)[this.name];
    const f = (ofBigints as Record<string, Formula<bigint>>)[this.name]!;
    return (
      a: Data,
      ai: number,
      as: number,
      b: Data,
      bi: number,
      bs: number,
      out: Data,
      o: number,
      n: number,
    ) => {
      const [x, y, z] = [a, b, out] as unknown as [BigData, BigData, BigData];
      if (predicate === undefined) for (let i = 0; i < n; i++) z[o + i] = f(x[ai + i * as]!, y[bi + i * bs]!);
      else for (let i = 0; i < n; i++) out[o + i] = predicate(x[ai + i * as]!, y[bi + i * bs]!) ? 1 : 0;
    };
  }
}

/**
 * The choice, predicate or bitwise op of this name of two nodes of one type, elementwise, broadcast against each other.
 *
 * @example
 * ```js
 * import { Graph, pairwise, TapeMachine, tensor } from "goml/machine";
 *
 * const graph = new Graph();
 * const y = pairwise("maximum", graph.parameter("a", tensor([1, 5])), graph.parameter("b", tensor([3, 2])));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ 3, 5 ]
 * ```
 */
export const pairwise = (name: PairwiseName, x: Node, y: Node): Node =>
  x.graph.apply(new Pairwise(name), [x, y]);

type Formula<T> = (x: T, y: T) => T;
type Predicate = (x: number | bigint, y: number | bigint) => boolean;

const predicates = {
  isEqual: (x, y) => x === y,
  isLess: (x, y) => x < y,
  isLessOrEqual: (x, y) => x <= y,
  isGreater: (x, y) => x > y,
  isGreaterOrEqual: (x, y) => x >= y,
} satisfies Record<string, Predicate>;

const ofNumbers = {
  /** NaN where one of them is. */
  minimum: Math.min,
  maximum: Math.max,
  /** The rest of a division with the sign of the divisor. */
  modulo: (x, y) => (y === 0 ? Number.NaN : x - y * Math.floor(x / y)),
  /** The rest of a division with the sign of the dividend. */
  remainder: (x, y) => x % y,
  /** x, and below 0 y times x. */
  prelu: (x, y) => (x < 0 ? y * x : x),
  bitAnd: (x, y) => x & y,
  bitOr: (x, y) => x | y,
  bitXor: (x, y) => x ^ y,
  shiftLeft: (x, y) => (y > 31 ? 0 : x << y),
  shiftRight: (x, y) => (y > 31 ? 0 : x >>> y),
} satisfies Record<string, Formula<number>>;

const ofBigints = {
  minimum: lesser,
  maximum: greater,
  modulo: (x, y) => (y === 0n ? 0n : ((x % y) + y) % y),
  remainder: (x, y) => (y === 0n ? 0n : x % y),
  prelu: (x, y) => (x < 0n ? y * x : x),
  bitAnd: (x, y) => x & y,
  bitOr: (x, y) => x | y,
  bitXor: (x, y) => x ^ y,
  shiftLeft: (x, y) => (y > 63n ? 0n : x << y),
  shiftRight: (x, y) => x >> y,
} satisfies Record<string, Formula<bigint>>;

export const PAIRWISE = [...Object.keys(ofNumbers), ...Object.keys(predicates)] as readonly PairwiseName[];
export type PairwiseName = keyof typeof ofNumbers | keyof typeof predicates;

function lesser(x: bigint, y: bigint): bigint {
  if (x < y) return x;
  return y;
}

function greater(x: bigint, y: bigint): bigint {
  if (x > y) return x;
  return y;
}
