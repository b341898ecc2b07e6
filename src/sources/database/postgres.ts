import type { Client, QueryResult } from "pg";
import type { TruthOf } from "../../csv/json-lines.js";
import { streamSource } from "../../csv/open-source.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import { type TruthWords, truthWords } from "../../dataset/record-cells.js";
import { DataError, InterruptedError } from "../../errors.js";
import { optionalPackage } from "../../files/optional-package.js";
import { shownPath } from "../../files/shown-path.js";
import { type AnswerColumn, readCsvAnswer } from "./csv-answer.js";
import { chosenQuery, chosenRows, quotedName } from "./query.js";
import type { DatabaseValue, WritableDatabase } from "./rowset.js";
import type { SqlSession } from "./session.js";

/** Rows by which the columns of a table are judged that is summed up where it is. */
const HEAD_ROWS = 256;
/** Values as the server writes them. */
const AS_TEXT = { getTypeParser: () => (text: string) => text };

/** A column of an answer: its name, what the server calls its type, and the type's category. */
interface Field {
  readonly name: string;
  readonly type: string;
  /** https://www.postgresql.org/docs/current/catalog-pg-type.html, table 52.65. */
  readonly category: string;
}

/**
 * A PostgreSQL server as a source of text: `COPY … TO STDOUT` writes the rows as CSV, which the scanner reads as it comes,
 * on all threads, while the server sends. One read-only transaction sees one state of the data; what needs the rows twice
 * keeps them in a temporary file.
 *
 * User, password and host are found where libpq finds them: in the URL, PGUSER, PGPASSWORD, ~/.pgpass. No message and no
 * model has the URL's password.
 */
export class PostgresSource {
  /** What the rows are read from, as soon as `table` has said which. */
  readonly source: Source;
  readonly #name: string;
  readonly #client: Client;
  readonly #copy: (sql: string) => CopyStream;
  #sql: string | undefined;

  /** @throws DataError where the packages are not installed, and where the server cannot be reached */
  static async open(url: string, signal?: AbortSignal): Promise<PostgresSource> {
    const { name, client } = await connected(url, signal, READING);
    const what = { file: name, kind: "a PostgreSQL server", packages: ["pg", "pg-copy-streams"] };
    const { to } = await optionalPackage(() => import("pg-copy-streams"), what).catch((error: unknown) => {
      hangUp(client);
      throw error;
    });
    return new PostgresSource(name, client, to as never, signal);
  }

  private constructor(
    name: string,
    client: Client,
    copy: (sql: string) => CopyStream,
    signal: AbortSignal | undefined,
  ) {
    this.#name = name;
    this.#client = client;
    this.#copy = copy;
    this.source = streamSource(name, this.#bytes(), () => hangUp(client), signal);
  }

  /**
   * The rows of a table, of a query or of the only table that there is.
   *
   * @throws UsageError where neither is named and there are several tables; DataError for what the server refuses
   */
  async table(options: ReadingOptions, truth: TruthOf = () => truthWords([])): Promise<Table> {
    const { sql, table, ...others } = options;
    const query = await chosenQuery(this.#name, { sql, table }, () => this.#tables());
    const fields = await this.#fields(query);
    const read = fields.filter(isRead);
    if (read.length === 0)
      throw new DataError("no column has a type that goml reads", { place: { file: this.#name } });
    const list = read.map((field) => expression(field, truth(field.name.normalize("NFC"))));
    // An empty line, which a missing value alone would be, is no row of a CSV.
    const missing = read.length === 1 ? ", NULL 'NA'" : "";
    this.#sql = `COPY (SELECT ${list.join(", ")} FROM (${query}\n) AS goml) TO STDOUT (FORMAT csv, HEADER${missing})`;
    const columns = read.map((field) => ({ name: field.name, kind: kindOf(field) }));
    return {
      ...(await readCsvAnswer(this.source, columns, others)),
      columnNotes: fields
        .filter((field) => !isRead(field))
        .map(({ name, type }) => `left out: ${name}, it is of type ${type}`),
    };
  }

  /** The server, asked for sums instead of rows. */
  session(): SqlSession {
    let fields = new Map<string, Field>();
    return {
      name: this.#name,
      kind: "postgres",
      table: async (options) => {
        const query = await chosenQuery(this.#name, options, () => this.#tables());
        fields = new Map((await this.#fields(query)).map((field) => [field.name.normalize("NFC"), field]));
        const head = await this.table({
          ...options,
          sql: `SELECT * FROM (${query}\n) AS goml LIMIT ${HEAD_ROWS}`,
        });
        // The connection answers again once all of the head has come.
        for await (const _ of this.source.chunks());
        return { ...head, whole: false };
      },
      relation: (options) => chosenRows(this.#name, options, () => this.#tables()),
      column: (name) => {
        const field = fields.get(name)!;
        const key = expression(field, truthWords([])).replace(/ AS "(?:[^"]|"")*"$/, "");
        return {
          name: quotedName(field.name),
          integer: false,
          float: field.type === "float8" || field.type === "float4" || field.type === "numeric",
          texts: true,
          key,
          text: String,
        };
      },
      ask: async (sql) => {
        const { rows } = await this.#answer({ text: sql, rowMode: "array", types: AS_TEXT });
        return rows as unknown as DatabaseValue[][];
      },
    };
  }

  async #tables(): Promise<string[]> {
    const { rows } = await this.#ask(
      "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = ANY (current_schemas(false)) ORDER BY 1",
    );
    return rows.map(({ name }) => String(name));
  }

  async #fields(query: string): Promise<Field[]> {
    const { fields } = await this.#ask(`SELECT * FROM (${query}\n) AS goml LIMIT 0`);
    const { rows } = await this.#ask(
      `SELECT oid::int8::text AS oid, typname, typcategory FROM pg_type WHERE oid IN (${fields.map(({ dataTypeID }) => dataTypeID).join(", ")})`,
    );
    const types = new Map(rows.map((row) => [String(row.oid), row]));
    return fields.map(({ name, dataTypeID }) => {
      const { typname, typcategory } = types.get(String(dataTypeID)) ?? {};
      return { name, type: String(typname), category: String(typcategory) };
    });
  }

  #ask(sql: string): Promise<QueryResult<Record<string, unknown>>> {
    return this.#answer(sql);
  }

  async #answer(sql: string | object): Promise<QueryResult<Record<string, unknown>>> {
    try {
      return await this.#client.query<Record<string, unknown>>(sql as string);
    } catch (error) {
      throw refusal(error, this.#name, this.source.signal);
    }
  }

  async *#bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#sql === undefined) throw new Error("what to read of a database is chosen by table()");
    const stream = this.#client.query(this.#copy(this.#sql));
    try {
      yield* stream;
    } catch (error) {
      throw refusal(error, this.#name, this.source.signal);
    }
  }
}

type CopyStream = AsyncIterable<Uint8Array> & { submit(connection: unknown): void };

/** Numbers, truth, dates and times, texts, enumerations, network addresses and UUIDs; not arrays, JSON or bytes. */
function isRead({ category, type }: Field): boolean {
  return "NBSEI".includes(category) || type === "uuid" || (category === "D" && type !== "timetz");
}

/** A column as an expression whose text is what goml reads. */
function expression({ name, type }: Field, words: TruthWords): string {
  const column = quotedName(name);
  const text = (word: string) => `'${word.replaceAll("'", "''")}'`;
  if (type === "bool")
    return `CASE ${column} WHEN false THEN ${text(words[0])} WHEN true THEN ${text(words[1])} END AS ${column}`;
  if (type === "timestamptz") return `(${column} AT TIME ZONE 'UTC')::text || 'Z' AS ${column}`;
  if (type === "money") return `${column}::numeric AS ${column}`;
  return column;
}

function kindOf({ category, type }: Field): AnswerColumn["kind"] {
  if (category === "N") return "number";
  if (category === "D") return type === "time" ? "time" : "date";
  return category === "B" ? "truth" : "text";
}

/** One state of the data, and numbers and times as goml reads them. */
const READING = [
  "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
  "SET LOCAL DateStyle = ISO; SET LOCAL extra_float_digits = 1; SET LOCAL client_encoding = UTF8",
];

/** Opens a connection and a transaction of a PostgreSQL server for writing; see `openWritable`. */
export async function writablePostgres(url: string, signal?: AbortSignal): Promise<WritableDatabase> {
  const { name, client } = await connected(url, signal, ["BEGIN"]);
  const run = async (sql: string) => {
    try {
      const answer = await client.query({ text: sql, rowMode: "array", types: AS_TEXT } as never);
      return (answer as unknown as { rows: DatabaseValue[][] }).rows;
    } catch (error) {
      throw refusal(error, name, signal);
    }
  };
  const stop = () => hangUp(client);
  signal?.addEventListener("abort", stop, { once: true });
  return {
    name,
    kind: "postgres",
    run,
    async commit() {
      await run("COMMIT");
    },
    async close() {
      signal?.removeEventListener("abort", stop);
      hangUp(client);
    },
  };
}

/** A connection to the server of a URL, and what is said to it first. */
async function connected(
  url: string,
  signal: AbortSignal | undefined,
  statements: readonly string[],
): Promise<{ name: string; client: Client }> {
  const name = shownPath(url);
  const what = { file: name, kind: "a PostgreSQL server", packages: ["pg", "pg-copy-streams"] };
  const pg = await optionalPackage(() => import("pg"), what);
  const client = new pg.default.Client({ connectionString: url, application_name: "goml" });
  // Who waits for an answer gets the error; an event that nobody listens to would end the process.
  client.on("error", () => {});
  const stop = () => hangUp(client);
  signal?.addEventListener("abort", stop, { once: true });
  try {
    if (signal?.aborted) throw new InterruptedError();
    await client.connect();
    for (const statement of statements) await client.query(statement);
  } catch (error) {
    hangUp(client);
    throw refusal(error, name, signal);
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  return { name, client };
}

/** Ends a connection without waiting for what the server still sends. */
function hangUp(client: Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

const ADVICE: Record<string, string> = {
  ECONNREFUSED: "check host and port, and that the server runs",
  ENOTFOUND: "check the host's name",
  "28P01": "give the password as PGPASSWORD or in ~/.pgpass",
  "28000": "give the user as postgres://user@host/database, the password as PGPASSWORD or in ~/.pgpass",
  "3D000": "name the database at the end of the URL: postgres://host/database",
  "57014": "the server ended the query: raise statement_timeout there",
};

/** The error for what the server or the connection says, in one line. */
function refusal(cause: unknown, file: string, signal: AbortSignal | undefined): unknown {
  if (cause instanceof DataError) return cause;
  // The connection was cut off by who asked for that.
  if (signal?.aborted) return new InterruptedError(undefined, { cause });
  const { message, code } = cause as Error & { code?: string };
  const errors = (cause as AggregateError).errors as Error[] | undefined;
  const [line = ""] = (message || errors?.[0]?.message || String(code)).split("\n");
  const asks = /password must be a string|no password/i.test(line);
  return new DataError(asks ? "the server asks for a password" : line, {
    place: { file },
    hint: asks
      ? ADVICE["28P01"]
      : (ADVICE[code ?? ""] ?? "check the query in psql; names in capitals stand in double quotes"),
    cause,
  });
}
