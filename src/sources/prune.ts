import type { Condition } from "../dataset/formula/condition.js";
import type { Expression } from "../dataset/formula/spec.js";

/** What is known of a column's values in a chunk: numbers between bounds, or one text; and whether some are missing. */
export type KnownValues = { readonly least: number; readonly most: number } | { readonly text: string };

/** What may be the case for some row of a chunk. */
interface Outcomes {
  readonly true: boolean;
  readonly false: boolean;
}

const ANY: Outcomes = { true: true, false: true };

/**
 * Whether a condition may hold for a row of a chunk, by what is known of its columns there; a row for which it has no
 * answer is left out as one for which it does not hold.
 */
export function mayHold(condition: Condition, known: (column: string) => KnownValues | undefined): boolean {
  return outcomes(condition, known).true;
}

function outcomes(condition: Condition, known: (column: string) => KnownValues | undefined): Outcomes {
  if ("not" in condition) {
    const inner = outcomes(condition.not, known);
    return { true: inner.false, false: inner.true };
  }
  if ("both" in condition) {
    const [a, b] = condition.both.map((one) => outcomes(one, known)) as [Outcomes, Outcomes];
    return { true: a.true && b.true, false: a.false || b.false };
  }
  if ("either" in condition) {
    const [a, b] = condition.either.map((one) => outcomes(one, known)) as [Outcomes, Outcomes];
    return { true: a.true || b.true, false: a.false && b.false };
  }
  if ("missing" in condition) return ANY;
  if ("texts" in condition) {
    const values = known(condition.column);
    if (values === undefined || !("text" in values)) return ANY;
    const among = condition.texts.includes(values.text);
    return { true: among, false: true };
  }
  if ("text" in condition) {
    const values = known(condition.column);
    if (values === undefined || !("text" in values)) return ANY;
    const order = values.text === condition.text ? 0 : values.text < condition.text ? -1 : 1;
    return compared(condition.compare, order, order);
  }
  if ("numbers" in condition) {
    const range = rangeOf(condition.left, known);
    if (range === undefined) return ANY;
    return {
      true: condition.numbers.some((value) => value >= range.least && value <= range.most),
      false: true,
    };
  }
  const left = rangeOf(condition.left, known);
  const right = rangeOf(condition.right, known);
  if (left === undefined || right === undefined) return ANY;
  return compared(condition.compare, left.least - right.most, left.most - right.least);
}

/** What a comparison may say of sides whose difference lies between bounds. */
function compared(compare: "==" | "!=" | "<" | ">" | "<=" | ">=", least: number, most: number): Outcomes {
  // The difference of two infinities says nothing.
  if (Number.isNaN(least) || Number.isNaN(most)) return ANY;
  const [below, zero, above] = [least < 0, least <= 0 && most >= 0, most > 0];
  switch (compare) {
    case "==":
      return { true: zero, false: below || above };
    case "!=":
      return { true: below || above, false: zero };
    case "<":
      return { true: below, false: zero || above };
    case ">":
      return { true: above, false: below || zero };
    case "<=":
      return { true: below || zero, false: above };
    case ">=":
      return { true: zero || above, false: below };
  }
}

/** The bounds of a column's values, of a number or of its negative; of anything else nothing is known. */
function rangeOf(
  expression: Expression,
  known: (column: string) => KnownValues | undefined,
): { least: number; most: number } | undefined {
  if ("number" in expression) return { least: expression.number, most: expression.number };
  if ("column" in expression) {
    const values = known(expression.column);
    return values !== undefined && "least" in values ? values : undefined;
  }
  if (!("call" in expression) || expression.call !== "-" || expression.args.length !== 1) return undefined;
  const inner = rangeOf(expression.args[0]!, known);
  return inner && { least: -inner.most, most: -inner.least };
}
