import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { entry, extendedVector, setEntry } from "./extended-cholesky.js";
import { factorExtended, factorSpd } from "./factor-spd.js";
import { refine } from "./refine.js";
import type { Regression } from "./regression.js";
import { isConstant, packedRows } from "./solution.js";
import { solveSteps } from "./solve.js";

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

/** Columns for which one dense factor serves all relations. */
const MOST_DENSE = 1500;

/** A pivot above this in double is good enough to refine with. */
const CERTAIN_PIVOT = 1e-12;

/** What a coefficient moves x_j by, beside its spread, is rounding below this share. */
const ROUNDING = 1e-13;

/**
 * The relations of a fit's aliased columns, from its moments.
 *
 * @param aliased indices into the terms of the regression; the others are independent
 */
export function* relationsOf(
  given: CrossProducts,
  regression: Regression,
  aliased: readonly number[],
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
  const found =
    kept.length <= MOST_DENSE
      ? yield* byOneFactor(given, regression, kept, columns)
      : yield* oneByOne(given, regression, kept, columns);
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

interface Slopes {
  constant: number;
  slopes: Float64Array;
}

/** By a factor of the kept columns' Gram matrix, refined in double-double, or in that where double is not enough. */
function* byOneFactor(
  given: CrossProducts,
  { terms, intercept }: Regression,
  kept: readonly number[],
  columns: readonly number[],
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
  const rows = packedRows(gram.hi, kept.length, gram.lo);
  const all = kept.map((_, i) => i);
  const double = yield* factorSpd(rows, CERTAIN_PIVOT);
  const found: Slopes[] = [];
  for (const column of columns) {
    const own = place(column);
    const b = extendedVector(kept.length);
    for (let i = 0; i < kept.length; i++) setEntry(b, i, product(at[i]!, own).div(root[i]!));
    const refined = double.aliased.length > 0 ? undefined : yield* refine(gram, all, double, b);
    let solved = refined?.x;
    if (solved === undefined) {
      const factor = yield* factorExtended(rows, 0, 0);
      const { high, low } = yield* factor.solve(
        Float64Array.from(factor.kept, (i) => b.hi[i]!),
        Float64Array.from(factor.kept, (i) => b.lo[i]!),
      );
      solved = extendedVector(kept.length);
      for (const [i, k] of factor.kept.entries()) {
        solved.hi[k] = high[i]!;
        solved.lo[k] = low[i]!;
      }
      factor.release();
    }
    let constant = moments.extendedMean(own);
    const slopes = new Float64Array(kept.length);
    for (let i = 0; i < kept.length; i++) {
      const slope = entry(solved, i).div(root[i]!);
      slopes[i] = slope.toNumber();
      constant = constant.sub(slope.mul(moments.extendedMean(at[i]!)));
    }
    found.push({ constant: intercept ? constant.toNumber() : 0, slopes });
  }
  double.release();
  return found;
}

/** By a regression for each, which eliminates a factor of many levels. */
function* oneByOne(
  given: CrossProducts,
  { terms, intercept }: Regression,
  kept: readonly number[],
  columns: readonly number[],
): Steps<Slopes[]> {
  const found: Slopes[] = [];
  const own = kept.map((j) => terms[j]!);
  for (const column of columns) {
    const regression = { target: terms[column]!, terms: own, intercept };
    const { coefficients } = yield* solveSteps(given, regression, { inverse: false });
    const slopes = coefficients.slice(intercept ? 1 : 0).map((v) => (Number.isNaN(v) ? 0 : v));
    found.push({ constant: intercept ? coefficients[0]! : 0, slopes });
  }
  return found;
}
