import type { Condition } from "../dataset/formula/condition.js";
import type { MomentsShape } from "../dataset/formula/moments-shape.js";
import {
  columnsOf,
  type Expression,
  expressionsOf,
  fittedTarget,
  hasDates,
  type ModelSpec,
  strictColumns,
  textsOf,
} from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import type { SessionColumn } from "../sources/database/session.js";
import { option, wording } from "../wording.js";
import { conditionSql } from "./condition-sql.js";
import type { SqlDialect } from "./dialect.js";
import { expressionSql } from "./expression-sql.js";
import { type FoldDraw, foldSql, noKeySql } from "./fold-sql.js";

/** What a row of a database is to the moments of a spec. */
export interface RowChoice {
  readonly spec: ModelSpec;
  readonly shape: MomentsShape;
  readonly weights: string | undefined;
  readonly fold: FoldDraw | undefined;
  /** The column whose values each have a model of their own. */
  readonly group?: string | undefined;
  /** Which rows count; all where there is none. */
  readonly where?: { readonly condition: Condition; readonly numeric: readonly string[] } | undefined;
  /** Whether a text means a missing value in a column. */
  readonly missingTexts: (column: string) => readonly string[];
  /** Numbers that mean a missing value in a column. */
  readonly missing: (column: string) => readonly number[];
}

/** A factor's part of a cell: what rows are grouped by, and what an answer's value is called. */
interface CellKey {
  readonly sql: string;
  text(value: string | number | bigint | null): string;
}

/** An expression of a formula that may have no value where no cell is missing. */
interface DerivedSql {
  readonly label: string;
  /** Whether it has one. */
  readonly defined: string;
}

/** The rows of a database as expressions in SQL over their columns. */
export interface RowSql {
  /** The numbers of the moments' shape, the target first. */
  readonly values: readonly string[];
  /** The factors of the shape. */
  readonly keys: readonly CellKey[];
  /** What says which group a row is of, where there are groups. */
  readonly group: CellKey | undefined;
  readonly weight: string | undefined;
  readonly fold: string | undefined;
  /** Whether what says in which fold a row is does not say it. */
  readonly noKey: string | undefined;
  /** What is NULL where a row lacks a cell, and where an expression has no value; undefined where more than that is missing. */
  readonly nulls: readonly string[] | undefined;
  /** The condition on rows. */
  readonly where: string | undefined;
  /** The raw columns of numbers that are read, by name. */
  readonly numbers: readonly { readonly name: string; readonly raw: SessionColumn }[];
  /** Conditions of which each says that a cell is not missing. */
  readonly present: readonly string[];
  readonly derived: readonly DerivedSql[];
}

/**
 * Writes the rows of a spec in SQL.
 *
 * @throws UsageError for what has no place in SQL: functions of dates, given levels
 */
export function rowSql(
  { spec, shape, weights, fold, group, where, missing, missingTexts }: RowChoice,
  dialect: SqlDialect,
  columnOf: (name: string) => SessionColumn,
): RowSql {
  if (hasDates(spec))
    throw new UsageError(wording`functions of dates are not summed up with ${option("inEngine")}`, {
      hint: wording`make columns of them with ${option("sql")}: SELECT …, extract(year FROM day) AS year FROM …`,
    });
  const listed = spec.variables.find(
    (variable) => variable.kind === "factor" && variable.levels !== undefined,
  );
  if (listed !== undefined)
    throw new UsageError(
      wording`the levels of ${listed.label} are not looked for with ${option("inEngine")}`,
      {
        hint: wording`leave out rows of other levels by ${option("sql")}: SELECT … WHERE column IN (…)`,
      },
    );
  const target = fittedTarget(spec.target);
  const expressions = [target, ...spec.variables.flatMap(expressionsOf)];
  const required = new Set(expressions.flatMap(strictColumns));
  if (
    expressions.some((one) => textsOf(one).length > 0 || columnsOf(one).some((name) => !required.has(name)))
  )
    throw new UsageError(
      wording`conditions on texts and missing values are not summed up with ${option("inEngine")}`,
      {
        hint: wording`make columns of them with ${option("sql")}: SELECT …, CASE WHEN region = 'N' THEN 1 ELSE 0 END AS north FROM …`,
      },
    );
  const double = (name: string) => dialect.double(columnOf(name).name);
  const writer = {
    literal: dialect.literal,
    log10: dialect.log10,
    column: double,
    dates: () => {
      throw new Error("dates are refused before");
    },
    among: () => {
      throw new Error("texts are refused before");
    },
  };
  const sql = (expression: Expression) => expressionSql(expression, writer);
  const power = (expression: Expression, k: number) =>
    sql(k === 1 ? expression : { call: "^", args: [expression, { number: k }] });
  const variable = (v: number, k: number) => {
    const of = spec.variables[v]!;
    if (of.kind === "factor") throw new Error("a factor is no number");
    return of.kind === "basis" ? sql(of.columns[k - 1]!.expression) : power(of.expression, k);
  };
  const names = [...new Set([...spec.numeric, ...(weights === undefined ? [] : [weights])])];
  const derived: DerivedSql[] = [];
  const derive = (label: string, expression: Expression, k: number) => {
    if (k > 1 || !("column" in expression))
      derived.push({ label, defined: dialect.finite(power(expression, k)) });
  };
  derive(spec.target.label, target, 1);
  for (const of of spec.variables)
    for (const expression of expressionsOf(of))
      if (columnsOf(expression).length > 0)
        derive(of.label, expression, of.kind === "polynomial" ? of.degree : 1);
  const given = (name: string) => [
    dialect.finite(double(name)),
    ...missing(name).map((value) => `${double(name)} <> ${dialect.literal(value)}`),
  ];
  const holds =
    where &&
    conditionSql(where.condition, {
      dialect,
      number: (name) => `CASE WHEN ${given(name).join(" AND ")} THEN ${double(name)} END`,
      text: (name) => textSql(columnOf(name), missingTexts(name), dialect),
    });
  const present = [...(holds === undefined ? [] : [`(${holds})`]), ...names.flatMap(given)];
  for (const name of [...spec.text, ...(group === undefined ? [] : [group])])
    present.push(`${columnOf(name).key} IS NOT NULL`);
  return {
    values: [
      sql(target),
      ...shape.products.map((product) => product.map((of) => variable(of.variable, of.power)).join(" * ")),
    ],
    keys: shape.variables.map((v) => keyOf(spec, v, dialect, columnOf)),
    group: group === undefined ? undefined : textKey(columnOf(group), dialect),
    weight: weights === undefined ? undefined : double(weights),
    fold: fold && foldSql(columnOf(fold.column).name, fold, dialect),
    noKey: fold && noKeySql(columnOf(fold.column).name, dialect),
    nulls:
      holds === undefined && names.every((name) => missing(name).length === 0)
        ? [
            ...names.map((name) => columnOf(name).name),
            ...[...spec.text, ...(group === undefined ? [] : [group])].map((name) => columnOf(name).key),
          ]
        : undefined,
    where: holds,
    numbers: [...new Set([...names, ...(where?.numeric ?? [])])].map((name) => ({
      name,
      raw: columnOf(name),
    })),
    present,
    derived,
  };
}

function keyOf(
  spec: ModelSpec,
  v: number,
  dialect: SqlDialect,
  columnOf: (name: string) => SessionColumn,
): CellKey {
  const variable = spec.variables[v]!;
  if (variable.kind !== "factor") throw new Error("a number is no factor");
  const { column, of } = variable;
  const raw = columnOf(column);
  if (of === "numbers") return { sql: dialect.double(raw.name), text: (value) => String(Number(value)) };
  return textKey(raw, dialect);
}

/** A column's values as its texts tell them apart. */
function textKey(raw: SessionColumn, dialect: SqlDialect): CellKey {
  return { sql: raw.texts ? dialect.bytewise(raw.key) : raw.key, text: (value) => raw.text(value) };
}

/** A column's text, NULL where it means a missing value. */
function textSql(column: SessionColumn, missing: readonly string[], dialect: SqlDialect): string {
  if (!column.texts)
    throw new UsageError(
      wording`${option("where")}: ${column.name} is no text in the database, and is not compared with one there`,
      { hint: wording`write the condition in the query: ${option("sql")}` },
    );
  const text = dialect.bytewise(dialect.trimmed(column.key));
  return `CASE WHEN ${text} NOT IN (${missing.map((word) => dialect.string(word)).join(", ")}) THEN ${text} END`;
}

/** The condition that a row counts: no cell is missing, and every expression has a value. */
export function completeSql({ present, derived }: RowSql): string {
  return [...present, ...derived.map(({ defined }) => defined)].join("\n  AND ") || "1 = 1";
}
