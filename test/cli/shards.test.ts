import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

// Numbered shards through the command: what a model file keeps of them, and what merge makes of it.

/** Rows of a shard, of two groups. */
function rows(number: number): string {
  const lines = ["a,b,g,y"];
  for (let i = 0; i < 40; i++) {
    const [a, b] = [(i * 7 + number * 3) % 11, (i * i + number) % 13];
    lines.push(`${a},${b},${i % 2 === 0 ? "x" : "z"},${2 * a - b + ((i * 31 + number * 17) % 19) / 10}`);
  }
  return `${lines.join("\n")}\n`;
}

const FILES = Object.fromEntries([1, 2, 3, 4].map((number) => [`p${number}.csv`, rows(number)]));
const all = ["p1.json", "p2.json", "p3.json", "p4.json"];
const read = (folder: string, file: string) => readFileSync(join(folder, file), "utf8");

test.each([
  ["one model", []],
  ["models by group", ["--group-by", "g"]],
])("shards of four, %s: merge knows which are missing, there twice, and foreign", (_what, more) =>
  inFolder(FILES, async (folder) => {
    const run = async (...args: string[]) => {
      const result = await goml(folder, args);
      expect([args, result.code, result.stderr]).toEqual([args, 0, ""]);
      return result.stdout;
    };
    const refused = async (message: string, ...args: string[]) => {
      const before = (await goml(folder, ["--version"])).left;
      const { code, stderr, left } = await goml(folder, args);
      expect([code, stderr]).toEqual([4, expect.stringContaining(message)]);
      expect(left).toEqual(before);
    };
    for (const n of [1, 2, 3, 4])
      await run("train", `p${n}.csv`, "--shard-id", `nightly:${n}/4`, "-q", "-m", `p${n}.json`, ...more);
    expect(await run("inspect", "p3.json")).toContain('shard 3 of 4 of run "nightly"\n');
    await refused(
      'shard 3 of 4 of run "nightly" is missing',
      "merge",
      "p1.json",
      "p2.json",
      "p4.json",
      "-m",
      "x.json",
    );
    await run("merge", ...all, "-q", "-m", "all.json");
    await run("merge", ...all.toReversed(), "-q", "-m", "reversed.json");
    expect(read(folder, "reversed.json")).toBe(read(folder, "all.json"));
    const shards = (numbers: number[], missing: number[]) => [{ run: "nightly", of: 4, numbers, missing }];
    const inspected = async (file: string) => JSON.parse(await run("inspect", file, "--json")).model.shards;
    expect(await inspected("all.json")).toEqual(shards([1, 2, 3, 4], []));

    // In part, and on from there.
    await run("merge", "p4.json", "p1.json", "--partial", "-q", "-m", "some.json");
    expect(await run("inspect", "some.json")).toContain("; shards 2 and 3 of 4 are missing\n");
    await refused("both hold shard 1 of 4", "merge", "some.json", "p1.json", "-m", "x.json");
    await run("merge", "some.json", "p2.json", "p3.json", "-q", "-m", "rest.json");
    expect(await inspected("rest.json")).toEqual(shards([1, 2, 3, 4], []));

    // Taken out and put in again; rows that come later, and another fit of the same rows, leave the numbers.
    await run("forget", "all.json", "p2.json", "-q", "-m", "less.json");
    expect(await inspected("less.json")).toEqual(shards([1, 3, 4], [2]));
    await refused("lacks shard 2 of 4", "forget", "less.json", "p2.json", "-m", "x.json");
    await run("update", "less.json", "p2.csv", "-q", "-m", "updated.json");
    expect(await inspected("updated.json")).toEqual(shards([1, 3, 4], [2]));
    await run("refit", "less.json", "--formula", "y ~ a", "-q", "-m", "refitted.json");
    expect(await inspected("refitted.json")).toEqual(shards([1, 3, 4], [2]));
    await run("merge", "less.json", "p2.json", "-q", "-m", "again.json");
    expect(await inspected("again.json")).toEqual(shards([1, 2, 3, 4], []));

    // Foreign: of another run, of another number, and without one.
    for (const [shard, what] of [
      ["daily:4/4", 'shard 4 of 4 of run "daily"'],
      ["nightly:4/5", 'shard 4 of 5 of run "nightly"'],
      [undefined, "no numbered shard"],
    ] as const) {
      await run(
        "train",
        "p4.csv",
        ...(shard === undefined ? [] : ["--shard-id", shard]),
        "-q",
        "-m",
        "f.json",
        ...more,
      );
      await refused(
        `f.json is ${what}`,
        "merge",
        "p1.json",
        "p2.json",
        "p3.json",
        "f.json",
        "--partial",
        "-m",
        "x.json",
      );
    }
  }),
);

test.each(["3", "0/8", "9/8", "a/8", "1/0", "1/2000000", ":1/2", "-1/8"])(
  "--shard-id %s is wrong usage",
  (text) =>
    inFolder(FILES, async (folder) => {
      const { code, stderr, left } = await goml(folder, ["train", "p1.csv", `--shard-id=${text}`]);
      expect([code, stderr]).toEqual([
        2,
        expect.stringMatching(/^goml: .*shard.*\nhint: .*\n$|run has a name/),
      ]);
      expect(left).not.toContain("model.json");
    }),
);

test("robust errors of shards in two rounds are those of one pass; meats that do not fit are refused in a line", () =>
  inFolder(
    { ...FILES, "all.csv": [1, 2].map((n) => rows(n).slice(n === 1 ? 0 : 8)).join("") },
    async (folder) => {
      const run = async (...args: string[]) => {
        const result = await goml(folder, args);
        expect([args, result.code, result.stderr]).toEqual([args, 0, ""]);
        return result.stdout;
      };
      const errors = async (...args: string[]) => {
        const { coefficients } = JSON.parse(await run(...args, "--json")) as {
          coefficients: { stdError: number }[];
        };
        return coefficients.map(({ stdError }) => Number(stdError.toPrecision(9)));
      };
      for (const n of [1, 2]) await run("train", `p${n}.csv`, "-q", "-m", `p${n}.json`);
      await run("merge", "p1.json", "p2.json", "-q", "-m", "all.json");
      for (const vcov of [
        ["--vcov", "hc3"],
        ["--cluster", "g"],
      ]) {
        for (const n of [1, 2])
          await run("meat", `p${n}.csv`, "-m", "all.json", ...vcov, "-q", "-o", `m${n}.json`);
        const one = [
          "train",
          "all.csv",
          "-f",
          "a,b,g",
          ...(vcov[0] === "--cluster" ? ["--vcov", "cluster"] : []),
          ...vcov,
        ];
        expect(await errors("merge", "--meats", "all.json", "m1.json", "m2.json")).toEqual(
          await errors(...one),
        );
      }
      const refused = async (message: string, ...args: string[]) => {
        const { code, stderr } = await goml(folder, args);
        expect([code, stderr]).toEqual([4, expect.stringContaining(message)]);
      };
      await refused("the meats are of 40 rows, the model of 80", "merge", "--meats", "all.json", "m1.json");
      await refused("p1.json: not the meat of a shard", "merge", "--meats", "all.json", "p1.json");
      writeFileSync(join(folder, "cut.json"), read(folder, "m1.json").slice(0, 300));
      await refused("cut.json: the file is cut short or damaged", "merge", "--meats", "all.json", "cut.json");
      writeFileSync(join(folder, "changed.json"), read(folder, "m1.json").replace('"n":40', '"n":41'));
      await refused(
        "changed.json: the file has been changed",
        "merge",
        "--meats",
        "all.json",
        "changed.json",
      );
    },
  ));
