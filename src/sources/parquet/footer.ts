import { readSync } from "node:fs";
import type { FileMetaData } from "hyparquet";
import { DataError } from "../../errors.js";
import type { ColumnFile } from "../column-file.js";
import type { OpenedFile } from "../file-table.js";
import { damaged } from "./chunks.js";
import { type LeafColumn, leafColumns } from "./schema.js";
import type { ParquetTools } from "./tools.js";

/** A Parquet file as its footer describes it. */
export interface ParquetFile extends ColumnFile<LeafColumn> {
  readonly groups: FileMetaData["row_groups"];
}

const MAGIC = "PAR1";
/** The length of the footer, and the mark. */
const END_BYTES = 8;
/** So much of a file's end is fetched at once: most footers are shorter. */
const FETCHED_END = 1 << 16;

/** What is read of statistics as it stands: bounds of dates and times are of no use here. */
const RAW = {
  timestampFromMilliseconds: (value: bigint) => value,
  timestampFromMicroseconds: (value: bigint) => value,
  timestampFromNanoseconds: (value: bigint) => value,
  dateFromDays: (value: number) => value,
  stringFromBytes: (value: Uint8Array) => value && Buffer.from(value).toString(),
};

/**
 * Reads the footer of an open file.
 *
 * @throws DataError where there is none, or it is damaged
 */
export async function readFooter(
  { name, path, fd, size, need }: OpenedFile,
  tools: ParquetTools,
): Promise<ParquetFile> {
  await need?.([[Math.max(0, size - FETCHED_END), size]]);
  const end = Buffer.alloc(END_BYTES);
  const read = size < 12 ? 0 : readSync(fd, end, 0, END_BYTES, size - END_BYTES);
  const mark = end.toString("latin1", 4);
  if (mark === "PARE")
    throw new DataError("the Parquet file is encrypted", {
      place: { file: name },
      hint: "write it without encryption",
    });
  const length = end.readUInt32LE(0) + END_BYTES;
  if (read < END_BYTES || mark !== MAGIC || length > size - 4)
    throw damaged(new Error("there is no footer at its end"), name);
  await need?.([[size - length, size]]);
  const bytes = Buffer.allocUnsafeSlow(length);
  readSync(fd, bytes, 0, length, size - length);
  try {
    const metadata = tools.metadata(bytes, { parsers: RAW, geoparquet: false });
    const { columns, others } = leafColumns(metadata);
    // Of a damaged footer a number may be missing altogether: a group without one has not no rows.
    for (const { num_rows } of metadata.row_groups)
      if (!(num_rows >= 0n)) throw new RangeError("a row group has no number of rows");
    const groups = metadata.row_groups.filter(({ num_rows }) => num_rows > 0n);
    for (const group of groups) {
      // A run of one value takes few bytes, but not none.
      if (group.num_rows > BigInt(size) << 20n)
        throw new RangeError(`a row group has ${group.num_rows} rows`);
      for (const { index } of columns) {
        const part = group.columns[index]?.meta_data;
        if (part === undefined) throw new RangeError(`column ${index} is not in a row group`);
        if (!(part.data_page_offset >= 0n && part.total_compressed_size >= 0n))
          throw new RangeError(`a row group does not say where column ${index} lies`);
      }
    }
    return { name, path, fd, need, columns, others, groups };
  } catch (error) {
    throw damaged(error, name);
  }
}
