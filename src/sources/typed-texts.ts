import type { NumberFormat } from "../dataset/number-format.js";
import { type Column, inferColumns } from "../dataset/schema.js";

/**
 * Columns of a source that knows types, with what a sample says of those that it calls text: dates, which are no levels
 * unless a formula asks for them, and numbers, which stay text as their source has them, and are named.
 *
 * @param texts which of the columns hold texts, and are not asked for as such
 * @param sample n rows of p cells
 */
export function withTextsJudged(
  columns: readonly Column[],
  texts: (column: Column, at: number) => boolean,
  sample: readonly (readonly string[])[],
  format: NumberFormat,
): Column[] {
  return columns.map((column, at) => {
    if (column.kind !== "text" || column.dates !== undefined || !texts(column, at)) return column;
    const cells = sample.map((row) => [row[at] ?? ""]);
    const [found] = inferColumns([column.name], cells, { format, whole: true });
    if (found!.dates !== undefined) return { ...column, dates: found!.dates };
    const number = found!.kind === "numeric" ? cells.find(([cell]) => cell !== "")?.[0] : found!.numberToo;
    return number === undefined ? column : { ...column, numberToo: number };
  });
}
