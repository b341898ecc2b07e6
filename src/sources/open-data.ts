import { openSource, Source } from "../csv/source.js";
import { databasePath } from "../files/database-path.js";
import type { Database } from "./database/rowset.js";

/** The databases that sources stand for. */
const databases = new WeakMap<Source, Database>();

/**
 * Opens what a command names as its data: a file, standard input as `-`, or a database, `duckdb:file.db` or
 * `sqlite:file.db`.
 *
 * @throws DataError where it cannot be read
 */
export async function openData(path: string, signal?: AbortSignal): Promise<Source> {
  const named = databasePath(path);
  if (named === undefined) return openSource(path, signal);
  const database = await OPENERS[named.kind](named.file, path);
  const source = Source.ofRows(path, () => database.close());
  databases.set(source, database);
  return source;
}

const OPENERS = {
  duckdb: async (file: string, name: string) => (await import("./database/duckdb.js")).openDuckdb(file, name),
  sqlite: async (file: string, name: string) => (await import("./database/sqlite.js")).openSqlite(file, name),
};

/** The database that a source stands for, if it does. */
export function databaseOf(source: Source): Database | undefined {
  return databases.get(source);
}
