import { ModelError } from "../errors.js";

/**
 * How what stands in a model, and may come from anybody, is written into another language: names, levels and numbers all
 * go through here, so that none is ever read as part of a program.
 */

/** Characters that end a line somewhere, move the cursor, or turn the direction of what follows. */
const NOT_IN_COMMENTS = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** Text for a comment of one line. */
export function inComment(text: string): string {
  return text.replace(NOT_IN_COMMENTS, " ");
}

/** A string literal of JavaScript and TypeScript. */
export function scriptString(text: string): string {
  return JSON.stringify(text).replace(
    /[\p{Cf}\u007f-\u009f\u2028\u2029]/gu,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
}

/** A property's name in JavaScript and TypeScript, quoted where it has to be. */
export function scriptKey(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) && name !== "__proto__" ? name : scriptString(name);
}

/** A string literal of SQL. @throws ModelError for NUL, which ends a statement for SQLite and is refused by PostgreSQL */
export function sqlString(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`;
}

/** An identifier of SQL. @throws ModelError as `sqlString` */
export function sqlName(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

function withoutNul(text: string): string {
  if (!text.includes("\0")) return text;
  throw new ModelError("a name or a level has the character U+0000, which SQL cannot hold", {
    hint: "rename the column or the level, or export to json",
  });
}

/** A number as JavaScript, XML and JSON write it. @throws ModelError where it is not finite */
export function decimal(value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new ModelError(`a coefficient, or a number of an expression, is ${value}, which cannot be exported`, {
    hint: "train the model anew",
  });
}

/** A level of a factor of numbers as a number. @throws ModelError where it is none, or written as no number is */
export function levelNumber(level: string): number {
  const value = Number(level);
  if (Number.isFinite(value) && String(value) === level) return value;
  throw new ModelError(`the level ${JSON.stringify(level)} of a factor of numbers is no number`, {
    hint: "train the model anew",
  });
}
