import type { RowText } from "../csv/column-block.js";
import { quoteField } from "../csv/write.js";

/** All columns' texts as the lines of CSV that they would be; an undefined text is an empty cell. */
export function textLines(columns: readonly (readonly (string | undefined)[])[], rows: number): RowText {
  const ends = new Int32Array(rows);
  let length = 0;
  const lines = Array.from({ length: rows }, (_, r) => {
    const line = Buffer.from(columns.map((column) => quoteField(column[r] ?? "", ",")).join(","));
    length += line.length;
    ends[r] = length;
    return line;
  });
  return { bytes: Buffer.concat(lines, length), ends };
}
