import { DataError } from "../errors.js";
import type { DatabaseValue } from "../sources/database/rowset.js";
import { option, wording } from "../wording.js";
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
  /** What is left to be asked where all rows are complete; undefined where that says less of a database. */
  readonly ofComplete: CompleteCounts | undefined;
}

/** Counts over complete rows. */
export interface CompleteCounts {
  /** Expressions over a row, named goml_c0, goml_c1, …, and the aggregates of them. */
  readonly inner: readonly string[];
  readonly entries: readonly string[];
  /** @param rows all there are, each complete */
  read(rows: number, parts: readonly (readonly DatabaseValue[])[]): RowCounts;
}

/** Something that is counted, or whose greatest value is asked for. */
interface Check {
  readonly by: "sum" | "max";
  /** Of a row. */
  readonly of: string;
  /** Whether there is none among complete rows. */
  readonly ofMissing?: boolean;
  /** The same of a row that is complete. */
  readonly ofComplete?: string;
  check(found: number): void;
}

/**
 * Counts rows, and refuses what would be refused of a CSV: infinite numbers, texts among numbers, integers that no
 * double holds, negative weights.
 *
 * @param file what messages name
 */
export function countQuery(file: string, dialect: SqlDialect, row: RowSql): CountQuery {
  const counted = (condition: string) =>
    ({ by: "sum", of: `CASE WHEN ${condition} THEN 1 ELSE 0 END` }) as const;
  const checks: Check[] = [];
  for (const { name, raw } of row.numbers) {
    const place = { file, column: name };
    const { notNumber } = dialect;
    if (notNumber !== undefined)
      checks.push({
        ...counted(notNumber(raw.name)),
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
        ...counted(dialect.infinite(dialect.double(raw.name))),
        ofMissing: true,
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
        by: "max",
        of: `abs(${dialect.double(raw.name)})`,
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
      ...counted(`${row.weight} < 0e0`),
      check(found) {
        if (found > 0)
          throw new DataError(`weights are 0 or more, found ${found} below`, { place: { file } });
      },
    });
  const { noKey } = row;
  if (noKey !== undefined)
    checks.push({
      ...counted(`${completeSql(row)} AND ${noKey}`),
      ofComplete: counted(noKey).of,
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
    const sum = counted(`${before.join(" AND ")} AND CASE WHEN ${defined} THEN 0 ELSE 1 END = 1`);
    before.push(defined);
    return sum;
  });
  const { weight } = row;
  let [largestWeight, fractions] = [1, 0];
  if (weight !== undefined)
    checks.push(
      {
        by: "max",
        of: weight,
        check: (found) => {
          largestWeight = found;
        },
      },
      {
        ...counted(`${weight} <> floor(${weight})`),
        check: (found) => {
          fractions = found;
        },
      },
    );
  const aggregate = ({ by, of }: Pick<Check, "by" | "of">) => `${by}(${of})`;
  const where =
    row.where === undefined ? "0" : aggregate(counted(`CASE WHEN ${row.where} THEN 0 ELSE 1 END = 1`));
  const complete = checks.filter(({ ofMissing }) => ofMissing !== true);
  const judge = (of: readonly Check[], totals: readonly number[]) => {
    for (const [i, { check }] of of.entries()) check(totals[i]!);
  };
  const entries = ["count(*)", where, ...checks.map(aggregate), ...undefinedRows.map(aggregate)];
  const plain = complete.map(({ by }, i) => `${by}(goml_c${i})`);
  return {
    entries,
    read(parts) {
      const [rows, excluded, ...totals] = totalsOf(entries, parts);
      judge(checks, totals);
      return {
        rows: rows!,
        excluded: excluded!,
        undefinedRows: totals.slice(checks.length),
        largestWeight,
        fractions,
      };
    },
    ofComplete:
      dialect.notNumber !== undefined
        ? undefined
        : {
            inner: complete.map(({ of, ofComplete = of }, i) => `${ofComplete} AS goml_c${i}`),
            entries: plain,
            read(rows, parts) {
              judge(complete, totalsOf(plain, parts));
              const undefinedOf = row.derived.map(() => 0);
              return { rows, excluded: 0, undefinedRows: undefinedOf, largestWeight, fractions };
            },
          },
  };
}

/** The leaves' answers together: counts add up, of greatest values the greatest counts. */
function totalsOf(entries: readonly string[], parts: readonly (readonly DatabaseValue[])[]): number[] {
  const totals = entries.map(() => 0);
  for (const part of parts)
    for (const [i, entry] of entries.entries()) {
      const found = Number(part[i] ?? 0);
      totals[i] = entry.startsWith("max") ? Math.max(totals[i]!, found) : totals[i]! + found;
    }
  return totals;
}
