import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import {
  type ExtendedVector,
  entry,
  extendedBack,
  extendedCholesky,
  extendedForward,
  extendedVector,
  setEntry,
} from "./extended-cholesky.js";
import type { Regression } from "./regression.js";
import { isConstant } from "./solution.js";

/**
 * What an aliased column is on the rows of a fit: x_j = c + Σ a_i x_i, i over the columns that were kept. A row of
 * which that does not hold lies outside the row space of the fit, and has no prediction: it takes θ_j, which the rows of
 * the fit do not tell.
 */
export interface Relation {
  /** j, an index into the regression's terms. */
  column: number;
  /** Whether the column is zero in every row of the fit: c and all a_i are 0. */
  zero: boolean;
  /** c; 0 without an intercept. */
  constant: number;
  /** The columns of which a_i is not 0, and these. */
  at: number[];
  values: number[];
  /** The column's standard deviation (without an intercept its root mean square); |c| where it is constant. */
  spread: number;
}

/** What a coefficient moves x_j by, beside its spread, is rounding below this share. */
const ROUNDING = 1e-13;

/** The regression of an aliased column on those that were kept. */
export interface Slopes {
  constant: number;
  slopes: Float64Array;
}

/** Finds the regressions of `columns` on the columns `kept`. */
type FindSlopes = (kept: readonly number[], columns: readonly number[]) => Steps<Slopes[]>;

/** Solves A x = b for the Gram matrix that it was made of. */
export interface GramSolver {
  solve(b: ExtendedVector): Steps<ExtendedVector>;
  release(): void;
}

/**
 * The relations of a fit's aliased columns, from its moments.
 *
 * @param aliased indices into the terms of the regression; the others are independent
 */
export function* relationsBy(
  given: CrossProducts,
  regression: Regression,
  aliased: readonly number[],
  find: FindSlopes,
): Steps<Relation[]> {
  const { terms, intercept } = regression;
  if (aliased.length === 0) return [];
  const left = new Set(aliased);
  const kept = terms.map((_, j) => j).filter((j) => !left.has(j));
  const { n, sumW } = given;
  const relations: Relation[] = [];
  const open: { column: number; spread: number }[] = [];
  for (const column of aliased) {
    const own = given.index(terms[column]!);
    const square = own < 0 || n === 0 ? 0 : given.product(own, own, intercept);
    const mean = own < 0 || n === 0 ? 0 : given.mean[own]!;
    const plain = { column, constant: 0, at: [], values: [] };
    if (square === 0 && (mean === 0 || !intercept)) relations.push({ ...plain, zero: true, spread: 0 });
    else if (intercept && isConstant(square, sumW, mean))
      relations.push({ ...plain, zero: false, constant: mean, spread: Math.abs(mean) });
    else open.push({ column, spread: Math.sqrt(square / sumW) });
  }
  if (open.length === 0) return relations;
  const columns = open.map(({ column }) => column);
  const found = yield* find(kept, columns);
  found.forEach(({ constant, slopes }, i) => {
    const { column, spread } = open[i]!;
    const at: number[] = [];
    const values: number[] = [];
    kept.forEach((j, k) => {
      const own = given.index(terms[j]!);
      const size = Math.sqrt(given.product(own, own, intercept) / sumW);
      if (!(Math.abs(slopes[k]!) * size > ROUNDING * spread)) return;
      at.push(j);
      values.push(slopes[k]!);
    });
    relations.push({ column, zero: false, constant, at, values, spread });
  });
  return relations.sort((a, b) => a.column - b.column);
}

/** The slopes by one factor of the kept columns' Gram matrix, which is scaled to unit diagonal. */
export function* slopesByFactor(
  given: CrossProducts,
  { terms, intercept }: Regression,
  kept: readonly number[],
  columns: readonly number[],
  factor: (gram: ExtendedVector, order: number) => Steps<GramSolver>,
): Steps<Slopes[]> {
  const moments = given.over([...kept, ...columns].map((j) => terms[j]!));
  const place = (j: number) => moments.index(terms[j]!);
  const at = kept.map(place);
  const product = (i: number, j: number) => moments.extendedProduct(i, j, intercept);
  const root = at.map((i) => product(i, i).sqrt());
  const gram = extendedVector(packedLength(kept.length));
  for (let i = 0; i < kept.length; i++) {
    for (let j = 0; j < i; j++)
      setEntry(gram, packedIndex(i, j), product(at[i]!, at[j]!).div(root[i]!).div(root[j]!));
    gram.hi[packedIndex(i, i)] = 1;
    yield;
  }
  const solver = yield* factor(gram, kept.length);
  const found: Slopes[] = [];
  for (const column of columns) {
    const own = place(column);
    const b = extendedVector(kept.length);
    for (let i = 0; i < kept.length; i++) setEntry(b, i, product(at[i]!, own).div(root[i]!));
    const solved = yield* solver.solve(b);
    let constant = moments.extendedMean(own);
    const slopes = new Float64Array(kept.length);
    for (let i = 0; i < kept.length; i++) {
      const slope = entry(solved, i).div(root[i]!);
      slopes[i] = slope.toNumber();
      constant = constant.sub(slope.mul(moments.extendedMean(at[i]!)));
    }
    found.push({ constant: intercept ? constant.toNumber() : 0, slopes });
  }
  solver.release();
  return found;
}

/** The relations by plain loops in double-double, at once, for where there are neither kernels nor threads. */
export function relationsByLoops(
  given: CrossProducts,
  regression: Regression,
  aliased: readonly number[],
): Relation[] {
  const steps = relationsBy(given, regression, aliased, (kept, columns) =>
    slopesByFactor(given, regression, kept, columns, loops),
  );
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

function* loops(gram: ExtendedVector, order: number): Steps<GramSolver> {
  const factor = extendedCholesky(gram, order, 0);
  return {
    *solve(b: ExtendedVector): Steps<ExtendedVector> {
      const z = {
        hi: Float64Array.from(factor.kept, (i) => b.hi[i]!),
        lo: Float64Array.from(factor.kept, (i) => b.lo[i]!),
      };
      extendedForward(factor.rows, z);
      extendedBack(factor.rows, z);
      const x = extendedVector(order);
      for (const [i, k] of factor.kept.entries()) setEntry(x, k, entry(z, i));
      return x;
    },
    release() {},
  };
}
