import type { Bytes } from "../../csv/bytes.js";
import type { TruthOf } from "../../csv/json-lines.js";
import { streamSource } from "../../csv/open-source.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import { type TruthWords, truthWords } from "../../dataset/record-cells.js";
import { DataError } from "../../errors.js";
import { shownPath } from "../../files/shown-path.js";
import { type Answer, ask, bodyBytes, bodyText, PATIENCE, type Target } from "../remote/exchange.js";
import { downloadError } from "../remote/refusal.js";
import { withoutExceptions } from "./clickhouse-exception.js";
import { readCsvAnswer } from "./csv-answer.js";
import { chosenQuery, chosenRows, quotedName } from "./query.js";
import type { DatabaseValue } from "./rowset.js";
import type { SqlSession } from "./session.js";

/** A column of an answer, and what the server calls its type. */
interface Field {
  readonly name: string;
  readonly type: string;
}

/** Of a query that stands in the address: some servers read no longer ones. */
const LONGEST_ADDRESS = 8000;
/** Rows by which the columns of a table are judged that is summed up where it is. */
const HEAD_ROWS = 256;

/**
 * A ClickHouse server, asked over HTTP, as a source of text: it writes the rows as CSV, which the scanner reads as it
 * comes, on all threads, while the server sends; columns are what the server's types say. What needs the rows twice keeps
 * them in a temporary file.
 *
 * `clickhouse://user@host:8123/database?secure=true&max_threads=2`: what is not `secure` is a setting of the queries. User
 * and password come from the URL, or CLICKHOUSE_USER and CLICKHOUSE_PASSWORD; they are sent as headers, and never shown.
 */
export class ClickhouseSource {
  readonly source: Source;
  readonly #name: string;
  readonly #target: Target;
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #user: AbortSignal | undefined;
  #sql: string | undefined;

  /** @throws DataError where the server cannot be reached, or refuses the user */
  static async open(url: string, signal?: AbortSignal): Promise<ClickhouseSource> {
    const opened = new ClickhouseSource(url, signal);
    await opened.rows("SELECT 1");
    return opened;
  }

  private constructor(url: string, signal: AbortSignal | undefined) {
    this.#name = shownPath(url);
    this.#target = targetOf(url, this.#name);
    this.#user = signal;
    this.#signal = signal === undefined ? this.#stop.signal : AbortSignal.any([signal, this.#stop.signal]);
    this.source = streamSource(this.#name, this.#bytes(), () => this.#stop.abort(), signal);
  }

  /**
   * The rows of a table, of a query or of the only table that there is.
   *
   * @throws UsageError where neither is named and there are several tables; DataError for what the server refuses
   */
  async table(options: ReadingOptions, truth: TruthOf = () => truthWords([])): Promise<Table> {
    const { sql, table, ...others } = options;
    const query = await this.#chosen({ sql, table });
    const fields = await this.#fields(query);
    const read = fields.filter(({ type }) => kindOf(type) !== undefined);
    if (read.length === 0)
      throw new DataError("no column has a type that goml reads", { place: { file: this.#name } });
    const list = read.map((field) => expression(field, truth(field.name.normalize("NFC"))));
    this.#sql = `SELECT ${list.join(", ")} FROM (${query}\n) FORMAT CSVWithNames`;
    const columns = read.map(({ name, type }) => ({ name, kind: ANSWERED[kindOf(type)!] }));
    const naValues = [...(others.naValues ?? []), "\\N"];
    return {
      ...(await readCsvAnswer(this.source, columns, { ...others, naValues })),
      columnNotes: fields
        .filter(({ type }) => kindOf(type) === undefined)
        .map(({ name, type }) => `left out: ${name}, it is of type ${type}`),
    };
  }

  /** The server, asked for sums instead of rows. It has no snapshots: what queries have in common is compared. */
  session(): SqlSession {
    let fields = new Map<string, Field>();
    return {
      name: this.#name,
      kind: "clickhouse",
      table: async (options) => {
        const query = await this.#chosen(options);
        fields = new Map((await this.#fields(query)).map((field) => [field.name.normalize("NFC"), field]));
        const head = await this.table({
          ...options,
          table: undefined,
          sql: `SELECT * FROM (${query}\n) LIMIT ${HEAD_ROWS}`,
        });
        for await (const _ of this.source.chunks());
        return { ...head, whole: false };
      },
      relation: (options) => chosenRows(this.#name, options, () => this.#tables()),
      column: (name) => {
        const field = fields.get(name)!;
        return {
          name: quotedName(field.name),
          integer: false,
          float: /Float|Decimal/.test(field.type),
          texts: kindOf(field.type) === "text",
          key: expression(field, truthWords([])).replace(/ AS "(?:[^"]|"")*"$/, ""),
          text: String,
        };
      },
      ask: (sql) => this.#texts(sql),
    };
  }

  /** The rows of an answer, values as the server writes them: of decimals all digits. */
  async #texts(sql: string): Promise<DatabaseValue[][]> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#send(`${sql} FORMAT TabSeparated`)) pieces.push(piece);
    const lines = Buffer.concat(pieces).toString("utf8").split("\n").slice(0, -1);
    return lines.map((line) => line.split("\t").map(unescaped));
  }

  #chosen(options: Pick<ReadingOptions, "sql" | "table">): Promise<string> {
    return chosenQuery(this.#name, options, () => this.#tables());
  }

  async #tables(): Promise<string[]> {
    const names = "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name";
    return (await this.rows(names)).map(([name]) => String(name));
  }

  /** The rows of a short answer. */
  async rows(sql: string): Promise<unknown[][]> {
    return (await this.#answer(sql)).data;
  }

  async #fields(query: string): Promise<Field[]> {
    return (await this.#answer(`SELECT * FROM (${query}\n) LIMIT 0`)).meta;
  }

  async #answer(sql: string): Promise<{ meta: Field[]; data: unknown[][] }> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.#send(`${sql} FORMAT JSONCompact`)) pieces.push(piece);
    return JSON.parse(Buffer.concat(pieces).toString("utf8"));
  }

  async *#bytes(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#sql === undefined) throw new Error("what to read of a database is chosen by table()");
    yield* this.#send(this.#sql);
  }

  async *#send(sql: string): AsyncGenerator<Uint8Array, void, undefined> {
    const address = new URL(this.#target.url);
    address.searchParams.set("query", sql);
    const short = address.href.length <= LONGEST_ADDRESS;
    try {
      // Asked by GET a server changes nothing, whatever the query says.
      const target = short ? { ...this.#target, url: address } : this.#target;
      const answer = await ask(target, {}, PATIENCE, this.#signal, short ? undefined : sql);
      if (answer.status !== 200 || answer.headers["x-clickhouse-exception-code"] !== undefined)
        throw await this.#refusal(answer);
      yield* withoutExceptions(bodyBytes(answer.body, PATIENCE) as Bytes, (text) => this.#error(text));
    } catch (error) {
      throw downloadError(error, this.#name, this.#user);
    }
  }

  async #refusal(answer: Answer): Promise<DataError> {
    return this.#error(await bodyText(answer, PATIENCE), answer.status);
  }

  /** What a server says, in one line. */
  #error(text: string, status?: number): DataError {
    const [, code, said] =
      /Code: (\d+)[.,](?: e\.displayText\(\) =)? DB::\w*Exception: (.*)/.exec(text) ?? [];
    const line = said?.replace(/,? (?:e\.what\(\) =|Stack trace|\(version ).*$/, "").replace(/\.$/, "");
    return new DataError(line ?? `the server answers ${status ?? text.split("\n", 1)[0]}`, {
      place: { file: this.#name },
      hint:
        code === undefined
          ? "check that this is ClickHouse's port for HTTP: 8123, or 8443 with ?secure=true"
          : (ADVICE[code] ??
            "check the query in clickhouse-client; names that are no plain words stand in double quotes"),
    });
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: "\b", f: "\f", n: "\n", r: "\r", t: "\t", 0: "\0" };

/** A value of a line between tabs. */
function unescaped(text: string): DatabaseValue {
  if (text === "\\N") return null;
  return text.includes("\\")
    ? text.replace(/\\(.)/gs, (_, character) => ESCAPES[character] ?? character)
    : text;
}

const LOGIN = "give user and password as CLICKHOUSE_USER and CLICKHOUSE_PASSWORD";
const ADVICE: Record<string, string> = {
  192: LOGIN,
  193: LOGIN,
  194: LOGIN,
  516: LOGIN,
  81: "name the database at the end of the URL: clickhouse://host/database",
  159: "the server ended the query: raise max_execution_time in the URL: ?max_execution_time=600",
  241: "the server has too little memory for the query: raise max_memory_usage in the URL, or ask for fewer rows",
};

function targetOf(path: string, name: string): Target {
  const place = { file: name };
  if (!URL.canParse(path))
    throw new DataError("the address cannot be read", {
      place,
      hint: "it should be clickhouse://host:8123/database",
    });
  const given = new URL(path);
  const secure =
    given.protocol === "clickhouses:" || /^(?:1|true)$/.test(given.searchParams.get("secure") ?? "");
  const url = new URL(`${secure ? "https" : "http"}://${given.host}/`);
  if (given.port === "") url.port = secure ? "8443" : "8123";
  const parameters = given.searchParams;
  const database =
    decodeURIComponent(given.pathname.slice(1)) || parameters.get("database") || parameters.get("db");
  if (database) url.searchParams.set("database", database);
  for (const [key, value] of parameters)
    if (!/^(?:secure|database|db|user|password)$/.test(key)) url.searchParams.set(key, value);
  const { env } = process;
  const user =
    decodeURIComponent(given.username) || parameters.get("user") || env.CLICKHOUSE_USER || "default";
  const password =
    decodeURIComponent(given.password) || parameters.get("password") || env.CLICKHOUSE_PASSWORD || "";
  const login = { "x-clickhouse-user": user, ...(password === "" ? {} : { "x-clickhouse-key": password }) };
  return { url, name, headers: async (_url, headers) => ({ ...headers, ...login }) };
}

/** A type without what says that values may be missing, or how they are kept. */
function bare(type: string): string {
  const [, inner] = /^(?:Nullable|LowCardinality)\((.*)\)$/s.exec(type) ?? [];
  return inner === undefined ? type : bare(inner);
}

/** What they are in the answer. */
const ANSWERED = { number: "number", date: "date", moment: "date", boolean: "truth", text: "text" } as const;

/** What values of a type are; undefined of arrays, tuples, maps, states of aggregates and the like. */
function kindOf(type: string): "number" | "date" | "moment" | "boolean" | "text" | undefined {
  const name = bare(type);
  if (/^U?Int\d+$|^B?Float\d+$|^Decimal/.test(name)) return "number";
  if (/^Date(?:32)?$/.test(name)) return "date";
  if (/^DateTime/.test(name)) return "moment";
  if (name === "Bool") return "boolean";
  return /^(?:String|FixedString|Enum|UUID|IPv[46])\b/.test(name) || /^Enum(?:8|16)\(/s.test(name)
    ? "text"
    : undefined;
}

/** A column as an expression whose text is what goml reads: times are in UTC. */
function expression({ name, type }: Field, words: TruthWords): string {
  const column = quotedName(name);
  const text = (word: string) => `'${word.replace(/['\\]/g, "\\$&")}'`;
  switch (kindOf(type)) {
    case "moment":
      return `concat(toString(${column}, 'UTC'), 'Z') AS ${column}`;
    case "boolean":
      return `if(${column}, ${text(words[1])}, ${text(words[0])}) AS ${column}`;
    default:
      // Bytes up to the length are zeros.
      return bare(type).startsWith("FixedString") ? `toStringCutToZero(${column}) AS ${column}` : column;
  }
}
