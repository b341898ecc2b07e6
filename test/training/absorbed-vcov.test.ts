import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { golden, list, optionsOf, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-vcov-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The numbers of a column of a CSV that was written. */
function column(path: string, name: string): number[] {
  const [header, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
  const at = header!.split(",").indexOf(name);
  return rows.map((row) => Number(row.split(",")[at]));
}

// R's own rounding: residuals and hat values of lm's QR on up to 100 columns.
const close = (found: number, expected: number) =>
  expect(Math.abs(found - expected)).toBeLessThan(1e-8 * Math.max(Math.abs(expected), 1e-3));

describe(`second passes, as lm with all indicators in ${golden.r}`, () => {
  test.each(golden.cases.map((one) => [one.call, one] as const))("%s", async (_call, one) => {
    const path = writeColumns(folder, one.data, golden.sets[one.data]!);
    const options = optionsOf(one);
    for (const vcov of ["hc0", "hc1", "hc2", "hc3"] as const) {
      const expected = one[vcov];
      if (expected === undefined) {
        // A row of a level of its own; sandwich gives NaN.
        await expect(fitCsv(path, { ...options, vcov })).rejects.toThrow(/^row \d+ has leverage 1/);
        continue;
      }
      const { model } = await fitCsv(path, { ...options, vcov });
      list(expected).forEach((error, j) => {
        close(model.standardErrors[j]!, error);
      });
    }
    for (const cluster of ["firm", "year", "region"] as const) {
      const { model } = await fitCsv(path, { ...options, vcov: "cluster", cluster });
      list(one[cluster]).forEach((error, j) => {
        close(model.standardErrors[j]!, error);
      });
    }
    const { model } = await fitCsv(path, options);
    const loaded = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    const output = join(folder, "out.csv");
    await predictCsv(loaded, path, { output, interval: "confidence", stdError: true });
    const [errors, lower] = [column(output, "stdError"), column(output, "lower")];
    await diagnoseCsv(loaded, path, { output });
    const leverage = column(output, "leverage");
    one.se.forEach((value, i) => {
      close(errors[i]!, value);
      close(lower[i]!, one.lower[i]!);
      close(leverage[i]!, one.leverage[i]!);
    });
  });
});

test("a second pass needs leverages only where its covariance does", async () => {
  const path = writeColumns(folder, "robust", golden.sets.apart!);
  const fit = { target: "y", features: ["x"], absorb: ["firm", "year"] };
  const { model } = await fitCsv(path, { ...fit, vcov: "hc1" });
  const output = join(folder, "robust-out.csv");
  await expect(predictCsv(model, path, { output, interval: "confidence" })).rejects.toThrow(
    "a hc1 covariance is that of the terms",
  );
  expect(model.summary().wald?.df1).toBe(1);
});

test("cr2 and cr3 of absorbed effects are those of the factor as a term where its levels are the clusters", async () => {
  const path = writeColumns(folder, "nested", golden.sets.apart!);
  for (const vcov of ["cr2", "cr3"] as const) {
    const how = { vcov, cluster: "firm" };
    const { model } = await fitCsv(path, { formula: "y ~ x | firm", ...how });
    const whole = (await fitCsv(path, { formula: "y ~ x + firm", ...how })).model;
    const [own] = model.summary().coefficients;
    const other = whole.summary().coefficients.find(({ term }) => term === "x")!;
    // Leverages of 1 within the levels' own columns leave half the digits of their pseudo-inverse's zeros.
    close(own!.stdError, other.stdError);
    close(own!.df!, other.df!);
  }
  await expect(fitCsv(path, { formula: "y ~ x | year", vcov: "cr2", cluster: "firm" })).rejects.toThrow(
    "effects that are not nested in the clusters",
  );
});

test("of clusters by several columns, effects nested in one of them do not count", async () => {
  const path = writeColumns(folder, "ways", golden.sets.unbalanced!);
  const fit = { formula: "y ~ x | firm + year", vcov: "cluster", cluster: ["firm", "year"] } as const;
  const errors = async (which: "nested" | "none" | "full") =>
    (await fitCsv(path, { ...fit, ssc: { "fixef.K": which } })).model;
  const [nested, none, full] = [await errors("nested"), await errors("none"), await errors("full")];
  // (n − 1)/(n − K): K is the slope, with the constant that the effects hide, without, and with all effects.
  const square = (model: LinearModel) => model.standardErrors[0]! ** 2;
  const { n } = nested;
  close(square(nested) / square(none), (n - 1) / (n - 2));
  close(square(full) / square(none), (n - 1) / (n - full.parameters));
  expect(full.parameters).toBeGreaterThan(2);
  // Series are no clusters, and all effects count as for lm with factors.
  const hac = { formula: "y ~ x | firm", vcov: "hac", lag: 1 } as const;
  const [counted, left] = [
    await fitCsv(path, hac),
    await fitCsv(path, { ...hac, ssc: { "fixef.K": "none" } }),
  ];
  close(square(counted.model) / square(left.model), (n - 1) / (n - counted.model.parameters));
});
