import type { CompressionCodec } from "hyparquet";
import type { ColumnChoice } from "../../csv/column-block.js";
import type { TruthOf } from "../../csv/json-lines.js";
import { numberFormat } from "../../csv/number-format.js";
import type { Range } from "../../csv/partial-copy.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import type { TypedChunks, TypedRows } from "../../csv/typed-rows.js";
import type { Condition } from "../../dataset/formula/condition.js";
import { CellReader, type NumberFormat } from "../../dataset/number-format.js";
import { truthWords } from "../../dataset/record-cells.js";
import { type Column, inferColumns } from "../../dataset/schema.js";
import { DataError } from "../../errors.js";
import type { TypedColumn } from "../column-values.js";
import { hiveColumns } from "../hive.js";
import { type KnownValues, mayHold } from "../prune.js";
import { TYPED_DIALECT } from "../typed-dialect.js";
import { withTextsJudged } from "../typed-texts.js";
import { datesOf, isNumeric } from "../value-type.js";
import { type ChunkColumn, openParquet, type ParquetChunk, type ParquetSpec } from "./chunks.js";
import { type ParquetFile, readFooter } from "./footer.js";
import { needFirstPages } from "./pages.js";
import type { LeafColumn } from "./schema.js";
import { parquetTools } from "./tools.js";

/** Row groups of more rows are cut: so many are enough to keep a thread busy, and few enough to share. */
const CHUNK_ROWS = 1 << 17;
/** So many rows are looked at before the others, as many as the head of a CSV may have. */
const SAMPLE_ROWS = 2048;

/** A column of the table: of the files, or of the names of their folders. */
interface Placed extends TypedColumn {
  readonly column: Column;
  /** By file: the leaf, or the value of the folder. */
  readonly places: readonly ({ readonly leaf: LeafColumn } | { readonly constant: string | undefined })[];
}

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
  truth: TruthOf = () => truthWords([]),
): Promise<Table> {
  const [first] = sources as [Source, ...Source[]];
  const tools = await parquetTools(first.name);
  const files: ParquetFile[] = [];
  for (const source of sources) {
    const copy = await source.partial();
    const { fd, size } = copy ?? (await source.seekable());
    const path = source.path ?? source.ranged?.path;
    files.push(
      await readFooter(
        { name: source.name, path, fd, size, need: copy && ((ranges) => copy.need(ranges)) },
        tools,
      ),
    );
  }
  for (const file of files) await parquetTools(file.name, codecsOf(file));
  const format = numberFormat(options);
  const placed = placeColumns(files, { format, text: options.text ?? [], truth });
  const chunks = files.flatMap((file, f) => chunksOf(file, f));
  const rows = chunks.reduce((sum, { from, to }) => sum + to - from, 0);
  if (rows === 0)
    throw new DataError(`the file has ${placed.length} columns and no rows`, { place: { file: first.name } });
  const typed = new ParquetRows(files, placed, chunks, format);
  const sample = await sampleOf(typed, placed.length, rows);
  return {
    source: first,
    dialect: TYPED_DIALECT,
    format,
    columns: withTextsJudged(
      placed.map(({ column }) => column),
      ({ name }, j) => placed[j]!.type.of === "text" && !options.text?.includes(name),
      sample,
      format,
    ),
    dataStart: 0,
    dataLine: 0,
    headerText: "",
    sample,
    whole: sample.length === rows,
    typed,
    notes: [],
    columnNotes: notesOn(files[0]!, placed),
  };
}

function codecsOf({ groups }: ParquetFile): Set<CompressionCodec> {
  return new Set(groups.flatMap(({ columns }) => columns.map(({ meta_data }) => meta_data!.codec)));
}

/** A chunk before its columns are chosen, with its row group. */
interface GroupRows extends Omit<ParquetChunk, "columns"> {
  readonly group: ParquetFile["groups"][number];
}

function chunksOf(file: ParquetFile, f: number): GroupRows[] {
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
}

function placeColumns(
  files: readonly ParquetFile[],
  options: { format: NumberFormat; text: readonly string[]; truth: TruthOf },
): Placed[] {
  const byFile = files.map(({ name, path, columns }) => {
    const leaves = new Map<string, LeafColumn>();
    for (const leaf of columns) {
      const known = leaf.name.normalize("NFC");
      if (leaves.has(known))
        throw new DataError(`two columns are called ${JSON.stringify(known)}`, { place: { file: name } });
      leaves.set(known, leaf);
    }
    const folders = new Map(
      [...hiveColumns(path ?? "")].flatMap(([key, value]) => {
        const known = key.normalize("NFC");
        return leaves.has(known) ? [] : [[known, value] as const];
      }),
    );
    return { leaves, folders };
  });
  const names = byFile.map(({ leaves, folders }) => [...folders.keys(), ...leaves.keys()]);
  files.forEach(({ name }, f) => {
    checkNames({ name: files[0]!.name, names: names[0]! }, { name, names: names[f]! });
  });
  return names[0]!.map((name) => {
    const places = byFile.map(({ leaves, folders }) => {
      const leaf = leaves.get(name);
      return leaf === undefined ? { constant: folders.get(name) } : { leaf };
    });
    const words = options.truth(name);
    const leaves = places.flatMap((place, f) =>
      "leaf" in place ? [{ leaf: place.leaf, file: files[f]! }] : [],
    );
    const [one] = leaves;
    if (one === undefined) {
      const values = places.map((place) => [("constant" in place ? place.constant : undefined) ?? ""]);
      const [column] = inferColumns([name], values, { ...options, whole: true });
      return { name, type: { of: "text" }, words, places, column: column! };
    }
    const { type } = one.leaf;
    for (const { leaf, file } of leaves)
      if (isNumeric(leaf.type) !== isNumeric(type))
        throw new DataError(
          `it holds ${isNumeric(leaf.type) ? "numbers" : "text"} here, and not in ${one.file.name}`,
          {
            place: { file: file.name, column: name },
            hint: "files that are read together have the same columns",
          },
        );
    return { name, type, words, places, column: columnOf(name, leaves, options.text) };
  });
}

function checkNames(
  first: { name: string; names: readonly string[] },
  other: { name: string; names: readonly string[] },
): void {
  const missing = first.names.filter((name) => !other.names.includes(name));
  const more = other.names.filter((name) => !first.names.includes(name));
  if (missing.length === 0 && more.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(more.length > 0 ? [`it has ${more.join(", ")} besides`] : []),
  ];
  throw new DataError(`other columns than in ${first.name}: ${parts.join("; ")}`, {
    place: { file: other.name },
    hint: "files that are read together have the same columns, in any order",
  });
}

function columnOf(
  name: string,
  leaves: readonly { leaf: LeafColumn; file: ParquetFile }[],
  text: readonly string[],
): Column {
  if (text.includes(name)) return { name, kind: "text" };
  const empty = leaves.every(({ leaf, file }) =>
    file.groups.every((group) => {
      const nulls = group.columns[leaf.index]!.meta_data!.statistics?.null_count;
      return nulls !== undefined && nulls === group.num_rows;
    }),
  );
  if (empty) return { name, kind: "empty" };
  const { type } = leaves[0]!.leaf;
  if (isNumeric(type)) return { name, kind: "numeric" };
  const dates = datesOf(type);
  return dates === undefined ? { name, kind: "text" } : { name, kind: "text", dates };
}

function notesOn({ others }: ParquetFile, placed: readonly Placed[]): string[] {
  const decimals = placed.filter(({ type, column }) => type.of === "decimal" && column.kind === "numeric");
  return [
    ...others.map(({ name, what }) => `left out: ${name}, it is ${what}`),
    ...(decimals.length === 0
      ? []
      : [`decimals are read as the doubles nearest to them: ${decimals.map(({ name }) => name).join(", ")}`]),
  ];
}

/** The rows of Parquet files. */
class ParquetRows implements TypedRows {
  readonly rows: number;
  readonly names: readonly string[];
  readonly #files: readonly ParquetFile[];
  readonly #columns: readonly Placed[];
  readonly #chunks: readonly GroupRows[];
  readonly #format: NumberFormat;

  constructor(
    files: readonly ParquetFile[],
    columns: readonly Placed[],
    chunks: readonly GroupRows[],
    format: NumberFormat,
  ) {
    this.#files = files;
    this.#columns = columns;
    this.#chunks = chunks;
    this.#format = format;
    this.names = files.map(({ name }) => name);
    this.rows = chunks.reduce((sum, { from, to }) => sum + to - from, 0);
  }

  chunks(choice: ColumnChoice, where: Condition | undefined): TypedChunks {
    const { numeric, factors, name, text } = choice;
    const chosen = text
      ? this.#columns.map((_, at) => at)
      : [...numeric, ...factors, ...(name === undefined ? [] : [name])];
    const spec: ParquetSpec = {
      files: this.#files.map((file) => ({ name: file.name, fd: file.fd })),
      format: this.#format,
      columns: this.#columns.map(({ name, type, words }) => ({ name, type, words })),
      chunks: this.#chunks.map((chunk) => {
        const { group, ...rest } = chunk;
        return { ...rest, columns: Object.fromEntries(chosen.map((at) => [at, this.#partOf(chunk, at)])) };
      }),
    };
    const rows = this.#chunks.map(({ from, to }) => to - from);
    const pruned = this.#chunks.map(
      (chunk) => where !== undefined && !mayHold(where, (column) => this.#known(chunk, column)),
    );
    return { format: "parquet", spec, rows, pruned, bytes: 8 * this.rows * Math.max(1, chosen.length) };
  }

  part(from: number, to: number): TypedRows {
    return new ParquetRows(this.#files, this.#columns, this.#chunks.slice(from, to), this.#format);
  }

  async ready(choice: ColumnChoice, where: Condition | undefined): Promise<void> {
    if (this.#files.every(({ need }) => need === undefined)) return;
    const { spec, pruned } = this.chunks(choice, where);
    const ranges: Range[][] = this.#files.map(() => []);
    (spec as ParquetSpec).chunks.forEach(({ file, columns }, i) => {
      if (pruned[i]) return;
      for (const column of Object.values(columns))
        if ("part" in column)
          ranges[file]!.push([column.part.offset, column.part.offset + column.part.bytes]);
    });
    for (const [f, { need }] of this.#files.entries()) await need?.(ranges[f]!);
  }

  async *blocks(...[choice, levels]: Parameters<TypedRows["blocks"]>): ReturnType<TypedRows["blocks"]> {
    await this.ready(choice, undefined);
    const { spec, rows } = this.chunks(choice, undefined);
    const decoder = await openParquet(spec as ParquetSpec);
    let firstRow = 0;
    for (let chunk = 0; chunk < rows.length; chunk++) {
      yield { ...decoder.read(chunk, choice, levels), firstRow };
      firstRow += rows[chunk]!;
    }
  }

  /** The first rows as texts, an empty one for a missing value. */
  async head(most: number): Promise<string[][]> {
    const columns = this.#columns.map((_, at) => at);
    const sample: string[][] = [];
    for (const chunk of this.#chunks) {
      const to = Math.min(chunk.to, chunk.from + most - sample.length);
      if (to === chunk.from) break;
      const one: ParquetRows = new ParquetRows(this.#files, this.#columns, [{ ...chunk, to }], this.#format);
      sample.push(...(await one.#texts(columns, to - chunk.from)));
    }
    return sample;
  }

  async #texts(columns: readonly number[], rows: number): Promise<string[][]> {
    const choice = { numeric: [], factors: [], text: false };
    const table = Array.from({ length: rows }, () => [] as string[]);
    await this.#readyFirst(columns, rows);
    for (const name of columns) {
      const { spec } = this.chunks({ ...choice, name }, undefined);
      const { rowNames } = (await openParquet(spec as ParquetSpec)).read(0, { ...choice, name }, []);
      rowNames!.forEach((text, r) => {
        table[r]!.push(text);
      });
    }
    return table;
  }

  /** Fetches the first rows of files that lie elsewhere, page by page: a row group may be all of a file. */
  async #readyFirst(columns: readonly number[], rows: number): Promise<void> {
    const [chunk] = this.#chunks as [GroupRows];
    const { name, fd, need } = this.#files[chunk.file]!;
    if (need === undefined) return;
    const tools = await parquetTools(name);
    const fetches = columns.map(async (at) => {
      const column = this.#partOf(chunk, at);
      if ("part" in column) await needFirstPages({ fd, need }, column.part, rows, tools);
    });
    await Promise.all(fetches);
  }

  locate(row: number): { file: string; row: number } {
    let left = row;
    for (const { file, fileRow, from, to } of this.#chunks) {
      if (left < to - from) return { file: this.names[file]!, row: fileRow + left };
      left -= to - from;
    }
    return { file: this.names[0]!, row };
  }

  #partOf({ file, group }: GroupRows, at: number): ChunkColumn {
    const place = this.#columns[at]!.places[file]!;
    if ("constant" in place) return place;
    const { dictionary_page_offset, data_page_offset, total_compressed_size, codec } =
      group.columns[place.leaf.index]!.meta_data!;
    const data = Number(data_page_offset);
    // Some writers say 0 where there is no dictionary.
    const dictionary = Number(dictionary_page_offset ?? 0);
    const offset = dictionary > 0 && dictionary < data ? dictionary : data;
    return { leaf: place.leaf, part: { offset, bytes: Number(total_compressed_size), codec } };
  }

  #known({ file, group }: GroupRows, name: string): KnownValues | undefined {
    const at = this.#columns.findIndex((column) => column.name === name);
    const { places, column } = this.#columns[at]!;
    const place = places[file]!;
    const cells = new CellReader(this.#format, name);
    if ("constant" in place) {
      if (place.constant === undefined || cells.isMissing(place.constant)) return undefined;
      if (column.kind !== "numeric") return { text: place.constant.trim().normalize("NFC") };
      const value = cells.number(place.constant) ?? Number.NaN;
      return Number.isNaN(value) ? undefined : { least: value, most: value };
    }
    const { of } = place.leaf.type;
    if (column.kind !== "numeric" || (of !== "number" && of !== "integer")) return undefined;
    const { min_value, max_value } = group.columns[place.leaf.index]!.meta_data!.statistics ?? {};
    const [least, most] = [min_value, max_value].map((bound) =>
      typeof bound === "number" || typeof bound === "bigint" ? Number(bound) : Number.NaN,
    ) as [number, number];
    return least <= most ? { least, most } : undefined;
  }
}

async function sampleOf(typed: ParquetRows, _columns: number, rows: number): Promise<string[][]> {
  return typed.head(Math.min(rows, SAMPLE_ROWS));
}
