import { DataError } from "../errors.js";
import type { DatabaseValue } from "../sources/database/rowset.js";
import type { Relation, SqlSession } from "../sources/database/session.js";
import type { SqlDialect } from "./dialect.js";
import { checkPlan } from "./plan-guard.js";

/** So many results of a query are kept for what all chunks of a wide one have in common. */
const MOST_COMMON = 0.25;

/** A database that is asked for sums over the rows of one relation, leaf by leaf. */
export class Asked {
  readonly name: string;
  readonly dialect: SqlDialect;
  readonly #session: SqlSession;
  /** What rows come from: FROM this. */
  readonly #sources: readonly string[];

  private constructor(session: SqlSession, dialect: SqlDialect, sources: readonly string[]) {
    this.name = session.name;
    this.dialect = dialect;
    this.#session = session;
    this.#sources = sources;
  }

  /** Prepares the session, and finds the leaves of its table. */
  static async open(session: SqlSession, dialect: SqlDialect, { query, table }: Relation): Promise<Asked> {
    for (const statement of dialect.session) await session.ask(statement);
    const leaves =
      table === undefined || dialect.leaves === undefined ? [] : await session.ask(dialect.leaves(table));
    const names = leaves.map(([leaf]) => String(leaf));
    const own = table ?? `(${query}\n) AS goml`;
    return new Asked(session, dialect, names.length === 0 ? [own] : names);
  }

  /**
   * Asks for entries over the rows of each leaf, in one query or, where they are more than an answer can have, in several.
   *
   * @param from what stands behind the list of entries, given a leaf
   * @param keys entries that every query has first, of which rows are told apart
   * @param common how many of `entries` every query has, which must agree where there are several
   * @returns rows of keys and entries, in the order of the leaves
   * @throws DataError where the rows changed between two queries
   */
  async sums(
    entries: readonly string[],
    from: (source: string) => string,
    keys: readonly string[] = [],
    common = 0,
  ): Promise<DatabaseValue[][]> {
    const most = this.dialect.mostEntries - 1 - keys.length;
    const head = entries.length <= most ? 0 : Math.min(common, Math.floor(most * MOST_COMMON));
    let rows: DatabaseValue[][] | undefined;
    for (let at = head; rows === undefined || at < entries.length; at += most - head) {
      const list = [...keys, ...entries.slice(0, head), ...entries.slice(at, at + most - head)];
      const found = await this.#query(list, from, keys.length);
      if (rows === undefined) rows = found;
      else {
        checkTorn(rows, found, keys.length + head, this.name);
        for (const [r, row] of rows.entries()) row.push(...found[r]!.slice(keys.length + head));
      }
    }
    return rows;
  }

  async #query(
    list: readonly string[],
    from: (source: string) => string,
    keys: number,
  ): Promise<DatabaseValue[][]> {
    const select = (source: string, leaf: number) =>
      `SELECT ${leaf} AS goml_leaf, ${list.map((entry, i) => `${entry} AS goml_e${i}`).join(", ")}\n${from(source)}`;
    const sql = this.#sources.map(select).join("\nUNION ALL\n");
    if (this.dialect.explain !== undefined)
      checkPlan((await this.#session.ask(this.dialect.explain(sql)))[0]![0], this.name);
    const rows = await this.#session.ask(sql);
    // The order of an answer's rows is its own; that of sums is the leaves', and then that of the keys.
    const order = rows.map((row) => ({ leaf: Number(row[0]), key: row.slice(1, 1 + keys).join("\0"), row }));
    order.sort((a, b) => a.leaf - b.leaf || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return order.map(({ row }) => row.slice(1));
  }
}

/** Two answers over the same rows differ by the order of additions only. */
const TORN = 1e-6;

function checkTorn(
  first: readonly DatabaseValue[][],
  second: readonly DatabaseValue[][],
  common: number,
  file: string,
): void {
  const differs = (a: DatabaseValue, b: DatabaseValue) => {
    if (a === b) return false;
    const [x, y] = [Number(a), Number(b)];
    return !(Math.abs(x - y) <= TORN * Math.max(Math.abs(x), Math.abs(y), 1));
  };
  const same =
    first.length === second.length &&
    first.every((row, r) => !row.slice(0, common).some((value, i) => differs(value, second[r]![i]!)));
  if (!same) throw tornError(file);
}

/** The error for rows that were others in one query than in another. */
export function tornError(file: string): DataError {
  return new DataError("the rows changed between two queries", {
    place: { file },
    hint: "run it again, or make a copy of the table first; a query that draws at random gives others each time",
  });
}
