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
import { plainList } from "./packed.js";
import type { SparseFoldJson, SparseMomentsJson, SparseTableJson } from "./sparse-schema.js";
import type { SparseShape, TableShape } from "./sparse-shape.js";

interface Written {
  shape: SparseShape;
  base: { toJSON(): SparseMomentsJson["base"] };
  levels: readonly LevelCodes[];
  tables: readonly CellTable[];
}

/** The same as `SparseMomentsJson` with typed arrays for the lists of cells, for what writes these as lists. */
export type SparseMomentsLists = Omit<SparseMomentsJson, "tables"> & { tables: SparseTableLists[] };
type SparseTableLists = {
  [Part in keyof SparseTableJson]: Part extends keyof SparseFoldJson["tables"][number]
    ? SparseTableJson[Part] | Float64Array | Int32Array
    : SparseTableJson[Part];
};

/** Sparse moments as plain JSON: what is not zero, each number once. */
export function sparseToJSON(moments: Written, columns: readonly string[] | undefined): SparseMomentsJson {
  const { tables, ...rest } = sparseLists(moments, columns);
  const plain = (list: number[] | Float64Array | Int32Array) =>
    Array.isArray(list) ? list : plainList(list);
  return {
    ...rest,
    tables: tables.map(({ codes, rows, weights, weightsLow, means, meansLow, c, cLow, ...layout }) => ({
      ...layout,
      codes: plain(codes),
      rows: plain(rows),
      ...(weights === undefined ? {} : { weights: plain(weights) }),
      ...(weightsLow === undefined ? {} : { weightsLow: plain(weightsLow) }),
      means: plain(means),
      ...(meansLow === undefined ? {} : { meansLow: plain(meansLow) }),
      c: plain(c),
      ...(cLow === undefined ? {} : { cLow: plain(cLow) }),
    })),
  };
}

/** `sparseToJSON` without making a list of boxed numbers of what a typed array holds. */
export function sparseLists(moments: Written, columns: readonly string[] | undefined): SparseMomentsLists {
  const { shape, base, levels, tables } = moments;
  return {
    ...(columns === undefined ? {} : { columns: [...columns] }),
    base: base.toJSON(),
    dense: [...shape.dense],
    factors: shape.factors.map((key, f) => ({ key, levels: [...levels[f]!.names] })),
    families: shape.families.map(({ parts, table, number }) => ({ parts: [...parts], table, number })),
    ...(shape.absorbed === undefined ? {} : { absorbed: [...shape.absorbed] }),
    tables: tables.map((table, t) => tableLists(table, shape.tables[t]!)),
  };
}

function tableLists(table: CellTable, shape: TableShape): SparseTableLists {
  const { count, kind, stride, records } = table;
  const cells = (from: number, length: number) => {
    const values = new Float64Array(count * length);
    for (let cell = 0, at = 0; cell < count; cell++)
      for (let i = cell * stride + from, end = i + length; i < end; i++) values[at++] = records[i]!;
    return values;
  };
  let [weighted, low] = [false, false];
  for (let cell = 0, at = 0; cell < count; cell++, at += stride) {
    weighted ||= records[at + ROWS_AT] !== records[at + WEIGHT_AT];
    low ||= kind.extended && records[at + WEIGHT_LOW_AT] !== 0;
  }
  const [means, products] = [meansAt(kind), productsAt(kind)];
  return {
    factors: [...shape.factors],
    columns: [...shape.columns],
    products: shape.products,
    codes: table.codes.subarray(0, count * kind.factors),
    rows: cells(ROWS_AT, 1),
    ...(weighted ? { weights: cells(WEIGHT_AT, 1) } : {}),
    ...(low ? { weightsLow: cells(WEIGHT_LOW_AT, 1) } : {}),
    means: cells(means, kind.columns),
    ...(kind.extended ? { meansLow: cells(means + kind.columns, kind.columns) } : {}),
    c: cells(products, productCount(kind)),
    ...(kind.extended ? { cLow: cells(products + productCount(kind), productCount(kind)) } : {}),
  };
}
