import type { ReadingOptions } from "../csv/reading-options.js";
import { momentsShape } from "../dataset/formula/moments-shape.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { UndefinedRows } from "../dataset/formula/undefined-rows.js";
import { cellReaders, type NumberFormat } from "../dataset/number-format.js";
import { DataError, ModelError } from "../errors.js";
import type { SqlSession } from "../sources/database/session.js";
import { option, wording } from "../wording.js";
import { Asked, tornError } from "./asked.js";
import { type CompleteCounts, countQuery, type RowCounts } from "./counts.js";
import type { SqlDialect } from "./dialect.js";
import { DIALECTS } from "./dialects.js";
import { integerScale } from "./integer-scale.js";
import { answerOf, jointChoice } from "./level-names.js";
import { lostGroup } from "./lost-group.js";
import {
  type Answer,
  type CellMoments,
  type GroupsOfCells,
  groupsOfCells,
  momentsOfCells,
} from "./moments-of-cells.js";
import { doubleSums, integerSums } from "./quantity.js";
import { completeSql, type RowChoice, type RowSql, rowSql } from "./row-sql.js";
import { sameRows } from "./same-rows.js";
import { dyadicShift, type Spread, spreads, spreadsAndCounts } from "./spread.js";
import { cellSums, type SumChoice } from "./sums.js";

/** How many numbers an answer may have for cells to be those of all factors at once. */
const MOST_NUMBERS = 200_000;

/** What to sum up. */
export interface EngineRequest {
  readonly spec: ModelSpec;
  readonly weights: string | undefined;
  /** How many folds, and by what a row falls into one; 1 and undefined for none. */
  readonly folds: number;
  readonly fold: RowChoice["fold"];
  readonly where: RowChoice["where"];
  readonly group?: string | undefined;
  /** Whether no cell of the rows that were looked at is missing. */
  readonly likelyComplete?: boolean | undefined;
  readonly format: NumberFormat;
  readonly reading: ReadingOptions;
}

/** What the rows come to. */
export interface EngineSums extends CellMoments {
  /** All rows that there are, those among them for which the condition on rows does not hold too. */
  readonly total: number;
  readonly excluded: number;
  /** Those of each group, where there are groups; `folds` is empty then. */
  readonly groups?: GroupsOfCells | undefined;
  /** A group whose digits the common shift has cost; see `lostGroup`. */
  readonly lost?: string | undefined;
  readonly undefinedRows: UndefinedRows[];
  /** How many weights are no whole numbers. */
  readonly fractions: number;
}

/** What moments and counts come to. */
export function engineSums(
  moments: CellMoments,
  { rows, excluded, undefinedRows, fractions }: RowCounts,
  row: RowSql,
): EngineSums {
  return {
    ...moments,
    total: rows,
    excluded,
    fractions,
    undefinedRows: row.derived.flatMap(({ label }, i) =>
      undefinedRows[i] === 0 ? [] : [{ label, rows: undefinedRows[i]!, first: -1, values: [] }],
    ),
  };
}

/**
 * The moments of answers.
 *
 * @throws DataError where a sum is beyond doubles
 */
export function momentsOf(
  answers: readonly Answer[],
  how: Parameters<typeof momentsOfCells>[1],
  { shifts, integers }: Pick<SumChoice, "shifts" | "integers">,
  file: string,
): CellMoments {
  try {
    const make = answers[0]!.groups === undefined ? momentsOfCells : groupsOfCells;
    return integers === undefined
      ? make(answers, how, doubleSums(shifts))
      : make(answers, how, integerSums(shifts, integers));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new DataError("a sum of products is beyond the range of doubles", {
      place: { file },
      hint: "divide the largest columns by a power of ten in a query",
      cause: error,
    });
  }
}

/** What rows there are, and how their numbers lie. */
interface Survey {
  readonly counts: RowCounts;
  readonly spreads: readonly Spread[];
}

/** The rows of a database, which sums them up itself. */
export class EngineRows {
  readonly dialect: SqlDialect;
  readonly #session: SqlSession;
  readonly #request: EngineRequest;
  readonly #asked: Asked;
  readonly #row: RowSql;
  readonly #shape: ReturnType<typeof momentsShape>;
  #surveyed: Survey | undefined;
  #joint: boolean | undefined;

  private constructor(session: SqlSession, request: EngineRequest, asked: Asked) {
    const { spec, weights, fold, where, group, format } = request;
    this.dialect = asked.dialect;
    this.#session = session;
    this.#request = request;
    this.#asked = asked;
    this.#shape = momentsShape(spec);
    const readerOf = cellReaders(format);
    const choice = {
      spec,
      shape: this.#shape,
      weights,
      fold,
      group,
      where,
      missing: (column: string) => readerOf(column).missingNumbers,
      missingTexts: (column: string) => readerOf(column).missingTexts,
    };
    this.#row = rowSql(choice, asked.dialect, (name) => session.column(name));
  }

  /** @param session whose `table` was asked for before */
  static async open(session: SqlSession, request: EngineRequest): Promise<EngineRows> {
    const relation = await session.relation(request.reading);
    return new EngineRows(session, request, await Asked.open(session, DIALECTS[session.kind], relation));
  }

  /** Why sums cannot be exact; undefined where they can. */
  async inexact(): Promise<string | undefined> {
    if (this.dialect.integerProduct === undefined)
      return `${this.dialect.label} has no integers of more than 64 bits`;
    const { counts } = await this.#survey();
    return counts.fractions > 0 ? "the weights are no whole numbers" : undefined;
  }

  /**
   * The moments of all rows, fold by fold.
   *
   * @param extended whether they are to be exact sums of integers, as double-double moments
   * @throws DataError for rows that would be refused of a CSV, and what the database refuses; ModelError where sums are to
   * be exact and cannot be
   */
  async moments(extended: boolean): Promise<EngineSums> {
    const { spec, folds } = this.#request;
    const { counts, spreads } = await this.#survey();
    const shifts = spreads.map(dyadicShift);
    const why = extended ? await this.inexact() : undefined;
    if (why !== undefined)
      throw new ModelError(`sums cannot be exact: ${why}`, {
        hint: wording`use ${option("solver", "normal")}, or leave ${option("inEngine", true)} out`,
      });
    const weightBits = Math.ceil(Math.log2(Math.max(1, counts.largestWeight)));
    const integers = extended ? integerScale(spreads, shifts, weightBits) : undefined;
    const answers: Answer[] = [];
    for (const choice of await this.#choices(shifts))
      answers.push(await this.#answer({ ...choice, integers }));
    const { cells, choice } = answers[0]!;
    if (!sameRows(cells, choice, spreads, counts.largestWeight)) throw tornError(this.#session.name);
    const how = { spec, shape: this.#shape, folds, extended };
    const moments = momentsOf(answers, how, { shifts, integers }, this.#session.name);
    const lost = this.#row.group === undefined || extended ? undefined : lostGroup(answers[0]!);
    return { ...engineSums(moments, counts, this.#row), lost };
  }

  /**
   * The first pass. Where as many rows are complete as there are, nothing is missing or infinite, and what is left to be
   * counted goes along with the spreads; otherwise the rows are counted by themselves.
   */
  async #survey(): Promise<Survey> {
    if (this.#surveyed !== undefined) return this.#surveyed;
    const [asked, row] = [this.#asked, this.#row];
    const query = countQuery(asked.name, asked.dialect, row);
    const all = (source: string) => `FROM ${source}`;
    const count = async () => query.read(await asked.sums(query.entries, all));
    if (query.ofComplete === undefined) {
      const counts = await count();
      this.#surveyed = { counts, spreads: await spreads(asked, row) };
    } else if ((await this.#surveyOfAll(query.ofComplete)) === undefined) {
      const rows = (await asked.sums(["count(*)"], all)).reduce((sum, [n]) => sum + Number(n), 0);
      const found = await spreadsAndCounts(asked, row, query.ofComplete);
      const complete = found.spreads[0]!.n === rows;
      const counts = complete ? query.ofComplete.read(rows, found.parts) : await count();
      this.#surveyed = { counts, spreads: found.spreads };
    }
    return this.#surveyed!;
  }

  /**
   * The first pass where rows are likely to be complete: over all of them, without a condition. Nothing is missing where
   * no cell is NULL and the greatest and least numbers are finite.
   */
  async #surveyOfAll({ inner, entries, read }: CompleteCounts): Promise<Survey | undefined> {
    const [asked, row] = [this.#asked, this.#row];
    const { nulls } = row;
    if (!this.dialect.maxTells || !this.#request.likelyComplete || nulls === undefined) return undefined;
    const missing = [...nulls, ...row.values].map((value) => `${value} IS NULL`).join(" OR ");
    const others = {
      inner: [...inner, `CASE WHEN ${missing} THEN 1 ELSE 0 END AS goml_missing`],
      entries: [...entries, "sum(goml_missing)"],
    };
    const { spreads, parts } = await spreadsAndCounts(asked, row, others, "");
    const whole =
      parts.every((part) => Number(part[entries.length] ?? 0) === 0) &&
      spreads.every(({ least, most }) => Number.isFinite(least) && Number.isFinite(most));
    if (!whole) return undefined;
    const counts = read(spreads[0]!.n, parts);
    this.#surveyed = { counts, spreads };
    return this.#surveyed;
  }

  /** One answer of the cells of all factors, or one of no factor and one for each table where those would be too many. */
  async #choices(shifts: readonly number[]): Promise<SumChoice[]> {
    const { factors, tables } = this.#shape;
    const joint: SumChoice = { ...jointChoice(this.#shape), shifts };
    if (factors.length === 0) return [joint];
    this.#joint ??= await this.#fits(joint);
    if (this.#joint) return [joint];
    return [
      { ...joint, factors: [] },
      ...tables.map((table) => {
        const own = table.columns.slice(0, table.products);
        const products = own.flatMap((i, k) =>
          table.columns.filter((_, j) => j <= k || j >= table.products).map((j) => [i, j] as const),
        );
        return { factors: table.factors, columns: table.columns, pairs: products, shifts };
      }),
    ];
  }

  /** Whether the cells of a choice are few enough in every leaf. */
  async #fits({ factors, columns, pairs }: SumChoice): Promise<boolean> {
    const most = Math.floor(MOST_NUMBERS / (this.#request.folds * (columns.length + pairs.length + 4)));
    const { group } = this.#row;
    const keys = [...(group === undefined ? [] : [group.sql]), ...factors.map((f) => this.#row.keys[f]!.sql)];
    const list = keys.map((key, i) => `${key} AS goml_k${i}`).join(", ");
    const names = keys.map((_, i) => `goml_k${i}`).join(", ");
    const counts = await this.#asked.sums(
      ["count(*)"],
      (source) =>
        `FROM (SELECT ${names} FROM (SELECT ${list} FROM ${source} WHERE ${completeSql(this.#row)}) AS keys ` +
        `GROUP BY ${names} LIMIT ${most + 1}) AS cells`,
    );
    return counts.every(([count]) => Number(count) <= most);
  }

  async #answer(choice: SumChoice): Promise<Answer> {
    const { spec, format, group } = this.#request;
    const of = { group, spec, shape: this.#shape, row: this.#row, format };
    return answerOf(choice, await cellSums(this.#asked, this.#row, choice), of);
  }
}
