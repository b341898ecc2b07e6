import type { Expression } from "../dataset/formula/spec.js";
import { expressionSql } from "../engines/expression-sql.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { version } from "../version.js";
import { dateSql } from "./date-sql.js";
import {
  type Block,
  type Equation,
  equationOf,
  type Factor,
  type Power,
  requiredColumns,
} from "./equation.js";
import { equationsOf, groupFactor } from "./group-equation.js";
import { decimal, inComment, levelNumber, sqlName, sqlString } from "./quote.js";

/** Options of `toSql`; all may be left out. */
export interface SqlOptions {
  /** A table: the text is then a SELECT of its columns and the prediction, not only the expression. */
  table?: string | undefined;
  /** How one database compares the texts of a column, given its quoted name, by their bytes whatever its collation. */
  bytewise?: ((column: string) => string) | undefined;
}

/**
 * A model as a SQL expression, or as a SELECT, in the SQL that DuckDB, SQLite (3.35 and later) and PostgreSQL (12 and
 * later) have in common.
 *
 * NULL where a value is missing, an expression has no finite value, a level was not in the training data, or the row
 * lies outside what a fit of deficient rank determines. Dates are read as year-month-day, from texts, dates and
 * timestamps alike. Numbers are computed in double precision whatever the columns' types; no function is called outside its domain, which some
 * of these databases take for an error. A product or a power beyond 1.8e308 is NULL too, and in PostgreSQL an error.
 *
 * @example
 * ```js
 * import { fit, toSql } from "goml";
 *
 * const model = fit([[1], [2], [3]], [3, 5, 7], { terms: ["rooms"] });
 * console.log(toSql(model).includes('"rooms"')); // true
 * ```
 */
export function toSql(model: LinearModel | ModelGroup, options: SqlOptions = {}): string {
  const { bytewise = (column: string) => column } = options;
  const grouped = model instanceof ModelGroup;
  const equations = grouped ? equationsOf(model) : [equationOf(model)];
  const { target, formula } = equations[0]!;
  const expression = grouped ? groupSwitch(model, equations, bytewise) : equationSql(equations[0]!, bytewise);
  const comment = [
    `-- Predicts ${inComment(target)}: ${inComment(formula)}${grouped ? `, by ${inComment(model.groupBy)}` : ""}`,
    `-- Written by goml ${version}. NULL where a value is missing or a level was not in the training data.`,
    ...(equations.every(({ conditions: own }) => own.length === 0)
      ? []
      : ["-- NULL too where terms that depended on others in the training data do not do so."]),
  ].join("\n");
  return options.table === undefined
    ? `${comment}\n${expression}\n`
    : `${comment}\nSELECT *,\n${expression} AS ${sqlName("prediction")}\nFROM ${sqlName(options.table)};\n`;
}

type Bytewise = (column: string) => string;

function equationSql(equation: Equation, bytewise: Bytewise): string {
  const valid = conditions(equation, bytewise);
  const sum = [
    literal(equation.intercept),
    ...equation.blocks.map((block) => blockSql(block, equation, bytewise)),
  ];
  const value = sum.join("\n  + ");
  return valid.length === 0 ? `(${value})` : `CASE WHEN ${valid.join("\n  AND ")}\nTHEN ${value}\nEND`;
}

/** One switch over the groups, so that a row costs its own group's expression and no other. */
function groupSwitch(models: ModelGroup, equations: readonly Equation[], bytewise: Bytewise): string {
  const group = groupFactor(models);
  const cases = equations.map(
    (equation, g) => `WHEN ${level(group, g)} THEN ${equationSql(equation, bytewise)}`,
  );
  return `CASE ${factorSql(group, bytewise)}\n${cases.join("\n")}\nEND`;
}

/** Beyond it a double is infinite; NaN, which DuckDB and PostgreSQL sort above all numbers, is beyond it too. */
const LARGEST = "1.7976931348623157e308";

function conditions(equation: Equation, bytewise: Bytewise): string[] {
  const { numeric, factors, blocks } = equation;
  // SQLite casts any text to 0; the first comparison refuses text that is not that number.
  const required = requiredColumns(equation);
  const numbers = numeric.map((name) => {
    const column = sqlName(name);
    const number = `${column} = ${cast(name)} AND abs(${cast(name)}) <= ${LARGEST}`;
    return required.has(name) ? number : `(${column} IS NULL OR ${number})`;
  });
  const derived = new Set<string>();
  for (const { powers } of blocks)
    for (const power of powers) {
      if (power.exponent > 1 || !("column" in power.expression)) derived.add(powerSql(power, bytewise));
    }
  return [
    ...numbers,
    ...[...derived].map((value) => `abs(${value}) <= ${LARGEST}`),
    ...factors.map(
      (factor) =>
        `${factorSql(factor, bytewise)} IN (${factor.levels.map((_, c) => level(factor, c)).join(", ")})`,
    ),
    ...equation.conditions.map(({ constant, blocks: own, limit }) => {
      const sum = [literal(constant), ...own.map((block) => blockSql(block, equation, bytewise))];
      return `abs(${sum.join(" + ")}) <= ${literal(limit)}`;
    }),
  ];
}

function blockSql(block: Block, { factors }: Equation, bytewise: Bytewise): string {
  const product = block.powers.map((power) => powerSql(power, bytewise));
  if (block.factors.length === 0) return [literal(block.entries[0]!.coefficient), ...product].join(" * ");
  const used = block.factors.map((f) => factors[f]!);
  const single = used.length === 1 ? ` ${factorSql(used[0]!, bytewise)}` : "";
  const cases = block.entries.map(({ codes, coefficient }) => {
    const when = codes.map((code, i) =>
      single === "" ? `${factorSql(used[i]!, bytewise)} = ${level(used[i]!, code)}` : level(used[i]!, code),
    );
    return `WHEN ${when.join(" AND ")} THEN ${literal(coefficient)}`;
  });
  return [`CASE${single} ${cases.join(" ")} ELSE 0e0 END`, ...product].join(" * ");
}

function powerSql({ expression, exponent }: Power, bytewise: Bytewise): string {
  return exponent === 1
    ? valueSql(expression, bytewise)
    : valueSql({ call: "^", args: [expression, { number: exponent }] }, bytewise);
}

function valueSql(expression: Expression, bytewise: Bytewise): string {
  return expressionSql(expression, {
    literal,
    column: cast,
    dates: dateSql,
    among: (column, texts) =>
      `${bytewise(`NULLIF(${sqlName(column)}, '')`)} IN (${texts.map(sqlString).join(", ")})`,
  });
}

/** A raw column as a double; integers would overflow, or divide as integers. */
function cast(column: string): string {
  return `CAST(${sqlName(column)} AS DOUBLE PRECISION)`;
}

function factorSql({ column, of, by }: Factor, bytewise: Bytewise): string {
  if (by !== undefined) return dateSql(by, column);
  return of === "text" ? bytewise(sqlName(column)) : cast(column);
}

function level({ of, levels }: Factor, code: number): string {
  return of === "text" ? sqlString(levels[code]!) : literal(levelNumber(levels[code]!));
}

/** A number with an exponent, which DuckDB reads as a double, and not as a decimal of fixed precision. */
function literal(value: number): string {
  const text = decimal(value);
  return text.includes("e") ? text.replace("e+", "e") : `${text}e0`;
}
