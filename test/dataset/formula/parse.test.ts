import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseFormula } from "../../../src/dataset/formula/parse.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { deparse, deparseNumber, type Syntax } from "../../../src/dataset/formula/syntax.js";
import { UsageError } from "../../../src/errors.js";

const columns = [
  ...["medv", "lstat", "rm", "my col"].map((name) => ({ name, kind: "numeric" as const })),
  { name: "state", kind: "text" as const },
];

function refusal(formula: string): string {
  try {
    formulaSpec(formula, { columns });
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    const { message, hint } = error as UsageError;
    expect(`${message}${hint}`).not.toContain("\n");
    return hint === undefined ? message : `${message} | ${hint}`;
  }
  throw new Error(`${formula} was not refused`);
}

describe("what does not parse is shown", () => {
  for (const [formula, message] of [
    [
      "medv ~ lstat + * rm",
      'character 16: expected a column, a number, a function or "(", found "*", in "medv ~ lstat + ▸* rm"',
    ],
    ["medv lstat", 'character 6: expected "~" between the target and the terms, found "lstat"'],
    ["medv ~ ", 'character 8: expected a column, a number, a function or "(", found the end'],
    ["medv ~ (lstat + rm", 'character 8: "(" is never closed'],
    ["medv ~ log(lstat", 'character 11: "(" is never closed'],
    ["medv ~ lstat) + rm", 'character 13: expected an operator or the end, found ")"'],
    ["medv ~ lstat ; rm", 'unexpected ";"'],
    ["medv ~ `lstat", "Close the backtick"],
    ["medv ~ lstat rm", 'expected an operator or the end, found "rm"'],
    ["medv ~ lstat ~ rm", "a second ~ needs the endogenous variables before it"],
  ] as const)
    test(formula, () => {
      expect(refusal(formula)).toContain(message);
    });
});

describe("what has no meaning is refused with a hint", () => {
  for (const [formula, message] of [
    ["medv ~ lsta", 'there is no column lsta, in "medv ~ ▸lsta" | Did you mean lstat?'],
    ["medv ~ nothing", "Columns: medv, lstat, rm, `my col`, state."],
    ["medv ~ lg(rm)", "there is no function lg() in"],
    ["medv ~ sqr(rm)", "Did you mean sqrt()?"],
    ["medv ~ medv + rm", "the target medv is among the terms"],
    ["state ~ rm", "column state is text, not numbers"],
    ["medv ~ log(state)", "As a term of its own, state is a factor."],
    ["medv ~ 3 + rm", "Only 0 and 1 stand alone"],
    ["medv ~ rm^rm", "a power of terms must be a whole number"],
    ["medv ~ (rm + lstat)^2.5", "the square of a column is I(a^2)"],
    ["medv ~ poly(rm, 2)", "not at hand"],
    ["medv ~ poly(rm, 2, simple = TRUE)", "no argument simple"],
    ["medv ~ poly(rm, lstat, degree = 2)", "poly() takes one column and a degree"],
    ["medv ~ poly(rm, 2, degree = 3)", "poly() takes one column and a degree"],
    ["medv ~ poly(rm, x = lstat, degree = 2)", "poly() takes one column and a degree"],
    ["medv ~ ns(rm, df = 3, df = 4)", "ns() has df twice"],
    ["medv ~ poly(rm, 0, raw = TRUE)", "whole number from 1 to 50"],
    ["medv ~ factor(rm + 1)", "factor() takes one column"],
    ["medv ~ I(factor(rm))", "not inside arithmetic"],
    ["medv ~ I(rm:lstat)", '":" is not arithmetic'],
    ["medv ~ sqrt(rm, 2)", "sqrt() takes one expression, found 2"],
    ["medv ~ I(.)", '"." stands alone'],
    ["~ rm", "Write it before the ~, or say `target`."],
  ] as const)
    test(formula, () => {
      const found = refusal(formula);
      if (message.endsWith(" in")) expect(found).toContain(message.replace(" in", ", in"));
      else expect(found).toContain(message);
    });
});

test("the target, the columns behind the dot and the intercept can come from outside", () => {
  const spec = formulaSpec("~ .", {
    columns,
    target: "medv",
    dot: ["lstat", "medv", "state"],
    intercept: false,
  });
  expect(spec).toMatchObject({
    formula: "medv ~ .",
    target: { label: "medv" },
    intercept: false,
    numeric: ["medv", "lstat"],
    text: ["state"],
  });
});

test("only what the terms use is read", () => {
  expect(formulaSpec("medv ~ . - state - `my col`", { columns }).numeric).toEqual(["medv", "lstat", "rm"]);
  expect(formulaSpec("medv ~ . - state", { columns }).text).toEqual([]);
});

test("numbers print as R prints them", () => {
  // R 4.2.2: sapply(c(...), function(x) deparse(x))
  expect(
    [1e5, 123456, 1e-4, 0.0012, 1e15, 0.1 + 0.2, 1e-300, 1e22, 100, 3e-7, 1234567890123456].map(
      deparseNumber,
    ),
  ).toEqual([
    "1e+05",
    "123456",
    "1e-04",
    "0.0012",
    "1e+15",
    "0.3",
    "1e-300",
    "1e+22",
    "100",
    "3e-07",
    "1234567890123456",
  ]);
});

test("what is printed parses to the same", () => {
  const atom = fc.oneof(
    fc.constantFrom("x", "my col", ".dot", "if").map((name): Syntax => ({ type: "name", name, at: 0 })),
    fc
      .integer({ min: 0, max: 99 })
      .map((value): Syntax => ({ type: "number", value, integer: false, at: 0 })),
  );
  const { tree } = fc.letrec<{ tree: Syntax }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4 },
      atom,
      fc
        .tuple(fc.constantFrom("+", "-", "*", "/", ":", "^", "%in%"), tie("tree"), tie("tree"))
        .map(([name, a, b]): Syntax => ({ type: "call", name, at: 0, args: [bracketed(a), bracketed(b)] })),
      tie("tree").map(
        (a): Syntax => ({
          type: "call",
          name: "log",
          at: 0,
          args: [{ value: a }, { name: "base", value: a }],
        }),
      ),
      tie("tree").map((a): Syntax => ({ type: "call", name: "-", at: 0, args: [bracketed(a)] })),
    ),
  }));
  fc.assert(
    fc.property(tree, (syntax) => {
      expect(withoutPlaces(parseFormula(`y ~ ${deparse(syntax)}`).terms)).toEqual(syntax);
    }),
  );
});

describe("depth", () => {
  const columns = ["a", "b", "y", ...Array.from({ length: 5000 }, (_, i) => `x${i}`)].map((name) => ({
    name,
    kind: "numeric" as const,
  }));
  const times = (n: number, text: string) => text.repeat(n);

  test("a sum of thousands of terms is a model like any other", () => {
    const names = Array.from({ length: 5000 }, (_, i) => `x${i}`);
    const { terms, intercept } = formulaSpec(`y ~ ${names.join(" + ")} - x7 - 1`, { columns });
    expect(terms.map(({ label }) => label)).toEqual(names.filter((name) => name !== "x7"));
    expect(intercept).toBe(false);
  });

  test.each([
    ["brackets", 997, (n: number) => `y ~ b + I(${times(n, "(")}a${times(n, ")")})`],
    ["calls", 997, (n: number) => `y ~ b + I(${times(n, "sqrt(")}a${times(n, ")")})`],
    ["signs", 997, (n: number) => `y ~ b + I(${times(n, "-")}a)`],
    ["powers", 997, (n: number) => `y ~ b + I(${times(n, "a^")}2)`],
    ["sums", 999, (n: number) => `y ~ b + I(${times(n, "a+")}a)`],
    ["differences of terms", 1000, (n: number) => `y ~ b${times(n, "-a")}`],
    ["sums to predict", 1000, (n: number) => `${times(n, "y+")}y ~ b`],
    [
      "a sum of a bracket",
      499,
      (n: number) => `y ~ b + I(${times(n, "(")}a${times(n, ")")}${times(500, "+a")})`,
    ],
  ])("%s nest as deep as a model file takes, and not deeper", (_, most, formula) => {
    expect(formulaSpec(formula(most), { columns }).terms.length).toBeGreaterThan(0);
    for (const n of [1, 100_000]) {
      const tooDeep = () => formulaSpec(formula(most + n), { columns });
      expect(tooDeep).toThrow(UsageError);
      expect(tooDeep).toThrow(/nests more than 1000 deep/);
    }
  });
});

function bracketed(value: Syntax): { value: Syntax } {
  return { value: { type: "call", name: "(", at: 0, args: [{ value }] } };
}

function withoutPlaces(node: Syntax): Syntax {
  if (node.type !== "call") return { ...node, at: 0 };
  return {
    ...node,
    at: 0,
    args: node.args.map((argument) => ({ ...argument, value: withoutPlaces(argument.value) })),
  };
}

describe("powers of many columns", () => {
  const named = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ name: `x${i}`, kind: "numeric" as const }));
  const termsOf = (formula: string, count: number) =>
    formulaSpec(formula, { columns: [{ name: "y", kind: "numeric" }, ...named(count)] }).terms;

  test("are all sets of so many, in R's order", () => {
    expect(termsOf("y ~ (x2 + x0 + x1)^2", 3).map(({ label }) => label)).toEqual([
      "x2",
      "x0",
      "x1",
      "x2:x0",
      "x2:x1",
      "x0:x1",
    ]);
    expect(termsOf("y ~ .^13", 13).length).toBe(2 ** 13 - 1);
    expect(termsOf("y ~ (x0 + x1:x2)^2", 3).map(({ label }) => label)).toEqual(["x0", "x1:x2", "x0:x1:x2"]);
  });

  test("are refused, with their number, where they explode", () => {
    expect(() => termsOf("y ~ .^20", 100)).toThrow(
      "formula, character 7: these interactions are 7.07e20 terms, more than 20000",
    );
    expect(() => termsOf("y ~ .^3", 60)).toThrow("these interactions are 36050 terms, more than 20000");
    const wide = Array.from({ length: 3 }, () => "(.)").join(":");
    expect(() => termsOf(`y ~ ${wide}`, 150)).toThrow(/these interactions are \S+ terms, more than 20000/);
  });
});
