import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluateCsv } from "../../../src/prediction/evaluate-csv.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { inDuckdb, manyKinds } from "../duckdb.js";

const folder = mkdtempSync(join(tmpdir(), "goml-parquet-"));
const [csv, parquet, other] = ["t.csv", "t.parquet", "other.parquet"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
/** Enough for several row groups, and for 4 MiB of the columns that these models read. */
const ROWS = 60_000;

beforeAll(async () => {
  await inDuckdb(
    manyKinds(ROWS),
    `COPY t TO '${csv}'`,
    // Dictionaries and plain pages, optional columns, Snappy.
    `COPY t TO '${parquet}' (FORMAT parquet, ROW_GROUP_SIZE 7000)`,
    `COPY t TO '${other}' (FORMAT parquet, ROW_GROUP_SIZE 25000, CODEC gzip, PARQUET_VERSION v2)`,
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const NUMBERS = { target: "y", features: ["i", "tiny", "epoch", "price", "same"] };

const MODELS: Record<string, FitCsvOptions> = {
  numbers: NUMBERS,
  "missing values": { target: "y", features: ["i", "gap", "hole"] },
  "factors and truth values": { target: "y", features: ["i", "color", "group", "flag"] },
  "dates and times": { formula: "y ~ i + as.Date(day) + weekdays(moment) + hour(moment) + months(day)" },
  "weights, of which some are 0": { ...NUMBERS, weights: "w" },
  "a condition on rows": { ...NUMBERS, where: '(color == "Grün" | group %in% c("g1", "g2")) & i > 20000' },
  "numbers as text": { target: "y", features: ["i", "tiny"], text: ["tiny"] },
  "numbers that mean a missing value": { ...NUMBERS, naValuesIn: { tiny: ["3"], color: ["red"] } },
  "absorbed effects": { target: "y", features: ["i", "gap"], absorb: ["group"] },
  "held-out rows and robust errors": { ...NUMBERS, testSize: 0.2, vcov: "hc1" },
  clusters: { target: "y", features: ["i", "gap"], vcov: "cluster", cluster: "color" },
  "a penalty": { ...NUMBERS, lambda: 0.1, alpha: 0.5 },
  "the QR solver": { target: "y", features: ["i", "gap"], solver: "qr" },
};

describe("a model of Parquet is that of the CSV of the same rows", () => {
  // The sums are those of other chunks: 1e-10 leaves room for a condition number of some thousands.
  for (const [name, options] of Object.entries(MODELS))
    it(name, async () => {
      const expected = await fitCsv(csv, options);
      for (const path of [parquet, other]) {
        const found = await fitCsv(path, options);
        const [a, b] = [expected.model.summary(), found.model.summary()];
        expect(b.coefficients.map(({ term }) => term)).toEqual(a.coefficients.map(({ term }) => term));
        const near = (found: number | undefined, expected: number | undefined, digits = 1e-10) => {
          if (expected === undefined || Number.isNaN(expected)) expect(found).toEqual(expected);
          else expect(Math.abs(found! - expected)).toBeLessThanOrEqual(digits * Math.abs(expected));
        };
        a.coefficients.forEach((row, j) => {
          const scale = Math.max(Math.abs(row.estimate), row.stdError || 0);
          if (Number.isNaN(row.estimate)) expect(b.coefficients[j]!.estimate).toBeNaN();
          else
            expect(Math.abs(b.coefficients[j]!.estimate - row.estimate)).toBeLessThanOrEqual(1e-10 * scale);
          near(b.coefficients[j]!.stdError, row.stdError);
        });
        near(b.fit.rss, a.fit.rss);
        near(found.cv?.mse, expected.cv?.mse);
        near(found.test?.mse, expected.test?.mse);
        const counts = ({ rows, dropped, excluded }: typeof found) => ({ rows, dropped, excluded });
        expect(counts(found)).toEqual(counts(expected));
        expect(found.model.levels).toEqual(expected.model.levels);
      }
    });

  it("by group", async () => {
    const options = { target: "y", features: ["i", "gap"], groupBy: "group" };
    const [expected, found] = await Promise.all([csv, parquet].map((path) => fitGroupsCsv(path, options)));
    expect([...found!.models.models.keys()]).toEqual([...expected!.models.models.keys()]);
    for (const [name, model] of found!.models.models)
      model.coefficients.forEach((value, j) => {
        expect(value).toBeCloseTo(expected!.models.models.get(name)!.coefficients[j]!, 9);
      });
  });
});

describe("Parquet", () => {
  it("gives the same bits for any number of threads", async () => {
    const options = {
      target: "y",
      features: ["i", "tiny", "epoch", "gap", "hole", "price", "color", "group"],
    };
    const documents = [];
    for (const threads of [1, 2, 3]) {
      const fitted = await fitCsv(parquet, { ...options, threads });
      expect(fitted.timing.threads).toBe(threads);
      documents.push(JSON.stringify(fitted.model));
    }
    expect(documents[1]).toBe(documents[0]);
    expect(documents[2]).toBe(documents[0]);
  });

  it("is measured by a model of CSV, and CSV by a model of Parquet", async () => {
    const options = { target: "y", features: ["i", "color", "flag", "gap"] };
    const [a, b] = await Promise.all([fitCsv(csv, options), fitCsv(parquet, options)]);
    const found = await evaluateCsv(a.model, parquet);
    const expected = await evaluateCsv(b.model, csv);
    expect(found.rows).toBe(expected.rows);
    expect(found.metrics.mse / expected.metrics.mse).toBeCloseTo(1, 10);
  });

  it("is one table with CSV of the same columns", async () => {
    const both = await fitCsv([csv, parquet], NUMBERS);
    const twice = await fitCsv([csv, csv.replace("t.csv", "./t.csv")], NUMBERS);
    expect(both.rows).toBe(2 * ROWS);
    both.model.coefficients.forEach((value, j) => {
      if (value !== undefined && !Number.isNaN(value))
        expect(value / twice.model.coefficients[j]!).toBeCloseTo(1, 9);
    });
  });
});
