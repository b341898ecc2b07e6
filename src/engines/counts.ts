import { DataError } from "../errors.js";
import type { DatabaseValue } from "../sources/database/rowset.js";
import { option, wording } from "../wording.js";
import type { Asked } from "./asked.js";
import type { SqlDialect } from "./dialect.js";
import { completeSql, type RowSql } from "./row-sql.js";

/** Beyond it not every integer is a double. */
const EXACT = 2 ** 53;

/** What rows there are. */
export interface RowCounts {
  readonly rows: number;
  /** Of them, those for which the condition on rows does not hold. */
  readonly excluded: number;
  /** Per expression of `RowSql.derived`, rows in which no cell is missing and no earlier one, and it has no value. */
  readonly undefinedRows: readonly number[];
  /** The largest weight, and how many are no whole numbers; of rows without weights 1 and 0. */
  readonly largestWeight: number;
  readonly fractions: number;
}

/** The counts as a query over all rows, and what its answer means. */
export interface CountQuery {
  readonly entries: readonly string[];
  /**
   * @param parts the answer of each leaf
   * @throws DataError that names the column
   */
  read(parts: readonly (readonly DatabaseValue[])[]): RowCounts;
}

/**
 * Counts rows, and refuses what would be refused of a CSV: infinite numbers, texts among numbers, integers that no
 * double holds, negative weights.
 *
 * @throws DataError that names the column
 */
export async function countRows(asked: Asked, row: RowSql): Promise<RowCounts> {
  const { entries, read } = countQuery(asked.name, asked.dialect, row);
  return read(await asked.sums(entries, (source) => `FROM ${source}`));
}

/** @param file what messages name */
export function countQuery(file: string, dialect: SqlDialect, row: RowSql): CountQuery {
  const count = (condition: string) => `sum(CASE WHEN ${condition} THEN 1 ELSE 0 END)`;
  const checks: { readonly sql: string; check(value: number): void }[] = [];
  for (const { name, raw } of row.numbers) {
    const place = { file, column: name };
    const { notNumber } = dialect;
    if (notNumber !== undefined)
      checks.push({
        sql: count(notNumber(raw.name)),
        check(found) {
          if (found > 0)
            throw new DataError(`expected numbers, found ${found} of another type`, {
              place,
              hint: wording`leave ${option("inEngine", true)} out, or cast the column in a query with ${option("sql")}`,
            });
        },
      });
    if (raw.float)
      checks.push({
        sql: count(dialect.infinite(dialect.double(raw.name))),
        check(found) {
          if (found > 0)
            throw new DataError(
              `expected finite numbers, found ${found} ${found === 1 ? "that is" : "that are"} not`,
              { place, hint: "make them NULL where the data come from, if they mean missing values" },
            );
        },
      });
    if (raw.integer)
      checks.push({
        sql: `max(abs(${dialect.double(raw.name)}))`,
        check(most) {
          if (most > EXACT)
            throw new DataError("it holds integers that have more digits than a double", {
              place,
              hint: "cast the column to double where it comes from, if the nearest one will do",
            });
        },
      });
  }
  if (row.weight !== undefined)
    checks.push({
      sql: count(`${row.weight} < 0e0`),
      check(found) {
        if (found > 0)
          throw new DataError(`weights are 0 or more, found ${found} below`, { place: { file } });
      },
    });
  const { noKey } = row;
  if (noKey !== undefined)
    checks.push({
      sql: count(`${completeSql(row)} AND ${noKey}`),
      check(found) {
        if (found > 0)
          throw new DataError(
            `expected whole numbers of up to 53 bits as the key of folds, found ${found} ${found === 1 ? "row" : "rows"} without`,
            {
              place: { file },
              hint: wording`leave such rows out with a query, or name another column with ${option("foldBy")}`,
            },
          );
      },
    });
  const before = [...row.present];
  const undefinedRows = row.derived.map(({ defined }) => {
    const sql = count(`${before.join(" AND ")} AND CASE WHEN ${defined} THEN 0 ELSE 1 END = 1`);
    before.push(defined);
    return sql;
  });
  const { weight } = row;
  const ofWeights = weight === undefined ? [] : [`max(${weight})`, count(`${weight} <> floor(${weight})`)];
  const ofRows = [
    "count(*)",
    row.where === undefined ? "0" : count(`CASE WHEN ${row.where} THEN 0 ELSE 1 END = 1`),
  ];
  const entries = [...ofRows, ...checks.map(({ sql }) => sql), ...ofWeights, ...undefinedRows];
  return {
    entries,
    read(parts) {
      const totals = entries.map(() => 0);
      for (const part of parts)
        part.forEach((value, i) => {
          const found = Number(value ?? 0);
          totals[i] = entries[i]!.startsWith("max") ? Math.max(totals[i]!, found) : totals[i]! + found;
        });
      const behind = ofRows.length + checks.length;
      checks.forEach(({ check }, i) => {
        check(totals[ofRows.length + i]!);
      });
      const [largestWeight, fractions] = weight === undefined ? [1, 0] : totals.slice(behind);
      return {
        rows: totals[0]!,
        excluded: totals[1]!,
        undefinedRows: totals.slice(behind + ofWeights.length),
        largestWeight: largestWeight!,
        fractions: fractions!,
      };
    },
  };
}
