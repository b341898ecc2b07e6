import { DOMParser, type Element } from "@xmldom/xmldom";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/errors.js";
import { fit, toPmml } from "../../src/index.js";
import { exampleOf, examples, firstDifference, rowsOf } from "./models.js";
import { below, brokenRules, childrenOf } from "./pmml-rules.js";

type Row = Record<string, number | string | null>;

function parse(xml: string) {
  return new DOMParser({
    onError: (level, message) => {
      throw new Error(`${level}: ${message}`);
    },
  }).parseFromString(xml, "text/xml");
}

/**
 * The result of a RegressionModel for a row, after the standard's pages Mining Schema, Transformations, Functions and
 * Regression, and from nothing else: undefined for an invalid result.
 */
function score(root: Element, row: Row): number | undefined {
  const values = new Map<string, number | string>();
  for (const field of below(root, "MiningField")) {
    if (field.getAttribute("usageType") === "target") continue;
    const name = field.getAttribute("name")!;
    const value = row[name];
    if (value === null || value === undefined) {
      // Without returnInvalid the standard goes on with a missing value.
      if (field.getAttribute("missingValueTreatment") === "returnInvalid") return undefined;
      continue;
    }
    const declared = below(root, "DataField").find((other) => other.getAttribute("name") === name)!;
    const isText = declared.getAttribute("dataType") === "string";
    const valid = childrenOf(declared).map((v) =>
      isText ? v.getAttribute("value")! : Number(v.getAttribute("value")),
    );
    if (valid.length > 0 && !valid.includes(value)) return undefined;
    values.set(name, value);
  }
  for (const field of below(root, "DerivedField"))
    values.set(field.getAttribute("name")!, evaluate(childrenOf(field)[0]!, values));
  const [table] = below(root, "RegressionTable");
  let sum = Number(table!.getAttribute("intercept"));
  for (const predictor of childrenOf(table!)) {
    const coefficient = Number(predictor.getAttribute("coefficient"));
    const value = values.get(predictor.getAttribute("name")!);
    if (predictor.tagName === "NumericPredictor")
      sum += coefficient * (value as number) ** Number(predictor.getAttribute("exponent") ?? 1);
    else if (predictor.tagName === "CategoricalPredictor")
      sum += value !== undefined && same(value, predictor.getAttribute("value")!) ? coefficient : 0;
    else
      sum += childrenOf(predictor).reduce(
        (product, field) => product * (values.get(field.getAttribute("field")!) as number),
        coefficient,
      );
  }
  return Number.isFinite(sum) ? sum : undefined;
}

function evaluate(element: Element, values: ReadonlyMap<string, number | string>): number {
  const value = values.get(element.getAttribute("field") ?? "");
  if (element.tagName === "Constant") return Number(element.textContent);
  if (element.tagName === "FieldRef") return (value ?? Number.NaN) as number;
  if (element.tagName === "NormDiscrete") return Number(same(value!, element.getAttribute("value")!));
  const children = childrenOf(element);
  if (element.getAttribute("function") === "isIn") {
    const text = values.get(children[0]!.getAttribute("field")!);
    if (text === undefined) return Number.NaN;
    return Number(children.slice(1).some((child) => child.textContent === text));
  }
  if (element.getAttribute("function") === "isMissing" && children[0]!.tagName === "FieldRef") {
    const known = values.get(children[0]!.getAttribute("field")!);
    return Number(known === undefined || Number.isNaN(known));
  }
  const [a, b, c = Number.NaN] = children.map((child) => evaluate(child, values)) as [number, number, number];
  // Of a comparison with a missing value the result is missing; one value may decide what goes by and, or.
  const truth = (holds: boolean) => (Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : Number(holds));
  const functions: Record<string, () => number> = {
    "+": () => a + b,
    "-": () => a - b,
    "*": () => a * b,
    "/": () => a / b,
    pow: () => a ** b,
    ln: () => Math.log(a),
    ln1p: () => Math.log1p(a),
    log10: () => Math.log10(a),
    exp: () => Math.exp(a),
    sqrt: () => Math.sqrt(a),
    abs: () => Math.abs(a),
    lessOrEqual: () => truth(a <= b),
    lessThan: () => truth(a < b),
    greaterThan: () => truth(a > b),
    greaterOrEqual: () => truth(a >= b),
    equal: () => truth(a === b),
    notEqual: () => truth(a !== b),
    and: () => (a === 0 || b === 0 ? 0 : truth(true)),
    or: () => (a === 1 || b === 1 ? 1 : truth(false)),
    isMissing: () => Number(Number.isNaN(a)),
    // Without a third argument the result of a condition that does not hold is missing, as is then the prediction.
    if: () => (a === 1 ? b : a === 0 ? c : Number.NaN),
  };
  return functions[element.getAttribute("function")!]!();
}

function same(value: number | string, level: string): boolean {
  return typeof value === "string" ? value === level : value === Number(level);
}

describe("toPmml", () => {
  test("keeps the rules of PMML 4.4 and gives goml's predictions, for random models", async () => {
    await fc.assert(
      fc.asyncProperty(examples, async (promised) => {
        const example = await promised;
        const document = parse(toPmml(example.model));
        expect(brokenRules(document)).toEqual([]);
        const found = rowsOf(example.rows).map((row) => score(document.documentElement!, row));
        // Each term is rounded a few times, 2^-53 of its size.
        expect(firstDifference(example, found, 1e-14)).toBeUndefined();
      }),
      { numRuns: process.env.GOML_LONG ? 500 : 30 },
    );
  });

  test("uses each kind of predictor for what it is made for", async () => {
    const { model } = await exampleOf("y ~ x + log(z) + state + x:kind - 1", 4);
    const root = parse(toPmml(model)).documentElement!;
    expect(below(root, "NumericPredictor").map((p) => p.getAttribute("name"))).toEqual(["x", "log(z)"]);
    expect(below(root, "CategoricalPredictor").length).toBe(5);
    expect(below(root, "PredictorTerm").length).toBe(2);
    expect(below(root, "RegressionTable")[0]!.getAttribute("intercept")).toBe("0");
  });

  test("the rules find what is wrong", () => {
    const xml = toPmml(fit([[1], [2], [4]], [1, 3, 2], { terms: ["a"] }));
    const broken = (from: string, to: string) => brokenRules(parse(xml.replace(from, to)));
    expect(broken("", "")).toEqual([]);
    expect(broken('functionName="regression" ', "")).toEqual(["RegressionModel has functionName=undefined"]);
    expect(broken("<Output>", "<Extension/><Output>").length).toBe(2);
    expect(broken('numberOfFields="2"', 'numberOfFields="3"')).toEqual(["numberOfFields is 3 of 2"]);
    expect(broken('NumericPredictor name="a"', 'NumericPredictor name="b"')).toEqual([
      "NumericPredictor of b, which is not continuous",
    ]);
  });

  test("refuses what XML cannot hold", () => {
    const model = fit([[1], [2], [4]], [1, 3, 2], { terms: ["a\u0001"] });
    expect(() => toPmml(model)).toThrow(ModelError);
    expect(() => toPmml(model)).toThrow(/U\+0001/);
  });
});
