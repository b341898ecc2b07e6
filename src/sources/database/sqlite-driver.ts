import { optionalPackage } from "../../files/optional-package.js";

/** A row by the names of its columns. */
export type SqliteRow = Readonly<Record<string, unknown>>;

/** What goml asks of a driver of SQLite. */
interface SqliteConnection {
  run(sql: string): void;
  all(sql: string): SqliteRow[];
  /** Rows as they are asked for; `return()` of the iterator ends the query. */
  rows(sql: string): Iterable<SqliteRow>;
  close(): void;
}

/** Node's own SQLite is no experiment from this version on. */
const NODE_WITH_SQLITE = 24;

/** Opens a file, for reading unless it is to be written. */
type SqliteOpener = (path: string, writable?: boolean) => SqliteConnection;

/** What opens a file: Node's own SQLite where it has one, else `node-sqlite3-wasm`. */
export async function sqliteDriver(name: string): Promise<SqliteOpener> {
  return Number.parseInt(process.versions.node, 10) >= NODE_WITH_SQLITE ? ofNode() : ofWasm(name);
}

/** What is used of Node's own SQLite, of which the types of the oldest Node that goml supports do not know. */
interface NodeSqlite {
  DatabaseSync: new (
    path: string,
    options: { readOnly: boolean },
  ) => {
    exec(sql: string): void;
    prepare(sql: string): {
      setReadBigInts(on: boolean): void;
      all(): SqliteRow[];
      iterate(): Iterator<SqliteRow>;
    };
    close(): void;
  };
}

async function ofNode(): Promise<SqliteOpener> {
  const { DatabaseSync } = (await import("node:sqlite" as string)) as NodeSqlite;
  return (path, writable = false) => {
    const database = new DatabaseSync(path, { readOnly: !writable });
    const prepared = (sql: string) => {
      const statement = database.prepare(sql);
      statement.setReadBigInts(true);
      return statement;
    };
    return {
      run: (sql) => database.exec(sql),
      all: (sql) => prepared(sql).all(),
      rows: (sql) => ({ [Symbol.iterator]: () => prepared(sql).iterate() }),
      close: () => database.close(),
    };
  };
}

async function ofWasm(name: string): Promise<SqliteOpener> {
  const loaded = await optionalPackage(() => import("node-sqlite3-wasm"), {
    file: name,
    kind: "an SQLite database",
    packages: ["node-sqlite3-wasm"],
  });
  // A CommonJS module, whose names Node does not find.
  const { Database } = (loaded as unknown as { default: typeof loaded }).default;
  return (path, writable = false) => {
    const database = new Database(path, { readOnly: !writable, fileMustExist: true });
    return {
      run: (sql) => database.exec(sql),
      all: (sql) => database.all(sql),
      *rows(sql) {
        const statement = database.prepare(sql);
        try {
          yield* statement.iterate() as Iterable<SqliteRow>;
        } finally {
          statement.finalize();
        }
      },
      close: () => database.close(),
    };
  };
}
