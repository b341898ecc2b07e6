import { ShapeError } from "../errors.js";
import { applyOp, asNodes, type Node, type Operand } from "../graph.js";
import type { ElementStep } from "../kernels/elementwise.js";
import { kernelsOn, type TensorKernels } from "../kernels/tensor-kernels.js";
import { type Attributes, checkArity, type Kernel, Op } from "../op.js";
import { broadcast, broadcastStrides, formatShape, type Shape, sizeOf } from "../shape.js";
import type { Data } from "../tensor.js";
import { Epilogue } from "./epilogue.js";
import { reshape } from "./layout.js";

/** From to before. */
type Range = readonly [number, number];

/** Columns that a piece has at least, two tiles of doubles or one of floats; and where each packs much of A. */
const PANEL = 8;
const WIDE_PANEL = 128;
/** From this many columns pieces are wide: every one packs all of A, which 64 columns do not pay for. */
const WIDE = 512;
/** From this many columns a product is cut by columns whatever its rows. */
const MIN_COLUMNS = 64;
/** Fewer products of elements than this are done before WebAssembly has been called. */
const MIN_PRODUCTS = 1000;
/** About how long a product of two doubles takes in a plain loop and in WebAssembly, in nanoseconds; floats take half. */
const PLAIN_NS = 0.5;
const KERNEL_NS = 0.1;

/** The product of matrices that lie along the last two axes; the axes before are broadcast. */
export class Matmul extends Op {
  readonly name = "matmul";
  /**
   * Elementwise ops of float32 that follow at once: the first value that they are given is the product, the others are
   * the operands after the matrices.
   */
  override readonly attributes: Attributes & { readonly next?: readonly ElementStep[] };
  override readonly portable = true;

  constructor(attributes: { readonly next?: readonly ElementStep[] } = {}) {
    super();
    this.attributes = attributes;
  }

  inferShape(shapes: readonly Shape[]): Shape {
    if (this.attributes.next === undefined) checkArity(shapes, 2);
    const [a, b] = shapes as [Shape, Shape];
    if (a.length < 2 || b.length < 2) {
      throw new ShapeError(`needs matrices, got ${formatShape(a)} and ${formatShape(b)}`);
    }
    if (a.at(-1) !== b.at(-2)) {
      throw new ShapeError(
        `${formatShape(a)} has ${a.at(-1)} columns, ${formatShape(b)} has ${b.at(-2)} rows`,
      );
    }
    const batch = broadcast([a.slice(0, -2), b.slice(0, -2)]);
    if (batch === undefined) {
      throw new ShapeError(`the outer axes of ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
    }
    return [...batch, a.at(-2)!, b.at(-1)!];
  }

  prepare(shapes: readonly Shape[], output: Shape): Kernel {
    const [a, b] = shapes as [Shape, Shape];
    const [m, k, n] = [a.at(-2)!, a.at(-1)!, b.at(-1)!];
    const batch = output.slice(0, -2);
    const batches = sizeOf(batch);
    const aStarts = starts(batch, a, m * k);
    const bStarts = starts(batch, b, k * n);
    // A product is cut by columns, a panel at a time, because each piece packs its own columns of B; by rows where
    // there are too few columns for that.
    const panel = n >= WIDE ? WIDE_PANEL : PANEL;
    const panels = Math.ceil(n / panel);
    const byColumns = panels * panel >= MIN_COLUMNS || panels * panel >= m;
    const parts = byColumns ? panels : m;
    const inMemory = m * n * k >= MIN_PRODUCTS;
    const { next: steps } = this.attributes;
    const after = steps && new Epilogue(steps, false, shapes.slice(2), output, output.length - 2);
    return {
      units: batches * parts,
      cost: batches * m * n * (k * (inMemory ? KERNEL_NS : PLAIN_NS) + (after?.cost ?? 0)),
      inMemory,
      run: ([x, y, ...extras], out, from, to) => {
        const kernels = inMemory ? kernelsOn(out, [x!, y!]) : undefined;
        const product = kernels === undefined ? multiply : multiplyBy(kernels);
        for (let part = from; part < to; ) {
          const index = Math.floor(part / parts);
          const end = Math.min(to, (index + 1) * parts);
          const [first, last] = [part - index * parts, end - index * parts];
          const rows: Range = byColumns ? [0, m] : [first, last];
          const columns: Range = byColumns ? [panel * first, Math.min(n, panel * last)] : [0, n];
          product(x!, aStarts[index]!, y!, bStarts[index]!, out, index * m * n, rows, columns, k, n);
          const [height, width] = [rows[1] - rows[0], columns[1] - columns[0]];
          after?.run(out, index * m * n, n, index, [rows[0], height], [columns[0], width], undefined, extras);
          part = end;
        }
      },
    };
  }
}

/**
 * The matrix product x·y, over the last two axes, the axes before being broadcast.
 *
 * As in NumPy an operand with one axis is a row on the left and a column on the right, and the axis it gained is
 * dropped from the result: a vector times a vector is a scalar.
 *
 * @example
 * ```js
 * import { Graph, matmul, TapeMachine, tensor, transpose } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.parameter("x", tensor([[1, 2, 3], [4, 5, 6]]));
 * const y = matmul(x, transpose(x));
 * const run = await new TapeMachine(graph, { outputs: [y] }).runAll();
 * console.log(run.value(y).toArray()); // [ [ 14, 32 ], [ 32, 77 ] ]
 * ```
 */
export function matmul(x: Operand, y: Operand): Node {
  const [a, b] = asNodes("matmul", [x, y]) as [Node, Node];
  const row = a.shape.length === 1;
  const column = b.shape.length === 1;
  const product = applyOp(new Matmul(), [row ? reshape(a, [1, -1]) : a, column ? reshape(b, [-1, 1]) : b]);
  if (!row && !column) return product;
  const shape = product.shape.slice(0, -2);
  if (!row) shape.push(product.shape.at(-2)!);
  if (!column) shape.push(product.shape.at(-1)!);
  return reshape(product, shape);
}

/** As `multiply`, in WebAssembly. */
function multiplyBy({ exports, room }: TensorKernels): typeof multiply {
  return (a, aStart, b, bStart, c, cStart, [from, to], [left, right], k, n) => {
    const size = c.BYTES_PER_ELEMENT;
    const gemm = size === 4 ? exports.gemmF32 : exports.gemmF64;
    gemm(
      a.byteOffset + (aStart + from * k) * size,
      k * size,
      size,
      b.byteOffset + (bStart + left) * size,
      n * size,
      size,
      c.byteOffset + (cStart + from * n + left) * size,
      n * size,
      to - from,
      right - left,
      k,
      room,
    );
  };
}

/** Where the matrix of each index of the outer axes begins in an operand. */
function starts(batch: Shape, operand: Shape, size: number): Int32Array {
  const strides = broadcastStrides(operand.slice(0, -2), batch);
  const result = new Int32Array(sizeOf(batch));
  for (let index = 0; index < result.length; index++) {
    let rest = index;
    for (let axis = batch.length - 1; axis >= 0; axis--) {
      result[index]! += (rest % batch[axis]!) * strides[axis]! * size;
      rest = Math.floor(rest / batch[axis]!);
    }
  }
  return result;
}

/**
 * Some rows and columns of one product, C = A·B with A m × k and B k × n.
 *
 * Each element is one sum over k in ascending order that begins with 0; of floats every product and every sum is
 * rounded to a float, as everyone does it who is fast. The tiles share loads, not sums, so that the bits depend neither
 * on the tile nor on the piece that an element falls into. Four columns of B at a time are packed next to each other;
 * read in place they would miss the cache on every row.
 */
function multiply(
  a: Data,
  aStart: number,
  b: Data,
  bStart: number,
  c: Data,
  cStart: number,
  [from, to]: Range,
  [left, right]: Range,
  k: number,
  n: number,
): void {
  const dot = c instanceof Float32Array ? dotF32 : dotF64;
  let j = left;
  if (c instanceof Float64Array && to - from >= 4 && right - left >= 4) {
    const panel = new Float64Array(4 * k);
    for (; j + 4 <= right; j += 4) {
      for (let l = 0, p = 0, q = bStart + j; l < k; l++, p += 4, q += n) {
        panel[p] = b[q]!;
        panel[p + 1] = b[q + 1]!;
        panel[p + 2] = b[q + 2]!;
        panel[p + 3] = b[q + 3]!;
      }
      let i = from;
      for (; i + 2 <= to; i += 2) tile(a, aStart + i * k, panel, c, cStart + i * n + j, k, n);
      for (; i < to; i++) {
        for (let w = 0; w < 4; w++) c[cStart + i * n + j + w] = dot(a, aStart + i * k, panel, w, 4, k);
      }
    }
  }
  for (let i = from; i < to; i++) {
    for (let w = j; w < right; w++) c[cStart + i * n + w] = dot(a, aStart + i * k, b, bStart + w, n, k);
  }
}

/** Two rows of A times the panel's four columns: eight sums fit into the registers. */
function tile(a: Data, at: number, panel: Float64Array, c: Data, o: number, k: number, n: number): void {
  let c00 = 0;
  let c01 = 0;
  let c02 = 0;
  let c03 = 0;
  let c10 = 0;
  let c11 = 0;
  let c12 = 0;
  let c13 = 0;
  for (let l = 0, p = 0; l < k; l++, p += 4) {
    const a0 = a[at + l]!;
    const a1 = a[at + k + l]!;
    const b0 = panel[p]!;
    const b1 = panel[p + 1]!;
    const b2 = panel[p + 2]!;
    const b3 = panel[p + 3]!;
    c00 += a0 * b0;
    c01 += a0 * b1;
    c02 += a0 * b2;
    c03 += a0 * b3;
    c10 += a1 * b0;
    c11 += a1 * b1;
    c12 += a1 * b2;
    c13 += a1 * b3;
  }
  c[o] = c00;
  c[o + 1] = c01;
  c[o + 2] = c02;
  c[o + 3] = c03;
  c[o + n] = c10;
  c[o + n + 1] = c11;
  c[o + n + 2] = c12;
  c[o + n + 3] = c13;
}

function dotF64(a: Data, at: number, b: Data, bt: number, step: number, k: number): number {
  let total = 0;
  for (let l = 0; l < k; l++) total += a[at + l]! * b[bt + l * step]!;
  return total;
}

function dotF32(a: Data, at: number, b: Data, bt: number, step: number, k: number): number {
  let total = 0;
  for (let l = 0; l < k; l++) total = Math.fround(total + Math.fround(a[at + l]! * b[bt + l * step]!));
  return total;
}
