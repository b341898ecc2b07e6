import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { regressionTable } from "../../src/tables/regression-table.js";
import { setTable } from "../../src/tables/set-table.js";
import { fitCsv } from "../../src/training/fit-csv.js";

const WAGES = "data/cps-wages.csv";
const fitted = async (formula: string, more = {}) =>
  (await fitCsv(WAGES, { formula, threads: 1, ...more })).model;

test("a table has every term once, in the models' order, with what a model has not left blank", async () => {
  const models = [
    { name: "a", model: await fitted("wage ~ education + race") },
    { name: "b", model: await fitted("wage ~ gender + education | occupation") },
  ];
  const table = regressionTable(models);
  expect(table.coefficients.map(({ term }) => term)).toEqual([
    "(Intercept)",
    "education",
    "raceother",
    "racewhite",
    "gendermale",
  ]);
  expect(table.coefficients.map(({ of }) => of.map((row) => row !== undefined))).toEqual([
    [true, false],
    [true, true],
    [true, false],
    [true, false],
    [false, true],
  ]);
  expect(table.effects).toEqual([{ label: "occupation effects", of: ["no", "yes"] }]);
  expect(table.notes).toEqual([]);
  const within = table.statistics.find(({ name }) => name === "within-r2")!;
  expect(within.of[0]).toBeNaN();
  const set = setTable(table, { beneath: "se", stars: true, digits: 3 });
  // R: summary(lm(wage ~ education + race, w)): education 0.73603 (0.07959), p 5.6e-19
  expect(set.parts[0]![1]).toMatchObject({
    label: "education",
    cells: [{ text: "0.7360", stars: "***" }, { stars: "***" }],
    beneath: ["(0.0796)", expect.stringMatching(/^\(0\.\d+\)$/)],
  });
});

test("criteria of other targets or rows are not to be compared, and the table says so", async () => {
  const models = [
    { name: "a", model: await fitted("wage ~ education") },
    { name: "b", model: await fitted("log(wage) ~ education") },
  ];
  expect(regressionTable(models).notes).toEqual(["AIC compares only models of one target on the same rows."]);
  expect(regressionTable(models, { statistics: ["aic", "bic"] }).notes[0]).toMatch(
    /^AIC and BIC compare only/,
  );
  expect(regressionTable(models, { statistics: ["n", "r2"] }).notes).toEqual([]);
  expect(regressionTable([models[0]!, models[0]!]).notes).toEqual([]);
});

test("a robust F stands where the errors are robust, an aliased term is NA, a penalised one has no error", async () => {
  const robust = await fitted("wage ~ education + race", { vcov: "hc1" });
  const aliased = await fitted("wage ~ education + I(2 * education)");
  const ridge = await fitted("wage ~ education", { lambda: 1, alpha: 0 });
  const table = regressionTable([robust, aliased, ridge].map((model, i) => ({ name: String(i), model })));
  const f = table.statistics.find(({ name }) => name === "f")!.of;
  expect(f[0]).toBe(robust.summary().wald!.f);
  expect(f[2]).toBeNaN();
  expect(table.about).toEqual([
    { label: "penalty", of: ["", "", "ridge"] },
    { label: "covariance", of: ["HC1", "iid", ""] },
  ]);
  const rows = setTable(table, { beneath: "se", stars: true, digits: 3 }).parts[0]!;
  expect(rows.at(-1)).toMatchObject({ cells: [{ text: "" }, { text: "NA", stars: "" }, { text: "" }] });
  expect(table.notes[0]).toMatch(/^NA: depends linearly/);
  expect(rows[1]!.beneath![2]).toBe("");
});

test("numbers of every size have the digits that are asked for", async () => {
  const rows = readFileSync(WAGES, "utf8").split("\n").slice(0, 30);
  expect(rows.length).toBe(30);
  const model = await fitted("wage ~ I(experience * 1e12) + I(experience ^ 2 / 1e12)");
  const set = setTable(regressionTable([{ name: "a", model }]), { beneath: "ci", stars: false, digits: 2 });
  for (const { cells, beneath } of set.parts[0]!.slice(1)) {
    expect(cells[0]!.text).toMatch(/^-?\d\.\d+e[+-]\d+$/);
    expect(beneath![0]).toMatch(/^\[-?\d\.\d+e[+-]\d+, -?\d\.\d+e[+-]\d+\]$/);
  }
});

test("keep, drop and labels choose and name terms, and the table says how many it does not show", async () => {
  const model = await fitted("wage ~ education + race + gender");
  const table = regressionTable([{ name: "a", model }], {
    keep: [/^race/u, /^education/u],
    drop: [/other$/u],
    labels: { racewhite: "White", wage: "Hourly wage" },
  });
  expect(table.coefficients.map(({ label }) => label)).toEqual(["education", "White"]);
  expect(table.targets).toEqual(["Hourly wage"]);
  expect(table.notes).toEqual(["3 more terms are not shown."]);
});
