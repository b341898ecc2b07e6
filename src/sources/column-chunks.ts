import type { ColumnBlock, ColumnChoice } from "../csv/column-block.js";
import type { Levels } from "../csv/levels.js";
import type { ChunkDecoder, NumberRoom } from "../csv/typed-rows.js";
import type { NumberFormat } from "../dataset/number-format.js";
import { DataError } from "../errors.js";
import type { FileChunk, FileColumn } from "./column-file.js";
import { type TypedColumn, ValueReader } from "./column-values.js";
import { CodeGatherer, NumberGatherer, type Piece, type Refuse, TextGatherer } from "./gather.js";
import { textLines } from "./text-lines.js";

/** What a thread needs to know to read chunks of files of columns; plain data. */
export interface ColumnSpec<Leaf extends FileColumn, Part> {
  readonly files: readonly { readonly name: string; readonly fd: number }[];
  readonly format: NumberFormat;
  /** The table's columns, by position. */
  readonly columns: readonly TypedColumn[];
  readonly chunks: readonly SpecChunk<Leaf, Part>[];
}

/** A chunk, and where to find the columns that are read, by position. */
interface SpecChunk<Leaf, Part> extends FileChunk {
  readonly columns: Readonly<Record<number, ChunkColumn<Leaf, Part>>>;
}

/** A column in a chunk: values in the file, or one value in all rows, as the name of a folder gives it. */
export type ChunkColumn<Leaf, Part> =
  | { readonly leaf: Leaf; readonly part: Part }
  | { readonly constant: string | undefined };

/** How a format reads the values of a column, and what it says of damage. */
export interface PieceReader<Leaf, Part> {
  pieces(
    fd: number,
    part: Part,
    leaf: Leaf,
    rows: { readonly from: number; readonly to: number },
  ): Iterable<Piece>;
  damaged(cause: unknown, file: string, column: string): DataError;
}

/** What reads chunks by what a format makes of its columns. */
export function chunkDecoder<Leaf extends FileColumn, Part>(
  spec: ColumnSpec<Leaf, Part>,
  reader: PieceReader<Leaf, Part>,
): ChunkDecoder {
  return { read: (chunk, choice, levels, room) => readChunk(spec, reader, chunk, choice, levels, room) };
}

function readChunk<Leaf extends FileColumn, Part>(
  spec: ColumnSpec<Leaf, Part>,
  { pieces, damaged }: PieceReader<Leaf, Part>,
  number: number,
  choice: ColumnChoice,
  levels: readonly Levels[],
  room: NumberRoom = new OwnRoom(),
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
      else for (const piece of pieces(fd, column.part, column.leaf, chunk)) gatherer.add(piece);
      return gatherer;
    } catch (error) {
      throw error instanceof DataError ? error : damaged(error, file, name);
    }
  };
  const { numeric, factors, name } = choice;
  const numbers = numeric.map((at, j) => {
    const { out } = gather(at, (reader, refuse) => new NumberGatherer(reader, room.column(j, rows), refuse));
    const filled = room.allFinite(j, rows);
    const infinite = filled ? -1 : out.findIndex((value) => Math.abs(value) === Number.POSITIVE_INFINITY);
    if (infinite >= 0)
      throw new ValueReader(spec.columns[at]!, spec.format).error(
        out[infinite]!,
        file,
        chunk.fileRow + infinite,
      );
    return { out, filled };
  });
  return {
    chunk: number,
    firstRow: 0,
    rows,
    numeric: numbers.map(({ out }) => out),
    filled: numbers.map(({ filled }) => filled),
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

/** Arrays of their own. */
class OwnRoom implements NumberRoom {
  readonly #columns: Float64Array[] = [];

  column(j: number, rows: number): Float64Array {
    const column = new Float64Array(rows);
    this.#columns[j] = column;
    return column;
  }

  allFinite(j: number): boolean {
    return this.#columns[j]!.every(Number.isFinite);
  }
}

function constantPiece(value: string | undefined, rows: number): Piece {
  if (value === undefined) return { rows, mask: new Uint8Array(rows), values: [], indices: undefined };
  return { rows, mask: undefined, values: [value], indices: new Int32Array(rows) };
}
