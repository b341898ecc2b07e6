import type { ChunkDecoder } from "../../csv/typed-rows.js";
import { DataError } from "../../errors.js";
import { type ColumnSpec, chunkDecoder } from "../column-chunks.js";
import type { BatchPart } from "./batch.js";
import { BodyReader } from "./body.js";
import { piecesOf } from "./pieces.js";
import type { ArrowColumn } from "./schema.js";

/** What a thread needs to know to read chunks of Arrow files: where a column lies in each batch. */
export type ArrowSpec = ColumnSpec<ArrowColumn, readonly BatchPart[]>;

/** Opens chunks of Arrow in this thread. */
export async function openArrowChunks(spec: ArrowSpec): Promise<ChunkDecoder> {
  const codecs = spec.chunks.flatMap(({ columns }) =>
    Object.values(columns).flatMap((column) =>
      "part" in column ? column.part.map(({ codec }) => codec) : [],
    ),
  );
  const body = await BodyReader.open(new Set(codecs), spec.files[0]!.name);
  return chunkDecoder(spec, {
    pieces: (fd, part, leaf, rows) => piecesOf(fd, part, leaf, rows, body),
    damaged,
  });
}

/** The error for a file that cannot be read as Arrow. */
export function damaged(cause: unknown, file: string, column?: string): DataError {
  if (cause instanceof DataError) return cause;
  // Node's codes are texts; those of fzstd are numbers, and say less than its messages.
  const { code } = cause as { code?: unknown };
  // What a view says of bytes outside of it.
  const outside = cause instanceof RangeError && /bounds|length/i.test(cause.message);
  const why =
    typeof code === "string" && !code.startsWith("ERR_")
      ? code
      : outside
        ? "its metadata point outside of it"
        : cause instanceof Error
          ? cause.message
          : String(cause);
  return new DataError(`this is an Arrow file that cannot be read: ${why}`, {
    place: { file, column },
    hint: "the file is damaged, or was cut off while it was copied; write or copy it again",
    cause,
  });
}
