import type { Data } from "../tensor.js";
import { exponential, logistic, tangent } from "./exponential.js";
import { kernelsOn, type TensorKernels, TOLD_AT, TOLD_BYTES } from "./tensor-kernels.js";

/** The elementwise ops of single precision that there are in WebAssembly, at their numbers there. */
const NAMES = [
  "add",
  "sub",
  "mul",
  "div",
  "minimum",
  "maximum",
  "prelu",
  "neg",
  "abs",
  "sqrt",
  "square",
  "relu",
  "clip",
  "reciprocal",
  "exp",
  "sigmoid",
  "tanh",
  "hardSigmoid",
  "hardSwish",
  "leakyRelu",
  "affine",
  "swish",
] as const;

export type ElementName = (typeof NAMES)[number];

const codes = new Map<string, number>(NAMES.map((name, code) => [name, code]));

/** Nanoseconds per element, about, of an op in WebAssembly, with its operands in the cache. */
const COSTLY_NS: Partial<Record<ElementName, number>> = { exp: 2, sigmoid: 3, tanh: 4, swish: 3.5 };
const CHEAP_NS = 0.15;

/** Whether an op of that name is among them. */
export function isElementName(name: string): name is ElementName {
  return codes.has(name);
}

/** A step of a program: an op on values before it, those given first, then those of the steps, in order. */
export interface ElementStep {
  readonly op: ElementName;
  readonly inputs: readonly number[];
  readonly alpha?: number;
  readonly beta?: number;
}

/** Columns that all steps pass before the next: `BLOCK` of the kernel. */
const BLOCK = 512;
const WORDS = 14;
/** As many steps and kept values as there is room for. */
export const MOST_STEPS = Math.floor(TOLD_BYTES / 4 / WORDS);
const MOST_KEPT = 32;

/** Where an operand lies: a number for each of a row's columns (`step` 1) or one for all (0), rows `row` apart. */
export interface Operand {
  readonly data: Data;
  readonly at: number;
  readonly row: number;
  readonly step: 0 | 1;
}

const [ROW, ONE, KEPT] = [0, 1, 2];

/** Where a step finds a value: the number of what is given, or of a place for values that are kept. */
interface Source {
  readonly kept: boolean;
  readonly index: number;
}

interface Compiled {
  readonly code: number;
  readonly a: Source;
  readonly b: Source | undefined;
  /** Where the result is kept, −1 for the program's own. */
  readonly keep: number;
  readonly alpha: number;
  readonly beta: number;
  readonly plain: Plain;
}

/**
 * Elementwise ops of single precision, one after another, in one pass over memory: blocks of columns go through all
 * steps. Each step's result is rounded, so that the bits are those of ops computed by themselves; the last step's result
 * is the program's.
 */
export class ElementProgram {
  /** About how long an element takes, in nanoseconds. */
  readonly cost: number;
  private readonly steps: readonly Compiled[];
  private readonly kept: number;
  private room: Float32Array | undefined = undefined;

  /** @param given how many values there are before the steps' */
  constructor(steps: readonly ElementStep[], given: number) {
    const last = new Int32Array(given + steps.length).fill(-1);
    for (const [i, { inputs }] of steps.entries()) for (const input of inputs) last[input] = i;
    const places = new Int32Array(steps.length).fill(-1);
    const free: number[] = [];
    let kept = 0;
    const sourceOf = (value: number): Source =>
      value < given ? { kept: false, index: value } : { kept: true, index: places[value - given]! };
    this.steps = steps.map(({ op, inputs, alpha = 0, beta = 0 }, i) => {
      const [a, b] = inputs.map(sourceOf);
      // A step may write over what it reads.
      for (const input of new Set(inputs))
        if (input >= given && last[input] === i) free.push(places[input - given]!);
      if (i < steps.length - 1) places[i] = free.pop() ?? kept++;
      return { code: codes.get(op)!, a: a!, b, keep: places[i]!, alpha, beta, plain: plain[op] };
    });
    this.kept = kept;
    if (steps.length > MOST_STEPS || kept > MOST_KEPT)
      throw new RangeError(`a program of ${steps.length} steps that keep ${kept} values`);
    this.cost = steps.reduce((sum, { op }) => sum + (COSTLY_NS[op] ?? CHEAP_NS), 0);
  }

  /**
   * Computes `rows` rows of n columns of y, `yRow` elements apart. Operands may be y itself, at the same places.
   *
   * In WebAssembly where all lie in a machine's memory, with the same bits.
   */
  run(operands: readonly Operand[], y: Data, at: number, yRow: number, rows: number, n: number): void {
    const kernels = kernelsOn(
      y,
      operands.map(({ data }) => data),
    );
    if (kernels === undefined) this.runPlainly(operands, y, at, yRow, rows, n);
    else {
      this.write(kernels, operands, y.byteOffset + 4 * at, 4 * yRow);
      kernels.exports.elementwise(kernels.room + TOLD_AT, this.steps.length, rows, n);
    }
  }

  /** Writes the steps where the kernel reads them. */
  private write(
    { room, words, doubles }: TensorKernels,
    operands: readonly Operand[],
    y: number,
    yRow: number,
  ): void {
    const operand = (to: number, source: Source) => {
      if (source.kept) {
        words[to] = room + source.index * 4 * BLOCK;
        words[to + 1] = 0;
        words[to + 2] = KEPT;
        return;
      }
      const { data, at, row, step } = operands[source.index]!;
      words[to] = data.byteOffset + 4 * at;
      words[to + 1] = 4 * row;
      words[to + 2] = step === 0 ? ONE : ROW;
    };
    for (let i = 0, to = 0; i < this.steps.length; i++, to += WORDS) {
      const { code, a, b, keep, alpha, beta } = this.steps[i]!;
      words[to] = code;
      operand(to + 1, a);
      if (b !== undefined) operand(to + 4, b);
      if (keep < 0) {
        words[to + 7] = y;
        words[to + 8] = yRow;
        words[to + 9] = ROW;
      } else operand(to + 7, { kept: true, index: keep });
      doubles[(to + 10) / 2] = alpha;
      doubles[(to + 10) / 2 + 1] = beta;
    }
  }

  private runPlainly(
    operands: readonly Operand[],
    y: Data,
    at: number,
    yRow: number,
    rows: number,
    n: number,
  ): void {
    this.room ??= new Float32Array(this.kept * BLOCK);
    const { room } = this;
    for (let row = 0; row < rows; row++) {
      for (let j = 0; j < n; j += BLOCK) {
        const columns = Math.min(BLOCK, n - j);
        const place = ({ kept, index }: Source): readonly [Data, number, number] => {
          if (kept) return [room, index * BLOCK, 1];
          const { data, at: start, row: own, step } = operands[index]!;
          return [data, start + row * own + j * step, step];
        };
        for (const { a, b, keep, alpha, beta, plain: strip } of this.steps) {
          const [x, xAt, xStep] = place(a);
          const [z, zAt, zStep] = b === undefined ? [x, xAt, xStep] : place(b);
          const [out, o] = keep < 0 ? [y, at + row * yRow + j] : [room, keep * BLOCK];
          strip(x, xAt, xStep, z, zAt, zStep, out, o, columns, alpha, beta);
        }
      }
    }
  }
}

/** One step on n columns, in a plain loop; what is stored is rounded. */
type Plain = (
  a: Data,
  ai: number,
  as: number,
  b: Data,
  bi: number,
  bs: number,
  out: Data,
  o: number,
  n: number,
  alpha: number,
  beta: number,
) => void;

const of2 =
  (f: (x: number, y: number) => number): Plain =>
  (a, ai, as, b, bi, bs, out, o, n) => {
    for (let i = 0; i < n; i++) out[o + i] = f(a[ai + i * as]!, b[bi + i * bs]!);
  };

const of1 =
  (f: (x: number, alpha: number, beta: number) => number): Plain =>
  (a, ai, as, _b, _bi, _bs, out, o, n, alpha, beta) => {
    for (let i = 0; i < n; i++) out[o + i] = f(a[ai + i * as]!, alpha, beta);
  };

const plain: Record<ElementName, Plain> = {
  add: of2((x, y) => x + y),
  sub: of2((x, y) => x - y),
  mul: of2((x, y) => x * y),
  div: of2((x, y) => x / y),
  minimum: of2(Math.min),
  maximum: of2(Math.max),
  prelu: of2((x, y) => (x < 0 ? y * x : x)),
  neg: of1((x) => -x),
  abs: of1(Math.abs),
  sqrt: of1(Math.sqrt),
  square: of1((x) => x * x),
  relu: of1((x) => Math.max(x, 0)),
  clip: of1((x, alpha, beta) => Math.min(Math.max(x, alpha), beta)),
  reciprocal: of1((x) => 1 / x),
  exp: of1(exponential),
  sigmoid: of1(logistic),
  tanh: of1(tangent),
  hardSigmoid: of1((x, alpha, beta) => Math.max(0, Math.min(1, alpha * x + beta))),
  hardSwish: of1((x) => x * Math.max(0, Math.min(1, x / 6 + 0.5))),
  leakyRelu: of1((x, alpha) => (x < 0 ? alpha * x : x)),
  affine: of1((x, alpha, beta) => alpha * x + beta),
  swish: of1((x, alpha) => x / (1 + exponential(-(alpha * x)))),
};
