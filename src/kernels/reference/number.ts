const MISSING = new Set(["", "NA", "N/A", "NaN", "nan", "null", "NULL"]);
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const SURROUNDING = /^[ \t]+|[ \t]+$/g;

/**
 * The number in a cell's text, as `RowParser` reads it: `Number(text)` where spaces and tabs may surround
 * [+-]?(digits[.digits?]|.digits)([eE][+-]?digits)?; NaN for a missing cell (nothing or spaces, NA, N/A, NaN, nan,
 * null, NULL); undefined for anything else, and for numbers beyond the range of doubles.
 */
export function parseNumber(text: string): number | undefined {
  const trimmed = text.replace(SURROUNDING, "");
  if (MISSING.has(trimmed)) return Number.NaN;
  if (!DECIMAL.test(trimmed)) return undefined;
  const value = Number(trimmed);
  return Number.isFinite(value) ? value : undefined;
}
