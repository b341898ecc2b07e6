import { packedLength } from "../../stats/packed.js";
import { productCount } from "../../stats/symmetric-products.js";
import { CellRows, cellRowsOf } from "./kept-cells.js";
import type { KeptMeat, KeptProducts } from "./kept-kinds.js";
import { productsAbout } from "./kept-products.js";

/** Numbers that a model keeps for it: 40 MB of its file. */
const MOST_NUMBERS = 1 << 21;

/** Distinct rows that are few enough to be kept where nobody asked for it, and their share of all rows. */
const FEW_NUMBERS = 1 << 14;
const FEW_SHARE = 1 / 4;

/** Sums of four columns each up to which they are kept rather than buckets: 17 columns. */
const FEW_QUARTIC = 6000;

/** How many numbers a kind keeps of p columns, the target counted, for B buckets. */
function numbersOf(kind: "quartic" | "buckets", p: number, buckets: number): number {
  return kind === "quartic" ? productCount(p + 1, 4) : buckets * packedLength(p + 1);
}

/** What is to be kept of p columns where no kind is named: four columns each are exact, where they are few enough. */
export function usualProducts(p: number): "quartic" | "buckets" {
  return productCount(p + 1, 4) <= FEW_QUARTIC ? "quartic" : "buckets";
}

/** Whether so many numbers are too many. */
export function tooManyProducts(kind: "quartic" | "buckets", p: number, buckets: number): boolean {
  return numbersOf(kind, p, buckets) > MOST_NUMBERS;
}

/** How many cells of p columns there may be: those that are few where nobody asked for them, else those that a model holds. */
export function mostCells(p: number, asked: boolean): number {
  return Math.floor((asked ? MOST_NUMBERS : FEW_NUMBERS) / (p + 4));
}

/** Whether cells stand for many more rows, so that they are worth it, and tell little of any. */
export function areFew(cells: number, rows: number): boolean {
  return cells <= FEW_SHARE * rows;
}

/** Numbers that are kept in all. */
export function keptNumbers(kept: KeptMeat): number {
  return kept.kind === "cells" ? kept.x.length + 3 * kept.rows.length : kept.products.length;
}

/** The union of columns, those of the first first. */
function united(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** What two sets of rows keep together; undefined where they keep different kinds. */
export function mergedMeat(a: KeptMeat, b: KeptMeat): KeptMeat | undefined {
  if (a.kind === "cells" || b.kind === "cells") {
    if (a.kind !== "cells" || b.kind !== "cells" || a.target !== b.target) return undefined;
    const columns = united(a.columns, b.columns);
    const [table, other] = [cellRowsOf(a, columns), cellRowsOf(b, columns)];
    for (let c = 0; c < other.count; c++)
      table.add(
        other.x,
        c * columns.length,
        other.weights[c]!,
        other.rows[c]!,
        other.means[c]!,
        other.squares[c]!,
      );
    return table.count > mostCells(columns.length, true) ? undefined : table.kept(columns, a.target);
  }
  return combined(a, b, 1);
}

/** What is kept of the rows of `whole` that are not those of `part`; undefined where that cannot be told. */
export function meatWithout(whole: KeptMeat, part: KeptMeat): KeptMeat | undefined {
  if (whole.kind === "cells" || part.kind === "cells") {
    if (whole.kind !== "cells" || part.kind !== "cells" || whole.target !== part.target) return undefined;
    const columns = united(whole.columns, part.columns);
    const [table, other] = [cellRowsOf(whole, columns), cellRowsOf(part, columns)];
    for (let c = 0; c < other.count; c++) {
      const found = table.take(
        other.x,
        c * columns.length,
        other.weights[c]!,
        other.rows[c]!,
        other.means[c]!,
        other.squares[c]!,
      );
      if (!found) return undefined;
    }
    return table.kept(columns, whole.target);
  }
  return combined(whole, part, -1);
}

function combined(a: KeptProducts, b: KeptProducts, sign: 1 | -1): KeptProducts | undefined {
  if (a.kind !== b.kind) return undefined;
  const columns = united(a.columns, b.columns);
  const centre = columns.map((name) => a.centre[a.columns.indexOf(name)] ?? 0);
  const [products, other] = [productsAbout(a, columns, centre), productsAbout(b, columns, centre)];
  if (products.length !== other.length) return undefined;
  for (let i = 0; i < products.length; i++) products[i]! += sign * other[i]!;
  return { kind: a.kind, columns, centre, products: Array.from(products) };
}

/**
 * What is kept for a model of fewer columns, or another target; undefined where a column is needed that was the target of
 * cells.
 *
 * @param keys of the moments' columns that are left, the target's among them
 */
export function prunedMeat(kept: KeptMeat, keys: ReadonlySet<string>, target: string): KeptMeat | undefined {
  const columns = kept.columns.filter((name) => keys.has(name));
  if (kept.kind === "cells") {
    if (kept.target === target)
      return columns.length === kept.columns.length ? kept : cellRowsOf(kept, columns).kept(columns, target);
    const at = kept.columns.indexOf(target);
    if (keys.has(kept.target) || at < 0) return undefined;
    const p = kept.columns.length;
    const others = columns.filter((name) => name !== target);
    const places = others.map((name) => kept.columns.indexOf(name));
    const table = new CellRows(others.length);
    kept.rows.forEach((n, c) => {
      const x = places.map((place) => kept.x[c * p + place]!);
      table.add(x, 0, kept.weights?.[c] ?? 1, n, kept.x[c * p + at]!, 0);
    });
    return table.kept(others, target);
  }
  if (!columns.includes(target)) return undefined;
  if (columns.length === kept.columns.length) return kept;
  const centre = columns.map((name) => kept.centre[kept.columns.indexOf(name)]!);
  return { kind: kept.kind, columns, centre, products: Array.from(productsAbout(kept, columns, centre)) };
}
