import { type Shape, sizeOf } from "../shape.js";
import type { Data } from "../tensor.js";

/**
 * The inner loops of the elementwise ops: `n` elements, each operand read from an offset with a step (0 for an
 * operand that is repeated), the output written in a row. One plain loop per op: passing the op's formula to one
 * shared loop costs a call per element, because the compiler sees many formulas there.
 */
export type BinaryStrip = (
  a: Data,
  ai: number,
  as: number,
  b: Data,
  bi: number,
  bs: number,
  out: Data,
  o: number,
  n: number,
) => void;

/** As `BinaryStrip`, for one operand that lies in a row: elements `from` to `to`. */
export type UnaryStrip = (a: Data, out: Data, from: number, to: number) => void;

/** What `strided` calls: the offset and step of each operand, the output's offset, the length. */
export type StripCall = (offsets: readonly number[], steps: readonly number[], o: number, n: number) => void;

/** How to walk operands of several strides over one output; made by `walkOf`. */
export interface Walk {
  /** Elements in a strip. */
  readonly inner: number;
  /** Each operand's step within a strip. */
  readonly steps: readonly number[];
  /** The axes outside the strips, outermost first. */
  readonly lengths: readonly number[];
  /** For each of those axes, each operand's stride. */
  readonly strides: readonly (readonly number[])[];
}

/** Plans a walk over an output of `shape` with operands of the given strides; neighbouring axes are joined. */
export function walkOf(shape: Shape, operands: readonly (readonly number[])[]): Walk {
  const lengths: number[] = [];
  const strides: number[][] = [];
  for (let axis = 0; axis < shape.length; axis++) {
    const length = shape[axis]!;
    if (length === 1) continue;
    const own = operands.map((operand) => operand[axis]!);
    const last = strides.at(-1);
    if (last?.every((stride, i) => stride === own[i]! * length)) {
      lengths[lengths.length - 1]! *= length;
      strides[strides.length - 1] = own;
    } else {
      lengths.push(length);
      strides.push(own);
    }
  }
  const inner = lengths.pop() ?? sizeOf(shape);
  const steps = strides.pop() ?? operands.map(() => 0);
  return { inner, steps, lengths, strides };
}

/** Calls `strip` for the output's elements `from` to `to`, in order, in strips as long as they go. */
export function strided(walk: Walk, from: number, to: number, strip: StripCall): void {
  const { inner, steps, lengths, strides } = walk;
  const offsets = new Array<number>(steps.length);
  for (let o = from; o < to; ) {
    let row = Math.floor(o / inner);
    const column = o - row * inner;
    for (let i = 0; i < steps.length; i++) offsets[i] = column * steps[i]!;
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      const outer = Math.floor(row / lengths[axis]!);
      const index = row - outer * lengths[axis]!;
      const own = strides[axis]!;
      for (let i = 0; i < offsets.length; i++) offsets[i]! += index * own[i]!;
      row = outer;
    }
    const n = Math.min(inner - column, to - o);
    strip(offsets, steps, o, n);
    o += n;
  }
}

/** What `rowsOf` calls: each operand's offset, how far its rows are apart, the output's offset, rows and their length. */
type RowsCall = (
  offsets: readonly number[],
  rowSteps: readonly number[],
  o: number,
  rows: number,
  n: number,
) => void;

/** As `strided`, in as many strips at a time as lie regularly: those of the innermost axis outside of the strips. */
export function rowsOf(walk: Walk, from: number, to: number, call: RowsCall): void {
  const { inner, lengths, strides } = walk;
  const rowSteps = strides.at(-1) ?? walk.steps.map(() => 0);
  const whole = lengths.at(-1) ?? 1;
  for (let o = from; o < to; ) {
    const row = Math.floor(o / inner);
    // Whole strips up to the axis's end; else a part of one.
    const full = row * inner === o ? Math.min(whole - (row % whole), Math.floor((to - o) / inner)) : 0;
    const end = full > 0 ? o + full * inner : Math.min(to, (row + 1) * inner);
    strided(walk, o, Math.min(end, o + inner), (offsets, _steps, at, n) =>
      call(offsets, rowSteps, at, Math.max(1, full), n),
    );
    o = end;
  }
}
