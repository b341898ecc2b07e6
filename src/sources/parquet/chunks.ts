import type { ChunkDecoder } from "../../csv/typed-rows.js";
import { DataError } from "../../errors.js";
import { type ColumnSpec, chunkDecoder } from "../column-chunks.js";
import { type ColumnPart, pagesOf } from "./pages.js";
import type { LeafColumn } from "./schema.js";
import { parquetTools } from "./tools.js";

/** What a thread needs to know to read chunks of Parquet files; plain data. */
export type ParquetSpec = ColumnSpec<LeafColumn, ColumnPart>;

/** Opens chunks of Parquet in this thread. */
export async function openParquet(spec: ParquetSpec): Promise<ChunkDecoder> {
  const codecs = new Set(
    spec.chunks.flatMap(({ columns }) =>
      Object.values(columns).flatMap((column) => ("part" in column ? [column.part.codec] : [])),
    ),
  );
  const tools = await parquetTools(spec.files[0]!.name, codecs);
  return chunkDecoder(spec, {
    pieces: (fd, part, leaf, rows) => pagesOf(fd, part, leaf, rows, tools),
    damaged,
  });
}

/** The error for a file that cannot be read as Parquet. */
export function damaged(cause: unknown, file: string, column?: string): DataError {
  // Node's codes say more than its messages; those of fzstd are numbers, and say less.
  const { code } = cause as { code?: unknown };
  const why = typeof code === "string" ? code : cause instanceof Error ? cause.message : String(cause);
  return new DataError(`this is a Parquet file that cannot be read: ${why}`, {
    place: { file, column },
    hint: "the file is damaged, or was cut off while it was copied; write or copy it again",
    cause,
  });
}
