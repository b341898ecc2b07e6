import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Arithmetic } from "../../src/dataset/formula/spec.js";
import { type TermsDocument, toTerms } from "../../src/index.js";
import { exampleOf, examples, firstDifference, rowsOf } from "./models.js";

type Row = Record<string, number | string | null>;

/** What the document says, read by its description alone. */
function predict(document: TermsDocument, row: Row): number {
  for (const { name, kind, levels } of document.columns) {
    const value = row[name];
    if (value === null || value === undefined || (kind === "text" && !levels)) return Number.NaN;
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
  if ("column" in expression) return row[expression.column] as number;
  if (expression.call === "as.Date" || expression.call === "year" || expression.call === "hour")
    throw new Error("no term is made of dates");
  const [a, b] = expression.args.map((argument) => evaluate(argument as Arithmetic, row)) as [number, number];
  switch (expression.call) {
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
      return Math[expression.call](a);
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
