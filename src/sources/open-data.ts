import { existsSync } from "node:fs";
import type { TruthOf } from "../csv/json-lines.js";
import { openSource, rowsSource } from "../csv/open-source.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { DataError } from "../errors.js";
import { databasePath } from "../files/database-path.js";
import { shownPath } from "../files/shown-path.js";
import { ClickhouseSource } from "./database/clickhouse.js";
import { openDuckdb } from "./database/duckdb.js";
import { PostgresSource } from "./database/postgres.js";
import type { SqlSession } from "./database/session.js";
import { openSqlite } from "./database/sqlite.js";
import { databaseSession, readDatabaseTable } from "./database/table.js";
import { expandPaths } from "./paths.js";
import { isUrl, openUrl } from "./remote/open-url.js";
import { expandS3, isS3, openS3 } from "./remote/s3.js";

/** What a source that is no file reads its table by, from what the options choose. */
type TableOf = (options: ReadingOptions, truth: TruthOf | undefined) => Promise<Table>;

/** The databases that sources stand for. */
const databases = new WeakMap<Source, { readonly table: TableOf; session?(): SqlSession }>();

/**
 * Opens what a command names as its data: a file, standard input as `-`, a file at `https://…` or `s3://…`, or a database,
 * `duckdb:file.db`, `sqlite:file.db`, `postgres://host/database` or `clickhouse://host/database`.
 *
 * @throws DataError where it cannot be read
 */
export async function openData(path: string, signal?: AbortSignal): Promise<Source> {
  if (/^postgres(?:ql)?:\/\//.test(path)) {
    const server = await PostgresSource.open(path, signal);
    databases.set(server.source, {
      table: (options, truth) => server.table(options, truth),
      session: () => server.session(),
    });
    return server.source;
  }
  if (/^clickhouses?:\/\//.test(path)) {
    const server = await ClickhouseSource.open(path, signal);
    databases.set(server.source, {
      table: (options, truth) => server.table(options, truth),
      session: () => server.session(),
    });
    return server.source;
  }
  if (isS3(path)) return openS3(path, signal);
  if (isUrl(path)) return openUrl(path, signal);
  const named = databasePath(path);
  if (named === undefined) {
    if (/^[a-z][\w+.-]*:\/\//i.test(path) && !existsSync(path))
      throw new DataError("goml reads no addresses of this kind", {
        place: { file: shownPath(path) },
        hint: "it reads https://, http://, s3://, postgres:// and clickhouse://; download the file first",
      });
    return openSource(path, signal);
  }
  const database = await OPENERS[named.kind](named.file, path);
  const source = rowsSource(path, () => database.close());
  databases.set(source, {
    table: (options, truth) => readDatabaseTable(source, database, options, truth),
    session: () => databaseSession(source, database),
  });
  return source;
}

/**
 * Opens all that paths and patterns name, or, where one cannot be opened, none.
 *
 * @throws DataError as `openData`, and for a pattern that nothing matches
 */
export async function openAllData(paths: readonly string[], signal?: AbortSignal): Promise<Source[]> {
  const sources: Source[] = [];
  try {
    for (const path of expandPaths(paths))
      for (const one of await expandS3(path, signal)) sources.push(await openData(one, signal));
    return sources;
  } catch (error) {
    for (const source of sources) await source.close();
    throw error;
  }
}

const OPENERS = {
  duckdb: openDuckdb,
  sqlite: openSqlite,
};

/** What reads the table of a source that is a database; undefined of any other. */
export function databaseOf(source: Source): TableOf | undefined {
  return databases.get(source)?.table;
}

/** The database that a source stands for, to be asked for sums; undefined of any other. */
export function sessionOf(source: Source): SqlSession | undefined {
  return databases.get(source)?.session?.();
}
