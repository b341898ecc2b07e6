import { DataError } from "../errors.js";
import type { TruthOf } from "./json-lines.js";
import type { ReadingOptions } from "./reading-options.js";
import { openSource, type Source } from "./source.js";
import { readTable, type Table, tablesOf } from "./table.js";

/** Opens files by their paths, one of them standard input (`-`) perhaps; gives them to `work` and closes them. */
export async function withSources<T>(
  data: string | readonly string[],
  signal: AbortSignal | undefined,
  work: (sources: Source[]) => Promise<T>,
): Promise<T> {
  const paths = typeof data === "string" ? [data] : data;
  const sources: Source[] = [];
  try {
    for (const path of paths) sources.push(await openSource(path, signal));
    return await work(sources);
  } finally {
    for (const source of sources) await source.close();
  }
}

/**
 * Looks at the heads of files that are one table: columns are the same by name, in whatever order. A column that is
 * empty in the head of the first is what it is in a later one.
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
  for (const source of sources) tables.push(await readTable(source, options, truth));
  const [first, ...others] = tables as [Table, ...Table[]];
  if (others.length === 0) return first;
  for (const other of others) checkSame(first, other);
  const columns = first.columns.map((column) =>
    column.kind !== "empty"
      ? column
      : (others
          .map((other) => other.columns.find(({ name }) => name === column.name)!)
          .find(({ kind }) => kind !== "empty") ?? column),
  );
  const whole = tables.every((table) => table.whole);
  const sample = tables.flatMap((table) => {
    const order = first.columns.map(({ name }) => table.columns.findIndex((column) => column.name === name));
    return table.sample.map((row) => order.map((j) => row[j] ?? ""));
  });
  const chained = others.reduceRight<Table | undefined>((next, table) => ({ ...table, next }), undefined);
  const notes = tables.flatMap((table) => table.notes.map((note) => `${table.source.name}: ${note}`));
  return { ...first, columns, whole, sample: whole ? sample : first.sample, next: chained, notes };
}

function checkSame(first: Table, other: Table): void {
  const [names, found] = [first, other].map((table) => new Set(table.columns.map(({ name }) => name))) as [
    Set<string>,
    Set<string>,
  ];
  const missing = [...names].filter((name) => !found.has(name));
  const more = [...found].filter((name) => !names.has(name));
  if (missing.length === 0 && more.length === 0) return;
  const parts = [
    ...(missing.length > 0 ? [`it lacks ${missing.join(", ")}`] : []),
    ...(more.length > 0 ? [`it has ${more.join(", ")} besides`] : []),
  ];
  throw new DataError(`other columns than in ${first.source.name}: ${parts.join("; ")}`, {
    place: { file: other.source.name },
    hint: "files that are read together have the same columns, in any order",
  });
}

/** What the sources of a table are called together. */
export function namesOf(table: Table): string {
  const names = tablesOf(table).map(({ source }) => source.name);
  return names.length <= 3 ? names.join(", ") : `${names[0]}, … ${names.at(-1)} (${names.length} files)`;
}
