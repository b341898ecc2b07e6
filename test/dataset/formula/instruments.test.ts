import { describe, expect, test } from "vitest";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { structuralSpec } from "../../../src/dataset/formula/spec.js";

const columns = [
  ...["y", "x", "p", "z1", "z2"].map((name) => ({ name, kind: "numeric" as const })),
  ...["firm", "region"].map((name) => ({ name, kind: "text" as const })),
];
const specOf = (formula: string) => formulaSpec(formula, { columns });
const labels = (formula: string) => {
  const { terms, instruments } = specOf(formula);
  const named = (list: readonly number[] = []) => list.map((t) => terms[t]!.label);
  return {
    all: terms.map(({ label }) => label),
    ...{ endogenous: named(instruments?.endogenous), excluded: named(instruments?.excluded) },
  };
};

describe("the third part of a formula", () => {
  test.each([
    ["y ~ x | 0 | p ~ z1 + z2", ["p", "x", "z1", "z2"], ["p"], ["z1", "z2"]],
    ["y ~ x | p ~ z1", ["p", "x", "z1"], ["p"], ["z1"]],
    [
      "y ~ 1 | 0 | p + I(p^2) ~ z1 * region",
      ["p", "I(p^2)", "z1", "region", "z1:region"],
      ["p", "I(p^2)"],
      ["z1", "region", "z1:region"],
    ],
    // Exogenous terms may be repeated among the instruments, as AER has it.
    ["y ~ x | 0 | p ~ x + z1", ["p", "x", "z1"], ["p"], ["z1"]],
    // The dot leaves out what stands elsewhere.
    ["y ~ . | firm | p ~ z1 + region", ["p", "x", "z2", "z1", "region"], ["p"], ["z1", "region"]],
  ])("%s", (formula, all, endogenous, excluded) => {
    expect(labels(formula)).toEqual({ all, endogenous, excluded });
  });

  test("effects stand between, and the equation's own spec reads no instruments", () => {
    const spec = specOf("y ~ x | firm | p ~ z1");
    expect(spec.absorbed?.map((v) => spec.variables[v]!.label)).toEqual(["firm"]);
    const equation = structuralSpec(spec);
    expect(equation.numeric).toEqual(["y", "p", "x"]);
    expect(equation.instruments).toBeUndefined();
    expect(equation.absorbed?.map((v) => equation.variables[v]!.label)).toEqual(["firm"]);
    expect(specOf("y ~ x - 1 | 0 | p ~ z1").intercept).toBe(false);
  });

  test.each([
    ["y ~ x ~ z1", /a second ~ needs the endogenous variables before it/],
    ["y ~ x | 0 | p ~ p + z1", /p is an instrument of itself/],
    ["y ~ x + p | 0 | p ~ z1", /p is endogenous and exogenous/],
    ["y ~ x | 0 | p ~ x", /no instrument stands behind the second ~ that is not exogenous/],
    ["y ~ x | 0 | y ~ z1", /the target y is among the terms/],
    ["y ~ x | 0 | p ~ z1 ~ z2", /expected an operator or the end/],
    ["y ~ x | 0 | p ~ nosuch", /no column nosuch/],
  ])("%s is refused", (formula, message) => {
    expect(() => specOf(formula)).toThrow(message);
  });
});
