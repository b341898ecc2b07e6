import {
  meansAt,
  productCount,
  productsAt,
  ROWS_AT,
  WEIGHT_AT,
  WEIGHT_LOW_AT,
} from "../kernels/cell-record.js";
import type { CellTable } from "./cell-table.js";
import type { LevelCodes } from "./level-codes.js";
import type { SparseMomentsJson, SparseTableJson } from "./sparse-schema.js";
import type { SparseShape, TableShape } from "./sparse-shape.js";

/** Sparse moments as plain JSON: what is not zero, each number once. */
export function sparseToJSON(
  moments: {
    shape: SparseShape;
    base: { toJSON(): SparseMomentsJson["base"] };
    levels: readonly LevelCodes[];
    tables: readonly CellTable[];
  },
  columns: readonly string[] | undefined,
): SparseMomentsJson {
  const { shape, base, levels, tables } = moments;
  return {
    ...(columns === undefined ? {} : { columns: [...columns] }),
    base: base.toJSON(),
    dense: [...shape.dense],
    factors: shape.factors.map((key, f) => ({ key, levels: [...levels[f]!.names] })),
    families: shape.families.map(({ parts, table, number }) => ({ parts: [...parts], table, number })),
    ...(shape.absorbed === undefined ? {} : { absorbed: [...shape.absorbed] }),
    tables: tables.map((table, t) => tableToJSON(table, shape.tables[t]!)),
  };
}

function tableToJSON(table: CellTable, shape: TableShape): SparseTableJson {
  const { count, kind, stride, records } = table;
  const cells = (from: number, length: number) => {
    const values = new Array<number>(count * length);
    for (let cell = 0, at = 0; cell < count; cell++)
      for (let i = cell * stride + from, end = i + length; i < end; i++) values[at++] = records[i]!;
    return values;
  };
  const rows = cells(ROWS_AT, 1);
  const weights = cells(WEIGHT_AT, 1);
  const [means, products] = [meansAt(kind), productsAt(kind)];
  return {
    factors: [...shape.factors],
    columns: [...shape.columns],
    products: shape.products,
    codes: [...table.codes.subarray(0, count * kind.factors)],
    rows,
    ...(rows.every((n, i) => n === weights[i]) ? {} : { weights }),
    ...(kind.extended && cells(WEIGHT_LOW_AT, 1).some((low) => low !== 0)
      ? { weightsLow: cells(WEIGHT_LOW_AT, 1) }
      : {}),
    means: cells(means, kind.columns),
    ...(kind.extended ? { meansLow: cells(means + kind.columns, kind.columns) } : {}),
    c: cells(products, productCount(kind)),
    ...(kind.extended ? { cLow: cells(products + productCount(kind), productCount(kind)) } : {}),
  };
}
