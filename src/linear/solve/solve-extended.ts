import type { CrossProducts } from "../../stats/cross-products.js";
import { DoubleDouble } from "../../stats/double-double.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import { cholesky, inverseFromFactor } from "./cholesky.js";
import {
  type ExtendedVector,
  entry,
  extendedBack,
  extendedCholesky,
  extendedForward,
  extendedInverse,
  extendedVector,
  setEntry,
} from "./extended-cholesky.js";
import { type InterceptPart, inOrderOfTerms, isConstant, normOne, type Solution } from "./solution.js";

/**
 * The pivot (1 − R²) below which a column counts as dependent in double-double arithmetic: a column that is a
 * rounded combination of others leaves a relative residual of about 2⁻⁵³, squared 1e-32, times some growth; a
 * degree-10 polynomial on [−9, −3] has pivots down to 1e-18.
 */
const EXTENDED_TOLERANCE = 1e-26;

/** Four units in the last place: what the columns may be off by as they come, rounded to doubles. */
const COLUMN_ROUNDING = 2 ** -50;

/** `solve` from double-double moments, in double-double arithmetic; see there. */
export function solveExtended(moments: CrossProducts, at: number[], intercept: boolean): Solution {
  const k = at.length - 1;
  const mean = (i: number) => moments.extendedMean(at[i]!);
  const product = (i: number, j: number) => moments.extendedProduct(at[i]!, at[j]!, intercept);
  const root: DoubleDouble[] = [];
  for (let i = 0; i < k; i++) {
    const square = product(i, i);
    root.push(isConstant(square.hi, moments.sumW, mean(i).hi) ? new DoubleDouble(0) : square.sqrt());
  }
  const gram = extendedVector(packedLength(k));
  for (let i = 0; i < k; i++) {
    if (root[i]!.hi === 0) continue;
    for (let j = 0; j < i; j++)
      if (root[j]!.hi !== 0) setEntry(gram, packedIndex(i, j), product(i, j).div(root[i]!).div(root[j]!));
    gram.hi[packedIndex(i, i)] = 1;
  }
  const { kept, aliased, rows } = extendedCholesky(gram, k, EXTENDED_TOLERANCE, COLUMN_ROUNDING);
  const r = kept.length;
  const tss = product(k, k);
  const beta = extendedVector(r);
  for (let i = 0; i < r; i++) setEntry(beta, i, product(kept[i]!, k).div(root[kept[i]!]!));
  extendedForward(rows, beta);
  let rss = tss;
  for (let i = 0; i < r; i++) rss = rss.sub(entry(beta, i).mul(entry(beta, i)));
  extendedBack(rows, beta);
  const slopes = inverseOf(gram, k, kept, rows);
  const conditionNumber = Math.sqrt(normOne(gram.hi, kept) * normOne(slopes));
  let b0 = mean(k);
  for (let i = 0; i < r; i++) {
    const b = entry(beta, i).div(root[kept[i]!]!);
    setEntry(beta, i, b);
    b0 = b0.sub(b.mul(mean(kept[i]!)));
    for (let j = 0; j <= i; j++) slopes[packedIndex(i, j)]! /= root[kept[i]!]!.hi * root[kept[j]!]!.hi;
  }
  let centre: InterceptPart | undefined;
  if (intercept) {
    const z = extendedVector(r);
    for (let i = 0; i < r; i++) setEntry(z, i, mean(kept[i]!).div(root[kept[i]!]!));
    extendedForward(rows, z);
    const variance = z.hi.reduce((sum, v) => sum + v * v, 1 / moments.sumW);
    extendedBack(rows, z);
    const covariance = z.hi.map((v, i) => -v / root[kept[i]!]!.hi);
    centre = { value: b0.toNumber(), variance, covariance };
  }
  return {
    ...inOrderOfTerms(k, kept, beta.hi, slopes, centre),
    aliased,
    rank: r + (intercept ? 1 : 0),
    conditionNumber,
    rss: Math.max(0, rss.toNumber()),
    tss: tss.toNumber(),
  };
}

/** Up to this √κ₁, (XᵀX)⁻¹ in double precision has twelve correct digits, and takes a twentieth of the time. */
const DOUBLE_INVERSE_CONDITION = 100;

/** A⁻¹ of the scaled Gram matrix over the columns kept. */
function inverseOf(gram: ExtendedVector, k: number, kept: number[], rows: ExtendedVector[]): Float64Array {
  const { lower, kept: keptInDouble } = cholesky(gram.hi, k, EXTENDED_TOLERANCE);
  // In double another column may look dependent: as many are kept, and not the same.
  if (kept.length !== keptInDouble.length || kept.some((at, i) => at !== keptInDouble[i]))
    return extendedInverse(rows);
  const inverse = inverseFromFactor(lower, kept.length);
  const condition = Math.sqrt(normOne(gram.hi, kept) * normOne(inverse));
  return condition <= DOUBLE_INVERSE_CONDITION ? inverse : extendedInverse(rows);
}
