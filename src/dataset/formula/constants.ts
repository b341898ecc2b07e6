import { formulaError } from "./formula-error.js";
import type { Syntax } from "./syntax.js";

/** What a vector of a formula may hold. */
export type Constant = number | string | boolean;

/** Longer vectors are taken for a mistake. */
const MOST = 100_000;

/** A constant vector of a formula: `"a"`, `-1/3`, `c(4, 6, 8)`, `1:5`. Throws UsageError that shows the place. */
export function constantVector(node: Syntax, text: string): Constant[] {
  const fail = (at: Syntax) =>
    formulaError(text, at.at, "expected constants", 'As in c("a", "b") or c(1, -1, 0).');
  if (node.type === "number" || node.type === "string" || node.type === "logical") return [node.value];
  if (node.type !== "call") throw fail(node);
  const { name, args } = node;
  if (name === "(" && args.length === 1) return constantVector(args[0]!.value, text);
  if (name === "c") {
    const all = args.flatMap(({ value }) => constantVector(value, text));
    // As in R a text makes texts of all.
    return all.some((value) => typeof value === "string") ? all.map(String) : all;
  }
  if (args.length > 2 || args.length === 0) throw fail(node);
  const [a, b] = args.map(({ value }) => constantNumbers(value, text)) as [number[], number[] | undefined];
  if (name === ":" && b !== undefined && a.length === 1 && b.length === 1) {
    const [from, to] = [a[0]!, b[0]!];
    const count = Math.floor(Math.abs(to - from) + 1e-10) + 1;
    if (count > MOST) throw fail(node);
    return Array.from({ length: count }, (_, i) => (from <= to ? from + i : from - i));
  }
  const calculate = CALCULATIONS[name];
  if (calculate === undefined) throw fail(node);
  if (b === undefined) {
    if (name !== "-" && name !== "+") throw fail(node);
    return a.map((value) => calculate(0, value));
  }
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, i) => calculate(a[i % a.length]!, b[i % b.length]!));
}

/** A constant vector of numbers. */
export function constantNumbers(node: Syntax, text: string): number[] {
  return constantVector(node, text).map((value) => {
    if (typeof value !== "number") throw formulaError(text, node.at, "expected numbers");
    return value;
  });
}

const CALCULATIONS: Record<string, ((a: number, b: number) => number) | undefined> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "^": (a, b) => a ** b,
};
