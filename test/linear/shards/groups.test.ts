import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelGroup } from "../../../src/linear/model/model-group.js";
import { crossValidateGroups } from "../../../src/linear/selection/cross-validate-groups.js";
import { eachGroupSteps } from "../../../src/linear/selection/each-group.js";
import { refitSteps } from "../../../src/linear/selection/refit.js";
import { forgetGroupsSteps } from "../../../src/linear/shards/forget-groups.js";
import { groupNotes, mergeGroupsSteps } from "../../../src/linear/shards/merge-groups.js";
import { mergeModels } from "../../../src/linear/shards/merge-models.js";
import { mergeTreeSteps } from "../../../src/linear/solve/merge-steps.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { foldOf } from "../../../src/scan/row-draw.js";
import { mergeFolds } from "../../../src/stats/merge-folds.js";
import { fit } from "../../../src/training/fit.js";
import { type FitGroupsCsvOptions, fitGroupsCsv } from "../../../src/training/fit-groups-csv.js";
import { updateGroupsCsv } from "../../../src/training/update-groups-csv.js";
import { scratchFolder } from "../../csv/scratch.js";
import { uniform } from "../../uniform.js";

const scratch = scratchFolder();

/** Rows of groups of which some are in one half only, and some have few rows. */
function rowsOf(seed: number, count: number): string[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const g = Math.floor(-3 * Math.log(1 - next()));
    const [x, z, w] = [next() - 0.5, next(), 0.5 + next()].map((v) => v.toFixed(4));
    const f = "pq"[Math.floor(2 * next())];
    return `${x},${z},${f},g${g},${w},${(g * Number(x) + (f === "q" ? 1 : 0) + next()).toFixed(4)}`;
  });
}

const file = (name: string, rows: readonly string[]) =>
  scratch.file(name, `${["x,z,f,g,w,y", ...rows].join("\n")}\n`);
const read = (models: ModelGroup) => ModelGroup.fromJSON(JSON.parse(JSON.stringify(models)));
const named = (name: string, model: ModelGroup) => ({ name, model });

/** The same models: sums are added in another order, which θ shows by its conditioning. */
function expectSame(a: ModelGroup, b: ModelGroup, tolerance = 1e-9) {
  expect([...a.models.keys()]).toEqual([...b.models.keys()]);
  const reasons = ({ refused }: ModelGroup) => refused.map(({ group, reason }) => `${group}: ${reason}`);
  expect(reasons(a)).toEqual(reasons(b));
  for (const [name, model] of a.models) {
    const other = b.models.get(name)!;
    expect(model.coefficientNames).toEqual(other.coefficientNames);
    expect(model.n).toBe(other.n);
    expect(model.folds.map(({ n }) => n)).toEqual(other.folds.map(({ n }) => n));
    const scale = other.coefficients.reduce((most, v) => Math.max(most, Math.abs(v) || 0), 1);
    // Groups of hardly more rows than coefficients may be as ill-conditioned as chance has it.
    const bound = tolerance * scale * other.conditionNumber ** 2;
    model.coefficients.forEach((value, j) => {
      const own = other.coefficients[j]!;
      if (Number.isNaN(own)) expect(value).toBeNaN();
      else expect(Math.abs(value - own)).toBeLessThan(bound);
    });
    expect(Math.abs(model.rss - other.rss)).toBeLessThan(tolerance * Math.max(1, other.tss));
  }
}

describe("models by group of shards", () => {
  const options = fc.record({
    formula: fc.constantFrom(undefined, "y ~ x + z", "y ~ x + f"),
    weights: fc.constantFrom(undefined, "w"),
    folds: fc.constantFrom(1, 3),
    solver: fc.constantFrom("normal", "extended"),
  }) as fc.Arbitrary<Omit<FitGroupsCsvOptions, "groupBy">>;

  test("merge, update and forget give what training on the rows gives", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), options, async (seed, how) => {
        const rows = rowsOf(seed, 260);
        const cut = 140;
        const [a, b, all] = [
          file("a.csv", rows.slice(0, cut)),
          file("b.csv", rows.slice(cut)),
          file("all.csv", rows),
        ];
        const fit = async (path: string, firstRow: number) =>
          read((await fitGroupsCsv(path, { ...how, groupBy: "g", firstRow })).models);
        const [first, second, whole] = [await fit(a, 0), await fit(b, cut), await fit(all, 0)];
        const merged = read(inOneGo(mergeGroupsSteps([named("a", first), named("b", second)])));
        expectSame(merged, whole);
        expectSame(read((await updateGroupsCsv(first, b)).models), whole);
        const left = inOneGo(forgetGroupsSteps(named("all", merged), named("b", second)));
        // Taking away costs digits of the sums of groups that keep few of their rows.
        expectSame(read(left.models), first, 1e-6);
        expect(left.digitsLost).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 25 },
    );
  }, 60_000);

  test("merging is associative, whatever the order of the shards", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), options, async (seed, how) => {
        const rows = rowsOf(seed, 240);
        const shards: ModelGroup[] = [];
        for (const [i, [from, to]] of [
          [0, 90],
          [90, 150],
          [150, 240],
        ].entries())
          shards.push(
            read(
              (
                await fitGroupsCsv(file(`${i}.csv`, rows.slice(from, to)), {
                  ...how,
                  groupBy: "g",
                  firstRow: from!,
                })
              ).models,
            ),
          );
        const merge = (...models: ModelGroup[]) =>
          read(inOneGo(mergeGroupsSteps(models.map((model, i) => named(String(i), model)))));
        const [a, b, c] = shards as [ModelGroup, ModelGroup, ModelGroup];
        const all = merge(a, b, c);
        expectSame(merge(merge(a, b), c), all);
        expectSame(merge(a, merge(b, c)), all);
        expectSame(merge(c, merge(a, b)), all);
        // Taken away one after the other, the rest is what was there before.
        const forget = (whole: ModelGroup, shard: ModelGroup) =>
          read(inOneGo(forgetGroupsSteps(named("all", whole), named("shard", shard))).models);
        expectSame(forget(all, c), merge(a, b), 1e-6);
        expectSame(forget(forget(all, c), b), a, 1e-5);
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test("cross-validation is refitting each group without each of its folds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.constantFrom(undefined, "w"), async (seed, weights) => {
        const rows = rowsOf(seed, 300);
        const how = { groupBy: "g", formula: "y ~ x + z", weights, solver: "normal" as const };
        const { models } = await fitGroupsCsv(file("cv.csv", rows), { ...how, folds: 4, seed: 9 });
        const cv = crossValidateGroups(read(models));
        for (const [group, { folds }] of cv.groups) {
          const model = models.models.get(group)!;
          // Fewer rows in a fold's others than coefficients are the single fit's to tell of.
          if (model.n < 30) continue;
          const own = rows
            .map((line, i) => ({ cells: line.split(","), fold: foldOf(i, 9, 4) }))
            .filter(({ cells }) => cells[3] === group);
          const scale = model.moments.sumW / model.n;
          [0, 1, 2, 3]
            .filter((f) => own.some(({ fold }) => fold === f))
            .forEach((f, k) => {
              const X = (some: typeof own) => some.map(({ cells }) => [Number(cells[0]), Number(cells[1])]);
              const y = (some: typeof own) => some.map(({ cells }) => Number(cells[5]));
              const w = (some: typeof own) => some.map(({ cells }) => (weights ? Number(cells[4]) : 1));
              const [rest, out] = [
                own.filter(({ fold }) => fold !== f),
                own.filter(({ fold }) => fold === f),
              ];
              const refitted = fit(X(rest), y(rest), { weights: Float64Array.from(w(rest)) });
              const predicted = refitted.predict(X(out));
              const squares = y(out).reduce((sum, v, i) => sum + w(out)[i]! * (v - predicted[i]!) ** 2, 0);
              const mse = (squares / w(out).reduce((sum, v) => sum + v, 0)) * scale;
              // A fold's squares from moments lose what the target's own are larger by.
              expect(Math.abs(folds[k]!.mse - mse)).toBeLessThan(1e-8 * Math.max(1, mse));
            });
        }
      }),
      { numRuns: 15 },
    );
  }, 60_000);

  test("forget leaves folds out where they are not known to be the same", async () => {
    const [a, b] = [rowsOf(7, 120), rowsOf(8, 60)];
    const how = { groupBy: "g", formula: "y ~ x + z", folds: 3 };
    const fit = async (name: string, rows: readonly string[]) =>
      read((await fitGroupsCsv(file(name, rows), how)).models);
    const [first, second, whole] = [
      await fit("a.csv", a),
      await fit("b.csv", b),
      await fit("c.csv", [...a, ...b]),
    ];
    const left = inOneGo(forgetGroupsSteps(named("all", whole), named("b", second)));
    expect(left.notes).toEqual([expect.stringMatching("the cross-validation folds are left out")]);
    const without = (await fitGroupsCsv(file("a.csv", a), { ...how, folds: 1 })).models;
    expectSame(read(left.models), read(without), 1e-6);
    const again = read(inOneGo(mergeGroupsSteps([named("left", left.models), named("b", second)])));
    expect(groupNotes([named("left", left.models), named("b", second)])).toEqual([
      "the cross-validation folds are left out: left has none",
    ]);
    expect([...again.models.keys()]).toEqual([...whole.models.keys()]);
    const merged = inOneGo(mergeGroupsSteps([named("a", first), named("b", second)]));
    const kept = inOneGo(forgetGroupsSteps(named("all", merged), named("b", second)));
    expect(kept.notes).toEqual([]);
    expectSame(read(kept.models), first, 1e-6);
  });

  test("a group that no shard could fit is fitted with the rows of all", async () => {
    const how = { groupBy: "g", features: ["x", "z"], folds: 1 };
    const fit = async (name: string, rows: readonly string[]) =>
      read((await fitGroupsCsv(file(name, rows), how)).models);
    const first = await fit("a.csv", ["1,1,p,few,1,2", "2,0,p,few,1,3", ...rowsOf(1, 50)]);
    const second = await fit("b.csv", ["3,1,p,few,1,1", "4,2,p,few,1,3", ...rowsOf(2, 50)]);
    expect([first.models.has("few"), second.models.has("few")]).toEqual([false, false]);
    const merged = inOneGo(mergeGroupsSteps([named("a", first), named("b", second)]));
    expect(merged.models.get("few")!.n).toBe(4);
    expect(merged.refused.map(({ group }) => group)).not.toContain("few");
  });

  test("what does not fit together is refused with the difference", async () => {
    const fit = async (name: string, seed: number, how: object) =>
      (await fitGroupsCsv(file(name, rowsOf(seed, 80)), { groupBy: "g", features: ["x"], ...how })).models;
    const merge = (a: ModelGroup, b: ModelGroup) => inOneGo(mergeGroupsSteps([named("a", a), named("b", b)]));
    const own = await fit("a.csv", 3, {});
    const plain = await fit("b.csv", 4, { groupBy: "f" });
    expect(() => merge(own, plain)).toThrow("the groups are by g and f");
    const more = await fit("c.csv", 5, { features: ["x", "z"] });
    expect(() => merge(own, more)).toThrow("a has no z");
    expect(() => merge(own, own)).toThrow("count twice");
    expect(() => inOneGo(forgetGroupsSteps(named("a", own), named("c", plain)))).toThrow("g and f");
  });
});

test("refitting by group is refitting each model", async () => {
  const { models } = await fitGroupsCsv(file("a.csv", rowsOf(5, 200)), {
    groupBy: "g",
    features: ["x", "z"],
  });
  const to = (features: string[]) =>
    inOneGo(eachGroupSteps(models, (one) => refitSteps(one, { features }))).models;
  for (const [name, model] of read(to(["z"])).models) {
    const alone = inOneGo(refitSteps(models.models.get(name)!, { features: ["z"] })).model;
    expect(model.coefficients).toEqual(alone.coefficients);
  }
  // What is asked for wrongly is no fault of a group's rows.
  expect(() => to(["nowhere"])).toThrow("nowhere");
});

test("many shards of models by group are merged in the tree in which models are", async () => {
  const how = { formula: "y ~ x + z", folds: 3, solver: "normal", groupBy: "g" } as const;
  const shards = [];
  for (let number = 1; number <= 9; number++) {
    const path = file(`many${number}.csv`, rowsOf(number, 260));
    const shardId = { number, of: 9 };
    shards.push(named(`${number}`, read((await fitGroupsCsv(path, { ...how, shardId })).models)));
  }
  const merged = inOneGo(mergeGroupsSteps(shards));
  // A group that each shard has, as a model of its own.
  const alone = shards.map(({ name, model }) => ({ name, model: model.models.get("g0")! }));
  const one = mergeModels(alone).model;
  expect(merged.models.get("g0")!.moments).toEqual(one.moments);
  expect(merged.models.get("g0")!.folds).toEqual(one.folds);
  // Which is not what adding one to the other gives.
  const chain = mergeFolds(alone.map(({ model }) => model.moments));
  expect(chain).not.toEqual(inOneGo(mergeTreeSteps(alone.map(({ model }) => model.moments))));
});
