import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { goml, inFolder } from "../cli/goml.js";
import { scratchFolder } from "../csv/scratch.js";

// lm of each window: test/golden/windows.R
const golden: Record<
  "rolling" | "expanding",
  { first: number; last: number; theta: number[]; sigma: number }[]
> = JSON.parse(readFileSync("test/golden/windows.json", "utf8"));

const scratch = scratchFolder();
const features = ["rm", "lstat", "tax"];

describe("windows", () => {
  test.each([
    ["rolling", { rows: 120, step: 37 }],
    ["expanding", { rows: 60, step: 100, expanding: true }],
  ] as const)("%s: R's lm of each window's rows", async (name, how) => {
    const { windows } = await fitCsv("data/boston.csv", { features, window: how });
    expect(windows!.map(({ first, last }) => [Number(first), Number(last)])).toEqual(
      golden[name].map(({ first, last }) => [first, last]),
    );
    windows!.forEach(({ coefficients, sigma }, i) => {
      const expected = golden[name][i]!;
      // R's QR in double: some 11 digits of windows in which tax hardly varies.
      coefficients.forEach((value, j) => {
        expect(Math.abs(value / expected.theta[j]! - 1)).toBeLessThan(1e-9);
      });
      expect(Math.abs(sigma / expected.sigma - 1)).toBeLessThan(1e-9);
    });
  });

  test("are the fits of their rows in order of time, whatever the order of the file", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: -9, max: 9 })), {
          minLength: 14,
          maxLength: 60,
        }),
        fc.integer({ min: 5, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (drawn, rows, step, expanding) => {
          const all = drawn.map(([t, noise], i) => ({ t, x: (i * 7) % 5, y: 3 * ((i * 7) % 5) + noise }));
          const path = scratch.file(
            "w.csv",
            `t,x,y\n${all.map(({ t, x, y }) => `${t},${x},${y}\n`).join("")}`,
          );
          const { windows } = await fitCsv(path, {
            features: ["x"],
            window: { rows, time: "t", step, expanding },
          });
          const sorted = [...all].sort((a, b) => a.t - b.t);
          const ends = Array.from({ length: sorted.length }, (_, i) => i + 1).filter(
            (end) => end >= rows && (end - rows) % step === 0,
          );
          expect(windows!.length).toBe(ends.length);
          ends.forEach((end, w) => {
            const own = sorted.slice(expanding ? 0 : end - rows, end);
            const found = windows![w]!;
            expect([found.first, found.last, found.n]).toEqual([
              String(own[0]!.t),
              String(own.at(-1)!.t),
              own.length,
            ]);
            if (new Set(own.map(({ x }) => x)).size < 2) return;
            const model = fit(
              own.map(({ x }) => [x]),
              own.map(({ y }) => y),
            );
            model.coefficients.forEach((value, j) => {
              expect(found.coefficients[j]!).toBeCloseTo(value, 9);
            });
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  test("keep their digits far from zero, where subtracted sums would lose them", async () => {
    const n = 400;
    const all = Array.from({ length: n }, (_, i) => ({ x: 1e7 + (i % 13), y: 2 * (i % 13) + ((i * 5) % 7) }));
    const path = scratch.file("far.csv", `x,y\n${all.map(({ x, y }) => `${x},${y}\n`).join("")}`);
    const { windows } = await fitCsv(path, { window: { rows: 50 } });
    const own = all.slice(n - 50);
    const model = fit(
      own.map(({ x }) => [x - 1e7]),
      own.map(({ y }) => y),
    );
    expect(windows!.at(-1)!.coefficients[1]! / model.coefficients[1]! - 1).toBeCloseTo(0, 10);
  });

  test("have the σ of fits with the kind of their weights, and the numbers of their rows in the file", async () => {
    const lines = readFileSync("data/boston.csv", "utf8").trim().split("\n");
    // Rows 1 and 3 have no rm: a window of 100 goes from row 2 to row 102.
    const cut = (line: string) =>
      line
        .split(",")
        .map((cell, j) => (j === 5 ? "" : cell))
        .join();
    const path = scratch.file(
      "gaps.csv",
      lines.map((line, i) => (i === 1 || i === 3 ? cut(line) : line)).join("\n"),
    );
    for (const weightsKind of [undefined, "analytic", "frequency", "probability"] as const) {
      const options = { features, weights: "rad", weightsKind };
      const { windows } = await fitCsv(path, { ...options, window: { rows: 100 } });
      const { first, last, sigma } = windows![0]!;
      expect([first, last]).toEqual(["2", "102"]);
      const head = scratch.file("head.csv", `${lines[0]}\n${[lines[2], ...lines.slice(4, 103)].join("\n")}`);
      // The same rows by one pass, in double-double too: the last bits of sums.
      expect(sigma / (await fitCsv(head, options)).model.sigma).toBeCloseTo(1, 10);
    }
  });

  test("pass over rows of weight 0, as if these were not there", async () => {
    const lines = ["t,x,y,w"];
    for (let i = 0; i < 60; i++) lines.push(`${(i * 7) % 60},${(i * 5) % 13},${(i * 11) % 17},${i % 3}`);
    const path = scratch.file("zero.csv", lines.join("\n"));
    const without = scratch.file("some.csv", lines.filter((_, i) => i === 0 || (i - 1) % 3 > 0).join("\n"));
    const fitted = async (file: string) =>
      (await fitCsv(file, { features: ["x"], weights: "w", window: { rows: 12, time: "t", step: 5 } }))
        .windows!;
    const [found, expected] = [await fitted(path), await fitted(without)];
    expect(found.map(({ first, last, n }) => [first, last, n])).toEqual(
      expected.map(({ first, last, n }) => [first, last, n]),
    );
    found.forEach(({ coefficients, sigma }, i) => {
      expect([...coefficients]).toEqual([...expected[i]!.coefficients]);
      expect(sigma).toBe(expected[i]!.sigma);
    });
  });

  test("are refused of absorbed effects, however they are named", async () => {
    for (const options of [{ features, absorb: ["chas"] }, { formula: "medv ~ rm | chas" }])
      await expect(fitCsv("data/boston.csv", { ...options, window: { rows: 90 } })).rejects.toThrow(
        "least squares of terms",
      );
  });

  test("goml train --window prints and writes them, and refuses what is of one model", () =>
    inFolder({ "d.csv": readFileSync("data/boston.csv") }, async (folder) => {
      const run = await goml(folder, ["train", "d.csv", "-f", "rm", "--window", "500", "-o", "w.csv"]);
      expect(run.stdout).toContain("7 windows of 500 rows, in order of the rows");
      expect(readFileSync(`${folder}/w.csv`, "utf8").split("\n")[0]).toBe(
        "first,last,n,(Intercept),rm,sigma,r2",
      );
      expect(run.left).toEqual(["d.csv", "w.csv"]);
      for (const more of [
        ["-m", "x.json"],
        ["--vcov", "hc3"],
        ["--lambda", "1"],
        ["--group-by", "chas"],
        ["--keep-meat", "quartic"],
        ["--folds", "5"],
        ["--unit", "chas"],
      ])
        expect((await goml(folder, ["train", "d.csv", "--window", "500", ...more])).code).toBe(2);
    }));
});
