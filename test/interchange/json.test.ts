import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arithmetic } from "../../src/dataset/formula/spec.js";
import { type TermsDocument, toTerms } from "../../src/index.js";
import { exampleOf, examples, firstDifference, rowsOf } from "./models.js";

type Row = Record<string, number | string | null>;

/** What the document says, read by its description alone. */
function predict(document: TermsDocument, row: Row): number {
  for (const { name, levels, optional } of document.columns) {
    const value = row[name];
    if (value === null || value === undefined) {
      if (optional) continue;
      return Number.NaN;
    }
    if (levels && !levels.includes(value)) return Number.NaN;
  }
  const sumOf = (terms: Pick<TermsDocument["terms"][number], "coefficient" | "product">[], start: number) =>
    terms.reduce(
      (total, { coefficient, product }) =>
        total +
        product.reduce(
          (value, factor) =>
            value *
            ("level" in factor
              ? Number(row[factor.column] === factor.level)
              : evaluate(factor.expression, row) ** (factor.power ?? 1)),
          coefficient,
        ),
      start,
    );
  for (const { constant, terms, limit } of document.conditions ?? [])
    if (Math.abs(sumOf(terms, constant)) > limit) return Number.NaN;
  const sum = sumOf(document.terms, document.intercept);
  return Number.isFinite(sum) ? sum : Number.NaN;
}

function evaluate(expression: Arithmetic, row: Row): number {
  if ("number" in expression) return expression.number;
  if ("column" in expression) return (row[expression.column] as number | null) ?? Number.NaN;
  if ("among" in expression) {
    const text = row[expression.text];
    if (text === null || text === undefined) return expression.absent ? 0 : Number.NaN;
    return Number(expression.among.includes(String(text)));
  }
  if (expression.call === "as.Date" || expression.call === "year" || expression.call === "hour")
    throw new Error("no term is made of dates");
  const [a, b, c] = expression.args.map((argument) => evaluate(argument as Arithmetic, row)) as number[];
  return callOf(expression.call, a!, b!, c!);
}

type Call = Exclude<Extract<Arithmetic, { call: unknown }>["call"], "as.Date" | "year" | "hour">;

function callOf(call: Call, a: number, b: number, c: number): number {
  const missing = Number.isNaN(a) || Number.isNaN(b);
  const truth = (value: boolean) => (missing ? Number.NaN : Number(value));
  switch (call) {
    case "==":
      return truth(a === b);
    case "!=":
      return truth(a !== b);
    case "<":
      return truth(a < b);
    case ">":
      return truth(a > b);
    case "<=":
      return truth(a <= b);
    case ">=":
      return truth(a >= b);
    case "!":
      return Number.isNaN(a) ? a : Number(a === 0);
    case "&":
      return a === 0 || b === 0 ? 0 : truth(true);
    case "|":
      return a === 1 || b === 1 ? 1 : truth(false);
    case "is.na":
      return Number(Number.isNaN(a));
    case "ifelse":
      return Number.isNaN(a) ? a : a === 0 ? c : b;
    case "pmin":
      return Math.min(a, b);
    case "pmax":
      return Math.max(a, b);
    case "+":
      return b === undefined ? a : a + b;
    case "-":
      return b === undefined ? -a : a - b;
    case "*":
      return a * b;
    case "/":
      return a / b;
    case "^":
      return a ** b;
    case "log":
      return b === undefined ? Math.log(a) : Math.log(a) / Math.log(b);
    default:
      return Math[call](a);
  }
}

describe("toTerms", () => {
  test("gives goml's predictions for random models, after a way through JSON", async () => {
    await fc.assert(
      fc.asyncProperty(examples, async (promised) => {
        const example = await promised;
        const document = JSON.parse(JSON.stringify(toTerms(example.model))) as TermsDocument;
        const found = rowsOf(example.rows).map((row) => predict(document, row));
        // Each term is rounded a few times, 2^-53 of its size.
        expect(firstDifference(example, found, 1e-14)).toBeUndefined();
      }),
      { numRuns: process.env.GOML_LONG ? 500 : 30 },
    );
  });

  test("names terms as R does, and marks the aliased", async () => {
    const { model } = await exampleOf("y ~ x + double_x + C(code)", 2);
    const { columns, terms } = toTerms(model);
    expect(columns).toEqual([
      { name: "x", kind: "numeric" },
      { name: "double_x", kind: "numeric" },
      { name: "code", kind: "numeric", levels: [0.1, 1, 2, 24] },
    ]);
    expect(terms.map(({ name }) => name)).toEqual(model.terms);
    expect(terms[1]).toEqual({
      name: "double_x",
      coefficient: 0,
      aliased: true,
      product: [{ expression: { column: "double_x" } }],
    });
    expect(terms[2]!.product).toEqual([{ column: "code", level: 1 }]);
  });
});
