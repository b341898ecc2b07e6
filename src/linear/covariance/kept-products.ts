import { basicKeys, combinedRows } from "../../stats/combined-columns.js";
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
  const own = [...columns.map((j) => terms[j]!), target];
  const means = [...Array.from(mean, (value, i) => value + meanLow[i]!), centre[0]];
  // A contrast is put together of its levels' columns, which are taken about what they are kept about.
  const names = basicKeys(own) ?? own;
  const made = combinedRows(own, (key) => names.indexOf(key)) ?? own.map((_, at) => [{ at, weight: 1 }]);
  const about = names.map((name) => {
    const at = own.indexOf(name);
    return at >= 0 ? means[at]! : (kept.centre[kept.columns.indexOf(name)] ?? 0);
  });
  const m = names.length + 1;
  const products = productsAbout(kept, names, about);
  /** Adds `share` times what column c of the fit is of the kept ones and of 1. */
  const add = (to: Float64Array, from: number, c: number, share: number) => {
    let constant = names.indexOf(own[c]!) >= 0 ? 0 : -means[c]!;
    for (const { at, weight } of made[c]!) {
      to[from + at + 1]! += share * weight;
      if (names[at] !== own[c]) constant += weight * about[at]!;
    }
    to[from]! += share * constant;
  };
  const errors = new Float64Array(m);
  errors[0] = -centre[1];
  slopes.forEach((slope, c) => {
    add(errors, 0, c, -slope);
  });
  add(errors, 0, k, 1);
  // u of z: the constant's share, and L⁻¹D⁻¹ of the columns.
  const first = constant === 0 ? 0 : 1;
  const roots = new Float64Array(rank * m);
  if (first === 1) roots[0] = constant;
  for (let i = 0, at = 0; i < k; i++)
    for (let j = 0; j <= i; j++, at++) add(roots, (i + first) * m, j, lower[at]!);
  const meat = new Float64Array(packedLength(rank));
  if (kept.kind === "buckets") {
    const each = productCount(m, 2);
    const s = new Float64Array(m);
    const u = new Float64Array(rank);
    for (let from = 0; from < products.length; from += each) {
      for (let c = 0; c < m; c++) {
        s[c] = 0;
        for (let a = 0; a < m; a++) s[c]! += errors[a]! * products[from + productIndex([a, c])]!;
      }
      for (let i = 0; i < rank; i++) {
        u[i] = 0;
        for (let c = 0; c < m; c++) u[i]! += roots[i * m + c]! * s[c]!;
      }
      const B = products.length / each;
      for (let i = 0, at = 0; i < rank; i++)
        for (let j = 0; j <= i; j++, at++) meat[at]! += (u[i]! * u[j]! * B) / (B - 1);
    }
    return { meat, lost: 0 };
  }
  // Σ (we)² z_c z_d, and the sizes of what it is summed of.
  const squares = new Float64Array(m * m);
  const sizes = new Float64Array(m * m);
  for (let c = 0; c < m; c++)
    for (let d = 0; d <= c; d++) {
      let [sum, size] = [0, 0];
      for (let a = 0; a < m; a++)
        for (let b = 0; b <= a; b++) {
          const term = (a === b ? 1 : 2) * errors[a]! * errors[b]! * products[productIndex([a, b, c, d])]!;
          sum += term;
          size += Math.abs(term);
        }
      squares[c * m + d] = squares[d * m + c] = sum;
      sizes[c * m + d] = sizes[d * m + c] = size;
    }
  let worst = 1;
  for (let i = 0, at = 0; i < rank; i++)
    for (let j = 0; j <= i; j++, at++) {
      let size = 0;
      for (let c = 0; c < m; c++)
        for (let d = 0; d < m; d++) {
          const both = roots[i * m + c]! * roots[j * m + d]!;
          meat[at]! += both * squares[c * m + d]!;
          size += Math.abs(both) * sizes[c * m + d]!;
        }
      if (i === j) worst = Math.max(worst, meat[at]! > 0 ? size / meat[at]! : Infinity);
    }
  return { meat, lost: Math.log10(worst) };
}
