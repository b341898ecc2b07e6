import { optionalPackage } from "../../files/optional-package.js";

/** A row by the names of its columns. */
export type SqliteRow = Readonly<Record<string, unknown>>;

/** What goml asks of a driver of SQLite. */
export interface SqliteConnection {
  run(sql: string): void;
  all(sql: string): SqliteRow[];
  /** Rows as they are asked for; `return()` of the iterator ends the query. */
  rows(sql: string): Iterable<SqliteRow>;
  close(): void;
}

/** Node's own SQLite is no experiment from this version on. */
const NODE_WITH_SQLITE = 24;

/** What opens a file for reading: Node's own SQLite where it has one, else `node-sqlite3-wasm`. */
export async function sqliteDriver(name: string): Promise<(path: string) => SqliteConnection> {
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

async function ofNode(): Promise<(path: string) => SqliteConnection> {
  const { DatabaseSync } = (await import("node:sqlite" as string)) as NodeSqlite;
  return (path) => {
    const database = new DatabaseSync(path, { readOnly: true });
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

async function ofWasm(name: string): Promise<(path: string) => SqliteConnection> {
  const loaded = await optionalPackage(() => import("node-sqlite3-wasm"), {
    file: name,
    kind: "an SQLite database",
    packages: ["node-sqlite3-wasm"],
  });
  // A CommonJS module, whose names Node does not find.
  const { Database } = (loaded as unknown as { default: typeof loaded }).default;
  return (path) => {
    const database = new Database(path, { readOnly: true });
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
