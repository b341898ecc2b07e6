import type { TruthOf } from "../csv/json-lines.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import { NoRowsError, readTable, type Table, tablesOf } from "../csv/table.js";
import type { Column } from "../dataset/schema.js";
import { DataError, UsageError } from "../errors.js";
import { option, wording } from "../wording.js";
import { isArrow, readArrowTable } from "./arrow/table.js";
import { databaseOf, openAllData } from "./open-data.js";
import { readParquetTable } from "./parquet/table.js";

/**
 * Opens files by their paths or by patterns, one of them standard input (`-`) perhaps; gives them to `work` and closes
 * them.
 */
export async function withSources<T>(
  data: string | readonly string[],
  signal: AbortSignal | undefined,
  work: (sources: Source[]) => Promise<T>,
): Promise<T> {
  const sources = await openAllData(typeof data === "string" ? [data] : data, signal);
  try {
    return await work(sources);
  } finally {
    for (const source of sources) await source.close();
  }
}

/**
 * Looks at the heads of files that are one table: columns are the same by name, in whatever order. A column that is
 * empty in the head of the first is what it is in a later one. A file of a header and no rows is none, with a note, unless
 * all are.
 *
 * @param truth see `readTable`
 * @throws DataError as `readTable`, and where a file has other columns than the first
 */
export async function readTables(
  sources: readonly Source[],
  options: ReadingOptions,
  truth?: TruthOf,
): Promise<Table> {
  const tables: Table[] = [];
  const rowless: NoRowsError[] = [];
  const readers = await Promise.all(sources.map(columnReader));
  // Files of columns of one format are one table with one list of chunks, so that threads share them all.
  const [reader] = readers;
  if (reader !== undefined && readers.every((one) => one === reader)) return reader(sources, options, truth);
  for (const [i, source] of sources.entries()) {
    const database = databaseOf(source);
    if (database !== undefined) {
      tables.push(await database(options, truth));
      continue;
    }
    if (options.table !== undefined || options.sql !== undefined)
      throw new UsageError(
        wording`${source.name} is no database, of which ${option(options.sql === undefined ? "table" : "sql")} would choose the rows`,
      );
    try {
      tables.push(await (readers[i]?.([source], options, truth) ?? readTable(source, options, truth)));
    } catch (error) {
      if (!(error instanceof NoRowsError)) throw error;
      source.rowless = true;
      rowless.push(error);
    }
  }
  const [first, ...others] = tables;
  if (first === undefined) throw rowless[0]!;
  for (const error of rowless) checkHeader(first, error);
  const without = rowless.map(({ place }) => `${place.file} has a header and no rows`);
  if (others.length === 0) return { ...first, notes: [...first.notes, ...without] };
  for (const other of others) checkSame(first, other);
  const columns = first.columns.map((column) => {
    const find = (kind: (of: Column) => boolean) =>
      others.find((other) => other.columns.some((one) => one.name === column.name && kind(one)));
    const at = (table: Table) => table.columns.findIndex(({ name }) => name === column.name);
    if (column.kind === "empty") {
      const other = find(({ kind }) => kind !== "empty");
      return other === undefined ? column : other.columns[at(other)]!;
    }
    if (column.kind !== "text" || column.numberToo !== undefined || options.text?.includes(column.name))
      return column;
    // Levels in one file, and numbers in another, may not be one thing.
    const other = find(({ kind }) => kind === "numeric");
    const number = other?.sample.map((row) => row[at(other)] ?? "").find((cell) => cell !== "");
    return number === undefined ? column : { ...column, numberToo: number };
  });
  const whole = tables.every((table) => table.whole);
  const sample = tables.flatMap((table) => {
    const order = first.columns.map(({ name }) => table.columns.findIndex((column) => column.name === name));
    return table.sample.map((row) => order.map((j) => row[j] ?? ""));
  });
  const chained = others.reduceRight<Table | undefined>((next, table) => ({ ...table, next }), undefined);
  const notes = tables.flatMap((table) => table.notes.map((note) => `${table.source.name}: ${note}`));
  return {
    ...first,
    columns,
    whole,
    sample: whole ? sample : first.sample,
    next: chained,
    notes: [...notes, ...without],
  };
}

/** What reads a file of typed columns, by its first bytes; undefined for anything else. */
async function columnReader(source: Source): Promise<typeof readParquetTable | undefined> {
  if (databaseOf(source) !== undefined) return undefined;
  const { bytes } = await source.peek(8);
  if (isArrow(bytes)) return readArrowTable;
  return Buffer.from(bytes).toString("latin1", 0, 4) === "PAR1" ? readParquetTable : undefined;
}

function checkSame(first: Table, other: Table): void {
  checkNames(
    first,
    other.columns.map(({ name }) => name),
    other.source.name,
  );
}

/** The same of a file that has only its header: a column that has no name may have none there either. */
function checkHeader(first: Table, { names, place }: NoRowsError): void {
  const aligned = names.length === 1 && first.columns.length > 1;
  const cells = aligned ? names[0]!.trim().split(/\s+/) : names;
  const columns = first.columns.filter(({ unnamed }) => !unnamed);
  const found = cells.filter((name) => name !== "").map((name) => name.normalize("NFC"));
  const known = new Set(columns.map(({ name }) => name));
  checkNames(
    { ...first, columns },
    aligned && !found.every((name) => known.has(name)) ? names : found,
    place.file,
  );
}

function checkNames(first: Table, others: readonly string[], file: string | undefined): void {
  const names = new Set(first.columns.map(({ name }) => name));
  const found = new Set(others);
  const missing = [...names].filter((name) => !found.has(name));
  const more = [...found].filter((name) => !names.has(name));
  if (missing.length === 0 && more.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(more.length > 0 ? [`it has ${more.join(", ")} besides`] : []),
  ];
  throw new DataError(`other columns than in ${first.source.name}: ${parts.join("; ")}`, {
    place: { file },
    hint: "files that are read together have the same columns, in any order",
  });
}

/** What the sources of a table are called together. */
export function namesOf(table: Table): string {
  const names = tablesOf(table).flatMap(({ source, typed }) => typed?.names ?? [source.name]);
  return names.length <= 3 ? names.join(", ") : `${names[0]}, … ${names.at(-1)} (${names.length} files)`;
}
