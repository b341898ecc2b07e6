import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { crossValidateWith } from "../../src/linear/penalty/penalty.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-shards-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const HEADER = "x,z,g,w,y";

/** Lines of rows from a seed: two numbers, a factor of four levels, weights, a target; some cells are missing. */
function lines(seed: number, count: number, levels = "abcd"): string[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const [x, z, w] = [18 * next() - 9, next(), 0.5 + next()];
    const g = levels[Math.floor(levels.length * next())]!;
    const y = 3 + 0.5 * x - 2 * z + (g === "b" ? 1 : 0) + next();
    return next() < 0.03 ? `NA,${z},${g},${w},${y}` : `${x},${z},${g},${w},${y}`;
  });
}

let files = 0;
function file(lines: readonly string[]): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${[HEADER, ...lines].join("\n")}\n`);
  return path;
}

/**
 * Three shards, each with rows enough for a fit of its own and for the fits of its folds: a level of two rows would
 * make a fold's slope anything. The first has a level less.
 */
const shards = fc
  .tuple(fc.integer(), fc.integer({ min: 50, max: 90 }), fc.integer({ min: 50, max: 90 }))
  .map(([seed, m, n]) => [lines(seed, m, "abc"), lines(seed + 1, n), lines(seed + 2, 60)] as const);
const penalties: FitCsvOptions[] = [
  {},
  {},
  { lambda: 0.2 },
  { lambda: 0.2, alpha: 0.5, penaltyFactors: { x: 0 } },
  { lambda: 0.05, lower: -1.5, upperIn: { x: 0.4 } },
  { upper: 0.3 },
  { lambda: 0.3, alpha: 1, relax: true, gamma: 0.5 },
];
const shared = fc.record({
  solver: fc.constantFrom("auto", "normal"),
  weights: fc.constantFrom(undefined, "w"),
  formula: fc.constantFrom("y ~ x + g", "y ~ x + g * z + I(z^2)", "y ~ x + z - 1"),
}) as fc.Arbitrary<FitCsvOptions>;
const options = fc
  .tuple(shared, fc.constantFrom(...penalties))
  .map(([how, penalty]): FitCsvOptions => ({ ...how, ...penalty }));

/** A model as its file has it, which is what the verbs see. */
async function fitted(lines: readonly string[], how: FitCsvOptions): Promise<LinearModel> {
  const { model } = await fitCsv(file(lines), how);
  return LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
}

const merge = (...models: LinearModel[]) =>
  mergeModels(models.map((model, i) => ({ name: `${i}.json`, model }))).model;

const CRITERIA = new Set(["logLik", "aic", "aicExtract", "bic"]);

/** Everything that a summary tells, with the scale on which each number is to be compared. */
function figures(model: LinearModel): Map<string, { value: number; scale: number }> {
  const { coefficients, fit } = model.summary();
  const all = new Map<string, { value: number; scale: number }>();
  for (const { term, estimate, stdError } of coefficients) {
    // An estimate near zero is known on the scale of its standard error, of which penalised fits have none.
    const scale = Math.max(Math.abs(estimate), stdError || 0.1);
    all.set(`${term} estimate`, { value: estimate, scale });
    all.set(`${term} error`, { value: stdError, scale: Math.abs(stdError) });
  }
  for (const [name, value] of Object.entries(fit)) {
    let scale = Math.abs(value);
    // Log-likelihoods and criteria are sums of n logarithms, which may cancel.
    if (CRITERIA.has(name)) scale = Math.max(scale, model.n);
    // The far tail of F multiplies the relative error of F by about −ln p.
    if (name === "fP") scale *= Math.max(1, -Math.log(value));
    all.set(name, { value, scale });
  }
  const { mse, r2, mseError } = crossValidateWith(model.folds, model.regression, model.penalty);
  // The standard error is the root of differences between the folds' errors, on the scale of these.
  all.set("cv mse", { value: mse, scale: mse }).set("cv r2", { value: r2, scale: 1 });
  all.set("cv mseError", { value: mseError, scale: mse });
  return all;
}

/** Each number to 1e-12 relative, as promised for merging; these data lose no more than a digit or two to rounding. */
function expectSame(found: LinearModel, expected: LinearModel, tolerance = 1e-12): void {
  const [a, b] = [figures(found), figures(expected)];
  expect([...a.keys()]).toEqual([...b.keys()]);
  for (const [name, { value, scale }] of b) {
    const other = a.get(name)!.value;
    if (Number.isNaN(value)) expect(other, name).toBeNaN();
    else expect(Math.abs(other - value), name).toBeLessThanOrEqual(tolerance * scale);
  }
  expect(found.n).toBe(expected.n);
  expect(found.levels).toEqual(expected.levels);
  expect(found.aliased).toEqual(expected.aliased);
}

test("rows of a source are taken out once, until they are added again", async () => {
  const [a, b] = [file(lines(3, 60)), file(lines(4, 60))];
  const how = { formula: "y ~ x + z", folds: 1 };
  const [one, two] = await Promise.all([a, b].map(async (path) => (await fitCsv(path, how)).model));
  const named = (model: LinearModel, name: string) => ({
    model: LinearModel.fromJSON(JSON.parse(JSON.stringify(model))),
    name,
  });
  // Twice as many rows as are taken out, so that the sums alone would not tell.
  const whole = mergeModels([
    named(two!, "two"),
    named(one!, "one"),
    named((await fitCsv(file(lines(5, 60)), how)).model, "three"),
  ]).model;
  const once = forgetRows(named(whole, "all"), named(one!, "one")).model;
  expect(() => forgetRows(named(once, "all"), named(one!, "one"))).toThrow(
    "the rows of one have been taken out of all already",
  );
  const again = mergeModels([named(once, "all"), named(one!, "one")]).model;
  expect(forgetRows(named(again, "all"), named(one!, "one")).model.n).toBe(once.n);
  const { model: updated } = await updateCsv(once, a);
  expect(forgetRows(named(updated, "all"), named(one!, "one")).model.n).toBe(once.n);
});

describe("models of shards", () => {
  test("merge to the model of all rows, whatever the order, and however they are paired", async () => {
    await fc.assert(
      fc.asyncProperty(shards, options, async ([a, b, c], how) => {
        const whole = await fitted([...a, ...b, ...c], how);
        const one = await fitted(a, how);
        const two = await fitted(b, { ...how, firstRow: a.length });
        const three = await fitted(c, { ...how, firstRow: a.length + b.length });
        expectSame(merge(one, two, three), whole);
        expectSame(merge(three, one, two), whole);
        expectSame(merge(one, merge(two, three)), merge(merge(one, two), three));
        expect(merge(one, two, three).scan).toEqual(whole.scan);
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  test("are the same by updating with the rows that are new", async () => {
    await fc.assert(
      fc.asyncProperty(shards, options, async ([, a, b], how) => {
        const one = await fitted(a, how);
        const two = b.slice(0, 4 + (a.length % 7));
        const whole = await fitted([...a, ...two], how);
        const updated = await updateCsv(one, file(two));
        expectSame(updated.model, whole);
        expect(updated.model.scan).toEqual(whole.scan);
      }),
      { numRuns: 25 },
    );
  }, 30_000);

  test("can be taken out again: forget(merge(a, b), b) = a", async () => {
    await fc.assert(
      fc.asyncProperty(shards, options, async ([a, b, c], how) => {
        const [one, two] = [await fitted(a, how), await fitted([...b, ...c], how)];
        const both = merge(one, two);
        const back = forgetRows({ name: "both", model: both }, { name: "two", model: two });
        // Stated: the sums lose log10(before/after) digits, of 16 or of 32; solving loses two more of them here.
        const left = back.digitsLeft - 2;
        expectSame(back.model, one, Math.max(1e-12, 10 ** -left));
        expect(back.model.scan).toEqual({ ...one.scan, seed: 1, test: null });
      }),
      { numRuns: 25 },
    );
  }, 30_000);
});

describe("rows whose folds are others in the whole are taken out of all rows, and the folds are left out", () => {
  const LOST = expect.stringMatching(
    /^the cross-validation folds are left out: .* part have in whole is not/,
  );
  const named = (whole: LinearModel, part: LinearModel) =>
    forgetRows({ name: "whole", model: whole }, { name: "part", model: part });

  test.each<FitCsvOptions>([
    { formula: "y ~ x + z" },
    { formula: "y ~ x + g * z", weights: "w" },
    { formula: "y ~ x + g * z", solver: "normal" },
    { formula: "y ~ x + z", lambda: 0.2 },
    { formula: "y ~ x + z | g" },
  ])("%j", async (how) => {
    const [a, b] = [lines(1, 60), lines(2, 30)];
    const [rest, part, all] = [await fitted(a, how), await fitted(b, how), await fitted([...a, ...b], how)];
    const absorbed = rest.absorbed !== undefined;
    const { model, notes } = named(all, part);
    expect(notes).toEqual(
      absorbed ? [expect.stringMatching("among the sources")] : [LOST, expect.anything()],
    );
    expect(model.folds).toEqual([]);
    // 90 rows less 30: a digit, and as many as solving loses of 16.
    model.coefficients.forEach((value, j) => {
      expect(Math.abs(value / rest.coefficients[j]! - 1)).toBeLessThan(1e-11);
    });
    if (absorbed) return;
    // Where the part was told its first row, its folds are those of the whole.
    const told = named(all, await fitted(b, { ...how, firstRow: 60 }));
    expect(told.notes).not.toContainEqual(LOST);
    expectSame(told.model, rest, 1e-10);
    // By updating, rows go on being numbered; a model of them alone numbers them from 0.
    const updated = (await updateCsv(rest, file(b))).model;
    expect(named(updated, part).notes).toEqual([LOST]);
    // By merging they keep their folds.
    expectSame(named(merge(rest, part), part).model, rest, 1e-10);
    // What has no folds any more goes on being merged and forgotten.
    const again = mergeModels([
      { name: "a.json", model },
      { name: "b.json", model: part },
    ]);
    expect(again.notes).toEqual(["the cross-validation folds are left out: a.json has none"]);
    const back = named(again.model, part);
    expect(back.model.n).toBe(rest.n);
  });
});

test("taking nearly everything away says how many digits that has cost, and double-double has enough", async () => {
  const line = (i: number, scale: number) =>
    `${scale * Math.sin(i)},${Math.cos(i * i)},a,1,${scale * Math.sin(i) + Math.sin(3 * i * i)}`;
  const small = Array.from({ length: 40 }, (_, i) => line(i, 1e-3));
  const large = Array.from({ length: 40 }, (_, i) => line(i, 1e3));
  const lost = async (solver: "normal" | "extended") => {
    const how: FitCsvOptions = { solver, features: ["x", "z"] };
    const [one, two] = [await fitted(small, how), await fitted(large, how)];
    const whole = { name: "whole", model: merge(one, two) };
    return { one, ...forgetRows(whole, { name: "large", model: two }) };
  };
  const double = await lost("normal");
  expect(double.digitsLost).toBeGreaterThan(11.5);
  expect(double.digitsLost).toBeLessThan(12.5);
  expect(double.notes.join()).toMatch(/has cost about 12 of 16 digits/);
  const exact = await lost("extended");
  expect(exact.digitsLeft).toBeGreaterThan(19);
  expect(exact.notes).toEqual([]);
  expectSame(exact.model, exact.one);
});

describe("what does not fit together is refused with the difference", () => {
  const some = Array.from({ length: 30 }, (_, i) => {
    const x = Math.sin(i);
    return `${x},${(i * 7) % 5},${"abc"[i % 3]},${1 + (i % 2)},${x + Math.cos(i * i)}`;
  });
  const base: FitCsvOptions = { features: ["x", "g"] };
  const cases: [string, FitCsvOptions, string][] = [
    ["other targets", { ...base, target: "z" }, "the targets are y and z"],
    ["fewer columns", { features: ["x"] }, "b.json has no g"],
    ["more columns", { features: ["x", "g", "z"] }, "a.json has no z"],
    ["other formulas", { formula: "y ~ log(z + 1) + g" }, "b.json has no x"],
    ["an intercept less", { ...base, intercept: false }, "b.json has no intercept, the other has one"],
    ["weights", { ...base, weights: "w" }, "the weights are none and w"],
    ["other references", { ...base, references: { g: "b" } }, "the reference of g is the first level and b"],
    ["other folds", { ...base, folds: 5 }, "they have 10 and 5 cross-validation folds"],
    ["a penalty", { ...base, lambda: 1 }, "the penalties are no penalty and λ = 1, α = 0"],
    ["bounds", { ...base, lowerIn: { x: 0 } }, "the penalties are no penalty and λ = 0, α = 0, lower x=0"],
  ];
  test.each(cases)("%s", async (_, other, difference) => {
    const [a, b] = [await fitted(some, base), await fitted(some, other)];
    const both = [
      { name: "a.json", model: a },
      { name: "b.json", model: b },
    ];
    const message = `a.json and b.json do not fit together: ${difference}`;
    expect(() => mergeModels(both)).toThrow(expect.objectContaining({ message, kind: "model" }));
    expect(() => forgetRows(both[0]!, both[1]!)).toThrow(message);
  });

  test("a column that is text in one shard and numbers in the other", async () => {
    const numbers = some.map((line) => line.replace(/[abc]/, (level) => String("abc".indexOf(level))));
    const [a, b] = [await fitted(some, base), await fitted(numbers, base)];
    const both = [
      { name: "a.json", model: a },
      { name: "b.json", model: b },
    ];
    expect(() => mergeModels(both)).toThrow("g is a factor of texts in a.json and numeric in b.json");
  });

  test("rows that are not the model's", async () => {
    const [a, b] = [await fitted(some, base), await fitted(some.slice(0, 20), { ...base, seed: 2 })];
    const other = await fitted(
      some.map((line) => line.replace(/,a,/, ",q,")),
      base,
    );
    const forget = (model: LinearModel) =>
      forgetRows({ name: "a.json", model: a }, { name: "b.json", model });
    expect(() => forget(a)).toThrow("b.json has all 30 rows of a.json: nothing would be left");
    // Its rows are, in folds of their own.
    expect(forget(b).model.folds).toEqual([]);
    expect(() => forget(merge(a, b))).toThrow("it has 50 rows, the model has 30");
    expect(() => forget(merge(other, a))).toThrow("the rows of b.json are not among those");
  });
});

test("double and double-double moments merge, with a note", async () => {
  const some = Array.from({ length: 60 }, (_, i) => `${Math.sin(i)},1,a,1,${Math.sin(i) + Math.cos(i * i)}`);
  const how = { features: ["x"] };
  const one = await fitted(some.slice(0, 30), { ...how, solver: "normal" });
  const two = await fitted(some.slice(30), { ...how, firstRow: 30 });
  const { model, notes } = mergeModels([
    { name: "a.json", model: one },
    { name: "b.json", model: two },
  ]);
  expect(notes).toEqual([expect.stringMatching(/double precision.*: a\.json$/)]);
  expectSame(model, await fitted(some, how));
});
