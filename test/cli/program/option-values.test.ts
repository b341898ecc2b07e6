import { expect, test } from "vitest";
import { termList } from "../../../src/cli/program/option-values.js";

test.each([
  ["x,z", ["x", "z"]],
  ["C(h, sum),x", ["C(h, sum)", "x"]],
  ['relevel(g, ref = "a,b") , poly(x, 3)', ['relevel(g, ref = "a,b")', "poly(x, 3)"]],
  ['"C(h, sum)",x', ["C(h, sum)", "x"]],
  ['"a ""b"", c",`d, e`', ['a "b", c', "`d, e`"]],
  ["x:C(h, c(1, 0)),é", ["x:C(h, c(1, 0))", "é"]],
  // A column whose name has a parenthesis that nothing closes.
  ["size (m2,x", ["size (m2", "x"]],
  ["5' tall,x", ["5' tall", "x"]],
])("terms of %s", (text, terms) => {
  expect(termList(text)).toEqual(terms);
  expect(termList(text, ["a"])).toEqual(["a", ...terms]);
});
