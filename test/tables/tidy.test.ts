import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { glanceCsv, tidyCsv } from "../../src/tables/tidy.js";
import { fitCsv } from "../../src/training/fit-csv.js";

type Columns = Record<string, (number | string)[]>;
const goldens = JSON.parse(readFileSync("test/golden/tables.json", "utf8")) as {
  formula: string;
  weights: string | null;
  tidy: Columns;
  glance: Record<string, number>;
  augment: Record<string, number[]>;
}[];

const rowsOf = (lines: Iterable<string>) =>
  parse([...lines].join(""), { columns: true }) as Record<string, string>[];

// R's lm solves by QR, goml by the normal equation: on data of a small condition number both have 11 digits and more.
const DIGITS = 1e-9;

test.each(goldens)(
  "tidy, glance and augment of $formula are those of R's broom",
  async ({ formula, weights, tidy, glance, augment }) => {
    const { model } = await fitCsv("data/cps-wages.csv", {
      formula,
      weights: weights ?? undefined,
      threads: 1,
    });
    const rows = rowsOf(tidyCsv([{ name: "m", model }], 0.95));
    expect(rows.map(({ term }) => term)).toEqual(tidy.term);
    for (const column of ["estimate", "std.error", "statistic", "p.value", "conf.low", "conf.high"])
      for (const [i, row] of rows.entries()) {
        const expected = tidy[column]![i] as number;
        expect(Math.abs(Number(row[column]) / expected - 1), `${column} of ${row.term}`).toBeLessThan(DIGITS);
      }
    const [line] = rowsOf(glanceCsv([{ name: "m", model }]));
    for (const [column, expected] of Object.entries(glance))
      expect(Math.abs(Number(line![column]) - expected), column).toBeLessThanOrEqual(
        DIGITS * Math.abs(expected),
      );
    const output = join(mkdtempSync(join(tmpdir(), "goml-augment-")), "rows.csv");
    await diagnoseCsv(model, "data/cps-wages.csv", { output, augment: true, threads: 1 });
    const text = readFileSync(output, "utf8");
    expect(text.slice(0, text.indexOf("\n"))).toMatch(
      /,wage,\.fitted,\.resid,\.hat,\.sigma,\.cooksd,\.std\.resid$/,
    );
    // A residual is the difference of two numbers some hundred times as large.
    for (const [i, row] of rowsOf([text]).slice(0, 10).entries())
      for (const [column, values] of Object.entries(augment))
        expect(Math.abs(Number(row[column]) - values[i]!), column).toBeLessThanOrEqual(
          100 * DIGITS * Math.abs(values[i]!),
        );
  },
);
