import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { codedCount } from "../../src/dataset/formula/coding.js";
import { columnsSpec, formulaSpec } from "../../src/dataset/formula/resolve.js";
import { checkBudget } from "../../src/training/budget.js";
import { leastCoefficients, plannedGroups } from "../../src/training/design-width.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { updateGroupsCsv } from "../../src/training/update-groups-csv.js";

const folder = mkdtempSync(join(tmpdir(), "goml-budget-"));
afterAll(() => rmSync(folder, { recursive: true }));

const columns = ["y", "a", "b", "g", "h"].map((name) => ({
  name,
  kind: name === "g" || name === "h" ? ("text" as const) : ("numeric" as const),
}));

const sample = Array.from({ length: 40 }, (_, i) => ["1", `${i}`, "2", `g${i % 7}`, `h${i % 5}`]);

function planned(formula: string, source: { name: string; plain: { fd: number; size: number } | undefined }) {
  return {
    table: { source, columns, sample, whole: false },
    spec: formulaSpec(formula, { columns }),
    plan: { folds: 10, extended: false },
    threads: 2,
    fileBytes: undefined,
  };
}

/** The head of a table of 1,000 rows, in groups that are met as often as `seen` says. */
function headOf(seen: number, width: number) {
  const features = Array.from({ length: width }, (_, j) => `c${j}`);
  const rows = Array.from({ length: 1000 }, (_, i) =>
    [`g${i % seen}`, ...features.map(() => "1"), `${i}`].join(),
  );
  return `${["g", ...features, "y"].join()}\n${rows.join("\n")}\n`;
}

/** A fit of columns of numbers, of rows that nobody knows how many there are. */
function plannedWide(width: number, more: object) {
  const features = Array.from({ length: width - 1 }, (_, j) => ({ name: `c${j}`, kind: "numeric" as const }));
  const wide = [{ name: "y", kind: "numeric" as const }, ...features];
  const table = { source: { name: "d.csv.gz", plain: undefined }, columns: wide, sample: [], whole: false };
  const spec = columnsSpec("y", features, {});
  return { table, spec, plan: { folds: 10, extended: false }, threads: 2, fileBytes: undefined, ...more };
}

describe("the budget before the scan", () => {
  it("counts no more coefficients than there will be", () => {
    // The sample shows some of the levels that the rows have: the count must not exceed the true one.
    const formulas = [
      "y ~ a",
      "y ~ g",
      "y ~ g * h",
      "y ~ g:h",
      "y ~ a * g - 1",
      "y ~ poly(a, 3, raw = TRUE):g",
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...formulas),
        fc.array(fc.tuple(fc.nat({ max: 6 }), fc.nat({ max: 6 })), { minLength: 1, maxLength: 60 }),
        fc.nat(),
        (formula, codes, cut) => {
          const rows = codes.map(([g, h]) => ["1", "2", "3", `g${g}`, `h${h}`]);
          const levels = {
            g: [...new Set(rows.map((row) => row[3]!))],
            h: [...new Set(rows.map((row) => row[4]!))],
          };
          const spec = formulaSpec(formula, { columns });
          // With one level in the sample a factor counts as one column, and has none.
          fc.pre(levels.g.length > 1 && levels.h.length > 1);
          const sample = rows.slice(0, 1 + (cut % rows.length));
          const exact = codedCount(spec, levels) + (spec.intercept ? 1 : 0);
          expect(leastCoefficients(spec, { columns, sample })).toBeLessThanOrEqual(exact);
        },
      ),
    );
  });

  it("refuses more coefficients than rows fit into the file, with both numbers", () => {
    const file = (size: number) => ({ name: "d.csv", plain: { fd: 0, size } });
    const levels = Array.from({ length: 1200 }, (_, i) => ["1", `${i}`, "2", `g${i % 7}`, `h${i % 5}`]);
    const many = (size: number) => {
      const { table, ...rest } = planned("y ~ factor(a)", file(size));
      return { ...rest, table: { ...table, sample: levels } };
    };
    expect(() => checkBudget(many(9000))).not.toThrow();
    expect(() => checkBudget(many(7000))).toThrow(
      "the at most 1000 rows of d.csv (0.0070 MB) cannot determine 1200 coefficients",
    );
    // The rows of several files are counted together.
    const { table, ...rest } = many(7000);
    const next = { ...table, source: { ...file(70), name: "e.csv" } };
    expect(() => checkBudget({ ...rest, table: { ...table, next } })).toThrow(
      "the at most 1010 rows of d.csv, e.csv (0.0071 MB) cannot determine 1200 coefficients",
    );
    // Of few the rank says whether they can be had.
    expect(() => checkBudget(planned("y ~ factor(a)", file(200)))).not.toThrow();
    // Of a compressed file or a stream nobody knows how many there are.
    const stream = { name: "d.csv.gz", plain: undefined };
    expect(() => checkBudget(planned("y ~ factor(a)", stream))).not.toThrow();
  });

  it("refuses what needs more memory than there is, and a file that could not be read", () => {
    expect(() => checkBudget(plannedWide(60_000, {}))).toThrow(
      /^a design of about 60000 columns in 10 folds needs 634 GB of memory, 144 GB of them in each of 2 threads; there/,
    );
    const fileBytes = 2 ** 29;
    expect(() => checkBudget(plannedWide(2000, { fileBytes }))).not.toThrow();
    expect(() => checkBudget(plannedWide(3000, { fileBytes }))).toThrow(
      "a model of about 3000 columns in 10 folds takes 0.94 GB, and a model file can have 0.54 GB",
    );
  });

  it("lets factors of many levels have what their cells need, and no more", () => {
    // 9,000 levels as a Gram matrix: 324 MB in memory per fold, 7 GB of text.
    const names = Array.from({ length: 9000 }, (_, i) => ["1", `${i}`, "2", `g${i}`, "h"]);
    const { table, ...rest } = planned("y ~ a + g", { name: "d.csv", plain: { fd: 0, size: 10_000_000 } });
    const fit = { ...rest, table: { ...table, sample: names }, fileBytes: 2 ** 26 };
    expect(() => checkBudget(fit)).not.toThrow();
    // Three such factors: pairs of their levels are cells too, one for each row at most, and two are not eliminated.
    const crossed = formulaSpec("y ~ factor(a) + factor(b) + g", { columns });
    const both = names.map(([y, a, , g, h]) => [y!, a!, a!, g!, h!]);
    const more = { ...fit, spec: crossed, table: { ...table, sample: both } };
    expect(() => checkBudget(more)).toThrow(/^a model of about 27001 columns in 10 folds takes 0\.80 GB/);
  });

  it("does not count a date's levels by its texts", async () => {
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${new Date(i * 864e5).toISOString().slice(0, 10)},${Math.sin(i)}`,
    );
    const path = join(folder, "days.csv");
    writeFileSync(path, `day,y\n${rows.join("\n")}\n`);
    const { model } = await fitCsv(path, { formula: "y ~ as.Date(day) + weekdays(day) + months(day)" });
    expect(model.terms).toHaveLength(8);
  });

  it("comes before the rows are read", async () => {
    const names = Array.from({ length: 3000 }, (_, j) => `c${j}`).join();
    const row = `${Array(3000).fill("1.5").join()}\n`;
    const path = join(folder, "wide.csv");
    writeFileSync(path, `${names}\n${row.repeat(59)}${Array(3000).fill("x").join()}\n`);
    // The last row's cells would be an error of their own.
    await expect(fitCsv(path)).rejects.toThrow(
      /^the at most \d+ rows of .* cannot determine 3000 coefficients$/,
    );
  });

  it("remarks on a factor of very many levels", async () => {
    const path = join(folder, "levels.csv");
    const rows = Array.from({ length: 1200 }, (_, i) => `${Math.sin(i)},n${i % 600},${Math.cos(i)}`);
    writeFileSync(path, `x,who,y\n${rows.join("\n")}\n`);
    const { notes } = await fitCsv(path, { folds: 1 });
    expect(notes).toContain(
      "who has 600 levels in the first 1200 rows, and each is a coefficient: leave it out if it only names the rows",
    );
  });

  it("plans for as many groups as the head shows that there likely are", () => {
    const sample = (seen: number) => Array.from({ length: 1000 }, (_, i) => [`${i % seen}`]);
    expect(plannedGroups({ sample: sample(10), whole: false }, 10)).toBe(10);
    // Draws among 2,000 show some 787 of them.
    expect(plannedGroups({ sample: sample(787), whole: false }, 787)).toBeGreaterThan(1500);
    expect(plannedGroups({ sample: sample(787), whole: false }, 787)).toBeLessThan(2500);
    // In the order of time each row of the head is of another, whether there are more or not.
    expect(plannedGroups({ sample: sample(1000), whole: false }, 1000)).toBe(1000);
    expect(plannedGroups({ sample: sample(787), whole: true }, 787)).toBe(787);
  });

  it("refuses groups whose sums find no room, in training and in updates, and says how they would", async () => {
    const path = join(folder, "wide-groups.csv");
    writeFileSync(path, headOf(50, 40));
    const small = { fileBytes: 1e6, groupBy: "g", target: "y", folds: 10 };
    await expect(fitGroupsCsv(path, small)).rejects.toThrow(
      /^a model of about 41 columns for each of about 50 groups in 10 folds takes 0\.0\d+ GB, and a model file can have 0\.0010 GB$/,
    );
    await expect(fitGroupsCsv(path, small)).rejects.toMatchObject({
      hint: "use `folds: 1`, leave columns out with `exclude`, or choose a column of fewer values with `groupBy`",
    });
    const { models } = await fitGroupsCsv(path, { groupBy: "g", formula: "y ~ 1", folds: 1 });
    await expect(updateGroupsCsv(models, path, { again: true, fileBytes: 100 })).rejects.toThrow(
      /^a model of about \d+ columns for each of about 50 groups takes/,
    );
    const { model } = await fitCsv(path, { formula: "y ~ 1", folds: 1 });
    await expect(updateCsv(model, path, { again: true, fileBytes: 10 })).rejects.toThrow(/^a model of about/);
    // Rows that are added may be fewer than the coefficients.
    expect((await updateCsv(model, path, { again: true })).model.n).toBe(2000);
  });
});
