import type { ColumnBlock, ColumnChoice } from "../../csv/column-block.js";
import type { TruthOf } from "../../csv/json-lines.js";
import type { Levels } from "../../csv/levels.js";
import { numberFormat } from "../../csv/number-format.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import type { TypedRows } from "../../csv/typed-rows.js";
import type { NumberFormat } from "../../dataset/number-format.js";
import { truthWords } from "../../dataset/record-cells.js";
import type { Column } from "../../dataset/schema.js";
import { DataError } from "../../errors.js";
import { type TypedColumn, ValueReader } from "../column-values.js";
import { CodeGatherer, NumberGatherer, type Piece, type Refuse, TextGatherer } from "../gather.js";
import { textLines } from "../text-lines.js";
import { TYPED_DIALECT } from "../typed-dialect.js";
import { withTextsJudged } from "../typed-texts.js";
import { datesOf, isNumeric } from "../value-type.js";
import { chosenQuery, chosenRows, quotedName } from "./query.js";
import type { Batch, Database, DatabaseValue, Rowset } from "./rowset.js";
import type { SessionColumn, SqlSession } from "./session.js";

/** Rows of a chunk: a constant, for results must not depend on how rows come. */
const CHUNK_ROWS = 1 << 14;
/** So many rows are looked at before the others. */
const SAMPLE_ROWS = 2048;

/**
 * The rows of a table of a database, or of a query, as a table.
 *
 * @throws UsageError where neither is named and there are several tables; DataError for what the database refuses
 */
export async function readDatabaseTable(
  source: Source,
  database: Database,
  options: ReadingOptions,
  truth: TruthOf = () => truthWords([]),
): Promise<Table> {
  const rowset = await database.query(await chosenQuery(database.name, options, () => database.tables()));
  const format = numberFormat(options);
  const known = rowset.columns.flatMap(({ name, type }, at) =>
    type === undefined
      ? []
      : [{ at, name: name.normalize("NFC"), type, words: truth(name.normalize("NFC")) }],
  );
  const twice = known.find(({ name }, i) => known.findIndex((one) => one.name === name) !== i);
  if (twice !== undefined)
    throw new DataError(`two columns are called ${JSON.stringify(twice.name)}`, {
      place: { file: database.name },
      hint: "name them in the query: SELECT a.x AS x, b.x AS x2",
    });
  const typed = new DatabaseRows(database.name, rowset, known, format);
  const sample = await typed.head(SAMPLE_ROWS);
  if (sample.rows.length === 0)
    throw new DataError(`there are ${known.length} columns and no rows`, { place: { file: database.name } });
  const decimals = known.filter(({ type, name }) => type.of === "decimal" && !options.text?.includes(name));
  return {
    source,
    dialect: TYPED_DIALECT,
    format,
    columns: withTextsJudged(
      known.map((column) => judged(column, options)),
      ({ name }, j) => known[j]!.type.of === "text" && !options.text?.includes(name),
      sample.rows,
      format,
    ),
    dataStart: 0,
    dataLine: 0,
    headerText: "",
    sample: sample.rows,
    whole: sample.whole,
    typed,
    notes: [],
    columnNotes: [
      ...rowset.columns.flatMap(({ name, type, typeName }) =>
        type === undefined ? [`left out: ${name}, it is of type ${typeName}`] : [],
      ),
      ...(decimals.length === 0
        ? []
        : [
            `decimals are read as the doubles nearest to them: ${decimals.map(({ name }) => name).join(", ")}`,
          ]),
    ],
  };
}

/** A database, asked for sums instead of rows. */
export function databaseSession(source: Source, database: Database): SqlSession {
  let columns = new Map<string, SessionColumn>();
  return {
    name: database.name,
    kind: database.kind,
    async table(options) {
      const format = numberFormat(options);
      const rowset = await database.query(await chosenQuery(database.name, options, () => database.tables()));
      columns = new Map(
        rowset.columns.flatMap(({ name, type }) => {
          if (type === undefined) return [];
          const reader = new ValueReader({ name, type, words: truthWords([]) }, format);
          const column: SessionColumn = {
            name: quotedName(name),
            integer: type.of === "integer",
            float: type.of === "number",
            texts: type.of === "text",
            key: quotedName(name),
            text: (value) => reader.text(value ?? ""),
          };
          return [[name.normalize("NFC"), column]];
        }),
      );
      return readDatabaseTable(source, database, options);
    },
    relation: (options) => chosenRows(database.name, options, () => database.tables()),
    column: (name) => columns.get(name)!,
    ask: (sql) => database.ask(sql),
  };
}

function judged({ name, type }: TypedColumn, { text }: ReadingOptions): Column {
  if (text?.includes(name)) return { name, kind: "text" };
  if (isNumeric(type)) return { name, kind: "numeric" };
  const dates = datesOf(type);
  return dates === undefined ? { name, kind: "text" } : { name, kind: "text", dates };
}

/** A query's rows, in order, as often as they are asked for. */
class DatabaseRows implements TypedRows {
  readonly rows = undefined;
  readonly names: readonly string[];
  readonly #rowset: Rowset;
  readonly #columns: readonly (TypedColumn & { readonly at: number })[];
  readonly #format: NumberFormat;
  /** What there was when all rows were read before. */
  #seen: { rows: number; sums: Map<number, string> } | undefined;

  constructor(
    name: string,
    rowset: Rowset,
    columns: readonly (TypedColumn & { readonly at: number })[],
    format: NumberFormat,
  ) {
    this.names = [name];
    this.#rowset = rowset;
    this.#columns = columns;
    this.#format = format;
  }

  async *blocks(
    choice: ColumnChoice,
    levels: readonly Levels[],
  ): AsyncGenerator<ColumnBlock, void, undefined> {
    const wanted = choice.text
      ? this.#columns.map((_, j) => j)
      : [...choice.numeric, ...choice.factors, ...(choice.name === undefined ? [] : [choice.name])];
    let [firstRow, chunk] = [0, 0];
    const sums = choice.numeric.map(() => new OrderedSum());
    for await (const batches of this.#chunks(new Set(wanted.map((j) => this.#columns[j]!.at)), CHUNK_ROWS)) {
      const block = this.#block(chunk++, firstRow, batches, choice, levels);
      block.numeric.forEach((values, k) => {
        sums[k]!.add(values);
      });
      yield block;
      firstRow += block.rows;
    }
    const before = this.#seen;
    const found = new Map(choice.numeric.map((j, k) => [j, sums[k]!.toString()]));
    const other = choice.numeric.find((j) => before?.sums.has(j) && before.sums.get(j) !== found.get(j));
    if (before !== undefined && (before.rows !== firstRow || other !== undefined))
      throw new DataError(
        before.rows !== firstRow
          ? `the rows changed while they were read: ${before.rows} at first, ${firstRow} now`
          : "the rows changed while they were read: other values, or another order, than at first",
        {
          place: {
            file: this.names[0]!,
            column: other === undefined ? undefined : this.#columns[other]!.name,
          },
          hint: "a query that draws rows at random, or has no order of its own, gives others each time: make a table of it first, or give ORDER BY",
        },
      );
    this.#seen = { rows: firstRow, sums: new Map([...(before?.sums ?? []), ...found]) };
  }

  /** The first rows as texts. */
  async head(most: number): Promise<{ rows: string[][]; whole: boolean }> {
    const all = new Set(this.#columns.map(({ at }) => at));
    for await (const batches of this.#chunks(all, most + 1)) {
      const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
      const columns = this.#columns.map((_, j) => this.#texts(batches, j));
      const found = Array.from({ length: Math.min(rows, most) }, (_, r) =>
        columns.map((column) => column[r] ?? ""),
      );
      return { rows: found, whole: rows <= most };
    }
    return { rows: [], whole: true };
  }

  locate(row: number): { file: string; row: number } {
    return { file: this.names[0]!, row };
  }

  /** Batches that together are `size` rows, fewer at the end. */
  async *#chunks(wanted: ReadonlySet<number>, size: number): AsyncGenerator<Batch[], void, undefined> {
    let held: Batch[] = [];
    let rows = 0;
    for await (const batch of this.#rowset.batches(wanted)) {
      for (let from = 0; from < batch.rows; ) {
        const count = Math.min(batch.rows - from, size - rows);
        held.push(cut(batch, from, from + count));
        rows += count;
        from += count;
        if (rows < size) continue;
        yield held;
        held = [];
        rows = 0;
      }
    }
    if (rows > 0) yield held;
  }

  #block(
    chunk: number,
    firstRow: number,
    batches: readonly Batch[],
    choice: ColumnChoice,
    levels: readonly Levels[],
  ): ColumnBlock {
    const rows = batches.reduce((sum, batch) => sum + batch.rows, 0);
    const gather = <G extends { add(piece: Piece): void }>(
      j: number,
      make: (reader: ValueReader, refuse: Refuse) => G,
    ): G => {
      const reader = new ValueReader(this.#columns[j]!, this.#format);
      const gatherer = make(reader, (value, row) => reader.error(value, this.names[0]!, firstRow + row));
      for (const batch of batches) gatherer.add(pieceOf(batch.columns[this.#columns[j]!.at]!));
      return gatherer;
    };
    const { name } = choice;
    return {
      chunk,
      firstRow,
      rows,
      numeric: choice.numeric.map(
        (j) => gather(j, (reader, refuse) => new NumberGatherer(reader, new Float64Array(rows), refuse)).out,
      ),
      codes: choice.factors.map(
        (j, i) => gather(j, (reader) => new CodeGatherer(reader, rows, levels[i]!, firstRow)).out,
      ),
      text: choice.text
        ? textLines(
            this.#columns.map((_, j) => this.#texts(batches, j)),
            rows,
          )
        : undefined,
      rowNames: name === undefined ? undefined : this.#texts(batches, name).map((text) => text ?? ""),
    };
  }

  #texts(batches: readonly Batch[], j: number): (string | undefined)[] {
    const gatherer = new TextGatherer(new ValueReader(this.#columns[j]!, this.#format));
    for (const batch of batches) gatherer.add(pieceOf(batch.columns[this.#columns[j]!.at]!));
    return gatherer.out;
  }
}

/** Σ v and Σ (r mod 1021) v over the rows r that have a value: other values give others, and so does another order. */
class OrderedSum {
  #sum = 0;
  #placed = 0;
  #row = 0;

  add(values: Float64Array): void {
    let [sum, placed, row] = [this.#sum, this.#placed, this.#row];
    for (let r = 0; r < values.length; r++) {
      const value = values[r]!;
      if (!Number.isNaN(value)) {
        sum += value;
        placed += row * value;
      }
      row = row === 1020 ? 0 : row + 1;
    }
    [this.#sum, this.#placed, this.#row] = [sum, placed, row];
  }

  toString(): string {
    return `${this.#sum} ${this.#placed}`;
  }
}

function cut(batch: Batch, from: number, to: number): Batch {
  if (from === 0 && to === batch.rows) return batch;
  return { rows: to - from, columns: batch.columns.map((column) => column?.slice(from, to)) };
}

function pieceOf(values: readonly DatabaseValue[]): Piece {
  const rows = values.length;
  if (!values.includes(null))
    return { rows, mask: undefined, values: values as (string | bigint | number)[], indices: undefined };
  return {
    rows,
    mask: Uint8Array.from(values, (value) => (value === null ? 0 : 1)),
    values: values.filter((value) => value !== null),
    indices: undefined,
  };
}
