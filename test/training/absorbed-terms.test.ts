import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { varianceInflation } from "../../src/linear/covariance/collinearity.js";
import { anovaTerms } from "../../src/linear/selection/anova.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { golden, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-terms-"));
afterAll(() => rmSync(folder, { recursive: true }));

// R's own rounding: sums of squares by Householder QR, determinants of correlations of some ten columns.
const close = (found: number, expected: number) => expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);

describe("terms are tested and inflated as beside the factors' own coefficients", () => {
  // f <- lm(y ~ factor(year) + x + z + region, d); anova(f); X <- model.matrix(f)[, -1]; R <- cor(X)
  // GVIF: det(R[i, i]) * det(R[-i, -i]) / det(R), R 4.2.2.
  test.each([
    {
      data: "unbalanced",
      squares: [513.78424786294966, 123.54533168043555, 5.20010003440252, 89.17016967755237],
      inflation: [1.69347856811449, 1.76772796275485, 2.09902927106249],
    },
    {
      data: "manyFirms",
      squares: [5053.9916106541195, 157.16484050064798, 8.41651033804442, 195.99164430104813],
      inflation: [6.7799388191023, 6.74908782142048, 1.28659140643879],
    },
  ])("$data", async ({ data, squares, inflation }) => {
    const path = writeColumns(folder, data, golden.sets[data]!);
    const { model } = await fitCsv(path, { formula: "y ~ x + z + region | year" });
    const rows = anovaTerms(model);
    expect(rows.map(({ term }) => term)).toEqual(["x", "z", "region", "Residuals"]);
    rows.forEach(({ sumOfSquares }, i) => {
      close(sumOfSquares, squares[i]!);
    });
    varianceInflation(model).forEach(({ gvif }, i) => {
      close(gvif, inflation[i]!);
    });
  });

  // anova(lm(y ~ factor(firm) + factor(year) + x + z, d, weights = w)), R 4.2.2.
  test.each([
    { data: "unbalanced", squares: [155.811800916741, 110.081480101857] },
    { data: "manyFirms", squares: [211.840132324344, 106.451279152424] },
  ])("two factors, weighted: $data", async ({ data, squares }) => {
    const path = writeColumns(folder, data, golden.sets[data]!);
    const { model } = await fitCsv(path, { formula: "y ~ x + z | firm + year", weights: "w" });
    const rows = anovaTerms(model);
    squares.forEach((value, i) => {
      close(rows[i]!.sumOfSquares, value);
    });
    // The last term's F is the square of its t.
    close(rows[1]!.f, model.summary().coefficients[1]!.t ** 2);
  });
});
