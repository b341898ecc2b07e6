import { ShapeError } from "../errors.js";
import { kernelsOn, SCRATCH_AT, SCRATCH_BYTES, type TensorKernels } from "../kernels/tensor-kernels.js";
import { type Attributes, type Kernel, type TensorType, TypedOp } from "../op.js";
import { formatShape, type Shape } from "../shape.js";
import type { Data, DType } from "../tensor.js";

/** Operands that may be left out, in this order after x, w and r. */
export type RecurrentOperand = "bias" | "lengths" | "hidden" | "cell" | "peepholes";

export interface RecurrentAttributes {
  readonly direction: "forward" | "reverse" | "bidirectional";
  /** Which of the operands that may be left out there are. */
  readonly given: readonly RecurrentOperand[];
  /** The functions of each direction's gates, with their parameters. */
  readonly activations: readonly {
    readonly name: ActivationName;
    readonly alpha: number;
    readonly beta: number;
  }[];
  readonly clip: number;
  /** LSTM: whether the forget gate is one less the input gate. */
  readonly coupled: boolean;
  /** GRU: whether the reset gate is applied after the product with the recurrent weights. */
  readonly linearBeforeReset: boolean;
}

const GATES = { rnn: 1, gru: 3, lstm: 4 } as const;

/**
 * A recurrent layer over x, S × B × I, with weights w, D × gH × I, and r, D × gH × H, for D directions and g gates
 * (in ONNX's order). Results: all hidden states, S × D × B × H; the last ones, D × B × H; and an LSTM's last cells.
 */
export class Recurrent extends TypedOp {
  readonly name: keyof typeof GATES;
  override readonly attributes: Attributes & RecurrentAttributes;
  override readonly portable = true;

  constructor(name: keyof typeof GATES, attributes: RecurrentAttributes) {
    super();
    this.name = name;
    this.attributes = { ...attributes };
  }

  infer(inputs: readonly TensorType[]): readonly TensorType[] {
    const [x, w, r] = inputs as [TensorType, TensorType, TensorType];
    const { direction, given } = this.attributes;
    const directions = direction === "bidirectional" ? 2 : 1;
    const hidden = r.shape[2]!;
    const gates = GATES[this.name];
    const want = (what: string, got: Shape, shape: Shape) => {
      if (got.length !== shape.length || got.some((length, axis) => length !== shape[axis]))
        throw new ShapeError(`${what} should be ${formatShape(shape)}, got ${formatShape(got)}`);
    };
    if (x.shape.length !== 3)
      throw new ShapeError(`needs sequence × batch × inputs, got ${formatShape(x.shape)}`);
    const [steps, batch, width] = x.shape as [number, number, number];
    want("w", w.shape, [directions, gates * hidden, width]);
    want("r", r.shape, [directions, gates * hidden, hidden]);
    const shapes: Record<RecurrentOperand, Shape> = {
      bias: [directions, 2 * gates * hidden],
      lengths: [batch],
      hidden: [directions, batch, hidden],
      cell: [directions, batch, hidden],
      peepholes: [directions, 3 * hidden],
    };
    for (const [i, name] of given.entries()) want(name, inputs[3 + i]!.shape, shapes[name]);
    const { dtype } = x;
    const last = { dtype, shape: [directions, batch, hidden] };
    const all = { dtype, shape: [steps, directions, batch, hidden] };
    return this.name === "lstm" ? [all, last, last] : [all, last];
  }

  make(inputs: readonly TensorType[], results: readonly TensorType[]): Kernel {
    const [x] = inputs as [TensorType];
    const [steps, batch, width] = x.shape as [number, number, number];
    const [, directions, , hidden] = results[0]!.shape as [number, number, number, number];
    const { attributes, name } = this;
    const gates = GATES[name];
    const rowLength = gates * hidden;
    const products = steps * batch * directions * rowLength * (width + hidden);
    const room = recurrentRoom(rowLength, hidden, steps);
    const inMemory = x.dtype === "float32" && products >= MIN_PRODUCTS && room !== undefined;
    return {
      // A unit is one sequence in one direction.
      units: directions * batch,
      cost: products * (inMemory ? KERNEL_NS : PLAIN_NS),
      inMemory,
      run: (operands, out, from, to, all = [out]) => {
        const operand = (wanted: RecurrentOperand) => {
          const at = attributes.given.indexOf(wanted);
          return at < 0 ? undefined : operands[3 + at];
        };
        const [a, w, r] = operands as [Data, Data, Data];
        const kernels = inMemory ? kernelsOn(out, [a, w, r]) : undefined;
        const { multiply, state, reset, projected, recurrent, together } =
          kernels === undefined ? plainly(x.dtype, rowLength, hidden) : inWebAssembly(kernels, room!);
        const bias = operand("bias");
        const lengths = operand("lengths");
        const peepholes = operand("peepholes");
        for (let unit = from; unit < to; unit++) {
          const d = Math.floor(unit / batch);
          const b = unit - d * batch;
          const reversed = attributes.direction === "reverse" || d === 1;
          const length = lengths === undefined ? steps : Math.min(steps, Number(lengths[b]!));
          const begin = (own: Floats, initial: Data | undefined) => {
            if (initial === undefined) own.fill(0);
            else own.set(initial.subarray(unit * hidden, (unit + 1) * hidden));
            return own;
          };
          const cell: Cell = {
            hidden,
            h: begin(state, operand("hidden")),
            c: begin(
              x.dtype === "float32" ? new Float32Array(hidden) : new Float64Array(hidden),
              operand("cell"),
            ),
            reset,
            gates: new Float64Array(rowLength),
            recurrent: new Float64Array(rowLength),
            peepholes: peepholes?.subarray(d * 3 * hidden, (d + 1) * 3 * hidden),
            functions: attributes.activations
              .slice(d * FUNCTIONS[name], (d + 1) * FUNCTIONS[name])
              .map(bound),
            attributes,
          };
          for (let s = 0; s < steps; s++)
            out.fill(
              0,
              ((s * directions + d) * batch + b) * hidden,
              ((s * directions + d) * batch + b + 1) * hidden,
            );
          const biasOf = (second: number, g: number) =>
            bias === undefined ? 0 : bias[(2 * d + second) * rowLength + g]!;
          // The candidate of a GRU that resets first is not known before the reset gate.
          const known = name === "gru" && !attributes.linearBeforeReset ? 2 * hidden : rowLength;
          const late = (h: Floats) => {
            multiply(h, 0, 0, 1, r, (d * rowLength + known) * hidden, rowLength - known, hidden, recurrent);
            for (let g = known; g < rowLength; g++) cell.recurrent[g] = recurrent[g - known]! + biasOf(1, g);
          };
          for (let s = 0; s < length; s++) {
            const at = reversed ? length - 1 - s : s;
            // What the inputs give is worked out for some steps at a time, in the order of x.
            const place = s % together;
            if (place === 0) {
              const count = Math.min(together, length - s);
              const row = ((reversed ? at - count + 1 : at) * batch + b) * width;
              multiply(a, row, batch * width, count, w, d * rowLength * width, rowLength, width, projected);
            }
            const own = reversed ? Math.min(together, length - s + place) - 1 - place : place;
            multiply(cell.h, 0, 0, 1, r, d * rowLength * hidden, known, hidden, recurrent);
            for (let g = 0; g < rowLength; g++) {
              cell.gates[g] = projected[own * rowLength + g]! + biasOf(0, g);
              if (g < known) cell.recurrent[g] = recurrent[g]! + biasOf(1, g);
            }
            advance[name](cell, late);
            out.set(cell.h, ((at * directions + d) * batch + b) * hidden);
          }
          all[1]?.set(cell.h, unit * hidden);
          all[2]?.set(cell.c, unit * hidden);
        }
      },
    };
  }
}

type Floats = Float32Array | Float64Array;

/** Fewer products of elements than this are done before WebAssembly has been called. */
const MIN_PRODUCTS = 1000;
/** About how long a product takes, in nanoseconds. */
const KERNEL_NS = 0.2;
const PLAIN_NS = 1.5;
/** Steps whose inputs are multiplied at a time, at most. */
const STEPS = 64;

/**
 * For `count` rows of n terms, `step` apart, from `at` on, their products with `rows` rows of a matrix that begin at
 * `first`, side by side: sums in ascending order from 0 on, each product and each sum rounded to the type.
 */
type Multiply = (
  x: Data,
  at: number,
  step: number,
  count: number,
  matrix: Data,
  first: number,
  rows: number,
  n: number,
  out: Floats,
) => void;

/** What a thread multiplies with and into. */
interface Multiplying {
  readonly multiply: Multiply;
  readonly state: Floats;
  readonly reset: Floats;
  readonly projected: Floats;
  readonly recurrent: Floats;
  /** Steps whose inputs `projected` has room for. */
  readonly together: number;
}

/** How many floats of a thread's scratch are for what, undefined where there is not enough. */
function recurrentRoom(rowLength: number, hidden: number, steps: number) {
  const left = SCRATCH_BYTES / 4 - 2 * hidden - rowLength;
  const together = Math.min(STEPS, steps, Math.floor(left / Math.max(1, rowLength)));
  return together < 1 ? undefined : { rowLength, hidden, together };
}

function plainly(dtype: DType, rowLength: number, hidden: number): Multiplying {
  const dot = dtype === "float32" ? dot32 : dot64;
  const floats = (size: number) => (dtype === "float32" ? new Float32Array(size) : new Float64Array(size));
  return {
    multiply(x, at, step, count, matrix, first, rows, n, out) {
      for (let i = 0; i < count; i++)
        for (let g = 0; g < rows; g++) out[i * rows + g] = dot(x, at + i * step, matrix, first + g * n, n);
    },
    state: floats(hidden),
    reset: floats(hidden),
    projected: floats(rowLength),
    recurrent: floats(rowLength),
    together: 1,
  };
}

function inWebAssembly(
  { exports, room, words }: TensorKernels,
  { rowLength, hidden, together }: NonNullable<ReturnType<typeof recurrentRoom>>,
): Multiplying {
  let next = room + SCRATCH_AT;
  const floats = (size: number) => {
    const own = new Float32Array(words.buffer, next, size);
    next += 4 * size;
    return own;
  };
  return {
    multiply(x, at, step, count, matrix, first, rows, n, out) {
      exports.gemmF32(
        x.byteOffset + 4 * at,
        4 * step,
        4,
        matrix.byteOffset + 4 * first,
        4,
        4 * n,
        out.byteOffset,
        4 * rows,
        count,
        rows,
        n,
        room,
      );
    },
    state: floats(hidden),
    reset: floats(hidden),
    recurrent: floats(rowLength),
    projected: floats(together * rowLength),
    together,
  };
}

/** A sequence on its way. */
interface Cell {
  readonly hidden: number;
  readonly h: Floats;
  readonly c: Floats;
  /** Of a GRU: the hidden state after the reset gate. */
  readonly reset: Floats;
  /** Wx and Rh, with their biases. */
  readonly gates: Float64Array;
  readonly recurrent: Float64Array;
  readonly peepholes: Data | undefined;
  readonly functions: readonly ((x: number) => number)[];
  readonly attributes: RecurrentAttributes;
}

/** How many functions a direction has. */
const FUNCTIONS = { rnn: 1, gru: 2, lstm: 3 } as const;

/** Works out what the gates that are not known yet get of a hidden state. */
type Late = (h: Floats) => void;

const advance: Record<keyof typeof GATES, (cell: Cell, late: Late) => void> = {
  rnn({ hidden, h, gates, recurrent, functions: [f], attributes: { clip } }) {
    for (let i = 0; i < hidden; i++) h[i] = f!(clipped(gates[i]! + recurrent[i]!, clip));
  },
  gru({ hidden, h, reset, gates, recurrent, functions: [f, g], attributes }, late) {
    const { clip, linearBeforeReset } = attributes;
    for (let i = 0; i < hidden; i++) {
      const r = f!(clipped(gates[hidden + i]! + recurrent[hidden + i]!, clip));
      reset[i] = linearBeforeReset ? r : r * h[i]!;
    }
    if (!linearBeforeReset) late(reset);
    for (let i = 0; i < hidden; i++) {
      const z = f!(clipped(gates[i]! + recurrent[i]!, clip));
      const candidate = 2 * hidden + i;
      const past = linearBeforeReset ? reset[i]! * recurrent[candidate]! : recurrent[candidate]!;
      h[i] = (1 - z) * g!(clipped(gates[candidate]! + past, clip)) + z * h[i]!;
    }
  },
  lstm({ hidden, h, c, gates, recurrent, peepholes, functions: [f, g, k], attributes }) {
    const { clip, coupled } = attributes;
    const at = (gate: number, i: number) => gates[gate * hidden + i]! + recurrent[gate * hidden + i]!;
    const peep = (gate: number, i: number, cell: number) =>
      peepholes === undefined ? 0 : peepholes[gate * hidden + i]! * cell;
    for (let i = 0; i < hidden; i++) {
      const old = c[i]!;
      const input = f!(clipped(at(0, i) + peep(0, i, old), clip));
      const forget = coupled ? 1 - input : f!(clipped(at(2, i) + peep(2, i, old), clip));
      c[i] = forget * old + input * g!(clipped(at(3, i), clip));
      h[i] = f!(clipped(at(1, i) + peep(1, i, c[i]!), clip)) * k!(c[i]!);
    }
  },
};

function clipped(x: number, clip: number): number {
  return clip > 0 ? Math.max(-clip, Math.min(clip, x)) : x;
}

type Dot = (a: Data, at: number, b: Data, bt: number, n: number) => number;

const dot32: Dot = (a, at, b, bt, n) => {
  let total = Math.fround(0);
  for (let i = 0; i < n; i++) total = Math.fround(total + Math.fround(a[at + i]! * b[bt + i]!));
  return total;
};

const dot64: Dot = (a, at, b, bt, n) => {
  let total = 0;
  for (let i = 0; i < n; i++) total += a[at + i]! * b[bt + i]!;
  return total;
};

const activations = {
  relu: (x: number) => Math.max(0, x),
  tanh: (x: number) => Math.tanh(x),
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
  affine: (x: number, alpha: number, beta: number) => alpha * x + beta,
  leakyRelu: (x: number, alpha: number) => (x < 0 ? alpha * x : x),
  thresholdedRelu: (x: number, alpha: number) => (x > alpha ? x : 0),
  scaledTanh: (x: number, alpha: number, beta: number) => alpha * Math.tanh(beta * x),
  hardSigmoid: (x: number, alpha: number, beta: number) => Math.max(0, Math.min(1, alpha * x + beta)),
  elu: (x: number, alpha: number) => (x < 0 ? alpha * Math.expm1(x) : x),
  softsign: (x: number) => x / (1 + Math.abs(x)),
  softplus: (x: number) => Math.log1p(Math.exp(x)),
} satisfies Record<string, (x: number, alpha: number, beta: number) => number>;

export type ActivationName = keyof typeof activations;

function bound({ name, alpha, beta }: RecurrentAttributes["activations"][number]): (x: number) => number {
  const f: (x: number, alpha: number, beta: number) => number = activations[name];
  return (x) => f(x, alpha, beta);
}
