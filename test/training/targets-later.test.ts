import { describe, expect, test } from "vitest";
import {
  fitCsv,
  fitTargetsCsv,
  forgetRows,
  jointTests,
  LinearModel,
  meatCsv,
  mergeMeats,
  mergeModels,
  refit,
  updateCsv,
} from "../../src/index.js";
import { inFolder } from "../cli/goml.js";

/** Rows of two targets, each of which some rows lack, a factor and a number. */
function rows(from: number, to: number): string {
  const lines = ["a,b,x,g"];
  for (let r = from; r < to; r++) {
    const x = Math.sin(r) + r / 50;
    const g = ["p", "q", "r"][(r * 7) % 3]!;
    const [a, b] = [1 + x + Math.sin(r * r), 2 - x + (g === "q" ? 1 : 0) + Math.cos(3 * r * r)];
    lines.push([r % 9 === 1 ? "" : a, r % 7 === 2 ? "" : b, x, g].join(","));
  }
  return `${lines.join("\n")}\n`;
}

const FILES = { "all.csv": rows(0, 120), "one.csv": rows(0, 70), "two.csv": rows(70, 120) };
const OPTIONS = { targets: ["a", "b"], features: ["x", "g"], folds: 1, threads: 1 };

/** Twelve digits: sums of shards are rounded in another order. */
function same(found: LinearModel, expected: LinearModel): void {
  expect(found.n).toBe(expected.n);
  expect(found.targets).toEqual(expected.targets);
  for (const list of ["coefficients", "standardErrors"] as const)
    found[list].forEach((value, j) => {
      expect(Math.abs(value / expected[list][j]! - 1)).toBeLessThan(1e-12);
    });
  expect(jointTests(found).rows[0]!.wilks.value).toBeCloseTo(jointTests(expected).rows[0]!.wilks.value, 12);
}

const fits = async (path: string, more = {}) =>
  (await fitTargetsCsv(path, { ...OPTIONS, ...more })).fits.map(({ model }) => model);

describe("a model of several targets", () => {
  test("merges, is updated and forgets as the whole is trained", () =>
    inFolder(FILES, async (folder) => {
      const whole = await fits(`${folder}/all.csv`);
      const one = await fits(`${folder}/one.csv`);
      const two = await fits(`${folder}/two.csv`, { firstRow: 70 });
      for (const t of [0, 1]) {
        const named = [one, two].map((models, i) => ({ name: `shard ${i}`, model: models[t]! }));
        const { model: merged } = mergeModels(named);
        same(merged, whole[t]!);
        same((await updateCsv(one[t]!, `${folder}/two.csv`)).model, whole[t]!);
        same(forgetRows({ name: "all", model: merged }, named[1]!).model, one[t]!);
        same(LinearModel.fromJSON(JSON.parse(JSON.stringify(merged))), whole[t]!);
      }
    }));

  test("merges with none that was fitted beside others", () =>
    inFolder(FILES, async (folder) => {
      const [one] = await fits(`${folder}/one.csv`);
      const { model: alone } = await fitCsv(`${folder}/two.csv`, {
        ...OPTIONS,
        targets: undefined,
        target: "a",
      });
      expect(() =>
        mergeModels([
          { name: "one", model: one! },
          { name: "two", model: alone },
        ]),
      ).toThrow("the targets fitted beside a are b and none");
    }));

  test("refits to any other, and to one as a term of another", () =>
    inFolder(FILES, async (folder) => {
      const [a, b] = (await fits(`${folder}/all.csv`)) as [LinearModel, LinearModel];
      const { model: other } = refit(a, { target: "b" });
      expect(other.toJSON().coefficients).toEqual(b.toJSON().coefficients);
      expect(other.covariance).toEqual(b.covariance);
      expect(other.targets.map(({ label }) => label)).toEqual(["a"]);
      same(refit(other, { formula: "a ~ x + g" }).model, a);
      const { model: within } = refit(a, { formula: "b ~ a + x" });
      expect(within.targets).toEqual([]);
      const alone = await fitCsv(`${folder}/all.csv`, { formula: "b ~ a + x", threads: 1 });
      within.coefficients.forEach((value, j) => {
        expect(Math.abs(value / alone.model.coefficients[j]! - 1)).toBeLessThan(1e-12);
      });
      expect(() => refit(a, { formula: "cbind(a, b) ~ x" })).toThrow("one target is refitted at a time");
    }));

  test("keeps robust errors, by what it keeps of its rows and in a second round", () =>
    inFolder(FILES, async (folder) => {
      const robust = { features: ["x"], vcov: "hc1" as const, keepMeat: "quartic" as const };
      const [, whole] = await fits(`${folder}/all.csv`, robust);
      const [, one] = await fits(`${folder}/one.csv`, robust);
      same((await updateCsv(one!, `${folder}/two.csv`)).model, whole!);
      const shards = [await fits(`${folder}/one.csv`), await fits(`${folder}/two.csv`, { firstRow: 70 })];
      const { model } = mergeModels(shards.map((models, i) => ({ name: `${i}`, model: models[1]! })));
      const meats = [];
      for (const name of ["one", "two"]) {
        const { meat } = await meatCsv(model, `${folder}/${name}.csv`, {
          vcov: "hc3",
          firstRow: name === "one" ? 0 : 70,
        });
        meats.push({ name, meat });
      }
      const [, expected] = await fits(`${folder}/all.csv`, { vcov: "hc3" });
      same(mergeMeats(model, meats), expected!);
    }));
});

describe("documents of several targets", () => {
  test("are refused where their parts do not fit", () =>
    inFolder(FILES, async (folder) => {
      const [model] = await fits(`${folder}/one.csv`);
      const document = JSON.parse(JSON.stringify(model));
      const broken = (change: object) => () =>
        LinearModel.fromJSON({ ...document, ...change }, "broken.json");
      expect(broken({ targets: [document.spec.target] })).toThrow('"targets" should differ from each other');
      expect(broken({ targets: [{ label: "z", expression: { column: "z" } }] })).toThrow(
        '"moments" lack the target "z"',
      );
      expect(broken({ targets: [] })).toThrow('"targets"');
    }));
});
