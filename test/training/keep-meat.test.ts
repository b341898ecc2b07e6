import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { refit } from "../../src/linear/selection/refit.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-kept-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(lines: readonly string[]): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${["x,z,g,w,y", ...lines].join("\n")}\n`);
  return path;
}

/** Rows of few distinct values, or of numbers of all digits far from zero; errors that grow with x. */
function rows(seed: number, n: number, few: boolean, levels = "abc"): string[] {
  const next = uniform(seed);
  return Array.from({ length: n }, () => {
    const x = few ? Math.floor(4 * next()) : 100 + 4 * next();
    const z = few ? Math.floor(3 * next()) : next();
    const w = few ? 1 + Math.floor(2 * next()) : 0.5 + next();
    const g = levels[Math.floor(levels.length * next())]!;
    const y = 2 + x - z + (g === "b" ? 1 : 0) + (0.3 + (x % 5)) * (next() - 0.5);
    return `${next() < 0.03 ? "NA" : x},${z},${g},${w},${y}`;
  });
}

/** As a file has it. */
const copied = (model: LinearModel) => LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));

const setup = fc.record({
  seed: fc.integer({ min: 1, max: 1e6 }),
  keep: fc.constantFrom("cells" as const, "quartic" as const),
  kind: fc.constantFrom("hc0", "hc1", "hc2", "hc3", "hc4", "hc4m", "hc5", "jackknife"),
  weights: fc.constantFrom(undefined, "w"),
  formula: fc.constantFrom(
    "y ~ x + z + g",
    "y ~ x * g + z",
    "y ~ z + g - 1",
    "y ~ poly(x, 2, raw = TRUE) + z",
    "y ~ I(g == 'b') + z",
    "y ~ C(g, sum) * x + z",
    "y ~ cut(x, c(-1, 1.5, 102, 200)) + z",
    "y ~ x * ns(z, knots = 0.5, Boundary.knots = c(-1, 3))",
  ),
});

/** Standard errors equal to 1e-7: sums of four columns each lose digits where the columns lie close to dependent. */
function expectErrors(a: LinearModel, b: LinearModel): void {
  expect(a.coefficientNames).toEqual(b.coefficientNames);
  for (const [i, error] of b.standardErrors.entries()) {
    const own = a.standardErrors[i]!;
    // Not a number where a coefficient is left out.
    expect(Number.isNaN(error) ? Number.isNaN(own) : Math.abs(own / error - 1) < 1e-7).toBe(true);
  }
}

describe("what a model keeps of its rows", () => {
  test("gives the robust errors of one pass when shards are merged, rows added or forgotten, terms left out", async () => {
    await fc.assert(
      fc.asyncProperty(setup, async ({ seed, keep, kind, weights, formula }) => {
        const few = keep === "cells";
        const vcov = (few ? kind : kind < "hc1" ? "hc0" : "hc1") as NonNullable<FitCsvOptions["vcov"]>;
        const how: FitCsvOptions = { formula, weights, vcov, keepMeat: keep, threads: 1, folds: 1 };
        // A level less in the first, so that its references are others.
        const [a, b] = [rows(seed, 90, few, "bc"), rows(seed + 1, 120, few)];
        const [one, two, all] = await Promise.all(
          [a, b, [...a, ...b]].map(async (lines) => copied((await fitCsv(file(lines), how)).model)),
        );
        const named = (model: LinearModel, name: string) => ({ model, name });
        const merged = mergeModels([named(one!, "one"), named(two!, "two")]);
        expect(merged.model.vcov.type).toBe(vcov);
        expect(merged.notes.join()).toMatch(few ? /exact: from \d+ distinct rows/ : /exact to/);
        expectErrors(merged.model, all!);
        const whole = copied(merged.model);
        const rest = forgetRows(named(whole, "whole"), named(one!, "one")).model;
        expect(rest.vcov.type).toBe(vcov);
        expectErrors(rest, two!);
        const { model: updated } = await updateCsv(one!, file(b), { threads: 1 });
        expect(updated.vcov.type).toBe(vcov);
        expectErrors(updated, all!);
        if (!formula.includes("+ z")) return;
        const smaller = refit(whole, { features: ["z"] }).model;
        const { model: own } = await fitCsv(file([...a, ...b].filter((line) => !line.startsWith("NA"))), {
          formula: formula.includes("- 1") ? "y ~ z - 1" : "y ~ z",
          weights,
          vcov,
          threads: 1,
        });
        // Rows that lack x are no rows of the smaller model either.
        if (/x/.test(formula)) {
          expect(smaller.vcov.type).toBe(vcov);
          expectErrors(smaller, own);
        }
      }),
      { numRuns: 15 },
    );
  });

  const how: FitCsvOptions = { formula: "y ~ x + z", vcov: "hc1", threads: 1, folds: 1 };
  const fitted = async (lines: readonly string[], options: FitCsvOptions) =>
    copied((await fitCsv(file(lines), { ...how, ...options })).model);
  const named = (...models: LinearModel[]) => models.map((model, i) => ({ model, name: `${i}.json` }));

  test("in buckets: shards make those of one pass, from which standard errors are near the rows' own", async () => {
    const [a, b] = [rows(3, 2500, false), rows(4, 2500, false)];
    const keepMeat = "buckets" as const;
    const all = await fitted([...a, ...b], { keepMeat });
    const shards = named(await fitted(a, { keepMeat }), await fitted(b, { keepMeat, firstRow: 2500 }));
    const { model, notes } = mergeModels(shards);
    expect(notes.join()).toContain("approximately: standard errors from 1,000 buckets");
    const again = refit(all, { features: ["x", "z"] }).model;
    expectErrors(model, again);
    // The errors' own standard error is 1/√(2 · 1000), 2.2 %: 10 % are more than four of them.
    for (const [i, error] of all.standardErrors.entries())
      expect(Math.abs(model.standardErrors[i]! / error - 1)).toBeLessThan(0.1);
    expect(model.standardErrors[1]).not.toBe(all.standardErrors[1]);
    expectErrors(forgetRows({ name: "all", model }, shards[0]!).model, refit(shards[1]!.model, {}).model);
    // Rows of other numbers are in other buckets.
    const other = { name: "b", model: await fitted(b, { keepMeat }) };
    const whole = { name: "all", model: all };
    expect(forgetRows(whole, other).model.vcov.type).toBe("iid");
  });

  test("is distinct rows where these are few, without being asked, and nothing where they are not", async () => {
    const few = await fitted(rows(5, 200, true), {});
    expect(few.keptMeat?.kind).toBe("cells");
    expect(refit(few, { features: ["x"] }).notes[0]).toMatch(/robust \(HC1\) still, exact: from 4 distinct/);
    expect((await fitted(rows(5, 200, true), { keepMeat: "none" })).keptMeat).toBeUndefined();
    const many = await fitted(rows(5, 200, false), {});
    expect(many.keptMeat).toBeUndefined();
    expect(refit(many, { features: ["x"] }).notes[0]).toMatch(/classical again: hc1 needs all rows/);
    expect((await fitted(rows(5, 200, false), { keepMeat: "auto" })).keptMeat?.kind).toBe("quartic");
  });

  test("is the same on any number of threads, whichever of them gives up first", async () => {
    // Of several chunks. 1,500 distinct rows one after the other, so that each chunk begins with rows that are all distinct.
    const cycle = Array.from(
      { length: 90_000 },
      (_, i) => `${i % 1500},${(i % 1500) / 7},a,1,${(i * i) % 1009}`,
    );
    const next = uniform(3);
    const end = Array.from({ length: 9000 }, (_, i) => `${next()},${next()},a,1,${i % 13}`);
    const how = { target: "y", features: ["x", "z"], vcov: "hc1", folds: 1 } as const;
    for (const [path, cells] of [
      [file(cycle), 1500],
      [file([...cycle, ...end]), undefined],
      [file([...end, ...cycle]), undefined],
    ] as const) {
      const [one, three] = await Promise.all(
        [1, 3].map(async (threads) => (await fitCsv(path, { ...how, threads })).model),
      );
      expect(one!.keptMeat?.kind === "cells" ? one!.keptMeat.rows.length : undefined).toBe(cells);
      expect(three!.keptMeat).toEqual(one!.keptMeat);
      expect([...three!.standardErrors]).toEqual([...one!.standardErrors]);
    }
  });

  test("is said to be less than was had, or lost", async () => {
    const quartic = await fitted(rows(6, 200, false), { vcov: "hc3", keepMeat: "quartic" });
    const { model, notes } = refit(quartic, {});
    expect(model.vcov.type).toBe("hc1");
    expect(notes[0]).toContain("for hc3 needs each row's leverage");
    // Of one model with nothing kept, nothing is known of the whole.
    const bare = await fitted(rows(7, 200, false), {});
    expect(mergeModels(named(quartic, bare)).notes[0]).toMatch(/classical again/);
    const ridge = refit(quartic, { lambda: 0.1 });
    expect(ridge.model.vcov.type).toBe("iid");
    expect(ridge.notes[0]).toMatch(/classical again/);
    // Another target: of cells it is one of the columns, and y is gone.
    const cells = await fitted(rows(8, 300, true), { vcov: "hc3" });
    const swapped = refit(cells, { target: "x" }).model;
    expect(swapped.vcov.type).toBe("hc3");
    expect(refit(cells, { target: "x", features: ["y"] }).model.vcov.type).toBe("iid");
  });

  test.each([
    [{ vcov: "cluster", cluster: "g", keepMeat: "auto" }, /is of several together/],
    [{ vcov: "hc1", keepMeat: "cells", formula: "y ~ x | g" }, /where effects are absorbed/],
    [{ vcov: "hc1", keepMeat: "auto", formula: "y ~ g | 0 | x ~ z" }, /is of least squares/],
  ] as const)("is refused: %o", async (options, message) => {
    await expect(fitted(rows(9, 100, false), options)).rejects.toThrow(message);
  });
});
