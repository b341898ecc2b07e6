import { packedIndex, packedLength } from "../../stats/packed.js";
import { cholesky, type Factor, forwardSubstitute } from "../solve/cholesky.js";
import { type Contrast, dot } from "./contrast.js";

/** Pivots below this, of rows scaled to length 1, count as 0. */
const SINGULAR = 1e-12;

/**
 * dᵀ (A Aᵀ)⁻¹ d, A having the contrasts' roots as rows: the Wald statistic of d = 0. With `from` the part of the contrasts
 * from there on, after those before: what they add to the statistic of these. NaN where they depend on each other.
 */
export function waldSquare(contrasts: readonly Contrast[], differences: readonly number[], from = 0): number {
  const { kept, lower, size } = factorOfRows(contrasts.map(({ root }) => root));
  if (kept.length < contrasts.length) return Number.NaN;
  const z = Float64Array.from(differences, (d, i) => d / size[i]!);
  forwardSubstitute(lower, contrasts.length, z);
  return dot(z.subarray(from), z.subarray(from));
}

/** The Cholesky factor of rows' products, the rows scaled to length 1, with these products and lengths. */
export function factorOfRows(
  rows: readonly Float64Array[],
): Factor & { size: readonly number[]; products: Float64Array } {
  const q = rows.length;
  const size = rows.map((row) => Math.sqrt(dot(row, row)));
  const products = new Float64Array(packedLength(q));
  for (let i = 0; i < q; i++)
    for (let j = 0; j <= i; j++)
      products[packedIndex(i, j)] =
        i === j ? (size[i] === 0 ? 0 : 1) : dot(rows[i]!, rows[j]!) / size[i]! / size[j]!;
  return { ...cholesky(products, q, SINGULAR), size, products };
}
