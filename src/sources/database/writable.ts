import { UsageError } from "../../errors.js";
import { databasePath } from "../../files/database-path.js";
import { writableDuckdb } from "./duckdb.js";
import { writablePostgres } from "./postgres.js";
import type { WritableDatabase } from "./rowset.js";
import { writableSqlite } from "./sqlite.js";

/**
 * Opens a database for writing, by the name that its data have.
 *
 * @throws UsageError where it is no database; DataError where it cannot be opened, or another program writes it
 */
export async function openWritable(path: string, signal?: AbortSignal): Promise<WritableDatabase> {
  if (/^postgres(?:ql)?:\/\//.test(path)) return writablePostgres(path, signal);
  const named = databasePath(path);
  if (named?.kind === "duckdb") return writableDuckdb(named.file, path);
  if (named?.kind === "sqlite") return writableSqlite(named.file, path);
  throw new UsageError(`${path} is no database that can write a table`, {
    hint: "duckdb:file.db, sqlite:file.db and postgres://host/db are",
  });
}
