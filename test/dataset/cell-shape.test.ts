import { describe, expect, it } from "vitest";
import { cellShape } from "../../src/dataset/cell-shape.js";
import { inferColumns } from "../../src/dataset/schema.js";

describe("cellShape", () => {
  // Writings that stood in columns which became factors with a level for nearly every row.
  it.each([
    ["\u22121407.6", "-1407.6"], // a minus as word processors and web pages write it
    ["\u20135", "-5"], // an en dash
    ["1407.6-", "-1407.6"], // as SAP writes it
    ["(1,407.57)", "-1407.57"], // as accountants do
    ["($12)", "-12"],
    ["1.4076D+03", "1.4076e+03"], // as Fortran does
    ["１４０７.６", "1407.6"],
    ["١٤٠٧", "1407"],
    ["०१२", "012"],
  ])("%s is a number, written %s", (cell, written) => {
    expect(cellShape(cell)).toEqual({ like: "number", written });
  });

  it.each([
    ["1407.6 kg", "kg"],
    ["12mg", "mg"],
    ["3.5 m²", "m²"],
    ["6'", "'"],
    ["20 °C", "°C"],
    ["~12", "~"],
    ["<0.5", "<"],
    ["ca. 40", "ca."],
    ['="1.238"', "="],
  ])("%s is a number beside %s", (cell, affix) => {
    expect(cellShape(cell)).toEqual({ like: "measure", affix });
  });

  it.each([
    "r12",
    "SKU-1",
    "1D5",
    "2024Q1",
    "10-19",
    "65+",
    "12 main street",
    "v1.2.3",
    "(kg)",
    "--5",
    "5-6-",
  ])("%s is text", (cell) => expect(cellShape(cell)).toEqual({ like: "text" }));

  it("a month without a day is no date that as.Date() reads", () => {
    expect(cellShape("2024-03")).toEqual({ like: "date", of: "other" });
    expect(cellShape("2024-03-01")).toEqual({ like: "date", of: "date" });
  });
});

describe("a column of numbers with a unit", () => {
  const kindOf = (cells: readonly string[]) =>
    inferColumns(
      ["x"],
      cells.map((cell) => [cell]),
    )[0];
  const many = Array.from({ length: 30 }, (_, i) => `${i * 7 + 0.5} kg`);

  it("is numeric where there are many, so that reading it is an error", () => {
    expect(kindOf(many)).toMatchObject({ kind: "numeric", words: true });
    expect(kindOf([...many, "unknown", "", "n.d."])).toMatchObject({ kind: "numeric" });
  });

  it("is text of a few sizes, which are named as numbers that could be read", () => {
    expect(kindOf(["10 mg", "20 mg", "40 mg", "10 mg", ""])).toMatchObject({ kind: "text", affix: "mg" });
    expect(kindOf(["10 mg", "20 mg", "placebo"])).toEqual({ name: "x", kind: "text" });
  });

  it("is text where each has a sign of its own, as classes of a school have", () => {
    const classes = Array.from({ length: 30 }, (_, i) => `${(i % 13) + 1}${"ABC"[i % 3]}`);
    expect(kindOf(classes)).toMatchObject({ kind: "text" });
  });
});
