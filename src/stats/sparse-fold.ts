import type { CrossProductsJson, SparseFoldJson } from "./sparse-schema.js";

/** What a fold's moments have of their own: what they have in common with those of all rows is left out. */
export function foldAlone(
  fold: CrossProductsJson,
  whole: CrossProductsJson,
): CrossProductsJson | SparseFoldJson {
  if (!("tables" in fold && "tables" in whole)) return fold;
  const same = (["columns", "dense", "factors", "families", "absorbed"] as const).every(
    (part) => JSON.stringify(fold[part]) === JSON.stringify(whole[part]),
  );
  if (!same) return fold;
  return {
    base: fold.base,
    tables: fold.tables.map(({ factors: _, columns: __, products: ___, ...cells }) => cells),
  };
}

/** A fold's moments with what they have in common with those of all rows; undefined where they do not fit to them. */
export function foldWhole(
  fold: CrossProductsJson | SparseFoldJson,
  whole: CrossProductsJson,
): CrossProductsJson | undefined {
  if (!("tables" in fold) || "dense" in fold) return fold;
  if (!("tables" in whole) || whole.tables.length !== fold.tables.length) return undefined;
  const tables = fold.tables.map((cells, t) => {
    const { factors, columns, products } = whole.tables[t]!;
    return { factors, columns, products, ...cells };
  });
  return { ...whole, base: fold.base, tables };
}
