import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import {
  type ExtendedVector,
  entry,
  extendedCholeskySteps,
  extendedForward,
  extendedVector,
  setEntry,
} from "../solve/extended-cholesky.js";
import type { Instruments, Regression } from "../solve/regression.js";
import { isConstant } from "../solve/solution.js";

/** The pivots (1 − R²) from which columns count as dependent, as those of `solve`. */
const TOLERANCE = { double: 1e-11, extended: 1e-26 };
/** What of an endogenous column's squares the instruments must explain, as a share, for it to be any. */
const EXPLAINED = { double: 1e-20, extended: 1e-26 };
/** What columns, and numbers far from 0, may be off by as they come, as shares of a column's length. */
const COLUMN_ROUNDING = 2 ** -50;
const NUMBER_ROUNDING = 2 ** -52;
/** Below such a pivot, or such a share explained, moments in double leave fewer than some ten digits. */
const DOUBTFUL = 1e-6;

/**
 * The columns of an equation with endogenous terms in coordinates in which the exogenous columns W and the instruments Z
 * are orthonormal: [W Z] = QR, W first. Every quantity of the classical kind follows from them, and none of it as a
 * difference of large sums: with c = Qᵀx, xᵀP_Z x is a sum of squares of c.
 */
export interface InstrumentCoordinates {
  /** The exogenous columns and the excluded instruments that are kept, by index into terms and into excluded. */
  exogenous: readonly number[];
  excluded: readonly number[];
  /** Instruments, by index, that depend on columns before them. */
  redundant: readonly number[];
  /** Qᵀx of each endogenous column, and last of y: those of W, then those of Z. The intercept's is left out. */
  columns: readonly ExtendedVector[];
  /** XᵀX − (QᵀX)ᵀ(QᵀX) of these, packed: what W and Z leave of them. */
  left: ExtendedVector;
  /** Whether double precision is too little for these columns. */
  doubtful: boolean;
}

/**
 * Factors the cross-products of the exogenous columns and instruments, in double-double arithmetic.
 *
 * @param moments about the effects, where effects were absorbed
 * @throws ModelError where the instruments do not tell all endogenous terms
 */
export function* instrumentCoordinates(
  moments: CrossProducts,
  regression: Regression,
  { endogenous, excluded, computed: made }: Instruments,
): Steps<InstrumentCoordinates> {
  const { terms, target, intercept, computed } = regression;
  const exogenous = terms.map((_, j) => j).filter((j) => !endogenous.includes(j));
  const names = [
    ...exogenous.map((j) => terms[j]!),
    ...excluded,
    ...endogenous.map((j) => terms[j]!),
    target,
  ];
  const at = names.map((name) => moments.index(name));
  const isComputed = [
    ...exogenous.map((j) => computed?.has(j) ?? false),
    ...excluded.map((_, i) => made?.has(i) ?? false),
  ];
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept);
  const root = names.map((_, i) => {
    const square = product(i, i);
    const mean = intercept ? moments.extendedMean(at[i]!).hi : 0;
    return isConstant(square.hi, moments.sumW, mean) ? new DoubleDouble(0) : square.sqrt();
  });
  const scaled = (i: number, j: number) =>
    root[i]!.hi === 0 || root[j]!.hi === 0 ? new DoubleDouble(0) : product(i, j).div(root[i]!).div(root[j]!);
  const q = exogenous.length + excluded.length;
  const gram = extendedVector(packedLength(q));
  const rounding = new Float64Array(q).fill(COLUMN_ROUNDING);
  for (let i = 0; i < q; i++) {
    if (intercept && !isComputed[i] && root[i]!.hi > 0)
      rounding[i]! +=
        (NUMBER_ROUNDING * Math.abs(moments.extendedMean(at[i]!).hi) * Math.sqrt(moments.sumW)) / root[i]!.hi;
    for (let j = 0; j <= i; j++) setEntry(gram, packedIndex(i, j), scaled(i, j));
    yield;
  }
  const arithmetic = moments.extended ? "extended" : "double";
  const { kept, aliased, rows } = yield* extendedCholeskySteps(
    gram,
    q,
    TOLERANCE[arithmetic],
    moments.extended ? rounding : undefined,
  );
  const w = kept.filter((i) => i < exogenous.length).length;
  const columns: ExtendedVector[] = [];
  for (let i = q; i < names.length; i++) {
    const c = extendedVector(kept.length);
    kept.forEach((k, t) => {
      setEntry(c, t, scaled(i, k));
    });
    extendedForward(rows, c);
    columns.push(c);
    yield;
  }
  const left = extendedVector(packedLength(columns.length));
  columns.forEach((a, i) => {
    for (let j = 0; j <= i; j++) {
      let rest = scaled(i + q, j + q);
      for (let t = 0; t < kept.length; t++) rest = rest.sub(entry(a, t).mul(entry(columns[j]!, t)));
      setEntry(left, packedIndex(i, j), rest);
    }
  });
  const weakest = yield* checkIdentified(regression, endogenous, {
    projected: columns.slice(0, -1).map((c) => ({ hi: c.hi.subarray(w), lo: c.lo.subarray(w) })),
    left,
    redundant: aliased.length,
    tolerance: EXPLAINED[arithmetic],
  });
  const least = rows.reduce((pivot, row, i) => Math.min(pivot, row.hi[i]! ** 2), 1);
  // Back to the columns' own units.
  columns.forEach((c, i) => {
    for (let t = 0; t < kept.length; t++) setEntry(c, t, entry(c, t).mul(root[i + q]!));
    for (let j = 0; j <= i; j++) {
      const k = packedIndex(i, j);
      setEntry(
        left,
        k,
        entry(left, k)
          .mul(root[i + q]!)
          .mul(root[j + q]!),
      );
    }
  });
  return {
    exogenous: kept.slice(0, w).map((i) => exogenous[i]!),
    excluded: kept.slice(w).map((i) => i - exogenous.length),
    redundant: aliased.filter((i) => i >= exogenous.length).map((i) => i - exogenous.length),
    columns,
    left,
    doubtful: !moments.extended && (aliased.length > 0 || Math.min(least, weakest) < DOUBTFUL),
  };
}

/**
 * Refuses instruments that do not determine the coefficients, and gives the least share of an endogenous column's
 * squares, what the exogenous explain left out, that they explain beyond what they do of those before it.
 */
function* checkIdentified(
  { terms, names }: Regression,
  endogenous: readonly number[],
  found: { projected: readonly ExtendedVector[]; left: ExtendedVector; redundant: number; tolerance: number },
): Steps<number> {
  const { projected, left, redundant, tolerance } = found;
  const m = endogenous.length;
  const l = projected[0]!.hi.length;
  const nameOf = (i: number) => names?.[endogenous[i]!]?.[0] ?? terms[endogenous[i]!]!;
  if (l < m) {
    const out = redundant === 0 ? "" : ", those left out that depend on others or on exogenous terms";
    throw new ModelError(
      `the equation is not identified: ${m} endogenous ${m === 1 ? "term" : "terms"} and ${l} ${l === 1 ? "instrument" : "instruments"}${out}`,
      { hint: "name at least as many instruments as endogenous terms" },
    );
  }
  const gram = extendedVector(packedLength(m));
  const explained = (i: number, j: number) => {
    let sum = new DoubleDouble(0);
    for (let t = 0; t < l; t++) sum = sum.add(entry(projected[i]!, t).mul(entry(projected[j]!, t)));
    return sum;
  };
  const within = projected.map((_, i) => explained(i, i).add(entry(left, packedIndex(i, i))));
  const spanned = within.findIndex(({ hi }) => !(hi > tolerance));
  if (spanned >= 0)
    throw new ModelError(`the endogenous ${nameOf(spanned)} depends linearly on the exogenous terms`, {
      hint: "leave it out, or one of these",
    });
  for (let i = 0; i < m; i++)
    for (let j = 0; j <= i; j++)
      setEntry(gram, packedIndex(i, j), explained(i, j).div(within[i]!.sqrt()).div(within[j]!.sqrt()));
  const factor = yield* extendedCholeskySteps(gram, m, tolerance);
  if (factor.aliased.length > 0)
    throw new ModelError(
      `the equation is not identified: the instruments tell nothing of ${nameOf(factor.aliased[0]!)}` +
        `${m === 1 ? "" : " beyond what they tell of the others"}`,
      { hint: "name instruments that it depends on" },
    );
  return factor.rows.reduce((share, row, i) => Math.min(share, row.hi[i]! ** 2), 1);
}
