const NUMBER = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const MISSING = new Set(["", "NA", "N/A", "NaN", "nan", "null", "NULL"]);

/** Whether a cell, surrounding spaces aside, is one of the seven ways to write that a value is missing. */
export function isMissing(cell: string): boolean {
  return MISSING.has(cell.trim());
}

/**
 * Whether a cell, surrounding spaces aside, is a decimal number:
 * `[+-]?(digits[.digits?]|.digits)([eE][+-]?digits)?`. Its value may still be too large for a double.
 */
export function looksNumeric(cell: string): boolean {
  return NUMBER.test(cell.trim());
}

/**
 * The double nearest to the decimal number in a cell, `Number(cell.trim())`;
 * NaN where the cell is missing, undefined where it is neither a number nor missing, or not finite (`1e400`).
 */
export function parseCell(cell: string): number | undefined {
  const text = cell.trim();
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  return MISSING.has(text) ? Number.NaN : undefined;
}
