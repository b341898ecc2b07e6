/** The columns that a term of factors has: one for each combination of their levels. */
export interface ColumnFamily {
  /** What a column's key is made of, in order: a text, or the level of a factor, by index. */
  readonly parts: readonly (string | number)[];
  /** The table of its factors. */
  readonly table: number;
  /** The number that stands in a column where the row has its levels, by index; −1 for a 1. */
  readonly number: number;
}

/** Which cells a table has. */
export interface TableShape {
  /** Factors by index, ascending. */
  readonly factors: readonly number[];
  /** Numbers that have means in it, by index; those with cross-products first. */
  readonly columns: readonly number[];
  readonly products: number;
}

/** Whether all there is to know of a table's cell is how many rows it has: the rest of its record follows from that. */
export function isCounted(table: TableShape, rows: { weighted: boolean; grouped: boolean }): boolean {
  return table.columns.length === 0 && !rows.weighted && !rows.grouped;
}

/** How moments with factors are laid out; plain data. */
export interface SparseShape {
  /** The keys of the columns of numbers, the target's first. */
  readonly numbers: readonly string[];
  /** Which numbers are columns of their own, by index; the others are only parts of families' columns. */
  readonly dense: readonly number[];
  /** The keys of the factors. */
  readonly factors: readonly string[];
  readonly families: readonly ColumnFamily[];
  /** Families whose columns are absorbed, by index: they are none of the moments' columns. */
  readonly absorbed?: readonly number[] | undefined;
  /** A table for every set of factors that families have, and for every union of two such sets. */
  readonly tables: readonly TableShape[];
}

/** A column found by its key: of numbers, or of a cell. */
export type Found = { number: number } | FoundCell;
export type FoundCell = { family: number; cell: number };

/** Whether two shapes are alike. */
export function sameShape(a: SparseShape, b: SparseShape): boolean {
  return a === b || JSON.stringify(ofShape(a)) === JSON.stringify(ofShape(b));
}

function ofShape({ numbers, dense, factors, families, absorbed, tables }: SparseShape): SparseShape {
  return {
    numbers,
    dense,
    factors,
    families: families.map(({ parts, table, number }) => ({ parts, table, number })),
    absorbed: absorbed ?? [],
    tables: tables.map(({ factors: own, columns, products }) => ({ factors: own, columns, products })),
  };
}
