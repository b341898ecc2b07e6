import { packedLength } from "../../stats/packed.js";
import { chosenProducts, movedProducts, productCount, productIndex } from "../../stats/symmetric-products.js";
import type { KeptProducts } from "./kept-kinds.js";
import type { Whitening } from "./whitening.js";

/** Buckets that rows are drawn into: the errors' standard error is 1/√(2B), 2.2 per cent. */
export const BUCKETS = 1000;

/** Sums of products of columns of the moments about a centre, put for others and about another. */
export function productsAbout(
  { kind, columns, centre, products }: KeptProducts,
  names: readonly string[],
  about: ArrayLike<number>,
): Float64Array {
  const degree = kind === "quartic" ? 4 : 2;
  const places = names.map((name) => columns.indexOf(name));
  const from = [0, ...places.map((at) => (at < 0 ? -1 : at + 1))];
  // A column that is not there is zero, and so about zero.
  const shift = [0, ...places.map((at, j) => (at < 0 ? 0 : centre[at]!) - about[j]!)];
  const own = productCount(columns.length + 1, degree);
  const each = productCount(from.length, degree);
  const all = new Float64Array((products.length / own) * each);
  for (let b = 0; b * own < products.length; b++) {
    const one = chosenProducts(products.slice(b * own, (b + 1) * own), from, degree);
    all.set(movedProducts(one, shift, degree), b * each);
  }
  return all;
}

/**
 * The meat Σ (we)²uuᵀ from what a model keeps of its rows, e = y − xᵀβ being a combination of the columns and u too: from sums of
 * four columns each it is exact; from the sums s of w e u by bucket it is B/(B − 1) Σ ssᵀ, whose expectation over the drawing of
 * buckets is the meat.
 *
 * @returns the meat, and by how much its terms exceed it at most, in digits
 */
export function meatOfProducts(
  kept: KeptProducts,
  { terms, target }: { terms: readonly string[]; target: string },
  whitening: Whitening,
): { meat: Float64Array; lost: number } {
  const { rank, kept: columns, mean, meanLow, lower, constant, slopes, target: centre } = whitening;
  const k = columns.length;
  const names = [...columns.map((j) => terms[j]!), target];
  const about = [...Array.from(mean, (value, i) => value + meanLow[i]!), centre[0]];
  const products = productsAbout(kept, names, about);
  const errors = [-centre[1], ...Array.from(slopes, (slope) => -slope), 1];
  // u of z: the constant's share, and L⁻¹D⁻¹ of the columns.
  const first = constant === 0 ? 0 : 1;
  const roots = new Float64Array(rank * (k + 1));
  if (first === 1) roots[0] = constant;
  for (let i = 0, at = 0; i < k; i++)
    for (let j = 0; j <= i; j++, at++) roots[(i + first) * (k + 1) + j + 1] = lower[at]!;
  const meat = new Float64Array(packedLength(rank));
  if (kept.kind === "buckets") {
    const each = productCount(k + 2, 2);
    const s = new Float64Array(k + 1);
    const u = new Float64Array(rank);
    for (let from = 0; from < products.length; from += each) {
      for (let c = 0; c <= k; c++) {
        s[c] = 0;
        for (let a = 0; a < k + 2; a++) s[c]! += errors[a]! * products[from + productIndex([a, c])]!;
      }
      for (let i = 0; i < rank; i++) {
        u[i] = 0;
        for (let c = 0; c <= k; c++) u[i]! += roots[i * (k + 1) + c]! * s[c]!;
      }
      const B = products.length / each;
      for (let i = 0, at = 0; i < rank; i++)
        for (let j = 0; j <= i; j++, at++) meat[at]! += (u[i]! * u[j]! * B) / (B - 1);
    }
    return { meat, lost: 0 };
  }
  // Σ (we)² z_c z_d, and the sizes of what it is summed of.
  const squares = new Float64Array((k + 1) * (k + 1));
  const sizes = new Float64Array((k + 1) * (k + 1));
  for (let c = 0; c <= k; c++)
    for (let d = 0; d <= c; d++) {
      let [sum, size] = [0, 0];
      for (let a = 0; a < k + 2; a++)
        for (let b = 0; b <= a; b++) {
          const term = (a === b ? 1 : 2) * errors[a]! * errors[b]! * products[productIndex([a, b, c, d])]!;
          sum += term;
          size += Math.abs(term);
        }
      squares[c * (k + 1) + d] = squares[d * (k + 1) + c] = sum;
      sizes[c * (k + 1) + d] = sizes[d * (k + 1) + c] = size;
    }
  let worst = 1;
  for (let i = 0, at = 0; i < rank; i++)
    for (let j = 0; j <= i; j++, at++) {
      let size = 0;
      for (let c = 0; c <= k; c++)
        for (let d = 0; d <= k; d++) {
          const both = roots[i * (k + 1) + c]! * roots[j * (k + 1) + d]!;
          meat[at]! += both * squares[c * (k + 1) + d]!;
          size += Math.abs(both) * sizes[c * (k + 1) + d]!;
        }
      if (i === j) worst = Math.max(worst, meat[at]! > 0 ? size / meat[at]! : Infinity);
    }
  return { meat, lost: Math.log10(worst) };
}
