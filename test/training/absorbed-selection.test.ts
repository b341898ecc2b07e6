import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bestSubsets } from "../../src/linear/selection/best-subset.js";
import { refit } from "../../src/linear/selection/refit.js";
import { stepwise } from "../../src/linear/selection/stepwise.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { golden, writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-selection-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A factor that crosses firms and years. */
const shift = golden.sets.apart!.y!.map((_, i) => `s${(i * 7) % 3}`);
const data = () => writeColumns(folder, "apart", { ...golden.sets.apart!, shift });

describe.each(["firm", "firm + year"])("effects of %s", (effects) => {
  const fitted = (terms: string) =>
    fitCsv(data(), {
      formula: `y ~ ${terms} | ${effects}`,
      weights: "w",
    });

  test("another fit of the same rows is what training gives", async () => {
    const { model } = await fitted("x + z + shift");
    for (const [options, terms] of [
      [{ features: ["x", "z"] }, "x + z"],
      [{ formula: "y ~ x * 1 + shift" }, "x + shift"],
      [{ formula: `y ~ z | ${effects}` }, "z"],
      [{ features: ["x"], lambda: 0.1 }, "x"],
      [{ target: "x", features: ["z"] }, ""],
    ] as const) {
      const found = refit(model, options as object).model;
      const expected =
        terms === ""
          ? (
              await fitCsv(data(), {
                formula: `x ~ z | ${effects}`,
                weights: "w",
              })
            ).model
          : (
              await fitCsv(data(), {
                formula: `y ~ ${terms} | ${effects}`,
                weights: "w",
                ...("lambda" in options ? { lambda: options.lambda } : {}),
              })
            ).model;
      expect(found.terms).toEqual(expected.terms);
      expect(found.dfResidual).toBe(expected.dfResidual);
      expect(found.spec.absorbed!.length).toBe(effects.split("+").length);
      found.coefficients.forEach((value, j) => {
        expect(Math.abs(value / expected.coefficients[j]! - 1)).toBeLessThan(1e-10);
      });
      found.effects.forEach((own, f) => {
        own.effects.forEach((value, l) => {
          expect(value).toBeCloseTo(expected.effects[f]!.effects[l]!, 9);
        });
      });
    }
    expect(() => refit(model, { formula: "y ~ x | shift" })).toThrow();
    expect(() => refit(model, { lambda: "path" })).toThrow("there are no folds");
  });

  test("submodels are compared by the figures that their fits have", async () => {
    const { model } = await fitted("x + z + shift");
    const { bySize } = bestSubsets(model, "aic");
    for (const { terms, labels, criterion, rank, rss } of bySize) {
      if (terms.length === 0) continue;
      const one = (await fitted(labels.join(" + "))).model;
      expect(rank).toBe(one.parameters);
      expect(Math.abs(rss / one.rss - 1)).toBeLessThan(1e-9);
      expect(Math.abs(criterion / one.summary().fit.aicExtract - 1)).toBeLessThan(1e-9);
    }
    const chosen = stepwise(model, { criterion: "bic" });
    expect(chosen.terms).toEqual(["x", "z"]);
    expect(() => bestSubsets(model, "cv")).toThrow("needs the folds' moments");
  });
});
