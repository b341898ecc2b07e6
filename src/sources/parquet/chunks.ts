import type { ColumnBlock, ColumnChoice } from "../../csv/column-block.js";
import type { Levels } from "../../csv/levels.js";
import type { ChunkDecoder } from "../../csv/typed-rows.js";
import type { NumberFormat } from "../../dataset/number-format.js";
import { DataError } from "../../errors.js";
import { type TypedColumn, ValueReader } from "../column-values.js";
import { CodeGatherer, NumberGatherer, type Piece, type Refuse, TextGatherer } from "../gather.js";
import { textLines } from "../text-lines.js";
import { type ColumnPart, pagesOf } from "./pages.js";
import type { LeafColumn } from "./schema.js";
import { type ParquetTools, parquetTools } from "./tools.js";

/** What a thread needs to know to read chunks of Parquet files; plain data. */
export interface ParquetSpec {
  readonly files: readonly { readonly name: string; readonly fd: number }[];
  readonly format: NumberFormat;
  /** The table's columns, by position. */
  readonly columns: readonly TypedColumn[];
  readonly chunks: readonly ParquetChunk[];
}

/** Some rows of a row group. */
export interface ParquetChunk {
  /** The file, by its place in `files`. */
  readonly file: number;
  /** The number of the chunk's first row in its file. */
  readonly fileRow: number;
  /** Its rows in the row group. */
  readonly from: number;
  readonly to: number;
  /** Where to find the columns that are read, by position. */
  readonly columns: Readonly<Record<number, ChunkColumn>>;
}

/** A column in a chunk: pages, or one value in all rows, as the name of a folder gives it. */
export type ChunkColumn =
  | { readonly leaf: LeafColumn; readonly part: ColumnPart }
  | { readonly constant: string | undefined };

/** Opens chunks of Parquet in this thread. */
export async function openParquet(spec: ParquetSpec): Promise<ChunkDecoder> {
  const codecs = new Set(
    spec.chunks.flatMap(({ columns }) =>
      Object.values(columns).flatMap((column) => ("part" in column ? [column.part.codec] : [])),
    ),
  );
  const tools = await parquetTools(spec.files[0]!.name, codecs);
  return {
    read: (chunk, choice, levels) => readChunk(spec, chunk, choice, levels, tools),
  };
}

function readChunk(
  spec: ParquetSpec,
  number: number,
  choice: ColumnChoice,
  levels: readonly Levels[],
  tools: ParquetTools,
): ColumnBlock {
  const chunk = spec.chunks[number]!;
  const { name: file, fd } = spec.files[chunk.file]!;
  const rows = chunk.to - chunk.from;
  const gather = <G extends { add(piece: Piece): void }>(
    position: number,
    make: (reader: ValueReader, refuse: Refuse) => G,
  ): G => {
    const { name } = spec.columns[position]!;
    const column = chunk.columns[position]!;
    const type = "leaf" in column ? column.leaf.type : ({ of: "text" } as const);
    const reader = new ValueReader({ ...spec.columns[position]!, type }, spec.format);
    try {
      const gatherer = make(reader, (value, row) => reader.error(value, file, chunk.fileRow + row));
      if ("constant" in column) gatherer.add(constantPiece(column.constant, rows));
      else for (const piece of pagesOf(fd, column.part, column.leaf, chunk, tools)) gatherer.add(piece);
      return gatherer;
    } catch (error) {
      throw error instanceof DataError ? error : damaged(error, file, name);
    }
  };
  const { numeric, factors, name } = choice;
  return {
    chunk: number,
    firstRow: 0,
    rows,
    numeric: numeric.map(
      (at) => gather(at, (reader, refuse) => new NumberGatherer(reader, rows, refuse)).out,
    ),
    codes: factors.map(
      (at, i) => gather(at, (reader) => new CodeGatherer(reader, rows, levels[i]!, chunk.fileRow)).out,
    ),
    text: choice.text
      ? textLines(
          spec.columns.map((_, at) => gather(at, (reader) => new TextGatherer(reader)).out),
          rows,
        )
      : undefined,
    rowNames:
      name === undefined
        ? undefined
        : gather(name, (reader) => new TextGatherer(reader)).out.map((text) => text ?? ""),
  };
}

function constantPiece(value: string | undefined, rows: number): Piece {
  if (value === undefined) return { rows, mask: new Uint8Array(rows), values: [], indices: undefined };
  return { rows, mask: undefined, values: [value], indices: new Int32Array(rows) };
}

/** The error for a file that cannot be read as Parquet. */
export function damaged(cause: unknown, file: string, column?: string): DataError {
  const code = (cause as NodeJS.ErrnoException).code;
  const why = code ?? (cause instanceof Error ? cause.message : String(cause));
  return new DataError(`this is a Parquet file that cannot be read: ${why}`, {
    place: { file, column },
    hint: "the file is damaged, or was cut off while it was copied; write or copy it again",
    cause,
  });
}
