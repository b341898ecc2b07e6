import type { Output } from "../csv/write.js";
import { ArrowOutput } from "./arrow/write.js";
import { ParquetOutput } from "./parquet/write.js";
import type { WrittenColumn, WrittenRows } from "./written-rows.js";

/** What rows of columns are written to, which keep their types. */
export interface ColumnOutput {
  /** @returns false once nobody reads any more */
  write(rows: WrittenRows, count: number): Promise<boolean>;
  /** Writes what is left, and the end; the output is then to be committed. */
  finish(): Promise<void>;
}

/** The format of columns that a path asks for by its name; undefined where it asks for text. */
export function columnFormatOf(path: string | undefined): "Parquet" | "Arrow" | undefined {
  if (path === undefined) return undefined;
  if (/\.parquet$/i.test(path)) return "Parquet";
  return /\.(?:arrows?|feather)$/i.test(path) ? "Arrow" : undefined;
}

/**
 * Opens an output that a path asks for; undefined where it asks for text.
 *
 * @throws DataError where a package that writes it is not installed
 */
export async function openColumnOutput(
  output: Output,
  columns: readonly WrittenColumn[],
  path: string | undefined,
): Promise<ColumnOutput | undefined> {
  switch (columnFormatOf(path)) {
    case "Parquet":
      return ParquetOutput.open(output, columns, path!);
    case "Arrow":
      return ArrowOutput.open(output, columns, /\.arrows$/i.test(path!) ? "stream" : "file");
    default:
      return undefined;
  }
}
