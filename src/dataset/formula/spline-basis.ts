import { horner } from "./polynomial-basis.js";
import type { Expression } from "./spec.js";

/** A spline's interval: from `start` on, a polynomial in x − start by power for each column. */
interface Piece {
  start: number;
  columns: number[][];
}

/** Where a spline has its knots. */
export interface Knots {
  /** Ascending, within the boundary. */
  inner: readonly number[];
  boundary: readonly [number, number];
}

/**
 * The columns of R's `bs(x, knots, degree)`: B-splines by de Boor's recursion, as polynomials on each interval between
 * knots; beyond the boundary those of the outermost intervals go on, as R has it.
 *
 * @param intercept whether the first B-spline is one of them
 */
export function bSplineColumns(
  x: Expression,
  knots: Knots,
  degree: number,
  intercept: boolean,
): Expression[] {
  const pieces = bSplines(knots, degree).map(({ start, columns }) => ({
    start,
    columns: intercept ? columns : columns.slice(1),
  }));
  return written(x, pieces);
}

/**
 * The columns of R's `ns(x, knots)`: cubic B-splines in the space where the second derivative is 0 at both ends of the
 * boundary, which Householder's reflections of these derivatives span, by LINPACK's signs; beyond the boundary lines.
 */
export function naturalSplineColumns(x: Expression, knots: Knots, intercept: boolean): Expression[] {
  const skip = intercept ? 0 : 1;
  const [low, high] = knots.boundary;
  const splines = bSplines(knots, 3).map(({ start, columns }) => ({ start, columns: columns.slice(skip) }));
  const last = splines.at(-1)!;
  const second = [
    splines[0]!.columns.map(([, , c]) => 2 * c!),
    // Only the last three have one there: what rounding leaves of the others would choose a reflection's sign.
    last.columns.map(([, , c, d], i, { length }) =>
      i < length - 3 ? 0 : 2 * c! + 6 * d! * (high - last.start),
    ),
  ];
  const weights = complement(second);
  const natural = splines.map(
    ({ start, columns }): Piece => ({
      start,
      columns: weights.map((row) =>
        [0, 1, 2, 3].map((k) => row.reduce((sum, w, i) => sum + w * columns[i]![k]!, 0)),
      ),
    }),
  );
  // The value and slope at a boundary go on as a line.
  const left: Piece = {
    start: low,
    columns: natural[0]!.columns.map(([a, b]) => [a!, b!]),
  };
  const end = natural.at(-1)!;
  const h = high - end.start;
  const right: Piece = {
    start: high,
    columns: end.columns.map(([a, b, c, d]) => [
      a! + h * (b! + h * (c! + h * d!)),
      b! + h * (2 * c! + 3 * h * d!),
    ]),
  };
  return written(x, [left, ...natural, right], [low, ...natural.slice(1).map(({ start }) => start), high]);
}

/** B-splines of a degree on each interval that is not empty, by power of x − start (Cox & de Boor). */
function bSplines({ inner, boundary: [low, high] }: Knots, degree: number): Piece[] {
  const order = degree + 1;
  const all = [...Array(order).fill(low), ...inner, ...Array(order).fill(high)] as number[];
  const pieces: Piece[] = [];
  for (let m = degree; m + order < all.length; m++) {
    const start = all[m]!;
    if (!(all[m + 1]! > start)) continue;
    // The splines of order 1, one of which is 1 here.
    let splines = all.slice(0, -1).map((_, i) => (i === m ? [1] : [0]));
    for (let k = 2; k <= order; k++)
      splines = splines.slice(0, -1).map((own, i) => {
        const rise = all[i + k - 1]! - all[i]!;
        const fall = all[i + k]! - all[i + 1]!;
        // (x − t_i)/rise and (t_(i+k) − x)/fall, x = start + u; an empty interval adds nothing.
        const a = rise > 0 ? linear(own, (start - all[i]!) / rise, 1 / rise) : [];
        const b = fall > 0 ? linear(splines[i + 1]!, (all[i + k]! - start) / fall, -1 / fall) : [];
        return Array.from({ length: k }, (_, j) => (a[j] ?? 0) + (b[j] ?? 0));
      });
    pieces.push({ start, columns: splines });
  }
  return pieces;
}

/** A polynomial times (a + b u). */
function linear(polynomial: readonly number[], a: number, b: number): number[] {
  const product = Array<number>(polynomial.length + 1).fill(0);
  polynomial.forEach((value, k) => {
    product[k]! += a * value;
    product[k + 1]! += b * value;
  });
  return product;
}

/** The rows of Qᵀ behind the first two, of the QR factors of two vectors: LINPACK's dqrdc, so that the signs are R's. */
function complement(vectors: number[][]): number[][] {
  const n = vectors[0]!.length;
  const columns = vectors.map((one) => [...one]);
  const Q = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j)));
  columns.forEach((own, l) => {
    if (l === n - 1) return;
    const norm = Math.hypot(...own.slice(l)) * (own[l]! < 0 ? -1 : 1);
    const v = own.map((value, i) => (i < l ? 0 : value / norm));
    v[l]! += 1;
    const reflect = (column: number[]) => {
      const t = -v.reduce((sum, value, i) => sum + value * column[i]!, 0) / v[l]!;
      v.forEach((value, i) => {
        column[i]! += t * value;
      });
    };
    columns.slice(l + 1).forEach(reflect);
    Q.forEach(reflect);
  });
  // Row j of Q holds the reflected j-th unit vector: Qᵀ's column j.
  return Array.from({ length: n - 2 }, (_, k) => Q.map((column) => column[k + 2]!));
}

/** Each column as a choice among its pieces; a piece ends where the next begins. */
function written(
  x: Expression,
  pieces: readonly Piece[],
  bounds: readonly number[] = pieces.slice(1).map(({ start }) => start),
): Expression[] {
  return pieces[0]!.columns.map((_, j) => {
    const of = ({ start, columns }: Piece): Expression => {
      const coefficients = columns[j]!;
      const degree = coefficients.findLastIndex((value) => value !== 0);
      return horner(
        { call: "-", args: [x, { number: start }] },
        coefficients.slice(0, Math.max(1, degree + 1)),
      );
    };
    return bounds.reduceRight<Expression>(
      (rest, bound, i) => ({
        call: "ifelse",
        args: [{ call: "<", args: [x, { number: bound }] }, of(pieces[i]!), rest],
      }),
      of(pieces.at(-1)!),
    );
  });
}
