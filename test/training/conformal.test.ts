import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { refit } from "../../src/linear/selection/refit.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { evaluateCsv } from "../../src/prediction/evaluate-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { foldOf, isHeldOut } from "../../src/scan/row-draw.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();
const next = uniform(11);
const rows = Array.from({ length: 120 }, () => {
  const [a, b] = [4 * next(), next() - 0.5];
  return { a, b, g: next() < 0.6 ? "u" : "v", y: 1 + a - 2 * b + a * (next() - 0.5) };
});
type Row = (typeof rows)[number];
const path = scratch.file(
  "rows.csv",
  `a,b,g,y\n${rows.map(({ a, b, g, y }) => `${a},${b},${g},${y}\n`).join("")}`,
);
const features = ["a", "b"];
const modelOf = (of: readonly Row[]) =>
  fit(
    of.map(({ a, b }) => [a, b]),
    of.map(({ y }) => y),
  );

/** Each row's bounds, as they are written. */
async function bounds(
  model: LinearModel,
  level: number,
  threads = 0,
  data = path,
): Promise<[number, number][]> {
  const output = `${scratch.path}/predicted.csv`;
  await predictCsv(model, data, { output, interval: "conformal", level, threads });
  return readFileSync(output, "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(",").map(Number).slice(1) as [number, number]);
}

/** Barber et al. 2021, section 2: the ⌊α(n + 1)⌋-th smallest of ŷ₍ᵢ₎(x) − Rᵢ, and the ⌈(1 − α)(n + 1)⌉-th of ŷ₍ᵢ₎(x) + Rᵢ. */
function direct(
  x: Row,
  calibration: readonly { row: Row; by: LinearModel }[],
  level: number,
): [number, number] {
  const n = calibration.length;
  const at = (by: LinearModel, { a, b }: Row) => by.predict([[a, b]])[0]!;
  const scored = calibration.map(({ row, by }) => ({
    fitted: at(by, x),
    score: Math.abs(row.y - at(by, row)),
  }));
  const low = scored.map(({ fitted, score }) => fitted - score).sort((p, q) => p - q);
  const high = scored.map(({ fitted, score }) => fitted + score).sort((p, q) => p - q);
  const below = Math.floor((1 - level) * (n + 1) + 1e-9);
  const above = Math.ceil(level * (n + 1) - 1e-9);
  return [below < 1 ? -Infinity : low[below - 1]!, above > n ? Infinity : high[above - 1]!];
}

/** The calibration rows of each method, by definition: rows set aside, folds, or each row by itself. */
function calibration(method: NonNullable<FitCsvOptions["conformal"]>, heldOut: number, of = rows) {
  const indexed = rows.map((row, i) => ({ row, i })).filter(({ row }) => of.includes(row));
  const kept = (i: number) => !isHeldOut(i, 1, heldOut + (method === "split" ? 0.2 : 0));
  const all = rows.filter((_, i) => kept(i));
  if (method === "split") {
    const by = modelOf(all);
    return indexed.filter(({ i }) => !kept(i) && !isHeldOut(i, 1, heldOut)).map(({ row }) => ({ row, by }));
  }
  if (method === "jackknife+")
    return indexed
      .filter(({ i }) => kept(i))
      .map(({ row }) => ({ row, by: modelOf(all.filter((other) => other !== row)) }));
  const without = Array.from({ length: 10 }, (_, f) =>
    modelOf(rows.filter((_, i) => kept(i) && foldOf(i, 1, 10) !== f)),
  );
  return indexed.filter(({ i }) => kept(i)).map(({ row, i }) => ({ row, by: without[foldOf(i, 1, 10)]! }));
}

const methods = ["split", "cv+", "jackknife+"] as const;

describe("conformal intervals", () => {
  test.each(methods)("%s: those of its definition, whatever the level", async (conformal) => {
    const { model } = await fitCsv(path, { features, conformal });
    const rowsOf = calibration(conformal, 0);
    for (const level of [0.5, 0.9, 0.95]) {
      const found = await bounds(model, level);
      rows.slice(0, 20).forEach((row, i) => {
        const expected = direct(row, rowsOf, level);
        // Fits without rows are solved anew here and by sums of the others there: 1e-12 of numbers near 5.
        if (Number.isFinite(expected[0])) expect(found[i]![0]).toBeCloseTo(expected[0], 10);
        else expect(found[i]![0]).toBe(expected[0]);
        if (Number.isFinite(expected[1])) expect(found[i]![1]).toBeCloseTo(expected[1], 10);
        else expect(found[i]![1]).toBe(expected[1]);
      });
    }
  });

  test.each(methods)(
    "%s by groups: those of the group's own rows; held-out rows are counted",
    async (conformal) => {
      const {
        model,
        coverage,
        test: held,
      } = await fitCsv(path, {
        features,
        conformal,
        conformalBy: "g",
        testSize: 0.3,
        level: 0.8,
      });
      const found = await bounds(model, 0.8);
      const groups = ["u", "v"].map((g) => rows.filter((row) => row.g === g));
      const own = new Map(groups.map((of) => [of[0]!.g, calibration(conformal, 0.3, of)]));
      const covered = { u: 0, v: 0 };
      let n = 0;
      rows.forEach((row, i) => {
        const expected = direct(row, own.get(row.g)!, 0.8);
        expect(found[i]![0]).toBeCloseTo(expected[0], 10);
        expect(found[i]![1]).toBeCloseTo(expected[1], 10);
        if (!isHeldOut(i, 1, 0.3)) return;
        n++;
        if (row.y >= expected[0] && row.y <= expected[1]) covered[row.g as "u"]++;
      });
      expect(coverage!.n).toBe(n);
      expect(held!.n).toBe(n);
      expect(coverage!.covered).toBe(covered.u + covered.v);
      expect(coverage!.groups!.map(({ name, covered: of }) => [name, of])).toEqual(Object.entries(covered));
    },
  );

  test("with an offset: those of the target less it, moved by it", async () => {
    const moved = scratch.file(
      "moved.csv",
      `a,b,y,o\n${rows.map(({ a, b, y }, i) => `${a},${b},${y + (i % 7) * 10},${(i % 7) * 10}\n`).join("")}`,
    );
    for (const conformal of methods) {
      const { model, coverage } = await fitCsv(path, { features, conformal, testSize: 0.3 });
      const offset = await fitCsv(moved, { formula: "y ~ a + b + offset(o)", conformal, testSize: 0.3 });
      const expected = await bounds(model, 0.8);
      (await bounds(offset.model, 0.8, 0, moved)).forEach(([lower, upper], i) => {
        // Sums with numbers up to 60 are rounded at 1e-14 of them.
        expect(lower).toBeCloseTo(expected[i]![0] + (i % 7) * 10, 10);
        expect(upper).toBeCloseTo(expected[i]![1] + (i % 7) * 10, 10);
      });
      expect(offset.coverage!.covered).toBe(coverage!.covered);
    }
  });

  test("are the same bits on any number of threads, and from the model's file", async () => {
    for (const conformal of methods) {
      const one = await fitCsv(path, { features, conformal, threads: 1 });
      const two = await fitCsv(path, { features, conformal, threads: 3 });
      expect(two.model.conformal).toEqual(one.model.conformal);
      const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(one.model)));
      expect(await bounds(read, 0.9, 2)).toEqual(await bounds(one.model, 0.9));
    }
  });

  test("of a penalised fit: split for a λ that was chosen, cv+ for one that was given", async () => {
    const split = await fitCsv(path, { features, conformal: "split", lambda: "path", alpha: 1 });
    expect((await bounds(split.model, 0.9)).every(([lower, upper]) => lower < upper)).toBe(true);
    const cv = await fitCsv(path, { features, conformal: "cv+", lambda: 0.1, alpha: 1 });
    expect(cv.model.conformal!.fits.length).toBe(10);
    await expect(fitCsv(path, { features, conformal: "cv+", lambda: "path" })).rejects.toThrow("knows all");
    await expect(fitCsv(path, { features, conformal: "jackknife+", lambda: 1 })).rejects.toThrow("leverages");
  });

  test("are left out with a note where a model is made of another, and refused where there are none", async () => {
    const { model } = await fitCsv(path, { features, conformal: "split" });
    const small = refit(model, { features: ["a"] });
    expect(small.notes.join()).toContain("conformal intervals are left out");
    await expect(bounds(small.model, 0.9)).rejects.toThrow("nothing was calibrated");
    const merged = mergeModels(
      [
        { name: "a", model },
        { name: "b", model },
      ],
      { again: true },
    );
    expect(merged.notes.join()).toContain("conformal intervals are left out");
  });

  test.each(["split", "cv+", "jackknife+"] as const)(
    "evaluate counts the rows of other data that %s covers, by group, on any number of threads",
    async (conformal) => {
      const more = Array.from({ length: 700 }, () => {
        const [a, b] = [4 * next(), next() - 0.5];
        return {
          a,
          b,
          g: ["u", "v", "w", ""][Math.floor(4 * next())]!,
          y: 1 + a - 2 * b + a * (next() - 0.5),
        };
      });
      const other = scratch.file(
        "other.csv",
        `a,b,g,y\n${more.map(({ a, b, g, y }) => `${a},${b},${g},${y}\n`).join("")}`,
      );
      const { model } = await fitCsv(path, { features, conformal, conformalBy: "g" });
      const level = 0.8;
      const of = await bounds(model, level, 0, other);
      const isCovered = more.map(({ y }, i) => of[i]![0] <= y && y <= of[i]![1]);
      const { coverage } = await evaluateCsv(model, other, { level });
      const count = (name: string) => ({
        name: name === "" ? "NA" : name,
        n: more.filter(({ g }) => g === name).length,
        covered: more.filter(({ g }, i) => g === name && isCovered[i]).length,
      });
      expect(coverage).toMatchObject({
        level,
        n: 700,
        covered: isCovered.filter((covered) => covered).length,
        // Groups that the calibration did not have.
        unbounded: more.filter(({ g }) => g === "w" || g === "").length,
      });
      expect([...coverage!.groups!].sort((p, q) => (p.name < q.name ? -1 : 1))).toEqual(
        ["", "u", "v", "w"].map(count),
      );
      const widths = of.map(([lower, upper]) => upper - lower).filter((width) => width < Infinity);
      const width = widths.reduce((sum, one) => sum + one) / widths.length;
      expect(Math.abs(coverage!.width / width - 1)).toBeLessThan(1e-12);
      for (const threads of [1, 3])
        expect((await evaluateCsv(model, other, { level, threads })).coverage).toEqual(coverage);
      // The rows by which they were calibrated say nothing of it; nor can those that lack the groups.
      const own = await evaluateCsv(model, path, { level });
      expect(own.coverage).toBeUndefined();
      expect(own.notes.join()).toContain("calibrated by these rows");
      const without = scratch.file("without.csv", "a,b,y\n1,2,3\n2,3,4\n");
      expect((await evaluateCsv(model, without)).notes.join()).toContain("calibrated by g, which these data");
    },
  );

  test("of a shard are its own, which is said, and which merging leaves out", async () => {
    const part = { number: 1, of: 2, run: "night" };
    const { notes, model } = await fitCsv(path, { features, conformal: "split", shard: part });
    expect(notes).toContain(
      "the conformal intervals are calibrated by rows of this shard alone: a merged model has none, and the rows that are set aside are missing there",
    );
    expect(model.conformal!.n).toBeLessThan(0.4 * rows.length);
    const folds = await fitCsv(path, { features, conformal: "cv+", shardId: part });
    expect(folds.notes.join()).toContain("by rows of this shard alone: a merged model has none");
  });

  test("are unbounded where too few rows calibrate them, which is said", async () => {
    const few = scratch.file(
      "few.csv",
      `a,b,y\n${rows
        .slice(0, 30)
        .map(({ a, b, y }) => `${a},${b},${y}\n`)
        .join("")}`,
    );
    const { model, notes } = await fitCsv(few, { conformal: "split", level: 0.99 });
    expect(notes.join()).toMatch(
      /intervals of level 0.99 need 99 calibration rows, and there are \d: they are unbounded/,
    );
    expect(
      (await bounds(model, 0.99)).every(([lower, upper]) => lower === -Infinity && upper === Infinity),
    ).toBe(true);
  });

  test.each(["cv+", "jackknife+"] as const)(
    "%s is refused of absorbed effects, however they are named",
    async (conformal) => {
      for (const options of [{ features, absorb: ["g"] }, { formula: "y ~ a + b | g" }])
        await expect(fitCsv(path, { ...options, conformal })).rejects.toThrow("absorbed effects");
    },
  );

  test("of a damaged file are refused", async () => {
    const { model } = await fitCsv(path, { features, conformal: "cv+" });
    const damaged = (change: (conformal: Record<string, unknown>) => void) => {
      const document = JSON.parse(JSON.stringify(model));
      change(document.conformal);
      return () => LinearModel.fromJSON(document);
    };
    expect(damaged((of) => (of.n = 3))).toThrow("conformal.n");
    expect(damaged((of) => (of.fits as number[][])[2]!.pop())).toThrow("conformal.fits[2]");
    expect(damaged((of) => (of.groups as { scores: number[][] }[])[0]!.scores[1]!.reverse())).toThrow(
      "in order of size",
    );
    expect(damaged((of) => (of.method = "split"))).toThrow("should be empty of split");
  });
});
