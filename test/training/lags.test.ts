import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  diagnoseCsv,
  evaluateCsv,
  fitCsv,
  fitGroupsCsv,
  forgetRows,
  type LinearModel,
  meatCsv,
  mergeModels,
  predictCsv,
  refit,
  updateCsv,
} from "../../src/index.js";
import { goml, inFolder } from "../cli/goml.js";

type Cell = string | number | null;
interface Fit {
  formula: string;
  n: number;
  coefficients: number[];
  errors: number[];
  weighted: number[];
  names: string[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/lags.json", import.meta.url), "utf8")) as {
  r: string;
  plm: string;
  columns: Record<string, Cell[]>;
  fits: Fit[];
  within: Omit<Fit, "weighted" | "names">[];
};

function csv(columns: Record<string, readonly Cell[]>): string {
  const names = Object.keys(columns);
  const rows = columns[names[0]!]!.map((_, r) => names.map((name) => columns[name]![r] ?? "").join());
  return `${[names.map((name) => (name.includes(",") ? `"${name}"` : name)).join(), ...rows].join("\n")}\n`;
}

const PANEL = csv(golden.columns);
const BY = { time: "year", unit: "firm" };

/** What a row's unit had `by` earlier: a second implementation, by a map of texts. */
function lagged(columns: Record<string, readonly Cell[]>, of: string, by: number): Cell[] {
  const rows = new Map(columns.t!.map((t, r) => [`${columns.u![r]} at ${t}`, r]));
  return columns.t!.map((t, r) => {
    if (t === null || columns.u![r] === null) return null;
    const at = rows.get(`${columns.u![r]} at ${Number(t) - by}`);
    return at === undefined ? null : columns[of]![at]!;
  });
}

/** To 9 digits: R solves by Householder's QR in double. */
function expectClose(found: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(found.length, what).toBe(expected.length);
  const size = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! - value), `${what} ${i}`).toBeLessThanOrEqual(1e-9 * size);
  });
}

function errorsOf(model: LinearModel): number[] {
  return model.summary().coefficients.map(({ stdError }) => stdError!);
}

describe(`lag(), lead() and diff() of a panel with gaps, as plm ${golden.plm} and lm of ${golden.r} have them`, () => {
  for (const { formula, n, coefficients, errors, weighted, names } of golden.fits)
    test(formula, () =>
      inFolder({ "panel.csv": PANEL }, async (folder) => {
        const path = join(folder, "panel.csv");
        const { model } = await fitCsv(path, { formula, ...BY });
        expect([...(model.intercept ? ["(Intercept)"] : []), ...model.terms]).toEqual(names);
        expect(model.n).toBe(n);
        expectClose(model.coefficients, coefficients, "coefficient");
        expectClose(errorsOf(model), errors, "error");
        const other = await fitCsv(path, { formula, ...BY, weights: "w" });
        expectClose(other.model.coefficients, weighted, "weighted coefficient");
      }),
    );

  for (const { formula, n, coefficients, errors } of golden.within)
    test(`${formula} | firm`, () =>
      inFolder({ "panel.csv": PANEL }, async (folder) => {
        const { model } = await fitCsv(join(folder, "panel.csv"), { formula: `${formula} | firm`, ...BY });
        expect(model.n).toBe(n);
        expectClose(model.coefficients, coefficients, "coefficient");
        expectClose(errorsOf(model), errors, "error");
      }));
});

/** Panels whose units and times are no two rows' together, with cells that are missing, in any order. */
const panels = fc
  .uniqueArray(
    fc.record({
      u: fc.integer({ min: 1, max: 4 }),
      t: fc.integer({ min: -3, max: 6 }),
      x: fc.option(fc.integer({ min: -50, max: 50 }), { freq: 8 }),
      y: fc.integer({ min: -50, max: 50 }),
    }),
    { selector: ({ u, t }) => `${u} ${t}`, minLength: 24, maxLength: 36 },
  )
  .chain((rows) =>
    fc.record({ rows: fc.constant(rows), order: fc.shuffledSubarray(rows, { minLength: rows.length }) }),
  );

describe("any panel", () => {
  test("has the bits of columns that were made beforehand, and in another order the same rows", async () => {
    await inFolder({}, async (folder) => {
      const path = join(folder, "data.csv");
      const columnsOf = (rows: readonly { u: number; t: number; x: number | null; y: number }[]) => ({
        u: rows.map(({ u, x }) => (x === 50 ? null : u)),
        t: rows.map(({ t, x }) => (x === -50 ? null : t)),
        x: rows.map(({ x }) => x),
        y: rows.map(({ y }) => y),
      });
      await fc.assert(
        fc.asyncProperty(panels, async ({ rows, order }) => {
          const columns = columnsOf(rows);
          const made = { ...columns, x1: lagged(columns, "x", 1), f2: lagged(columns, "y", -2) };
          writeFileSync(path, csv(made));
          const fitted = () =>
            fitCsv(path, { formula: "y ~ lag(x) + lead(y, 2) + diff(x)", time: "t", unit: "u", folds: 1 });
          const expected = await fitCsv(path, { formula: "y ~ x1 + f2 + I(x - x1)", folds: 1 }).catch(
            () => undefined,
          );
          // No row may have all of them.
          fc.pre(expected !== undefined);
          const found = await fitted();
          expect(found.dropped).toBe(expected.dropped);
          expect(found.model.coefficients).toEqual(expected.model.coefficients);
          writeFileSync(path, csv(columnsOf(order)));
          const shuffled = await fitted();
          expect(shuffled.model.n).toBe(found.model.n);
          expectClose(shuffled.model.moments.mean, [...found.model.moments.mean], "mean");
        }),
        { numRuns: 40, seed: 16 },
      );
    });
  });

  test("gives the same bytes for any number of threads", () => {
    // 5 MB: past the 4 MiB below which no worker is started. Units are met in another order by each thread.
    const lines = ["u,t,x,y"];
    const rows = 110_000;
    for (let i = 0; i < rows; i++) {
      const r = (i * 7919) % rows;
      const x = Math.sin(r * 12.9898).toFixed(12);
      lines.push(`unit ${r % 997},${Math.floor(r / 997)},${x},${Math.cos(i * 78.233).toFixed(12)}`);
    }
    return inFolder({ "data.csv": `${lines.join("\n")}\n` }, async (folder) => {
      const path = join(folder, "data.csv");
      const formula = "y ~ lag(y) + lag(x, 1:2)";
      const fit = async (threads: number) => fitCsv(path, { formula, time: "t", unit: "u", threads });
      const [one, three] = [await fit(1), await fit(3)];
      expect(three.model.coefficients).toEqual(one.model.coefficients);
      expect(three.model.moments).toEqual(one.model.moments);
      expect(one.model.n).toBe(rows - 2 * 997);
    });
  });
});

describe("a model of lags", () => {
  const formula = "y ~ lag(y) + x + diff(x)";

  test("predicts, is evaluated and diagnosed as one of columns that were made beforehand", () =>
    inFolder({ "panel.csv": PANEL }, async (folder) => {
      const path = join(folder, "panel.csv");
      const { model, notes, dropped } = await fitCsv(path, { formula, ...BY });
      expect(notes.join()).toMatch(
        /rows are looked up by year within firm; of 180 rows \d+ have none 1 earlier/,
      );
      const { firm: u, year: t, ...others } = golden.columns;
      const columns = { ...others, u: u!, t: t! };
      const made = { ...columns, "lag(y, 1)": lagged(columns, "y", 1), "lag(x, 1)": lagged(columns, "x", 1) };
      const plain = join(folder, "made.csv");
      writeFileSync(plain, csv(made));
      const output = join(folder, "p.csv");
      const [own, other] = [
        await predictCsv(model, path, { output }).then(({ missing }) => ({
          missing,
          text: readFileSync(output, "utf8"),
        })),
        await predictCsv(model, plain, { output }).then(({ missing, notes: told }) => {
          expect(told.join()).toContain("lag(y, 1), lag(x, 1): taken from the column of that name");
          return { missing, text: readFileSync(output, "utf8") };
        }),
      ];
      expect(own).toEqual(other);
      // Rows without a target alone are predicted.
      expect(own.missing).toBe(dropped - 2 + own.text.split("\n").filter((_, i) => i > 180).length - 1);
      const { metrics } = await evaluateCsv(model, path);
      expect(metrics.n).toBe(model.n);
      expect(Math.abs(metrics.mse * model.n - model.rss)).toBeLessThan(1e-9 * model.rss);
      expect((await diagnoseCsv(model, path)).rows - model.n).toBe(dropped);
      // A row by itself has its lags as values of that name.
      const [predicted] = model.predict([{ x: 1, "lag(y, 1)": 2, "lag(x, 1)": 0.5 }]);
      const [c, a, b, d] = model.coefficients as unknown as number[];
      expect(Math.abs(predicted! - (c! + 2 * a! + b! + 0.5 * d!))).toBeLessThan(1e-12);
      const text = csv({ x: [1], y: [2], firm: ["f01"] });
      writeFileSync(plain, text);
      await expect(predictCsv(model, plain)).rejects.toThrow(/columns of the model are missing: year/);
    }));

  test("is of all files together, and of rows that a condition leaves out", () => {
    const rows = PANEL.trim().split("\n");
    const files = {
      "a.csv": `${rows.slice(0, 90).join("\n")}\n`,
      "b.csv": `${[rows[0]!, ...rows.slice(90)].join("\n")}\n`,
      "all.csv": PANEL,
    };
    return inFolder(files, async (folder) => {
      const at = (name: string) => join(folder, name);
      const all = await fitCsv(at("all.csv"), { formula, ...BY });
      const both = await fitCsv([at("a.csv"), at("b.csv")], { formula, ...BY });
      expect(both.model.n).toBe(all.model.n);
      expectClose(both.model.coefficients, [...all.model.coefficients], "coefficient");
      // As lm's subset: the rows before 2005 are lags of it.
      const later = await fitCsv(at("all.csv"), { formula, ...BY, where: "year >= 2005" });
      const first = await fitCsv(at("all.csv"), { formula, ...BY, where: "year == 2005" });
      expect(first.model.n).toBeGreaterThan(4);
      expect(later.model.n).toBeGreaterThan(first.model.n);
      const parts: { name: string; model: LinearModel }[] = [];
      for (const name of ["a.csv", "b.csv"])
        parts.push({ name, model: (await fitCsv(at(name), { formula, ...BY })).model });
      const merged = mergeModels(parts);
      expect(merged.notes.join()).toContain("looked up in the data of each model by itself");
      expect(merged.model.n).toBe(parts[0]!.model.n + parts[1]!.model.n);
      expect(merged.model.n).toBeLessThan(all.model.n);
      const whole = { name: "whole", model: all.model };
      expect(() => forgetRows(whole, parts[1]!)).toThrow(/others may have them as lag\(y, 1\), lag\(x, 1\)/);
      await expect(updateCsv(parts[0]!.model, at("b.csv"))).rejects.toThrow(
        /the rows before the new ones may be among the old/,
      );
    });
  });

  test("is fitted again without data, has robust errors of a second round, and models by group", () =>
    inFolder({ "panel.csv": PANEL }, async (folder) => {
      const path = join(folder, "panel.csv");
      const { model } = await fitCsv(path, { formula, ...BY });
      for (const options of [{ formula: "y ~ lag(y) + x" }, { features: ["lag(y)", "x"] }]) {
        const again = refit(model, options).model;
        const { columns, ...by } = again.spec.lags!;
        expect(by).toEqual(BY);
        expect(columns.map(({ name }) => name)).toEqual(["lag(y, 1)"]);
      }
      expect(refit(model, { features: ["x"] }).model.spec.lags).toBeUndefined();
      expect(() => refit(model, { formula: "y ~ lag(y, 2)" })).toThrow(/the model has no lag\(y, 2\)/);
      const { meat } = await meatCsv(model, path, { vcov: "hc1" });
      expect(meat).toBeDefined();
      const robust = await fitCsv(path, { formula, ...BY, vcov: "hc1" });
      expect(robust.model.coefficients).toEqual(model.coefficients);
      const { models } = await fitGroupsCsv(path, { formula: "y ~ lag(y)", ...BY, groupBy: "w" });
      const one = await fitCsv(path, { formula: "y ~ lag(y)", ...BY, where: "w == 2" });
      expectClose(models.models.get("2")!.coefficients, [...one.model.coefficients], "coefficient");
      expect((await predictCsv(models, path, { output: join(folder, "p.csv") })).rows).toBe(180);
    }));
});

test("lags that are instruments alone are neither forgotten nor updated, and predictions do without", () =>
  inFolder({ "panel.csv": PANEL }, async (folder) => {
    const path = join(folder, "panel.csv");
    const formula = "y ~ 1 | 0 | x ~ lag(x) + lag(z)";
    const { model } = await fitCsv(path, { formula, ...BY });
    const part = await fitCsv(path, { formula, ...BY, where: "year > 2010" });
    expect(model.spec.lags).toBeUndefined();
    expect((await evaluateCsv(model, path)).metrics.n).toBeGreaterThan(model.n);
    const [whole, shard] = [
      { name: "whole", model },
      { name: "shard", model: part.model },
    ];
    expect(() => forgetRows(whole, shard)).toThrow("others may have them as lag(x, 1), lag(z, 1)");
    await expect(updateCsv(model, path, { again: true })).rejects.toThrow("may be among the old");
  }));

describe("what counts as 1 between dates", () => {
  const fitOf = (times: readonly string[], formula = "y ~ lag(x)") =>
    inFolder(
      {
        "d.csv": csv({
          day: times,
          x: times.map((_, i) => (i * 37) % 11),
          y: times.map((_, i) => (i * 53) % 17),
        }),
      },
      (folder) => fitCsv(join(folder, "d.csv"), { formula, time: "day" }),
    );
  const days = (count: number, step: number, from = "2024-01-01") =>
    Array.from({ length: count }, (_, i) =>
      new Date(Date.parse(from) + i * step * 86_400_000).toISOString().slice(0, 10),
    );
  const months = (count: number, day: string, every = 1) =>
    Array.from(
      { length: count },
      (_, i) =>
        `${2020 + Math.floor((i * every) / 12)}-${String(((i * every) % 12) + 1).padStart(2, "0")}-${day}`,
    );
  const ends = Array.from({ length: 14 }, (_, i) =>
    new Date(Date.UTC(2023, i + 1, 0)).toISOString().slice(0, 10),
  );

  test.each([
    ["day", days(20, 1)],
    ["week", days(20, 7)],
    ["month", months(20, "15")],
    ["month", ends],
    ["quarter", months(20, "01", 3)],
    ["year", months(10, "06", 12)],
    [
      "month",
      Array.from(
        { length: 14 },
        (_, i) => `${2022 + Math.floor(i / 12)}-${String((i % 12) + 1).padStart(2, "0")}`,
      ),
    ],
    ["quarter", Array.from({ length: 14 }, (_, i) => `${2022 + Math.floor(i / 4)}-Q${(i % 4) + 1}`)],
    [
      "hour",
      Array.from(
        { length: 30 },
        (_, i) => `2024-03-0${1 + Math.floor(i / 24)} ${String(i % 24).padStart(2, "0")}:00`,
      ),
    ],
  ] as const)("is a %s", async (step, times) => {
    const { model, notes } = await fitOf([...times].reverse());
    expect(model.spec.lags!.step).toBe(step);
    expect(model.n).toBe(times.length - 1);
    expect(notes.join()).toMatch(new RegExp(`\\(a step is an? ${step}\\)`));
  });

  test("leaves gaps, and what is no time is refused with its line", async () => {
    const gap = days(20, 1).filter((_, i) => i !== 7 && i !== 8);
    expect((await fitOf(gap)).model.n).toBe(16);
    for (const [times, message] of [
      [
        [...days(6, 1), "2024-02-30"],
        /d\.csv:8: column "day": expected a time that lags can count by .*, found "2024-02-30"/,
      ],
      [
        [...days(6, 1), "2024-03"],
        /d\.csv:8: column "day": expected a time written as days, as those before are, found a month/,
      ],
      [
        ["1", "2", "2.5", "3"],
        /d\.csv:4: column "day": expected a time that lags can count by .*, found "2.5"/,
      ],
      [
        [...days(6, 1), "2024-01-03"],
        /d\.csv:8: column "day": a second row of one day, after that of line 4/,
      ],
      [["202311", "202312", "202401", "202402"], /look like dates written as numbers \(yyyymm\)/],
      [["20231230", "20231231", "20240101"], /look like dates written as numbers \(yyyymmdd\)/],
    ] as const)
      await expect(fitOf(times)).rejects.toThrow(message);
  });
});

describe("the command", () => {
  test("refuses in a line what cannot look rows up", () =>
    inFolder({ "panel.csv": PANEL }, async (folder) => {
      const run = (...args: string[]) => goml(folder, ["train", "panel.csv", ...args, "-m", "m.json"]);
      const lag = ["--formula", "y ~ lag(x)"];
      const by = ["--time", "year", "--unit", "firm"];
      for (const [args, message] of [
        [lag, /lag\(\) needs the column of time.*\n.*--time.*--unit/],
        [
          [...lag, "--time", "year"],
          /panel\.csv:\d+: column "year": a second row of one time, after that of line \d+.*\n.*--unit/,
        ],
        [[...lag, ...by, "--na", "fail"], /no value in the first rows of a series, which --na fail refuses/],
        [[...lag, ...by, "--shard", "1/2"], /may be in another --shard/],
        [[...lag, "--time", "yeer", "--unit", "firm"], /no column "yeer"/],
        [["--formula", "y ~ lag(lag(x))", ...by], /does not stand within another/],
        [["--formula", "y ~ lag(firm)", ...by], /column firm is text/],
        [["--formula", "y ~ lag(x, 1.5)", ...by], /the lags of lag\(\) should be whole numbers/],
        [["--formula", "y ~ diff(x, 0)", ...by], /whole numbers from 1 on/],
        // A lag that no term has, and one that a term has of another column.
        [["--formula", "cbind(x, diff(y)) ~ z", ...by], /targets side by side are not made of other rows/],
        [
          ["--formula", "cbind(x, lag(y)) ~ lag(z)", ...by],
          /targets side by side are not made of other rows/,
        ],
        [["--formula", "y ~ x", ...by], /--time year has no part in --vcov iid\n.*and with lag\(\)/],
        [
          ["--formula", "y ~ lag(x, 500)", ...by],
          /lag\(x, 500\) has a value in none of \d+\n.*--time within --unit/,
        ],
        [[...lag, ...by, "--where", "lag(x) > 0"], /stands in a formula's terms and target alone/],
      ] as const) {
        const { code, stderr, left } = await run(...args);
        expect(stderr).toMatch(message);
        expect(code).toBeGreaterThan(1);
        expect(left).toEqual(["panel.csv"]);
      }
    }));
});
