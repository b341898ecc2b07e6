import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import { type FitGroupsCsvOptions, fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { uniform } from "../uniform.js";
import { ENGINES, EveryEngine, expectSameFit, SUMMING } from "./every-engine.js";

const engines = new EveryEngine();
const ROWS = 4_000;

beforeAll(async () => {
  const next = uniform(7);
  const rows = Array.from({ length: ROWS }, (_, i) => [
    i * 1_000_003 - 2_000_000_000,
    i,
    1.7e9 + ((i * 7919) % 86400) * 0.25,
    i % 11 === 3 ? null : next(),
    ["red", "green", 'b,l"ue', " Grün "][(i * 7) % 4]!,
    i % 17 === 0 ? null : i % 19 === 0 ? "NA" : `g${i % 5}`,
    i % 7,
    i % 3,
    (i % 5) / 4,
    7.5,
    3 + 1e-4 * i + next(),
  ]);
  const tables = {
    t: {
      columns: {
        id: "BIGINT",
        i: "INTEGER",
        epoch: "DOUBLE PRECISION",
        gap: "DOUBLE PRECISION",
        color: "VARCHAR(20)",
        'Group "é': "VARCHAR(20)",
        tiny: "SMALLINT",
        w: "INTEGER",
        share: "DOUBLE PRECISION",
        same: "DOUBLE PRECISION",
        y: "DOUBLE PRECISION",
      },
      rows,
    },
    // 60 × 50 levels in 7 folds, times 13 sums, are more numbers than one answer has.
    wide: {
      columns: {
        id: "INTEGER",
        a: "VARCHAR(9)",
        b: "VARCHAR(9)",
        x: "DOUBLE PRECISION",
        y: "DOUBLE PRECISION",
      },
      rows: Array.from({ length: ROWS }, (_, i) => [
        i,
        `a${(i * 7) % 60}`,
        `b${Math.floor(next() * 50)}`,
        next(),
        next() + (i % 60) / 10,
      ]),
    },
    odd: {
      columns: { y: "DOUBLE PRECISION", x: "DOUBLE PRECISION", w: "INTEGER" },
      rows: Array.from({ length: 40 }, (_, i) => [
        (i * i) % 23,
        i === 7 || i === 9 ? null : i % 5,
        i === 3 || i === 4 ? -1 : 1,
      ]),
    },
  };
  await engines.fill(tables);
  await engines.fillClickhouse(tables);
}, 120_000);
afterAll(() => engines.close());

const FOLDED = { foldBy: "id", folds: 7, seed: 3 };
const MODELS: Record<string, FitCsvOptions> = {
  numbers: { target: "y", features: ["i", "tiny", "gap"], ...FOLDED },
  "a constant": { target: "y", features: ["i", "tiny", "same"], solver: "normal", folds: 1 },
  "factors, gaps, and NA as a text": { target: "y", features: ["i", "gap", "color", 'Group "é'], ...FOLDED },
  "weights, some of them 0": { target: "y", features: ["i", "tiny", "color"], weights: "w", ...FOLDED },
  "weights that are no whole numbers": {
    target: "y",
    features: ["tiny", "gap"],
    weights: "share",
    ...FOLDED,
  },
  "weights that are frequencies": {
    target: "y",
    features: ["i", "tiny", "color"],
    weights: "w",
    weightsKind: "frequency",
    ...FOLDED,
  },
  "analytic weights": {
    target: "y",
    features: ["tiny", "gap"],
    weights: "share",
    weightsKind: "analytic",
    ...FOLDED,
  },
  expressions: {
    formula: "y ~ log(i) * color + I(gap^2) + tiny:gap + factor(tiny) + poly(share, 2, raw = TRUE)",
    ...FOLDED,
  },
  "no intercept, ridge by cross-validation": {
    formula: "y ~ gap + color - 1",
    lambda: "path",
    ...FOLDED,
  },
  "rows for which a condition holds": {
    formula: "y ~ gap + tiny",
    where: 'color == "red" & tiny < 5 | !(color %in% c("green", "x")) & share * 2 > 0.6 | is.na(`Group "é`)',
    ...FOLDED,
  },
  "a condition that is unknown where a number is missing": {
    formula: "y ~ tiny + color",
    where: '!(gap > 0.5) & color >= "b" & color != "green" | tiny %in% c(1, 2)',
    ...FOLDED,
  },
  "absorbed effects": { target: "y", features: ["gap", "tiny"], absorb: ["color", 'Group "é'], folds: 1 },
};

describe.each(SUMMING)("%s sums up", (engine) => {
  const url = () => engines.urls[engine]!;

  for (const [name, options] of Object.entries(MODELS))
    it(`what a scan of the CSV does: ${name}`, async () => {
      const expected = await fitCsv(engines.csv("t"), options);
      const found = await fitCsv(url(), { ...options, table: "t", inEngine: true });
      // Condition numbers are below 1e3 where sums are in double: ten digits are left of sixteen.
      expectSameFit(found, expected, 9);
    });

  it("a model of each group", async () => {
    const grouped = async (options: FitGroupsCsvOptions) => {
      const [expected, found] = await Promise.all([
        fitGroupsCsv(engines.csv("t"), options),
        fitGroupsCsv(url(), { ...options, table: "t", inEngine: true }),
      ]);
      expect([found.rows, found.dropped, found.excluded]).toEqual([
        expected.rows,
        expected.dropped,
        expected.excluded,
      ]);
      expect([...found.models.models.keys()]).toEqual([...expected.models.models.keys()]);
      expect(found.models.refused).toEqual(expected.models.refused);
      for (const [name, model] of expected.models.models) {
        const own = found.models.models.get(name)!;
        expect(own.terms, name).toEqual(model.terms);
        expect(own.n).toBe(model.n);
        const errors = model.standardErrors;
        own.coefficients.forEach((one, j) => {
          expect(Math.abs(one - model.coefficients[j]!) / errors[j]!, name).toBeLessThan(1e-8);
          expect(own.standardErrors[j]! / errors[j]!).toBeCloseTo(1, 8);
        });
        expect(own.folds.map(({ n }) => n)).toEqual(model.folds.map(({ n }) => n));
      }
    };
    await grouped({ formula: "y ~ gap + i", groupBy: 'Group "é', ...FOLDED });
    await grouped({ formula: "y ~ gap * color", groupBy: "tiny", weights: "w", ...FOLDED });
    await grouped({ formula: "y ~ gap", groupBy: "color", where: "tiny < 4", folds: 1 });
  });

  it("groups that lie far from each other, or says that it cannot", async () => {
    // Within a group x varies by 1, and groups lie 1e9 apart.
    const sql = "SELECT y, gap + 1e9 * tiny AS x, tiny AS g FROM t";
    const fit = fitGroupsCsv(url(), { sql, formula: "y ~ x", groupBy: "g", folds: 1, inEngine: true });
    if (engine === "SQLite")
      return expect(fit).rejects.toThrow(/group \d lies so far from others that their sums lose its digits/);
    const { models } = await fit;
    const scanned = { sql, formula: "y ~ x", groupBy: "g", folds: 1, solver: "extended" } as const;
    const { models: expected } = await fitGroupsCsv(url(), scanned);
    // A shift of 3e9 leaves x seven digits behind its point, and of what is known to the standard error as many.
    for (const [name, { coefficients }] of models.models) {
      const own = expected.models.get(name)!;
      const error = Math.abs(coefficients[1]! - own.coefficients[1]!) / own.standardErrors[1]!;
      expect(error, `${name}: ${coefficients}, expected ${own.coefficients}`).toBeLessThan(1e-5);
    }
  });

  it("rows of few levels at once, and of many by pairs of factors, alike", async () => {
    const options = { table: "wide", inEngine: true, target: "y", ...FOLDED };
    const expected = await fitCsv(engines.csv("wide"), { target: "y", ...FOLDED });
    expectSameFit(await fitCsv(url(), options), expected, 9);
  });

  it("no rows without a key, and says so before the answer", async () => {
    const options = { table: "t", inEngine: true, formula: "y ~ log(i)" };
    const { notes, cv } = await fitCsv(url(), options);
    expect(cv).toBeUndefined();
    expect(notes).toEqual([
      "no cross-validation: rows of a database have no numbers to draw folds by",
      "log(i) has no value in 1 row, which is left out",
    ]);
    await expect(fitCsv(url(), { ...options, lambda: "path" })).rejects.toMatchObject({
      kind: "usage",
      hint: "name a column of whole numbers with `foldBy`",
    });
    await expect(fitCsv(url(), { ...options, foldBy: "share", folds: 3 })).rejects.toThrow(
      /expected whole numbers of up to 53 bits as the key of folds, found \d+ rows without/,
    );
  });

  it("nothing that would be refused of a CSV, or takes the rows", async () => {
    const fit = (options: FitCsvOptions) =>
      fitCsv(url(), { table: "odd", target: "y", inEngine: true, ...options });
    await expect(fit({ features: ["x"], weights: "w" })).rejects.toMatchObject({
      kind: "data",
      message: expect.stringContaining("weights are 0 or more, found 2 below"),
    });
    const frequencies = {
      table: "t",
      features: ["tiny"],
      weights: "share",
      weightsKind: "frequency",
    } as const;
    await expect(fit(frequencies)).rejects.toThrow(/frequencies say how many rows each is.*: \d+ are none/);
    await expect(fit({ ...frequencies, weightsKind: "probability" })).rejects.toThrow(
      "its errors are robust, and take the rows",
    );
    await expect(fit({ features: ["x"], keepMeat: "cells" })).rejects.toMatchObject({ kind: "usage" });
    await expect(fit({ features: ["x"], na: "fail" })).rejects.toThrow("2 of 40 rows have a missing cell");
    await expect(fit({ features: ["x"], vcov: "hc1" })).rejects.toMatchObject({ kind: "usage" });
    await expect(fit({ features: ["x"], testSize: 0.2 })).rejects.toMatchObject({ kind: "usage" });
    await expect(fit({ features: ["none"] })).rejects.toMatchObject({ kind: "usage" });
    await expect(
      fit({ features: ["x"], sql: "SELECT * FROM absent", table: undefined }),
    ).rejects.toMatchObject({
      kind: "data",
    });
    await expect(fit({ sql: "SELECT y, x FROM odd WHERE x > 99", table: undefined })).rejects.toThrow();
    // The database's own query may leave rows out.
    const { model } = await fit({ sql: "SELECT y, x FROM odd WHERE x < 3;", table: undefined });
    expect(model.terms).toEqual(["x"]);
  });
});

it.runIf(ENGINES.length === 3)("infinite numbers are refused as a scan refuses them", async () => {
  for (const url of [engines.urls.DuckDB!, engines.urls.PostgreSQL!])
    await expect(
      fitCsv(url, {
        sql: "SELECT y, x, CASE WHEN x = 2 THEN CAST('Infinity' AS DOUBLE PRECISION) WHEN x = 1 THEN CAST('NaN' AS DOUBLE PRECISION) ELSE x END AS z FROM odd",
        target: "y",
        inEngine: true,
      }),
    ).rejects.toThrow(/column "z".*expected finite numbers, found \d+ that are not/);
});

it.each(SUMMING)("%s: rows or numbers that a query draws at random are refused", async (engine) => {
  const draw: Record<string, string> = {
    ClickHouse: "rand() / 4294967295e0",
    SQLite: "abs(random()) / 9.3e18",
  };
  const random = draw[engine] ?? "random()";
  const fit = (options: FitCsvOptions) =>
    fitCsv(engines.urls[engine]!, { inEngine: true, target: "y", solver: "normal", ...options });
  const changed = "the rows changed between two queries";
  await expect(fit({ sql: `SELECT y, i FROM t WHERE ${random} < 0.5` })).rejects.toThrow(changed);
  await expect(fit({ sql: `SELECT y, i, ${random} AS x FROM t` })).rejects.toThrow(changed);
  await expect(fit({ sql: `SELECT y, i, w, ${random} AS x FROM t`, weights: "w" })).rejects.toThrow(changed);
});

it("a CSV cannot be asked for sums", async () => {
  await expect(fitCsv(engines.csv("t"), { inEngine: true })).rejects.toMatchObject({ kind: "usage" });
});
