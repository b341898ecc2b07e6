import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { crossValidateWith } from "../../src/linear/penalty/penalty.js";
import { type RefitOptions, refit } from "../../src/linear/selection/refit.js";
import { evaluateCsv } from "../../src/prediction/evaluate-csv.js";
import { foldOf } from "../../src/scan/row-draw.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-refit-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function file(lines: readonly string[]): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${lines.join("\n")}\n`);
  return path;
}

const BOSTON = "data/boston.csv";
const boston = readFileSync(BOSTON, "utf8").trim().split("\n");

/** A fit as its model file has it. */
async function fitted(path: string, how: FitCsvOptions): Promise<LinearModel> {
  const { model } = await fitCsv(path, how);
  return LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
}

/** Both are solved from double-double sums of the same rows: only the last bits may differ. */
function expectSame(found: LinearModel, expected: LinearModel): void {
  const [a, b] = [found.summary(), expected.summary()];
  expect(a.coefficients.map(({ term }) => term)).toEqual(b.coefficients.map(({ term }) => term));
  const close = (x: number, y: number, name: string) =>
    Number.isNaN(y)
      ? expect(x, name).toBeNaN()
      : expect(Math.abs(x - y), name).toBeLessThanOrEqual(1e-12 * Math.abs(y));
  b.coefficients.forEach(({ term, estimate, stdError }, i) => {
    close(a.coefficients[i]!.estimate, estimate, term);
    close(a.coefficients[i]!.stdError, stdError, `error of ${term}`);
  });
  for (const [name, value] of Object.entries(b.fit)) close(a.fit[name as "rss"], value, name);
  const [cv, expectedCv] = [found, expected].map((m) => crossValidateWith(m.folds, m.regression, m.penalty));
  close(cv!.rmse, expectedCv!.rmse, "cv");
}

describe("refit without data is the fit with data", () => {
  const rich = "medv ~ crim + lstat * C(rad) + rm + chas + chas:rm + poly(dis, 2, raw = TRUE) + log(nox)";
  const cases: [how: string, first: FitCsvOptions, change: RefitOptions, same: FitCsvOptions][] = [
    ["fewer features", {}, { features: ["lstat", "rm"] }, { features: ["lstat", "rm"] }],
    ["no intercept", {}, { intercept: false }, { intercept: false }],
    ["another target", {}, { target: "rm" }, { target: "rm", exclude: ["medv"] }],
    [
      "another target on the former one",
      {},
      { target: "rm", features: ["medv", "tax"] },
      { target: "rm", features: ["medv", "tax"] },
    ],
    ["ridge", {}, { lambda: 0.5 }, { lambda: 0.5 }],
    ["a lasso along a path", {}, { lambda: "path", alpha: 1 }, { lambda: "path", alpha: 1 }],
    ["no penalty any more", { lambda: 2 }, { lambda: 0 }, {}],
    [
      "some terms of a formula",
      { formula: rich },
      { features: ["lstat", "rad"] },
      { formula: "medv ~ lstat + C(rad)" },
    ],
    [
      "a formula",
      { formula: rich },
      { formula: "medv ~ factor(rad):lstat + rm * chas - 1" },
      { formula: "medv ~ lstat:C(rad) + rm * chas - 1" },
    ],
    [
      "a polynomial and a logarithm",
      { formula: rich },
      { formula: "medv ~ log(nox) + poly(dis, 2, raw = TRUE)" },
      { formula: "medv ~ log(nox) + poly(dis, 2, raw = TRUE)" },
    ],
    [
      "an expression as the target",
      { formula: rich },
      { target: "log(nox)", features: ["lstat"] },
      { formula: "log(nox) ~ lstat" },
    ],
    [
      "another reference",
      { formula: rich },
      { features: ["C(rad)"], references: { rad: "24" } },
      { formula: "medv ~ C(rad)", references: { rad: "24" } },
    ],
  ];
  test.each(cases)("%s", async (_, first, change, same) => {
    const from = await fitted(BOSTON, { ...first, solver: "extended" });
    const { model } = refit(from, change);
    expectSame(model, await fitted(BOSTON, { ...same, solver: "extended" }));
    // What it wrote can be read, and refitted again to itself.
    const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expectSame(refit(again, {}).model, model);
  });

  test("what the model has not seen is named", async () => {
    const from = await fitted(BOSTON, { formula: "medv ~ lstat + rm" });
    expect(() => refit(from, { formula: "medv ~ lstat:rm" })).toThrow(
      expect.objectContaining({ message: "the model has not seen lstat:rm", kind: "model" }),
    );
    expect(() => refit(from, { features: ["lsta"] })).toThrow('the model has no term "lsta"');
    expect(() => refit(from, { target: "dis" })).toThrow('the model has no column of numbers "dis"');
    expect(() => refit(from, { formula: "medv ~ dis" })).toThrow("there is no column dis");
    expect(() => refit(from, { alpha: 1 })).toThrow("`alpha` is the mix of a penalty");
    expect(() => refit(from, { formula: "rm ~ lstat", target: "rm" })).toThrow(
      "leave `features` and `target` out",
    );
  });
});

describe("one-pass cross-validation is cross-validation by refitting", () => {
  test.each<[string, FitCsvOptions]>([
    ["least squares", {}],
    ["a formula with a factor", { formula: "medv ~ lstat + C(chas) * rm" }],
    ["ridge", { lambda: 0.7 }],
    ["elastic net", { lambda: 0.4, alpha: 0.5 }],
  ])("%s", async (_, how) => {
    const folds = 4;
    const model = await fitted(BOSTON, { ...how, folds, seed: 7 });
    const found = crossValidateWith(model.folds, model.regression, model.penalty);
    const [header, ...rows] = boston as [string, ...string[]];
    let squares = 0;
    for (let f = 0; f < folds; f++) {
      const inside = (row: number) => foldOf(row, 7, folds) === f;
      const others = await fitted(file([header, ...rows.filter((_, r) => !inside(r))]), { ...how, folds: 1 });
      const { metrics } = await evaluateCsv(others, file([header, ...rows.filter((_, r) => inside(r))]));
      // Squared errors come from the fold's sums on one side and from its rows on the other.
      expect(Math.abs(found.folds[f]!.mse / metrics.mse - 1)).toBeLessThan(1e-11);
      expect(found.folds[f]!.n).toBe(metrics.n);
      squares += metrics.mse * metrics.n;
    }
    expect(Math.abs(found.mse / (squares / rows.length) - 1)).toBeLessThan(1e-11);
  });
});

/** A small table of correlated columns from a seed, its rows as numbers: x1 … xk, then y. */
function sample(seed: number, n: number, k: number): number[][] {
  const next = uniform(seed);
  return Array.from({ length: n }, () => {
    const common = next();
    const x = Array.from({ length: k }, (_, j) => (common + next()) * 10 ** (j % 3));
    return [...x, x.reduce((sum, v, j) => sum + (j % 2 === 0 ? v / 10 ** (j % 3) : 0), 0) + next()];
  });
}

const seeds = fc.tuple(fc.integer(), fc.integer({ min: 20, max: 60 }), fc.integer({ min: 1, max: 6 }));
const names = (k: number) => [...Array.from({ length: k }, (_, j) => `x${j + 1}`), "y"];

/** A column's mean and standard deviation by n. */
function spread(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length) };
}

describe("a penalised fit of a file", () => {
  test("keeps the optimality conditions of the objective that is stated", async () => {
    await fc.assert(
      fc.asyncProperty(
        seeds,
        fc.double({ min: 0.01, max: 0.5, noNaN: true }),
        fc.constantFrom(0, 0.3, 1),
        async ([seed, n, k], lambda, alpha) => {
          const rows = sample(seed, n, k);
          const path = file([names(k).join(), ...rows.map((row) => row.join())]);
          const { coefficients } = await fitted(path, { lambda, alpha });
          const residual = rows.map((row) =>
            row
              .slice(0, k)
              .reduce((rest, x, j) => rest - x * coefficients[j + 1]!, row[k]! - coefficients[0]!),
          );
          expect(Math.abs(spread(residual).mean)).toBeLessThan(1e-9);
          const { sd: s } = spread(rows.map((row) => row[k]!));
          for (let j = 0; j < k; j++) {
            const { mean, sd } = spread(rows.map((row) => row[j]!));
            // On the scaled column: cov(x, residual)/sd = λ(1 − α) b/s + λα sign(b), within λα where b = 0.
            const gradient = residual.reduce((sum, r, i) => sum + (r * (rows[i]![j]! - mean)) / sd, 0) / n;
            const b = coefficients[j + 1]! * sd;
            if (b === 0) expect(Math.abs(gradient)).toBeLessThanOrEqual(lambda * alpha + 1e-9);
            else
              expect(
                Math.abs(gradient - lambda * (((1 - alpha) * b) / s + alpha * Math.sign(b))),
              ).toBeLessThan(1e-9);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  test("by ridge is least squares with k rows more", async () => {
    await fc.assert(
      fc.asyncProperty(seeds, fc.double({ min: 0.01, max: 2, noNaN: true }), async ([seed, n, k], lambda) => {
        const rows = sample(seed, n, k);
        const path = file([names(k).join(), ...rows.map((row) => row.join())]);
        const ridge = await fitted(path, { lambda });
        // The intercept is a column here, which the rows √(nλ/s) sd_j e_j do not have.
        const { sd: s } = spread(rows.map((row) => row[k]!));
        const more = Array.from({ length: k }, (_, j) => {
          const { sd } = spread(rows.map((row) => row[j]!));
          return [
            ...Array.from({ length: k }, (_, i) => (i === j ? Math.sqrt((n * lambda) / s) * sd : 0)),
            0,
          ];
        });
        const augmented = file([
          `one,${names(k).join()}`,
          ...rows.map((row) => `1,${row.join()}`),
          ...more.map((row) => `0,${row.join()}`),
        ]);
        const squares = await fitted(augmented, { intercept: false });
        ridge.coefficients.forEach((b, j) => {
          expect(Math.abs(b - squares.coefficients[j]!)).toBeLessThan(1e-8 * Math.max(1, Math.abs(b)));
        });
      }),
      { numRuns: 50 },
    );
  });

  test("has estimates, and no standard errors, σ or criteria", async () => {
    const model = await fitted(BOSTON, { lambda: 0.5, alpha: 0.5 });
    expect(model.penalty).toEqual({ lambda: 0.5, alpha: 0.5, parametrization: "glmnet" });
    const { coefficients, fit } = model.summary();
    for (const { stdError, t, p, lower } of coefficients)
      expect([stdError, t, p, lower]).toEqual(Array(4).fill(Number.NaN));
    expect([fit.sigma, fit.aic, fit.f, fit.fP]).toEqual(Array(4).fill(Number.NaN));
    expect(fit.r2).toBeGreaterThan(0.5);
    expect(() => model.predictInterval([[...Array(13).fill(1)]])).toThrow(
      "a penalised fit has no standard errors",
    );
    await expect(fitCsv(BOSTON, { lambda: 1, solver: "qr" })).rejects.toThrow("not by qr");
    await expect(fitCsv(BOSTON, { lambda: "path", folds: 1 })).rejects.toThrow("there are no folds");
  });
});
