import type { CompressionCodec } from "hyparquet";
import type { TruthOf } from "../../csv/json-lines.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import { CHUNK_ROWS, type FileChunk } from "../column-file.js";
import type { ColumnFormat } from "../column-format.js";
import { openedFile, readFileTable } from "../file-table.js";
import { openParquet } from "./chunks.js";
import { type ParquetFile, readFooter } from "./footer.js";
import { type ColumnPart, needFirstPages } from "./pages.js";
import type { LeafColumn } from "./schema.js";
import { parquetTools } from "./tools.js";

/**
 * Looks at the footers of Parquet files that are one table, in whatever order of columns, and at their first rows.
 * Folders called `name=value` are columns too, before those of the files.
 *
 * @param truth how true and false are written in a column
 * @throws DataError where hyparquet is not installed, a file is damaged, or files have other columns than the first
 */
export async function readParquetTable(
  sources: readonly Source[],
  options: ReadingOptions,
  truth?: TruthOf,
): Promise<Table> {
  const [first] = sources as [Source, ...Source[]];
  const tools = await parquetTools(first.name);
  const files: ParquetFile[] = [];
  for (const source of sources) files.push(await readFooter(await openedFile(source), tools));
  for (const file of files) await parquetTools(file.name, codecsOf(file));
  return readFileTable(first, files, PARQUET, options, truth);
}

function codecsOf({ groups }: ParquetFile): Set<CompressionCodec> {
  return new Set(groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data!.codec)));
}

/** A chunk with its row group. */
interface GroupRows extends FileChunk {
  readonly group: ParquetFile["groups"][number];
}

const PARQUET: ColumnFormat<ParquetFile, LeafColumn, GroupRows, ColumnPart> = {
  name: "parquet",

  chunks(file, f) {
    const chunks: GroupRows[] = [];
    let before = 0;
    for (const group of file.groups) {
      const rows = Number(group.num_rows);
      for (let from = 0; from < rows; from += CHUNK_ROWS) {
        const to = Math.min(rows, from + CHUNK_ROWS);
        chunks.push({ file: f, fileRow: before + from, from, to, group });
      }
      before += rows;
    }
    return chunks;
  },

  isEmpty: (leaf, file) =>
    file.groups.every((group) => {
      const nulls = group.columns[leaf.index]!.meta_data!.statistics?.null_count;
      return nulls !== undefined && nulls === group.num_rows;
    }),

  partOf({ group }, leaf) {
    const { dictionary_page_offset, data_page_offset, total_compressed_size, codec } =
      group.columns[leaf.index]!.meta_data!;
    const data = Number(data_page_offset);
    // Some writers say 0 where there is no dictionary.
    const dictionary = Number(dictionary_page_offset ?? 0);
    const offset = dictionary > 0 && dictionary < data ? dictionary : data;
    return { offset, bytes: Number(total_compressed_size), codec };
  },

  bounds({ group }, leaf) {
    const { min_value, max_value } = group.columns[leaf.index]!.meta_data!.statistics ?? {};
    const [least, most] = [min_value, max_value].map((bound) =>
      typeof bound === "number" || typeof bound === "bigint" ? Number(bound) : Number.NaN,
    ) as [number, number];
    return least <= most ? { least, most } : undefined;
  },

  ranges: ({ offset, bytes }) => [[offset, offset + bytes]],

  async needFirst(file, parts, rows) {
    const tools = await parquetTools(file.name);
    await Promise.all(parts.map((part) => needFirstPages(file, part, rows, tools)));
  },

  open: openParquet,
};
