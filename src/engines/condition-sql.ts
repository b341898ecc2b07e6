import type { Condition } from "../dataset/formula/condition.js";
import type { Expression } from "../dataset/formula/spec.js";
import type { SqlDialect } from "./dialect.js";
import { expressionSql } from "./expression-sql.js";

/** How a condition's columns are read. */
interface ConditionWriter {
  readonly dialect: SqlDialect;
  /** A column of numbers as a double, NULL where it is missing. */
  number(column: string): string;
  /** A column of texts, NULL where it is missing. */
  text(column: string): string;
}

/** A condition on rows in SQL, whose three values are R's: unknown where a cell is missing, and false within a list. */
export function conditionSql(condition: Condition, writer: ConditionWriter): string {
  const { dialect, number, text } = writer;
  if ("not" in condition) return `NOT (${conditionSql(condition.not, writer)})`;
  if ("both" in condition) return `(${condition.both.map((one) => conditionSql(one, writer)).join(" AND ")})`;
  if ("either" in condition)
    return `(${condition.either.map((one) => conditionSql(one, writer)).join(" OR ")})`;
  if ("missing" in condition)
    return `(${condition.of === "text" ? text(condition.missing) : number(condition.missing)}) IS NULL`;
  const sql = (expression: Expression) =>
    expressionSql(expression, {
      literal: dialect.literal,
      log10: dialect.log10,
      column: number,
      dates: () => {
        throw new Error("a condition compares dates as texts");
      },
      among: () => {
        throw new Error("a condition compares texts by itself");
      },
    });
  const among = (x: string, list: readonly string[]) =>
    list.length === 0 ? "1 = 0" : `((${x}) IS NOT NULL AND (${x}) IN (${list.join(", ")}))`;
  if ("texts" in condition) return among(text(condition.column), condition.texts.map(dialect.string));
  if ("column" in condition) {
    const { column, compare } = condition;
    const left = compare === "==" || compare === "!=" ? `(${text(column)})` : dialect.byteOrder(text(column));
    return `${left} ${operator(compare)} ${dialect.string(condition.text)}`;
  }
  if ("numbers" in condition) return among(sql(condition.left), condition.numbers.map(dialect.literal));
  return `(${sql(condition.left)}) ${operator(condition.compare)} (${sql(condition.right)})`;
}

function operator(compare: "==" | "!=" | "<" | ">" | "<=" | ">="): string {
  return compare === "==" ? "=" : compare === "!=" ? "<>" : compare;
}
