import { openSource, Source } from "../csv/source.js";
import type { Database } from "./database/rowset.js";

/** The databases that sources stand for. */
const databases = new WeakMap<Source, Database>();

/**
 * Opens what a command names as its data: a file, standard input as `-`, or a database, `duckdb:file.db`.
 *
 * @throws DataError where it cannot be read
 */
export async function openData(path: string, signal?: AbortSignal): Promise<Source> {
  const [, file] = /^duckdb:(?:\/\/(?=\/))?(.+)$/.exec(path) ?? [];
  if (file === undefined) return openSource(path, signal);
  const { openDuckdb } = await import("./database/duckdb.js");
  const database = await openDuckdb(file, path);
  const source = Source.ofRows(path, () => database.close());
  databases.set(source, database);
  return source;
}

/** The database that a source stands for, if it does. */
export function databaseOf(source: Source): Database | undefined {
  return databases.get(source);
}
