import { momentsShape } from "../dataset/formula/moments-shape.js";
import { cellReaders, type NumberFormat } from "../dataset/number-format.js";
import { UsageError } from "../errors.js";
import type { SessionColumn } from "../sources/database/session.js";
import { version } from "../version.js";
import { option, wording } from "../wording.js";
import { type CountQuery, countQuery } from "./counts.js";
import type { SqlDialect } from "./dialect.js";
import { DIALECTS } from "./dialects.js";
import { jointChoice } from "./level-names.js";
import { completeSql, type RowChoice, type RowSql, rowSql } from "./row-sql.js";
import { planText, type StatementPlan } from "./statement-plan.js";
import { type CellQuery, cellQuery, type SumTexts } from "./sums.js";

/** Bits of the exact rung; see `integerScale`. */
const [SUM_BITS, FACTOR_BITS] = [126, 61];

/** Both passes as one query, and the parts of its answer. */
export interface Statement {
  readonly sql: string;
  /** The columns of the answer, by part; every row repeats all but the last two. */
  readonly columns: {
    /** The plan, and how many rows the answer has. */
    readonly head: readonly string[];
    readonly counts: readonly string[];
    /** Complete rows; a third, as it was printed; and the weights' bits where sums are exact. */
    readonly totals: readonly string[];
    /** Per number, in turn: the exponent e of q = 2^e, t of the shift a = t q, mean, deviation, and where exact the scale's exponent. */
    readonly shifts: readonly string[];
    readonly keys: readonly string[];
    readonly sums: readonly string[];
  };
  readonly row: RowSql;
  readonly counted: CountQuery;
  readonly cells: CellQuery;
  readonly choice: Pick<SumTexts, "factors" | "columns" | "pairs">;
  readonly shape: ReturnType<typeof momentsShape>;
}

/**
 * Writes both passes as one query, so that its user's own login may run it: the shifts are worked out in it, of the same
 * state of the rows as the sums.
 *
 * @param source what rows come from, in SQL
 * @param where the condition on rows of the plan, resolved
 * @param file what messages name that the answer's counts give
 * @throws UsageError for what has no place in SQL, and for more sums than an answer may have columns
 */
export function statement(
  plan: StatementPlan,
  {
    source,
    where,
    format,
    file,
  }: { source: string; where: RowChoice["where"]; format: NumberFormat; file: string },
): Statement {
  const dialect = DIALECTS[plan.dialect];
  const { spec, weights, exact } = plan;
  const shape = momentsShape(spec);
  const readerOf = cellReaders(format);
  const fold =
    plan.foldBy === undefined || plan.folds === 1
      ? undefined
      : { column: plan.foldBy, seed: plan.seed, folds: plan.folds };
  const row = rowSql(
    {
      spec,
      shape,
      weights,
      fold,
      where,
      missing: (column) => readerOf(column).missingNumbers,
      missingTexts: (column) => readerOf(column).missingTexts,
    },
    dialect,
    (name) => columnIn(dialect, name),
  );
  if (exact && dialect.integerProduct === undefined)
    throw new UsageError(`sums cannot be exact: ${dialect.label} has no integers of more than 64 bits`, {
      hint: wording`leave ${option("solver", "extended")} out`,
    });
  const counted = countQuery(file, dialect, row);
  const choice = jointChoice(shape);
  const shifted = (i: number) => `goml_a${i}`;
  const cells = cellQuery(dialect, row, {
    ...choice,
    shift: shifted,
    ...(exact ? { integers: { bits: SUM_BITS, scale: (i: number) => `goml_b${i}` } } : {}),
  });
  const numbers = row.values.map((_, i) => i);
  const columns = {
    head: ["goml", "cells"],
    counts: counted.entries.map((_, i) => `goml_q${i}`),
    totals: ["complete", "third", ...(exact ? ["bits"] : [])],
    shifts: numbers.flatMap((i) => [`e${i}`, `t${i}`, `m${i}`, `s${i}`, ...(exact ? [`x${i}`] : [])]),
    keys: cells.keys,
    sums: cells.entries.map((_, i) => `y${i}`),
  };
  const width = Object.values(columns).reduce((sum, part) => sum + part.length, 0);
  if (width > dialect.mostEntries)
    throw new UsageError(
      `the sums of ${numbers.length} numbers are ${width} columns, and an answer of ${dialect.label} has up to ${dialect.mostEntries}`,
      { hint: wording`choose fewer with ${option("features")}` },
    );
  const complete = `FROM ${source}\n  WHERE ${completeSql(row)}`;
  const largestWeight =
    weights === undefined ? undefined : `goml_q${columns.counts.length - row.derived.length - 2}`;
  const list = (entries: readonly string[], names: readonly string[]) =>
    entries.map((entry, i) => `${entry} AS ${names[i]}`).join(",\n  ");
  const inner = cells.inner.length === 0 ? "1 AS goml_one" : cells.inner.join(",\n    ");
  const group = cells.keys.length === 0 ? "" : `\n  GROUP BY ${cells.keys.join(", ")}`;
  const doubles = new Set(exact ? [] : columns.sums.slice(weights === undefined ? 1 : 2));
  const printed = (name: string) => {
    const text = doubles.has(name) ? dialect.printed(name) : name;
    return text === name ? name : `${text} AS ${name}`;
  };
  const one = cells.keys.length === 0 ? "1" : "count(*) OVER ()";
  const ctes = [
    `counts AS (\n  SELECT ${list(counted.entries, columns.counts)}\n  FROM ${source}\n)`,
    ...spreadCtes(dialect, row, complete),
    ...shiftCtes(dialect, row, exact, largestWeight),
    `sums AS (\n  SELECT ${[...cells.keys, list(cells.entries, columns.sums)].join(", ")}\n  FROM (SELECT ${inner}\n    FROM ${source} CROSS JOIN shifts\n    WHERE ${completeSql(row)}) AS shifted${group}\n)`,
  ];
  const sql = [
    `-- ${spec.formula.replace(/\s+/g, " ")}, for ${dialect.label}: sums for a linear model, printed by goml ${version}.`,
    "-- Run it, keep the answer as CSV with its header, and let goml sql read make the model of it.",
    ...dialect.session.filter((text) => /jit/.test(text)).map((text) => `${text.replace("LOCAL ", "")};`),
    `WITH ${ctes.join(",\n")}`,
    `SELECT '${planText(plan)}' AS goml,`,
    `  ${one} AS cells,`,
    `  ${[...columns.counts, "complete", `${dialect.printed("1e0 / 3e0")} AS third`, ...(exact ? [`${dialect.integer("bits")} AS bits`] : [])].join(", ")},`,
    `  ${numbers
      .flatMap((i) => [
        `${dialect.integer(`e${i}`)} AS e${i}`,
        `${dialect.integer(`t${i}`)} AS t${i}`,
        `m${i}`,
        `s${i}`,
        ...(exact ? [`${dialect.integer(`x${i}`)} AS x${i}`] : []),
      ])
      .join(", ")},`,
    `  ${[...columns.keys, ...columns.sums.map(printed)].join(", ")}`,
    "FROM counts CROSS JOIN shifts CROSS JOIN sums;",
    "",
  ].join("\n");
  return { sql, columns, row, counted, cells, choice, shape };
}

/** A column of a database that was not asked what it has. */
function columnIn(dialect: SqlDialect, name: string): SessionColumn {
  const quoted = dialect.name(name);
  return { name: quoted, integer: false, float: true, texts: true, key: dialect.text(quoted), text: String };
}

/** How each number lies over the complete rows. */
function spreadCtes(dialect: SqlDialect, row: RowSql, complete: string): string[] {
  const { deviation } = dialect;
  const values = row.values.map((value, i) => `${value} AS goml_v${i}`).join(",\n    ");
  const each = (text: (i: number) => string) => row.values.map((_, i) => text(i)).join(",\n  ");
  const rows = `(SELECT ${values}\n  ${complete}) AS usable`;
  if (deviation !== undefined)
    return [
      `spread AS (\n  SELECT count(*) AS complete,\n  ${each((i) => `avg(goml_v${i}) AS m${i}, ${deviation(`goml_v${i}`)} AS s${i}, min(goml_v${i}) AS l${i}, max(goml_v${i}) AS h${i}`)}\n  FROM ${rows}\n)`,
    ];
  return [
    `means AS (\n  SELECT ${each((i) => `avg(goml_v${i}) AS goml_m${i}`)}\n  FROM ${rows}\n)`,
    `spread AS (\n  SELECT count(*) AS complete,\n  ${each((i) => `max(goml_m${i}) AS m${i}, avg(abs(goml_v${i} - goml_m${i})) AS s${i}, min(goml_v${i}) AS l${i}, max(goml_v${i}) AS h${i}`)}\n  FROM ${rows} CROSS JOIN means\n)`,
  ];
}

/** ⌊log₂ x⌋, or one off where x is close to a power of two. */
const log2 = (x: string) => `floor(ln(${x}) / 6.931471805599453e-1)`;

/**
 * Each number's shift a = t 2^e (see `dyadicShift`), t an integer of at most 55 bits: 2^e is about a quarter of the
 * deviation, or of a constant number so small that a is the number itself. Where sums are exact 2^x is its scale.
 */
function shiftCtes(
  dialect: SqlDialect,
  row: RowSql,
  exact: boolean,
  largestWeight: string | undefined,
): string[] {
  const each = (text: (i: number) => string) => row.values.map((_, i) => text(i)).join(",\n  ");
  // 2^e is no less than what keeps t within 55 bits.
  const logs = each(
    (i) =>
      `CASE WHEN l${i} = h${i} THEN (-1e3) ELSE ${log2(`(CASE WHEN s${i} > 0e0 THEN s${i} ELSE h${i} - l${i} END) / 4e0`)} END AS f${i}, ` +
      `CASE WHEN m${i} = 0e0 THEN (-1e3) ELSE ${log2(`abs(m${i})`)} - 53e0 END AS c${i}`,
  );
  const steps = each((i) => `CASE WHEN f${i} > c${i} THEN f${i} ELSE c${i} END AS g${i}`);
  const bounded = (x: string, least: string, most: string) =>
    `CASE WHEN ${x} < ${least} THEN ${least} WHEN ${x} > ${most} THEN ${most} ELSE ${x} END`;
  const units = each((i) => `${bounded(`g${i}`, "(-1e3)", "9e2")} AS e${i}`);
  const powers = each((i) => `power(2e0, e${i}) AS u${i}`);
  const counts = each((i) => `round((CASE WHEN l${i} = h${i} THEN l${i} ELSE m${i} END) / u${i}) AS t${i}`);
  const ctes = [
    `logs AS (\n  SELECT spread.*,\n  ${logs}\n  FROM spread\n)`,
    `steps AS (\n  SELECT logs.*,\n  ${steps}\n  FROM logs\n)`,
    `units AS (\n  SELECT steps.*,\n  ${units}\n  FROM steps\n)`,
    `powers AS (\n  SELECT units.*,\n  ${powers}\n  FROM units\n)`,
    `counted AS (\n  SELECT powers.*,\n  ${counts}\n  FROM powers\n)`,
  ];
  const shifts = each((i) => `t${i} * u${i} AS goml_a${i}`);
  if (!exact) return [...ctes, `shifts AS (\n  SELECT counted.*,\n  ${shifts}\n  FROM counted\n)`];
  const weightBits =
    largestWeight === undefined
      ? "0e0"
      : `(CASE WHEN ${largestWeight} > 1e0 THEN ${log2(dialect.double(largestWeight))} + 1e0 ELSE 0e0 END)`;
  const room = `floor((${SUM_BITS}e0 - (${log2(dialect.double("complete"))} + 1e0) - ${weightBits}) / 2e0)`;
  const most = `${FACTOR_BITS}e0 - ${weightBits}`;
  const largest = (i: number) =>
    `(CASE WHEN h${i} - goml_a${i} > goml_a${i} - l${i} THEN h${i} - goml_a${i} ELSE goml_a${i} - l${i} END)`;
  const scale = (i: number) =>
    `CASE WHEN ${largest(i)} > 0e0 THEN bits - (${log2(largest(i))} + 1e0) ELSE 0e0 END`;
  return [
    ...ctes,
    `widths AS (\n  SELECT counted.*,\n  CASE WHEN complete = 0 THEN 0e0 WHEN ${room} > ${most} THEN ${most} ELSE ${room} END AS bits,\n  ${shifts}\n  FROM counted CROSS JOIN counts\n)`,
    `scales AS (\n  SELECT widths.*,\n  ${each((i) => `${bounded(scale(i), "(-1e3)", "9e2")} AS x${i}`)}\n  FROM widths\n)`,
    `shifts AS (\n  SELECT scales.*,\n  ${each((i) => `power(2e0, x${i}) AS goml_b${i}`)}\n  FROM scales\n)`,
  ];
}
