import type { ColumnChoice } from "../csv/column-block.js";
import type { TruthOf } from "../csv/json-lines.js";
import { numberFormat } from "../csv/number-format.js";
import type { Need, Range } from "../csv/partial-copy.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import type { TypedChunks, TypedRows } from "../csv/typed-rows.js";
import type { Condition } from "../dataset/formula/condition.js";
import { CellReader, type NumberFormat } from "../dataset/number-format.js";
import { truthWords } from "../dataset/record-cells.js";
import { DataError } from "../errors.js";
import type { ChunkColumn, ColumnSpec } from "./column-chunks.js";
import type { ColumnFile, FileChunk, FileColumn } from "./column-file.js";
import type { ColumnFormat } from "./column-format.js";
import { columnNotes, type Placed, placeColumns } from "./placed-columns.js";
import { type KnownValues, mayHold } from "./prune.js";
import { TYPED_DIALECT } from "./typed-dialect.js";
import { withTextsJudged } from "./typed-texts.js";

/** So many rows are looked at before the others, as many as the head of a CSV may have. */
const SAMPLE_ROWS = 2048;

/** What opens a source of such a file: where it lies, here or in parts. */
export interface OpenedFile {
  readonly name: string;
  readonly path: string | undefined;
  readonly fd: number;
  readonly size: number;
  readonly need: Need | undefined;
}

/** A source as a file that any thread can read at any position; one elsewhere only where its bytes are asked for. */
export async function openedFile(source: Source): Promise<OpenedFile> {
  const copy = await source.partial();
  const { fd, size } = copy ?? (await source.seekable());
  const path = source.path ?? source.ranged?.path;
  return { name: source.name, path, fd, size, need: copy && ((ranges) => copy.need(ranges)) };
}

/**
 * Makes a table of files of columns, in whatever order of columns, and looks at their first rows.
 *
 * @param truth how true and false are written in a column
 * @throws DataError where there are no rows, or files have other columns than the first
 */
export async function readFileTable<
  File extends ColumnFile<Leaf>,
  Leaf extends FileColumn,
  Chunk extends FileChunk,
  Part,
>(
  source: Source,
  files: readonly File[],
  columnFormat: ColumnFormat<File, Leaf, Chunk, Part>,
  options: ReadingOptions,
  truth: TruthOf = () => truthWords([]),
): Promise<Table> {
  const format = numberFormat(options);
  const { text = [] } = options;
  const placed = placeColumns<Leaf, File>(files, { format, text, truth }, (leaf, file) =>
    columnFormat.isEmpty(leaf, file),
  );
  const chunks = files.flatMap((file, f) => columnFormat.chunks(file, f));
  const typed = new FileRows(columnFormat, { files, columns: placed, chunks, format });
  if (typed.rows === 0)
    throw new DataError(`the file has ${placed.length} columns and no rows`, {
      place: { file: source.name },
    });
  const sample = await typed.head(Math.min(typed.rows, SAMPLE_ROWS));
  return {
    source,
    dialect: TYPED_DIALECT,
    format,
    columns: withTextsJudged(
      placed.map(({ column }) => column),
      ({ name }, j) => placed[j]!.type.of === "text" && !text.includes(name),
      sample,
      format,
    ),
    dataStart: 0,
    dataLine: 0,
    headerText: "",
    sample,
    whole: sample.length === typed.rows,
    typed,
    notes: files.flatMap(({ notes = [] }) => notes),
    columnNotes: columnNotes(files[0]!, placed),
  };
}

interface FileRowsParts<File, Leaf, Chunk> {
  readonly files: readonly File[];
  readonly columns: readonly Placed<Leaf>[];
  readonly chunks: readonly Chunk[];
  readonly format: NumberFormat;
}

/** The rows of files of columns. */
class FileRows<File extends ColumnFile<Leaf>, Leaf extends FileColumn, Chunk extends FileChunk, Part>
  implements TypedRows
{
  readonly rows: number;
  readonly names: readonly string[];
  readonly #columnFormat: ColumnFormat<File, Leaf, Chunk, Part>;
  readonly #parts: FileRowsParts<File, Leaf, Chunk>;

  constructor(columnFormat: ColumnFormat<File, Leaf, Chunk, Part>, parts: FileRowsParts<File, Leaf, Chunk>) {
    this.#columnFormat = columnFormat;
    this.#parts = parts;
    this.names = parts.files.map(({ name }) => name);
    this.rows = parts.chunks.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  chunks(choice: ColumnChoice, where: Condition | undefined): TypedChunks {
    const { chunks } = this.#parts;
    const spec = this.#spec(choice);
    const rows = chunks.map(({ from, to }) => to - from);
    const pruned = chunks.map(
      (chunk) => where !== undefined && !mayHold(where, (column) => this.#known(chunk, column)),
    );
    const bytes = 8 * this.rows * Math.max(1, this.#chosen(choice).length);
    return { format: this.#columnFormat.name, spec, rows, pruned, bytes };
  }

  #chosen({ numeric, factors, name, text }: ColumnChoice): number[] {
    if (text) return this.#parts.columns.map((_, at) => at);
    return [...numeric, ...factors, ...(name === undefined ? [] : [name])];
  }

  #spec(choice: ColumnChoice): ColumnSpec<Leaf, Part> {
    const { files, format, columns, chunks } = this.#parts;
    const chosen = this.#chosen(choice);
    return {
      files: files.map(({ name, fd }) => ({ name, fd })),
      format,
      columns: columns.map(({ name, type, words }) => ({ name, type, words })),
      chunks: chunks.map((chunk) => {
        const { file, fileRow, from, to } = chunk;
        const places = Object.fromEntries(chosen.map((at) => [at, this.#placeOf(chunk, at)]));
        return { file, fileRow, from, to, columns: places };
      }),
    };
  }

  part(from: number, to: number): TypedRows {
    return new FileRows(this.#columnFormat, {
      ...this.#parts,
      chunks: this.#parts.chunks.slice(from, to),
    });
  }

  async ready(choice: ColumnChoice, where: Condition | undefined): Promise<void> {
    const { files } = this.#parts;
    if (files.every(({ need }) => need === undefined)) return;
    const { pruned } = this.chunks(choice, where);
    const ranges: Range[][] = files.map(() => []);
    this.#spec(choice).chunks.forEach(({ file, columns }, i) => {
      if (pruned[i]) return;
      for (const column of Object.values(columns))
        if ("part" in column) ranges[file]!.push(...this.#columnFormat.ranges(column.part));
    });
    for (const [f, { need }] of files.entries()) await need?.(ranges[f]!);
  }

  async *blocks(...[choice, levels]: Parameters<TypedRows["blocks"]>): ReturnType<TypedRows["blocks"]> {
    await this.ready(choice, undefined);
    const decoder = await this.#columnFormat.open(this.#spec(choice));
    let firstRow = 0;
    for (const [chunk, { from, to }] of this.#parts.chunks.entries()) {
      yield { ...decoder.read(chunk, choice, levels), firstRow };
      firstRow += to - from;
    }
  }

  /** The first rows as texts, an empty one for a missing value. */
  async head(most: number): Promise<string[][]> {
    const columns = this.#parts.columns.map((_, at) => at);
    const sample: string[][] = [];
    for (const chunk of this.#parts.chunks) {
      const to = Math.min(chunk.to, chunk.from + most - sample.length);
      if (to === chunk.from) break;
      const parts = { ...this.#parts, chunks: [{ ...chunk, to }] };
      const one: FileRows<File, Leaf, Chunk, Part> = new FileRows(this.#columnFormat, parts);
      sample.push(...(await one.#texts(columns, to - chunk.from)));
    }
    return sample;
  }

  async #texts(columns: readonly number[], rows: number): Promise<string[][]> {
    const choice = { numeric: [], factors: [], text: false };
    const table = Array.from({ length: rows }, () => [] as string[]);
    await this.#readyFirst(columns, rows);
    for (const name of columns) {
      const decoder = await this.#columnFormat.open(this.#spec({ ...choice, name }));
      decoder.read(0, { ...choice, name }, []).rowNames!.forEach((text, r) => {
        table[r]!.push(text);
      });
    }
    return table;
  }

  /** Fetches the first rows of files that lie elsewhere: a chunk may be all of a file. */
  async #readyFirst(columns: readonly number[], rows: number): Promise<void> {
    const [chunk] = this.#parts.chunks as [Chunk];
    const file = this.#parts.files[chunk.file]!;
    const { need } = file;
    if (need === undefined) return;
    const parts = columns.flatMap((at) => {
      const column = this.#placeOf(chunk, at);
      return "part" in column ? [column.part] : [];
    });
    await this.#columnFormat.needFirst({ ...file, need }, parts, rows);
  }

  locate(row: number): { file: string; row: number } {
    let left = row;
    for (const { file, fileRow, from, to } of this.#parts.chunks) {
      if (left < to - from) return { file: this.names[file]!, row: fileRow + left };
      left -= to - from;
    }
    return { file: this.names[0]!, row };
  }

  #placeOf(chunk: Chunk, at: number): ChunkColumn<Leaf, Part> {
    const place = this.#parts.columns[at]!.places[chunk.file]!;
    if ("constant" in place) return place;
    return { leaf: place.leaf, part: this.#columnFormat.partOf(chunk, place.leaf) };
  }

  #known(chunk: Chunk, name: string): KnownValues | undefined {
    const { columns, format } = this.#parts;
    const { places, column } = columns.find((one) => one.name === name)!;
    const place = places[chunk.file]!;
    const cells = new CellReader(format, name);
    if ("constant" in place) {
      if (place.constant === undefined || cells.isMissing(place.constant)) return undefined;
      if (column.kind !== "numeric") return { text: place.constant.trim().normalize("NFC") };
      const value = cells.number(place.constant) ?? Number.NaN;
      return Number.isNaN(value) ? undefined : { least: value, most: value };
    }
    const { of } = place.leaf.type;
    if (column.kind !== "numeric" || (of !== "number" && of !== "integer")) return undefined;
    return this.#columnFormat.bounds(chunk, place.leaf);
  }
}
