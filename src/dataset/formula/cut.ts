import type { DataContext } from "./data-basis.js";
import { constants } from "./expression.js";
import { formulaError } from "./formula-error.js";
import type { Expression, Variable } from "./spec.js";
import type { Syntax } from "./syntax.js";

const ARGUMENTS = ["x", "breaks", "labels", "include.lowest", "right", "dig.lab"];

/** More intervals than this are a mistake. */
const MOST_INTERVALS = 1000;
/** More significant digits than this R does not try for labels. */
const MOST_DIGITS = 12;

/**
 * `cut(x, breaks)`: an indicator for each interval (b_i, b_i+1], with `right = FALSE` [b_i, b_i+1), coded and labelled as R's
 * factor, of which all levels are there whether rows have them or not. A number in no interval has no value. `cut(x, n)` has n
 * intervals of one width over the range of the data, and a thousandth of it beyond, as R has it.
 *
 * @throws UsageError that shows the place, for breaks that are not numbers
 */
export function cutVariable(
  node: Syntax & { type: "call" },
  label: string,
  x: Expression | undefined,
  context: DataContext,
): Variable {
  const { text } = context;
  const error = (at: Syntax, message: string, hint?: string) => formulaError(text, at.at, message, hint);
  const unnamed = node.args.filter(({ name }) => name === undefined).map(({ value }) => value);
  const named = new Map(node.args.map(({ name, value }) => [name, value]));
  for (const name of named.keys())
    if (name !== undefined && !ARGUMENTS.includes(name))
      throw error(node, `cut() has no argument ${name} here`, `Its arguments: ${ARGUMENTS.join(", ")}.`);
  if (!named.has("x")) unnamed.shift();
  const given = named.get("breaks") ?? unnamed.shift();
  const labels = named.get("labels") ?? unnamed.shift();
  if (x === undefined || given === undefined || unnamed.length > 0)
    throw error(node, "cut() takes a column and breaks", "cut(x, c(0, 10, 20))");
  const found = constants(given);
  if (found === undefined || found.length === 0)
    throw error(
      given,
      "the breaks of cut() are numbers, or how many intervals there are",
      "cut(x, c(0, 10, 20)) or cut(x, 4)",
    );
  const [count] = found as [number, ...number[]];
  if (found.length === 1 && !(Number.isInteger(count) && count >= 2 && count <= MOST_INTERVALS))
    throw error(
      given,
      `the intervals of cut() are a whole number from 2 to ${MOST_INTERVALS}`,
      "cut(x, 4), or breaks: cut(x, c(0, 10, 20))",
    );
  const breaks = found.length === 1 ? equalBreaks(node, x, count, context) : [...found].sort((a, b) => a - b);
  if (breaks.some((value, i) => Number.isNaN(value) || (i > 0 && value === breaks[i - 1])))
    throw error(given, "the breaks of cut() should differ");
  const flag = (name: string, otherwise: boolean) => {
    const value = named.get(name);
    if (value === undefined) return otherwise;
    if (value.type === "logical") return value.value;
    throw error(value, `${name} should be TRUE or FALSE`);
  };
  const right = flag("right", true);
  const lowest = flag("include.lowest", false);
  const digits = named.get("dig.lab");
  if (digits !== undefined && digits.type !== "number") throw error(digits, "dig.lab should be a number");
  const codes = intervals(x, breaks, right, lowest);
  if (labels?.type === "logical" && !labels.value) return { kind: "numeric", label, expression: codes };
  const names =
    labels === undefined || labels.type === "logical"
      ? intervalNames(breaks, right, lowest, digits?.value ?? 3)
      : textsIn(labels);
  if (names === undefined || names.length !== breaks.length - 1 || new Set(names).size < names.length)
    throw error(labels!, `the labels of cut() should be ${breaks.length - 1} different texts`);
  return {
    kind: "basis",
    label,
    columns: names.map((name, i) => ({
      name,
      expression: { call: "==", args: [codes, { number: i + 1 }] },
    })),
    indicators: true,
  };
}

/** The breaks of so many intervals of one width, the outermost a thousandth of the range further out. */
function equalBreaks(
  node: Syntax & { type: "call" },
  x: Expression,
  count: number,
  context: DataContext,
): number[] {
  const { sums, unknown } = context.summary({ expression: x, powers: 0, values: false }, node);
  const [least, most] = unknown ? [0, 1] : [sums.least, sums.most];
  const range = most - least;
  if (!(range > 0))
    throw formulaError(context.text, node.at, "what is cut into intervals has one value only");
  return Array.from({ length: count + 1 }, (_, i) => {
    if (i === 0) return least - range / 1000;
    return i === count ? most + range / 1000 : least + i * (range / count);
  });
}

/** 0/0, for JSON has no NaN. */
const NO_VALUE: Expression = { call: "/", args: [{ number: 0 }, { number: 0 }] };

/** The number of the interval that a value is in, from 1; without a value outside all. */
function intervals(x: Expression, breaks: readonly number[], right: boolean, lowest: boolean): Expression {
  const above = right ? ">" : ">=";
  const number = (value: number): Expression => ({ number: value });
  const code = breaks
    .slice(1, -1)
    .reduce<Expression>(
      (sum, value) => ({ call: "+", args: [sum, { call: above, args: [x, number(value)] }] }),
      number(1),
    );
  const [first, last] = [breaks[0]!, breaks.at(-1)!];
  const inside: Expression[] = [
    // Comparing is what makes a missing value none where there is nothing else to compare with.
    Number.isFinite(first)
      ? { call: right && !lowest ? ">" : ">=", args: [x, number(first)] }
      : { call: "==", args: [x, x] },
    ...(Number.isFinite(last)
      ? [{ call: right || lowest ? ("<=" as const) : ("<" as const), args: [x, number(last)] }]
      : []),
  ];
  return {
    call: "ifelse",
    args: [inside.reduce((a, b) => ({ call: "&", args: [a, b] })), code, NO_VALUE],
  };
}

/** R's names of intervals: breaks in as few digits, from `digits` on, as tell them apart. */
function intervalNames(breaks: readonly number[], right: boolean, lowest: boolean, digits: number): string[] {
  let texts: string[] = [];
  for (let d = digits; d <= Math.max(MOST_DIGITS, digits); d++) {
    texts = breaks.map((value) => general(value, d));
    if (new Set(texts).size === texts.length) break;
  }
  return texts.slice(1).map((to, i) => {
    const from = texts[i]!;
    const closedLeft = !right || (lowest && i === 0);
    const closedRight = right || (lowest && i === texts.length - 2);
    return `${closedLeft ? "[" : "("}${from},${to}${closedRight ? "]" : ")"}`;
  });
}

/** A number as C's %.*g prints it, and infinity with the blank that R leaves for a sign. */
function general(value: number, digits: number): string {
  if (!Number.isFinite(value)) return value > 0 ? " Inf" : "-Inf";
  if (value === 0) return "0";
  const [mantissa, power] = value.toExponential(digits - 1).split("e") as [string, string];
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
    return `${short}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
  }
  const fixed = value.toFixed(Math.max(0, digits - 1 - exponent));
  return fixed.includes(".") ? fixed.replace(/\.?0+$/, "") : fixed;
}

function textsIn(node: Syntax): string[] | undefined {
  const items = node.type === "call" && node.name === "c" ? node.args.map(({ value }) => value) : [node];
  const texts = items.map((item) =>
    item.type === "string" ? item.value : item.type === "number" ? String(item.value) : undefined,
  );
  return texts.includes(undefined) ? undefined : (texts as string[]);
}
