/** The numbers that a cell's record keeps. */
export interface CellRecord {
  /** How many columns have means; those with cross-products come first. */
  readonly columns: number;
  /** How many of them have cross-products: with each other, and with all columns behind. */
  readonly products: number;
  /** Whether numbers are double-double: after the means come their low parts, and after the cross-products theirs. */
  readonly extended: boolean;
  /** Whether Σ ln w is kept. */
  readonly logs: boolean;
}

/** Where a record keeps rows of positive weight, Σw and its low part. */
export const ROWS_AT = 0;
export const WEIGHT_AT = 1;
export const WEIGHT_LOW_AT = 2;
/** Where Π w stands, as mantissa and exponent, in a record that has it. */
export const LOG_AT = 3;

/** Where the means begin. */
export function meansAt({ logs }: CellRecord): number {
  return logs ? 5 : 3;
}

/** Where the cross-products begin. */
export function productsAt(record: CellRecord): number {
  return meansAt(record) + (record.extended ? 2 : 1) * record.columns;
}

/** How many cross-products there are: a packed triangle by rows, then each of its columns with those behind. */
export function productCount({ products, columns }: CellRecord): number {
  return (products * (products + 1)) / 2 + products * (columns - products);
}

/** Where the product of columns i < `products` and j stands among the cross-products, in either order. */
export function productIndex({ products, columns }: CellRecord, i: number, j: number): number {
  const [low, high] = i < j ? [i, j] : [j, i];
  if (high < products) return (high * (high + 1)) / 2 + low;
  return (products * (products + 1)) / 2 + low * (columns - products) + high - products;
}

/** The length of a record in doubles. */
export function recordLength(record: CellRecord): number {
  return productsAt(record) + (record.extended ? 2 : 1) * productCount(record);
}
