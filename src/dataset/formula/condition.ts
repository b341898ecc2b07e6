import { UsageError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { option, wording } from "../../wording.js";
import { nearestName } from "../nearest.js";
import { compileExpression } from "./arithmetic.js";
import { arithmetic } from "./expression.js";
import { formulaError } from "./formula-error.js";
import { parseCondition } from "./parse.js";
import type { Expression } from "./spec.js";
import { quoteName, type Syntax } from "./syntax.js";

type Comparison = "==" | "!=" | "<" | ">" | "<=" | ">=";

/** A condition on rows, resolved against the columns of a table: plain data, so that it crosses to workers. */
export type Condition =
  | { compare: Comparison; left: Expression; right: Expression }
  | { column: string; compare: Comparison; text: string }
  | { column: string; texts: string[] }
  | { left: Expression; numbers: number[] }
  | { missing: string; of: "numbers" | "text" }
  | { not: Condition }
  | { both: [Condition, Condition] }
  | { either: [Condition, Condition] };

/** A condition and the columns that it reads. */
export interface RowCondition {
  readonly condition: Condition;
  /** The columns to read as numbers. */
  readonly numeric: readonly string[];
  /** The columns to read as text. */
  readonly text: readonly string[];
}

/**
 * Reads a condition in R's language: comparisons of numbers and of texts, which stand in quotes, `%in% c(…)`,
 * `is.na()`, `!`, `&`, `|`. Texts are in the order of their code points, so that ISO dates are in that of time.
 *
 * @param kindOf how a column is read; undefined where there is none of that name
 * @throws UsageError that shows the place
 */
export function rowCondition(
  text: string,
  names: readonly string[],
  kindOf: (name: string) => "numbers" | "text" | undefined,
): RowCondition {
  try {
    return new ConditionReader(text.normalize("NFC"), names, kindOf).read();
  } catch (error) {
    if (!(error instanceof UsageError) || !error.message.startsWith(FORMULA)) throw error;
    const rest = error.message.slice(FORMULA.length);
    throw new UsageError(wording`${option("where")}, ${rest}`, { hint: error.words.hint, cause: error });
  }
}

/** What errors of the parser begin with, which reads formulas as a rule. */
const FORMULA = "formula, ";

const MIRRORED: Record<Comparison, Comparison> = {
  "==": "==",
  "!=": "!=",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
};

class ConditionReader {
  readonly #text: string;
  readonly #names: readonly string[];
  readonly #kindOf: (name: string) => "numbers" | "text" | undefined;
  readonly #numeric = new Set<string>();
  readonly #texts = new Set<string>();

  constructor(
    text: string,
    names: readonly string[],
    kindOf: (name: string) => "numbers" | "text" | undefined,
  ) {
    this.#text = text;
    this.#names = names;
    this.#kindOf = kindOf;
  }

  read(): RowCondition {
    const condition = this.#condition(parseCondition(this.#text));
    return { condition, numeric: [...this.#numeric], text: [...this.#texts] };
  }

  #condition(node: Syntax): Condition {
    if (node.type !== "call") throw this.#error(node, "expected a comparison", "For example: age >= 18");
    const [left, right] = node.args.map(({ value }) => value) as [Syntax, Syntax];
    switch (node.name) {
      case "(":
        return this.#condition(left);
      case "!":
        return { not: this.#condition(left) };
      case "&":
        return { both: [this.#condition(left), this.#condition(right)] };
      case "|":
        return { either: [this.#condition(left), this.#condition(right)] };
      case "is.na": {
        if (node.args.length !== 1 || left.type !== "name")
          throw this.#error(node, "is.na() takes one column");
        const of = this.#column(left);
        (of === "text" ? this.#texts : this.#numeric).add(left.name);
        return { missing: left.name, of };
      }
      case "%in%":
        return this.#membership(left, right);
      case "==":
      case "!=":
      case "<":
      case ">":
      case "<=":
      case ">=":
        return this.#comparison(node.name, left, right);
      default:
        throw this.#error(node, "expected a comparison", "For example: age >= 18");
    }
  }

  #comparison(compare: Comparison, left: Syntax, right: Syntax): Condition {
    if (this.#isText(left)) return this.#textComparison(compare, left, right);
    if (this.#isText(right)) return this.#textComparison(MIRRORED[compare], right, left);
    return { compare, left: this.#numbers(left), right: this.#numbers(right) };
  }

  #textComparison(compare: Comparison, column: Syntax & { type: "name" }, other: Syntax): Condition {
    const text = literal(other);
    if (text === undefined && other.type === "name") this.#column(other);
    if (text === undefined)
      throw this.#error(other, `${quoteName(column.name)} is text, and is compared with a text in quotes`);
    if (other.type === "number" && compare !== "==" && compare !== "!=")
      throw this.#error(other, `${quoteName(column.name)} is text, which is not less or more than a number`);
    this.#texts.add(column.name);
    return { column: column.name, compare, text };
  }

  #membership(left: Syntax, right: Syntax): Condition {
    const items =
      right.type === "call" && right.name === "c" ? right.args.map(({ value }) => value) : [right];
    if (this.#isText(left)) {
      this.#texts.add(left.name);
      return { column: left.name, texts: items.map((item) => this.#textOf(item)) };
    }
    const numbers = items.map((item) => {
      const value = this.#numbers(item);
      if ("number" in value) return value.number;
      const sign =
        "call" in value && value.call === "-" && value.args.length === 1 ? value.args[0]! : undefined;
      if (sign !== undefined && "number" in sign) return -sign.number;
      throw this.#error(item, "expected a number");
    });
    return { left: this.#numbers(left), numbers };
  }

  #textOf(node: Syntax): string {
    const text = literal(node);
    if (text === undefined) throw this.#error(node, "expected a text in quotes");
    return text;
  }

  /** Arithmetic over columns of numbers; a text that is a number is one. */
  #numbers(node: Syntax): Expression {
    if (node.type === "string") {
      const value = Number(node.value);
      if (node.value.trim() === "" || Number.isNaN(value))
        throw this.#error(
          node,
          `${JSON.stringify(node.value)} is compared with numbers`,
          "Is the column one of text?",
        );
      return { number: value };
    }
    return arithmetic(node, {
      text: this.#text,
      column: (name) => {
        if (this.#column(name) === "text")
          throw this.#error(name, `column ${quoteName(name.name)} is text, not numbers`);
        this.#numeric.add(name.name);
        return { column: name.name };
      },
      dates: (name) => {
        throw this.#error(name, "dates are compared as texts", `For example: ${name.name} >= "2024-01-31"`);
      },
    });
  }

  #isText(node: Syntax): node is Syntax & { type: "name" } {
    return node.type === "name" && this.#column(node) === "text";
  }

  #column(node: Syntax & { type: "name" }): "numbers" | "text" {
    const kind = this.#kindOf(node.name);
    if (kind !== undefined) return kind;
    const near = nearestName(node.name, this.#names);
    throw this.#error(
      node,
      `there is no column ${quoteName(node.name)}`,
      `${near === undefined ? "" : `Did you mean ${quoteName(near)}? `}Texts stand in quotes: "${node.name}".`,
    );
  }

  #error(node: Syntax, message: string, hint?: string): Error {
    return formulaError(this.#text, node.at, message, hint);
  }
}

function literal(node: Syntax): string | undefined {
  if (node.type === "string") return node.value;
  if (node.type === "number") return String(node.value);
  return undefined;
}

const [FALSE, TRUE, MISSING] = [0, 1, 2];

/** Where a condition finds a block's columns. */
export interface ConditionColumns {
  numbers(column: string): Float64Array;
  text(column: string): { codes: Int32Array; names: readonly string[] };
}

/** Whether a condition holds for the first `rows` rows of a block: 1 if so, 0 if not, 2 where a cell is missing. */
export type Holds = (rows: number) => Uint8Array;

/** Compiles a condition to a function over blocks of at most 128 rows. Missing cells go by R's three-valued logic. */
export function compileCondition(condition: Condition, columns: ConditionColumns): Holds {
  const out = new Uint8Array(BLOCK_ROWS);
  if ("not" in condition) {
    const inner = compileCondition(condition.not, columns);
    return (rows) => {
      const holds = inner(rows);
      for (let r = 0; r < rows; r++) out[r] = holds[r] === MISSING ? MISSING : 1 - holds[r]!;
      return out;
    };
  }
  if ("both" in condition || "either" in condition) {
    const [deciding, pair] = "both" in condition ? [FALSE, condition.both] : [TRUE, condition.either];
    const [first, second] = pair.map((one) => compileCondition(one, columns)) as [Holds, Holds];
    return (rows) => {
      const a = first(rows);
      const b = second(rows);
      for (let r = 0; r < rows; r++) {
        if (a[r] === deciding || b[r] === deciding) out[r] = deciding!;
        else out[r] = a[r] === MISSING || b[r] === MISSING ? MISSING! : 1 - deciding!;
      }
      return out;
    };
  }
  if ("missing" in condition) {
    const { missing, of } = condition;
    return (rows) => {
      if (of === "text") {
        const { codes } = columns.text(missing);
        for (let r = 0; r < rows; r++) out[r] = codes[r]! < 0 ? 1 : 0;
      } else {
        const values = columns.numbers(missing);
        for (let r = 0; r < rows; r++) out[r] = Number.isNaN(values[r]!) ? 1 : 0;
      }
      return out;
    };
  }
  if ("column" in condition) return compileText(condition, columns, out);
  if ("numbers" in condition) {
    const value = compileExpression(condition.left, (name) => columns.numbers(name), BLOCK_ROWS, false);
    const among = new Set(condition.numbers);
    return (rows) => {
      const { hi } = value(rows);
      for (let r = 0; r < rows; r++) out[r] = Number.isNaN(hi[r]!) ? 0 : Number(among.has(hi[r]!));
      return out;
    };
  }
  const left = compileExpression(condition.left, (name) => columns.numbers(name), BLOCK_ROWS, false);
  const right = compileExpression(condition.right, (name) => columns.numbers(name), BLOCK_ROWS, false);
  const holds = comparisonOf(condition.compare);
  return (rows) => {
    const a = left(rows).hi;
    const b = right(rows).hi;
    for (let r = 0; r < rows; r++)
      out[r] = Number.isNaN(a[r]! + b[r]!)
        ? MISSING!
        : Number(holds(a[r]! - b[r]! || compareEqual(a[r]!, b[r]!)));
    return out;
  };
}

/** The difference of two numbers whose difference does not say: infinities, which are equal where they are the same. */
function compareEqual(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** A condition on a text, which is worked out once for each. */
function compileText(
  condition: Extract<Condition, { column: string }>,
  columns: ConditionColumns,
  out: Uint8Array,
): Holds {
  let known: number[] = [];
  let of: readonly string[] | undefined;
  const among = "texts" in condition ? new Set(condition.texts) : undefined;
  const holds = "compare" in condition ? comparisonOf(condition.compare) : undefined;
  const judge = (name: string): number => {
    if (among !== undefined) return Number(among.has(name));
    const { text } = condition as { text: string };
    return Number(holds!(name === text ? 0 : name < text ? -1 : 1));
  };
  return (rows) => {
    const { codes, names } = columns.text(condition.column);
    if (names !== of) known = [];
    of = names;
    for (let r = 0; r < rows; r++) {
      const code = codes[r]!;
      if (code < 0) out[r] = among === undefined ? MISSING! : FALSE!;
      else out[r] = known[code] ??= judge(names[code]!);
    }
    return out;
  };
}

/** Whether a comparison holds, by the sign of the difference of its sides. */
function comparisonOf(compare: Comparison): (difference: number) => boolean {
  switch (compare) {
    case "==":
      return (d) => d === 0;
    case "!=":
      return (d) => d !== 0;
    case "<":
      return (d) => d < 0;
    case ">":
      return (d) => d > 0;
    case "<=":
      return (d) => d <= 0;
    case ">=":
      return (d) => d >= 0;
  }
}
