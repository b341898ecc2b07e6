import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import type { LinearModel } from "../../src/linear/model/model.js";
import { ModelGroup } from "../../src/linear/model/model-group.js";
import { evaluateCsv } from "../../src/prediction/evaluate-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { type FitGroupsCsvOptions, fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-groups-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
function file(lines: readonly string[]): string {
  const path = join(folder, `${files++}.csv`);
  writeFileSync(path, `${["x,f,g,w,y", ...lines].join("\n")}\n`);
  return path;
}

/** Rows of a number, a factor, a group, weights and a target; some cells are missing, that of the group too. */
function lines(seed: number, count: number, groups: readonly string[]): string[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const at = Math.floor(groups.length * next());
    const [x, w, f] = [10 * next() - 5, 0.5 + next(), "pqr"[Math.floor(3 * next() ** 2)]];
    const y = at * x + (f === "q" ? 2 : 0) + next();
    const [g, shown] = [next() < 0.02 ? "" : groups[at], next() < 0.03 ? "NA" : x];
    return `${shown},${f},${g},${w},${y}`;
  });
}

const asFile = <T extends LinearModel | ModelGroup>(model: T) => JSON.parse(JSON.stringify(model));

describe("one model per group", () => {
  const options = fc
    .record({
      formula: fc.constantFrom(undefined, "y ~ x", "y ~ x * f", "y ~ x + I(x^2) - 1"),
      weights: fc.constantFrom(undefined, "w"),
      penalty: fc.constantFrom(
        {},
        { lambda: 0.3 },
        { lambda: 0.3, alpha: 0.5, penaltyFactors: { x: 3 } },
        { upperIn: { x: 1.5 }, lower: -1 },
        { lambda: 0.2, alpha: 1, relax: true, gamma: 0.5 },
      ),
      solver: fc.constantFrom("auto", "normal"),
    })
    .map(({ penalty, ...how }) => ({ ...how, ...penalty })) as fc.Arbitrary<
    Omit<FitGroupsCsvOptions, "groupBy">
  >;

  test("is that of the group's rows alone", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), options, async (seed, how) => {
        const rows = lines(seed, 300, ["a", "b", "long name", "ü"]);
        const { models, dropped } = await fitGroupsCsv(file(rows), { ...how, groupBy: "g" });
        const read = ModelGroup.fromJSON(asFile(models));
        expect([...read.models.keys()]).toEqual(["a", "b", "long name", "ü"]);
        expect(dropped).toBe(rows.filter((row) => row.startsWith("NA") || row.split(",")[2] === "").length);
        for (const [group, model] of read.models) {
          const own = rows.filter((row) => row.split(",")[2] === group);
          // Folds go by the rows' numbers in the file, and differ; everything else is the same.
          const { model: alone } = await fitCsv(file(own), { ...how, exclude: ["g"], folds: 1 });
          expect(model.coefficientNames).toEqual(alone.coefficientNames);
          expect(model.n).toBe(alone.n);
          alone.coefficients.forEach((b, j) => {
            expect(Math.abs(model.coefficients[j]! - b)).toBeLessThan(1e-11 * Math.max(1, Math.abs(b)));
          });
          alone.standardErrors.forEach((e, j) => {
            if (Number.isNaN(e)) expect(model.standardErrors[j]).toBeNaN();
            else expect(Math.abs(model.standardErrors[j]! / e - 1)).toBeLessThan(1e-10);
          });
        }
      }),
      { numRuns: 20 },
    );
  }, 30_000);

  test("a group that cannot be fitted is listed with the reason", async () => {
    const rows = [...lines(1, 100, ["a"]), "1,p,tiny,1,2", ...Array(20).fill("3,p,flat,1,7")];
    const { models } = await fitGroupsCsv(file(rows), { groupBy: "g", features: ["x"] });
    expect([...models.models.keys()]).toEqual(["a"]);
    expect(models.refused).toMatchObject([
      { group: "flat", reason: 'the target "y" is constant: all 20 values are 7' },
      { group: "tiny", reason: "1 complete row cannot determine 2 coefficients" },
    ]);
    await expect(fitGroupsCsv(file(["1,p,a,1,2", "1,q,b,1,2"]), { groupBy: "g" })).rejects.toThrow(
      "no group of g can be fitted",
    );
  });

  test("the groups' column is no term, and is found by name", async () => {
    const path = file(lines(1, 50, ["a", "b"]));
    await expect(fitGroupsCsv(path, { groupBy: "h" })).rejects.toThrow('has no column "h"');
    await expect(fitGroupsCsv(path, { groupBy: "g", formula: "y ~ x + g" })).rejects.toThrow(
      "cannot be a term",
    );
    const { models } = await fitGroupsCsv(path, { groupBy: "g" });
    expect(models.spec.terms.map(({ label }) => label)).toEqual(["x", "f", "w"]);
  });

  test("groups of numbers are in the order of their size", async () => {
    const { models } = await fitGroupsCsv(file(lines(3, 90, ["10", "9", "-1"])), {
      groupBy: "g",
      features: ["x"],
    });
    expect([...models.models.keys()]).toEqual(["-1", "9", "10"]);
  });
});

test("the bits are the same for any number of threads", async () => {
  // Some six chunks; groups come one after the other, so that threads meet them at different times.
  const names = Array.from({ length: 12 }, (_, i) => `group ${i}`);
  const rows = names.flatMap((_, i) => lines(i, 12_000, names.slice(Math.max(0, i - 3), i + 1)));
  const path = file(rows);
  for (const how of [
    { features: ["x", "w"] },
    { formula: "y ~ x * f", weights: "w", solver: "normal" },
  ] as const) {
    const fit = async (threads: number) => {
      const { models, dropped, timing } = await fitGroupsCsv(path, { ...how, groupBy: "g", threads });
      return { text: JSON.stringify(models), dropped, threads: timing.threads };
    };
    const one = await fit(1);
    for (const threads of [2, 3, 8]) {
      const many = await fit(threads);
      expect(many.threads).toBeGreaterThan(1);
      expect({ ...many, threads: 1 }).toEqual(one);
    }
    // The same from a file that is gzipped, which comes as a stream does.
    const zipped = join(folder, "zipped.csv.gz");
    writeFileSync(zipped, gzipSync(readFileSync(path)));
    const { models } = await fitGroupsCsv(zipped, { ...how, groupBy: "g", threads: 2 });
    const plain = JSON.parse(one.text);
    expect(JSON.parse(JSON.stringify(models)).fits).toEqual(plain.fits);
    expect(JSON.parse(JSON.stringify(models)).models).toEqual(plain.models);
  }
}, 60_000);

test("many groups of few rows have the same bits for any number of threads, from a stream too", async () => {
  const next = uniform(11);
  const count = 60_000;
  const rows = Array.from({ length: count }, (_, i) => {
    // Groups of some four rows, far from zero, met again all over the file; one group has every tenth row.
    const g = i % 10 === 0 ? "large" : `g${Math.floor((next() * count) / 4)}`;
    return `${(1e4 + next()).toFixed(6)},p,${g},1,${(1e4 + 3 * next()).toFixed(6)}`;
  });
  const path = file(rows);
  const fit = async (data: string, threads: number) => {
    const { models, refused } = (await fitGroupsCsv(data, { features: ["x"], groupBy: "g", threads })).models;
    return {
      size: models.size,
      refused: refused.length,
      fits: [...models].slice(0, 500).map(([g, m]) => [g, m.toJSON()]),
    };
  };
  const one = await fit(path, 1);
  expect(one.size).toBeGreaterThan(10_000);
  expect(one.refused).toBeGreaterThan(100);
  for (const threads of [2, 3, 8]) expect(await fit(path, threads)).toEqual(one);
  const zipped = join(folder, "many.csv.gz");
  writeFileSync(zipped, gzipSync(readFileSync(path)));
  for (const threads of [1, 2]) expect(await fit(zipped, threads)).toEqual(one);
}, 60_000);

test("groups in doubt are summed again from kept rows as from another pass", async () => {
  const next = uniform(12);
  const rows = Array.from({ length: 150_000 }, (_, i) => {
    const g = Math.floor((next() * 150_000) / 5);
    // Of some groups x hardly varies beside how far it is from zero.
    const x = (g % 100 === 0 ? 1e9 : 0) + next();
    return `${i % 97 === 3 ? "NA" : x},p,g${g},${1 + Math.floor(3 * next())},${(3 * next()).toFixed(6)}`;
  });
  const path = file(rows);
  const zipped = join(folder, "doubts.csv.gz");
  writeFileSync(zipped, gzipSync(readFileSync(path)));
  for (const how of [{}, { weights: "w", folds: 2 }, { testSize: 0.2 }]) {
    const fit = async (data: string, threads: number) => {
      const {
        models,
        notes,
        test: held,
      } = await fitGroupsCsv(data, {
        features: ["x"],
        groupBy: "g",
        threads,
        ...how,
      });
      expect(notes).toContainEqual(expect.stringMatching(/of the groups were summed again in double-double/));
      const { fits, models: others } = JSON.parse(JSON.stringify(models));
      expect(others.length).toBeGreaterThan(100);
      return { fits, others, held };
    };
    // What comes as a stream is read again.
    const again = await fit(zipped, 2);
    for (const threads of [1, 2]) expect(await fit(path, threads)).toEqual(again);
  }
}, 60_000);

describe("predicting by group", () => {
  const known = ["a", "b", "c"];
  const trained = async () =>
    ModelGroup.fromJSON(
      asFile((await fitGroupsCsv(file(lines(5, 300, known)), { groupBy: "g", exclude: ["w"] })).models),
    );
  const predicted = async (model: LinearModel | ModelGroup, path: string, how = {}) => {
    const output = join(folder, "predicted.csv");
    const result = await predictCsv(model, path, { output, ...how });
    return { ...result, values: readFileSync(output, "utf8").trim().split("\n").slice(1) };
  };

  test("gives each row the bits of its group's own model", async () => {
    const models = await trained();
    const rows = lines(6, 1000, known);
    const path = file(rows);
    const { values, missing } = await predicted(models, path);
    const alone = new Map<string, string[]>();
    // One after the other, for they write the same file.
    for (const group of known) {
      const only = rows.map((row) => row.split(",")[2] === group);
      const own = await predicted(models.models.get(group)!, path);
      alone.set(
        group,
        own.values.filter((_, r) => only[r]),
      );
    }
    rows.forEach((row, r) => {
      const group = row.split(",")[2]!;
      expect(values[r]).toBe(group === "" ? "NA" : alone.get(group)!.shift());
    });
    expect(missing).toBe(values.filter((value) => value === "NA").length);
    expect((await predicted(models, path, { threads: 3 })).values).toEqual(values);
    const { metrics } = await evaluateCsv(models, path);
    expect(metrics.n).toBe(rows.length - missing);
  });

  test("gives each row the interval of its group's own model", async () => {
    for (const how of [{ exclude: ["w"] }, { features: ["x"] }]) {
      const { models } = await fitGroupsCsv(file(lines(5, 300, known)), { groupBy: "g", ...how });
      const rows = lines(8, 400, known);
      const path = file(rows);
      for (const interval of ["confidence", "prediction"] as const) {
        const { values } = await predicted(models, path, { interval, stdError: true });
        expect((await predicted(models, path, { interval, stdError: true, threads: 2 })).values).toEqual(
          values,
        );
        for (const group of known) {
          const own = await predicted(models.models.get(group)!, path, { interval, stdError: true });
          rows.forEach((row, r) => {
            if (row.split(",")[2] === group) expect(values[r]).toBe(own.values[r]);
          });
        }
      }
    }
  });

  test("a group without a model is an error that names it, or NA", async () => {
    const models = await trained();
    const path = file(["1,p,a,1,2", "1,p,z,1,2", "1,p,b,1,2"]);
    await expect(predicted(models, path)).rejects.toThrow(
      /:3: column "g": the training data had no level "z"/,
    );
    const { values } = await predicted(models, path, { unseen: "na" });
    expect(values[1]).toBe("NA");
    expect(values.filter((value) => value === "NA")).toHaveLength(1);
  });

  test("a group that could not be fitted is said to be such", async () => {
    const { models } = await fitGroupsCsv(file([...lines(1, 60, ["a"]), "1,p,tiny,1,2"]), {
      groupBy: "g",
      features: ["x"],
    });
    await expect(predicted(ModelGroup.fromJSON(asFile(models)), file(["1,p,tiny,1,2"]))).rejects.toThrow(
      'there is no model for "tiny": 1 complete row cannot determine 2 coefficients',
    );
  });

  test("a file without the groups' column is refused", async () => {
    const path = join(folder, "without.csv");
    writeFileSync(path, "x,f,y\n1,p,2\n");
    await expect(predicted(await trained(), path)).rejects.toThrow("columns of the model are missing: g");
  });
});
