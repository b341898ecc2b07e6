import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldOfKey, heldOutBelow, keyCoefficients, keyHash } from "../../src/dataset/key-draw.js";
import { LinearModel } from "../../src/linear/model/model.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();
let files = 0;

interface Row {
  key: number;
  x: number;
  g: string;
  y: number;
}

/** Rows of keys that come again, some of them below zero and some of 53 bits. */
function rowsOf(seed: number, n: number, far = 0): Row[] {
  const next = uniform(seed);
  return Array.from({ length: n }, () => {
    const key = Math.floor(60 * next()) - 20 + far;
    const x = Math.round(1000 * next()) / 100;
    return { key, x, g: "abc"[Math.floor(3 * next())]!, y: 2 + 3 * x + Math.round(1000 * next()) / 100 };
  });
}

const csv = (rows: readonly Row[], id = "id") =>
  scratch.file(
    `${files++}.csv`,
    `${id},x,g,y\n${rows.map(({ key, x, g, y }) => `${key},${x},${g},${y}\n`).join("")}`,
  );

const isHeld = ({ key }: Row, seed: number, share: number) =>
  keyHash(key, keyCoefficients(seed, "holdOut")) < heldOutBelow(share);
const foldOf = ({ key }: Row, seed: number, folds: number) =>
  foldOfKey(key, keyCoefficients(seed, "fold"), folds);

describe("folds by a key", () => {
  test("are the rows of its hash, in whatever order they come and however many threads read them", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.constantFrom(0, 2 ** 53 - 100, -(2 ** 40)),
        fc.constantFrom(2, 3, 10),
        fc.constantFrom<FitCsvOptions>(
          {},
          { solver: "normal" },
          { formula: "y ~ x + g" },
          { features: ["x", "id"] },
        ),
        async (seed, far, folds, how) => {
          const rows = rowsOf(seed, 300, far);
          const options = { features: ["x"], ...how, foldBy: "id", folds, seed, testSize: 0.2 };
          if ("formula" in how) options.features = undefined as never;
          const { model, test: held } = await fitCsv(csv(rows), { ...options, threads: 2 });
          const used = rows.filter((row) => !isHeld(row, seed, 0.2));
          expect(held!.n).toBe(rows.length - used.length);
          for (const [f, fold] of model.folds.entries()) {
            const own = used.filter((row) => foldOf(row, seed, folds) === f);
            expect(fold.n).toBe(own.length);
            const mean = own.reduce((sum, { y }) => sum + y, 0) / Math.max(1, own.length);
            // A sum of 300 numbers of 4 digits.
            if (own.length > 0) expect(fold.mean[fold.index("y")]).toBeCloseTo(mean, 10);
          }
          const shuffled = rows.toSorted((a, b) => a.x - b.x);
          const again = (await fitCsv(csv(shuffled), options)).model;
          expect(again.folds.map(({ n }) => n)).toEqual(model.folds.map(({ n }) => n));
          expect(model.scan!.foldBy).toBe("id");
          expect(LinearModel.fromJSON(JSON.parse(JSON.stringify(model))).scan).toEqual(model.scan);
        },
      ),
      { numRuns: 20 },
    );
  }, 60_000);

  test("are those of all in shards: merged, updated and forgotten in any order", async () => {
    const parts = [rowsOf(1, 120), rowsOf(2, 90), rowsOf(3, 150)] as const;
    const options = { features: ["x"], target: "y", foldBy: "id", seed: 5 };
    const whole = (await fitCsv(csv(parts.flat()), options)).model;
    const shards = await Promise.all(parts.map(async (rows) => (await fitCsv(csv(rows), options)).model));
    const named = shards.map((model, i) => ({ name: `s${i}`, model }));
    const merged = mergeModels(named).model;
    const alike = (a: LinearModel, b: LinearModel) => {
      expect(a.folds.map(({ n }) => n)).toEqual(b.folds.map(({ n }) => n));
      expect(a.folds.length).toBe(10);
      // Merging is associative up to rounding, here in double-double.
      for (const [f, fold] of a.folds.entries())
        for (const [j, key] of fold.columns.entries())
          expect(fold.mean[j]).toBeCloseTo(b.folds[f]!.mean[b.folds[f]!.index(key)]!, 10);
      expect(a.scan!.foldBy).toBe("id");
    };
    alike(merged, whole);
    alike((await updateCsv(shards[0]!, csv([...parts[1], ...parts[2]]))).model, whole);
    // The middle one first, then the last: what is left is the first.
    const two = forgetRows({ name: "all", model: merged }, named[1]!);
    expect(two.notes.join()).not.toContain("folds");
    const one = forgetRows({ name: "two", model: two.model }, named[2]!);
    alike(one.model, shards[0]!);
  });

  test("by rows' numbers are kept too where the middle shard is forgotten, then the last", async () => {
    const parts = [rowsOf(1, 120), rowsOf(2, 90), rowsOf(3, 150)] as const;
    const options = { features: ["x"], target: "y" };
    const { model } = await fitCsv(csv(parts.flat()), options);
    const shard = async (i: 1 | 2, firstRow: number) => ({
      name: `s${i}`,
      model: (await fitCsv(csv(parts[i]), { ...options, firstRow })).model,
    });
    const two = forgetRows({ name: "all", model }, await shard(1, 120));
    expect(two.model.scan).toMatchObject({ rows: 270, firstRow: 0, endRow: 360 });
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(two.model)));
    const one = forgetRows({ name: "two", model: read }, await shard(2, 210));
    expect(one.notes.join()).not.toContain("folds");
    const first = (await fitCsv(csv(parts[0]), options)).model;
    expect(one.model.folds.map(({ n }) => n)).toEqual(first.folds.map(({ n }) => n));
    // Rows that come later are numbered behind those that are there.
    const more = csv(rowsOf(4, 60));
    const updated = (await updateCsv(read, more)).model;
    const added = (await fitCsv(more, { ...options, firstRow: 360 })).model;
    expect(updated.folds.map(({ n }) => n)).toEqual(read.folds.map(({ n }, f) => n + added.folds[f]!.n));
    expect(updated.scan).toMatchObject({ rows: 330, endRow: 420 });
  });

  test("leave the models alone that are fitted to what is left: by any solver, with any covariance, and by group", async () => {
    const rows = rowsOf(11, 240);
    const share = 0.25;
    const left = rows.filter((row) => !isHeld(row, 3, share));
    const [all, rest] = [csv(rows), csv(left)];
    const draw = { foldBy: "id", seed: 3, testSize: share };
    for (const how of [
      { solver: "qr" },
      { solver: "gd" },
      { vcov: "hc1" },
      { vcov: "cluster", cluster: "g" },
      { absorb: ["g"], folds: 4 },
    ] as FitCsvOptions[]) {
      const options = { target: "y", features: ["x"], ...how };
      const fitted = await fitCsv(all, { ...options, ...draw });
      const expected = await fitCsv(rest, { ...options, foldBy: "id", seed: 3 });
      expect(fitted.model.n).toBe(left.length);
      expect(fitted.model.coefficients).toEqual(expected.model.coefficients);
      const errors = ({ model }: typeof fitted) =>
        model.summary().coefficients.map(({ stdError }) => stdError);
      errors(fitted).forEach((error, i) => {
        // Chunks of other rows merge in another order.
        expect(error).toBeCloseTo(errors(expected)[i]!, 12);
      });
      expect(fitted.cv!.rmse).toBeCloseTo(expected.cv!.rmse, 12);
      const out = rows.filter((row) => isHeld(row, 3, share));
      expect(fitted.test!.n).toBe(out.length);
      if (how.absorb === undefined && how.solver !== "gd") {
        const { heldOut } = await diagnoseCsv(fitted.model, all);
        expect(heldOut).toBe(out.length);
      }
    }
    const options = { target: "y", features: ["x"], groupBy: "g", folds: 3 };
    const groups = (await fitGroupsCsv(all, { ...options, ...draw })).models;
    const expected = (await fitGroupsCsv(rest, { ...options, foldBy: "id", seed: 3 })).models;
    for (const [name, { coefficients, folds }] of expected.models) {
      expect(groups.models.get(name)!.coefficients).toEqual(coefficients);
      expect(groups.models.get(name)!.folds.map(({ n }) => n)).toEqual(folds.map(({ n }) => n));
    }
  });

  test("need a whole number in every row of the fit, and name the first cell that is none", async () => {
    const lines = ["id,x,y", ...Array.from({ length: 30 }, (_, i) => `${i},${i % 7},${(i * i) % 11}`)];
    const fitted = (line: number, text: string, more: FitCsvOptions = {}) => {
      const file = scratch.file(`${files++}.csv`, `${lines.with(line, text).join("\n")}\n`);
      return fitCsv(file, { foldBy: "id", ...more });
    };
    for (const [cell, found] of [
      ["", "a missing cell"],
      ["NA", "a missing cell"],
      ["2.5", "2.5"],
      ["9007199254740993", "9007199254740992"],
      ["-1e300", "-1e+300"],
    ])
      await expect(fitted(17, `${cell},1,2`)).rejects.toMatchObject({
        message: expect.stringContaining(`found ${found}`),
        place: { line: 18, column: "id" },
      });
    // A row that is not of the fit needs none.
    expect((await fitted(17, ",NA,2")).dropped).toBe(1);
    expect((await fitted(17, "2.5,1,2", { where: "id != 2.5" })).excluded).toBe(1);
    // 1e3 is a whole number, and -0 is 0.
    for (const [a, b] of [
      ["1e3", "1000"],
      ["-0", "0"],
    ])
      expect((await fitted(17, `${a},1,2`)).model.folds.map(({ n }) => n)).toEqual(
        (await fitted(17, `${b},1,2`)).model.folds.map(({ n }) => n),
      );
  });

  test("are refused by a column of text or none, and where shards were drawn otherwise", async () => {
    const file = csv(rowsOf(1, 60));
    await expect(fitCsv(file, { foldBy: "g" })).rejects.toThrow("holds text, such as");
    await expect(fitCsv(file, { foldBy: "idd" })).rejects.toMatchObject({ hint: 'did you mean "id"?' });
    const one = async (more: FitCsvOptions, seed: number) => ({
      name: `${files}`,
      model: (await fitCsv(csv(rowsOf(seed, 60), more.foldBy), { features: ["x"], ...more })).model,
    });
    const keyed = await one({ foldBy: "id" }, 1);
    const merging = (other: typeof keyed) => () => mergeModels([keyed, other]);
    expect(merging(await one({}, 2))).toThrow("the folds are by id and by the rows' numbers");
    expect(merging(await one({ foldBy: "key" }, 2))).toThrow("the folds are by id and by key");
    expect(merging(await one({ foldBy: "id", seed: 2 }, 2))).toThrow("by id with seeds 1 and 2");
    const bare = scratch.file("bare.csv", "x,g,y\n1,a,2\n2,b,3\n");
    await expect(updateCsv(keyed.model, bare)).rejects.toThrow("columns of the model are missing: id");
  });
});
