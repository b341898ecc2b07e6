/**
 * How one database writes what all that goml sums up in can do. Everything is text; `x` and the like are expressions
 * already written.
 */
export interface SqlDialect {
  /** What its users call it. */
  readonly label: string;
  /** A name, quoted. */
  name(identifier: string): string;
  /** A double that is read back to the same bits; in parentheses where it is negative, for -- begins a comment. */
  literal(value: number): string;
  /** The text x, which is another wherever a byte is: a column may have a collation that takes A for a. */
  bytewise(x: string): string;
  /** The text x in an expression that asks for the order of bytes, where `bytewise` does not say so already. */
  byteOrder(x: string): string;
  /** A text in quotes. */
  string(text: string): string;
  /** The text x without blanks at its ends. */
  trimmed(x: string): string;
  /** x, of any type, as a text. */
  text(x: string): string;
  /** The double x for an answer that is written as CSV: itself, or a text where its own would have lost digits. */
  printed(x: string): string;
  /** x as a double. */
  double(x: string): string;
  /** The rest of the integer x divided by the positive y, of the sign of x. */
  modulo(x: string, y: string): string;
  /** The decimal logarithm of a positive double. */
  log10(x: string): string;
  /** Whether the double x is finite and there; unknown, or false, where it is not. */
  finite(x: string): string;
  /** Whether the double x is infinite. */
  infinite(x: string): string;
  /** Whether a cell of a column of numbers holds something else; undefined where types are strict. */
  readonly notNumber: ((x: string) => string) | undefined;
  /** Whether max() of doubles tells NaN and infinity, and no aggregate of such numbers is an error. */
  readonly maxTells: boolean;
  /** The aggregate for √(Σ(x − x̄)²/n); undefined where there is none. */
  readonly deviation: ((x: string) => string) | undefined;
  /** The aggregate for Σ x that keeps x as it is written. */
  sum(x: string): string;
  /** The double x, which is a whole number below 2⁶², as an integer of 64 bits. */
  integer(x: string): string;
  /** The product of two such integers as one that may have `bits` bits, to be summed up exactly; undefined where there is none. */
  readonly integerProduct: ((x: string, y: string, bits: number) => string) | undefined;
  /** An integer of 64 bits as one whose sums have room, where sum() does not see to that. */
  wide(x: string): string;
  /** How many results a query may have. */
  readonly mostEntries: number;
  /** Statements before all others. */
  readonly session: readonly string[];
  /** A query for the parts of a table, quoted names in order; undefined where tables have none. */
  readonly leaves: ((table: string) => string) | undefined;
  /** How a query is asked for its plan, which `checkPlan` reads; undefined where no plan needs to be read. */
  readonly explain: ((query: string) => string) | undefined;
}

/** A positive or negative double with an exponent: DuckDB and others take 22.5 for a decimal of fixed precision. */
export function exponentLiteral(value: number): string {
  const text = String(value).replace("e+", "e");
  const literal = text.includes("e") ? text : `${text}e0`;
  return value < 0 || Object.is(value, -0) ? `(${literal})` : literal;
}

/** A name in double quotes, as the standard has it. */
export function doubleQuoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** A text in single quotes, as the standard has it. */
export function singleQuoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** The same where a backslash says what the next character means. */
export function escapedQuoted(text: string): string {
  return `'${text.replace(/['\\]/g, "\\$&")}'`;
}

/** trim(x), as most have it. */
export function trim(x: string): string {
  return `trim(${x})`;
}

/** x % y, as most have it. */
export function percent(x: string, y: string): string {
  return `${x} % ${y}`;
}

/** x, as it is. */
export function itself(x: string): string {
  return x;
}

/** log10(x), as most have it. */
export function log10(x: string): string {
  return `log10(${x})`;
}

/** Whether a double is one of the two that are infinite, which are called so in texts. */
export function infiniteByName(type: string, word: string): (x: string) => string {
  return (x) => `${x} IN (CAST('${word}' AS ${type}), CAST('-${word}' AS ${type}))`;
}

/** The largest double: NaN, which some databases sort above all numbers, is beyond it as infinity is. */
export const LARGEST = "1.7976931348623157e308";
