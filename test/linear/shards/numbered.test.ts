import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fit, LinearModel, mergeModels } from "../../../src/index.js";
import type { ModelParts } from "../../../src/linear/model/model-parts.js";
import { forgetRows } from "../../../src/linear/shards/forget-rows.js";
import { described, missingOf, type ShardNumber, shardSet } from "../../../src/linear/shards/numbered.js";
import { uniform } from "../../uniform.js";

/** A model of some rows, numbered as a shard where it is one. */
function shard(seed: number, number?: ShardNumber): LinearModel {
  const next = uniform(seed);
  const X = Array.from({ length: 12 }, () => [next(), next()]);
  const y = X.map(([a, b]) => 1 + 2 * a! - b! + next());
  const document = JSON.parse(JSON.stringify(fit(X, y, { terms: ["a", "b"] })));
  return LinearModel.fromJSON(number === undefined ? document : { ...document, shards: [shardSet(number)] });
}

const named = (models: readonly LinearModel[]) => models.map((model, i) => ({ name: `m${i}`, model }));
/** As a file has it. */
const read = (model: LinearModel) => LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
const bytes = (model: LinearModel) => JSON.stringify(model);

/** All shards of a whole of 2 to 9, shuffled and cut into groups that are merged in part before the rest. */
const trees = fc.integer({ min: 2, max: 9 }).chain((of) =>
  fc.record({
    of: fc.constant(of),
    run: fc.constantFrom(undefined, "nightly", 'a "b" :3/4'),
    order: fc.shuffledSubarray(
      Array.from({ length: of }, (_, i) => i + 1),
      { minLength: of },
    ),
    cut: fc.integer({ min: 1, max: of - 1 }),
  }),
);

describe("all shards of a whole", () => {
  test("merge to the same bytes, in whatever order they are named", () => {
    fc.assert(
      fc.property(trees, ({ of, run, order }) => {
        const models = order.map((number) => shard(number, { number, of, run }));
        const sorted = order.toSorted((a, b) => a - b).map((number) => shard(number, { number, of, run }));
        const merged = mergeModels(named(models)).model;
        expect(bytes(merged)).toBe(bytes(mergeModels(named(sorted)).model));
        expect(merged.shards).toEqual([
          { ...(run === undefined ? {} : { run }), of, numbers: order.toSorted((a, b) => a - b) },
        ]);
      }),
      { numRuns: 30 },
    );
  });

  test("merge in two steps where the first may be in part, and forgetting one asks for that one again", () => {
    fc.assert(
      fc.property(trees, ({ of, run, order, cut }) => {
        const one = (number: number) => shard(number, { number, of, run });
        const parts = [order.slice(0, cut), order.slice(cut)]
          .map((numbers) => numbers.map(one))
          .map((models) =>
            models.length === 1 ? models[0]! : read(mergeModels(named(models), { partial: true }).model),
          );
        const whole = read(mergeModels(named(parts)).model);
        expect(whole.shards[0]!.numbers).toHaveLength(of);
        expect(whole.n).toBe(12 * of);
        const [first] = order as [number];
        const gone = { name: "gone", model: one(first) };
        const less = read(forgetRows({ name: "whole", model: whole }, gone).model);
        expect(missingOf(less.shards[0]!)).toEqual([first]);
        expect(() => forgetRows({ name: "less", model: less }, gone)).toThrow(
          `that lacks shard ${first} of ${of}`,
        );
        expect(mergeModels(named([less, one(first)])).model.shards).toEqual(whole.shards);
        if (of > 2)
          expect(() =>
            mergeModels(named([one(first), shard(99, { number: (first % of) + 1, of, run })])),
          ).toThrow(/missing$/);
      }),
      { numRuns: 30 },
    );
  });

  test("are refused with any one missing, by its number, unless that is asked for", () => {
    fc.assert(
      fc.property(
        trees.filter(({ of }) => of > 2),
        ({ of, run, order }) => {
          const [missing, ...others] = order as [number, ...number[]];
          const models = named(others.map((number) => shard(number, { number, of, run })));
          const whose = run === undefined ? "" : ` of run ${JSON.stringify(run)}`;
          expect(() => mergeModels(models)).toThrow(
            expect.objectContaining({
              message: `shard ${missing} of ${of}${whose} is missing`,
              kind: "model",
            }),
          );
          expect(missingOf(mergeModels(models, { partial: true }).model.shards[0]!)).toEqual([missing]);
        },
      ),
      { numRuns: 30 },
    );
  });

  test("are refused with any one twice, though its rows are others", () => {
    fc.assert(
      fc.property(trees, ({ of, run, order }) => {
        const models = order.map((number) => shard(number, { number, of, run }));
        const [number] = order as [number];
        const twice = named([...models, shard(1000, { number, of, run })]);
        expect(() => mergeModels(twice)).toThrow(`both hold shard ${number} of ${of}`);
        expect(() => mergeModels(twice, { partial: true })).toThrow("would count twice");
        expect(mergeModels(twice, { again: true }).model.n).toBe(12 * (of + 1));
      }),
      { numRuns: 30 },
    );
  });

  test("are refused with a foreign one among them: of another number, another run, or not numbered", () => {
    fc.assert(
      fc.property(trees, fc.constantFrom(...(["of", "run", "none"] as const)), ({ of, run, order }, how) => {
        const foreign = {
          of: { number: 1, of: of + 1, run },
          run: { number: 1, of, run: "another" },
          none: undefined,
        }[how];
        const models = named([
          ...order.map((number) => shard(number, { number, of, run })),
          shard(1000, foreign),
        ]);
        for (const options of [{}, { partial: true }, { again: true }])
          expect(() => mergeModels(models, options)).toThrow(
            /^m\d and m\d do not fit together: m\d is shard \d of/,
          );
      }),
      { numRuns: 30 },
    );
  });
});

test("wholes are data like any other: two of them merge, and rows without a number are added", () => {
  const whole = (run: string, seed: number) =>
    mergeModels(named([1, 2].map((number) => shard(seed + number, { number, of: 2, run })))).model;
  const years = read(mergeModels(named([whole("2025", 0), whole("2026", 10), shard(20)])).model);
  expect(years.shards).toEqual([
    { run: "2025", of: 2, numbers: [1, 2] },
    { run: "2026", of: 2, numbers: [1, 2] },
  ]);
  expect(() => mergeModels(named([years, shard(11, { number: 1, of: 2, run: "2026" })]))).toThrow(
    'both hold shard 1 of 2 of run "2026"',
  );
  // One taken out: only its like may come in its place.
  const one = { name: "one", model: shard(11, { number: 1, of: 2, run: "2026" }) };
  const less = forgetRows({ name: "years", model: years }, one).model;
  expect(() => mergeModels(named([less, shard(30)]))).toThrow("do not fit together");
  expect(mergeModels(named([less, shard(31, { number: 1, of: 2, run: "2026" })])).model.shards).toEqual(
    years.shards,
  );
});

test("rows that were added to a shard are forgotten without a number, and leave it its own", () => {
  const numbered = mergeModels(named([1, 2].map((number) => shard(number, { number, of: 2 })))).model;
  const more = mergeModels(named([numbered, shard(5)])).model;
  expect(forgetRows({ name: "more", model: more }, { name: "late", model: shard(5) }).model.shards).toEqual(
    numbered.shards,
  );
});

test("numbers as words: stretches, two at a time, and an end", () => {
  const words = (numbers: number[]) => described({ of: 99, numbers });
  expect(words([3])).toBe("shard 3 of 99");
  expect(words([1, 2])).toBe("shards 1 and 2 of 99");
  expect(words([1, 2, 3, 7])).toBe("shards 1 to 3 and 7 of 99");
  expect(words([2, 5, 6, 9])).toBe("shards 2, 5, 6 and 9 of 99");
  expect(words(Array.from({ length: 40 }, (_, i) => 2 * i + 1))).toBe(
    "shards 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, … of 99",
  );
});

test.each([
  [{ number: 0, of: 8 }, "no shard 0 of 8"],
  [{ number: 9, of: 8 }, "no shard 9 of 8"],
  [{ number: 1.5, of: 8 }, "no shard 1.5 of 8"],
  [{ number: 1, of: 0 }, "1 to 1000000 shards, not 0"],
  [{ number: 1, of: 1e9 }, "1 to 1000000 shards, not 1000000000"],
  [{ number: 1, of: 2, run: " " }, "a run has a name"],
])("%j is refused", (number, message) => {
  expect(() => shardSet(number)).toThrow(
    expect.objectContaining({ kind: "usage", message: expect.stringContaining(message) }),
  );
});

test.each<[what: string, shards: unknown, message: string]>([
  ["a number beyond the count", [{ of: 2, numbers: [1, 3] }], '"shards[0].numbers"'],
  ["a number twice", [{ of: 2, numbers: [1, 1] }], '"shards[0].numbers"'],
  ["no number", [{ of: 2, numbers: [] }], '"shards[0].numbers"'],
  ["a number of 0", [{ of: 2, numbers: [0] }], '"shards[0].numbers[0]"'],
  [
    "one set twice",
    [
      { of: 2, numbers: [1] },
      { of: 2, numbers: [2] },
    ],
    '"shards[1]" is of a run',
  ],
  ["a count that no file has", [{ of: 1e12, numbers: [1] }], '"shards[0].of"'],
  ["a run that is a number", [{ run: 3, of: 2, numbers: [1] }], '"shards[0].run"'],
])("a file with %s is refused", (_what, shards, message) => {
  const document: Partial<ModelParts> = JSON.parse(JSON.stringify(shard(1)));
  expect(() => LinearModel.fromJSON({ ...document, shards })).toThrow(message);
});
