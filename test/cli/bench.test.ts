import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { renderBench } from "../../src/cli/bench/bench-text.js";
import { compareRuns } from "../../src/cli/bench/compare.js";
import { crossoverOf } from "../../src/cli/bench/crossover.js";
import type { BenchDocument } from "../../src/cli/bench/document.js";
import type { CaseResult, GroupResult } from "../../src/cli/bench/results.js";
import { displayWidth } from "../../src/cli/render/table.js";
import { goml, inFolder } from "./goml.js";

/** A case whose times are all `ms`. */
const timed = (name: string, ms: number, ratio: number, more: Partial<CaseResult> = {}): CaseResult => ({
  name,
  against: "serial",
  threads: null,
  medianMs: ms,
  p75Ms: ms,
  p99Ms: ms,
  opsPerSecond: 1000 / ms,
  samples: 10,
  ratio,
  ...more,
});
const group = (rows: number, ratio: number, suite = "csv"): GroupResult => ({
  suite,
  name: `${suite} ${rows} rows`,
  rows,
  values: 13 * rows,
  bytes: 100 * rows,
  cases: [
    timed("plain split", 2, 1, { against: null }),
    timed("serial", 1, 0.5, { against: "plain split" }),
    timed("1 thread", 1.1, 1.1, { threads: 1 }),
    timed("2 threads", ratio, ratio, { threads: 2 }),
  ],
});
const document = (results: GroupResult[]): BenchDocument => ({
  goml: "0",
  command: "bench",
  quick: true,
  machine: { node: "20", cpu: "a CPU", cores: 2, platform: "linux x64" },
  data: { path: "d.csv", rows: 506, features: 13 },
  results,
  crossover: { csv: crossoverOf("csv", results) ?? null },
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("goml bench", () => {
  test("measures, and its documents can be compared", () =>
    inFolder({}, async (folder) => {
      const bench = (...args: string[]) =>
        goml(folder, ["bench", "--quick", "--suite", "train,predict,csv", "--threads", "2", ...args]);
      // What it writes for a while, it writes here, and takes away again.
      vi.stubEnv("TMPDIR", folder);
      const run = await bench("--json");
      expect(run).toMatchObject({ code: 0, stderr: "", left: [] });
      const result: BenchDocument = JSON.parse(run.stdout);
      expect(result).toMatchObject({ command: "bench", quick: true, data: { rows: 506, features: 13 } });
      expect(result.results.map(({ suite, values }) => [suite, values])).toEqual([
        ["train", 506 * 13],
        ["predict", 13],
        ["predict", 769 * 13],
        ["predict", 76_923 * 13],
        ["csv", 13],
        ["csv", 769 * 13],
        ["csv", 76_923 * 13],
      ]);
      for (const { cases } of result.results)
        for (const one of cases) {
          expect(one.medianMs).toBeGreaterThan(0);
          expect(one.p75Ms).toBeGreaterThanOrEqual(one.medianMs);
          expect(one.p99Ms).toBeGreaterThanOrEqual(one.p75Ms);
          const yardstick = cases.find(({ name }) => name === one.against);
          expect(one.ratio).toBe(yardstick === undefined ? 1 : one.medianMs / yardstick.medianMs);
        }
      expect(Object.keys(result.crossover)).toEqual(["predict", "csv"]);

      // What was ten times as fast before, in ratio, is too slow now, and stays so when it is measured again.
      for (const one of result.results[0]!.cases) one.ratio /= one.against === null ? 1 : 10;
      writeFileSync(join(folder, "before.json"), JSON.stringify(result));
      const again = await bench("--suite", "train", "--compare", "before.json", "--format", "github");
      expect(again).toMatchObject({ code: 5, left: ["before.json"] });
      expect(again.stderr).toMatch(
        /^goml: train 506 rows, in memory: [0-9.]+ times as slow against ml-matrix .*\nhint: the gate is --max-slowdown 1\.5, against before\.json\n$/,
      );
      const figures = JSON.parse(again.stdout);
      expect(figures.map((figure: { name: string }) => figure.name)).toEqual([
        "train 506 rows, ml-matrix",
        "train 506 rows, in memory",
        "train 506 rows, from CSV",
      ]);
      for (const figure of figures)
        expect(figure).toEqual({
          name: expect.any(String),
          unit: "ms",
          value: expect.any(Number),
          range: expect.stringMatching(/^± [0-9.e-]+$/),
          extra: expect.any(String),
        });
    }));

  test("takes a data set of one's own, and leaves missing and text cells out", () => {
    const rows = Array.from(
      { length: 60 },
      (_, i) => `${i},${(i * 7) % 11},word,${i % 5 === 0 ? "NA" : i * 3}`,
    );
    return inFolder({ "d.csv": `y;a;b;c\n${rows.join("\n").replaceAll(",", ";")}\n` }, async (folder) => {
      const args = ["bench", "d.csv", "-t", "y", "--quick", "--suite", "train", "--json"];
      const { stdout } = await goml(folder, args);
      expect(JSON.parse(stdout).data).toEqual({ path: "d.csv", rows: 48, features: 2 });
    });
  });

  test.each([
    ["not JSON", "x", 3],
    ["another document", '{"command": "train"}', 3],
    ["a run on other data", JSON.stringify(document([group(5, 2)])), 3],
  ])("--compare refuses %s", (_, content, code) =>
    inFolder({ "before.json": content }, async (folder) => {
      const run = await goml(folder, ["bench", "--quick", "--suite", "train", "--compare", "before.json"]);
      expect(run.code).toBe(code);
      expect(run.stderr).toMatch(/^goml: .*\nhint: .*\n$/);
    }),
  );
});

describe("comparing runs", () => {
  test("looks at ratios only: a machine ten times slower passes, a ratio twice as large does not", () => {
    const before = document([group(100, 0.6)]);
    const slower = group(100, 0.6);
    for (const one of slower.cases) one.medianMs *= 10;
    expect(compareRuns(before, [slower], 1.5)).toEqual({ compared: 3, slower: [] });
    expect(compareRuns(before, [group(100, 1.2)], 1.5).slower).toEqual([
      expect.objectContaining({ name: "2 threads", before: 0.6, now: 1.2, slowdown: 2 }),
    ]);
    expect(compareRuns(before, [group(100, Number.NaN)], 1.5).slower.length).toBe(1);
  });
});

describe("the crossover", () => {
  test("lies where the ratio crosses 1 for good, on the scale of logarithms", () => {
    const found = crossoverOf("csv", [group(1000, 0.5), group(10, 4), group(100, 1.5)]);
    expect(found).toEqual({ suite: "csv", rows: 316, values: 4111, bytes: 31623, speedup: 2, threads: 2 });
  });

  test("is the first batch where all pay, and none where the largest does not", () => {
    expect(crossoverOf("csv", [group(10, 0.7), group(100, 0.6)])).toMatchObject({ rows: 10 });
    expect(crossoverOf("csv", [group(10, 0.5), group(100, 1)])).toBeUndefined();
    expect(crossoverOf("csv", [group(10, 0.5, "predict")])).toBeUndefined();
  });
});

test("the text keeps to the width, and drops what it must", () => {
  const wide = renderBench(document([group(1, 40), group(100_000, 0.55)]), 100);
  expect(wide).toContain("p99");
  expect(wide).toContain("40 times as slow");
  expect(wide).toContain("1.8 times as fast");
  expect(wide).toMatch(/From CSV to CSV, threads pay from about [0-9.]+ MB/);
  for (const columns of [50, 60, 72]) {
    const text = renderBench(document([group(1, 40), group(100_000, 0.55)]), columns);
    for (const line of text.split("\n")) expect(displayWidth(line), line).toBeLessThanOrEqual(columns);
    expect(text).toContain("ratio");
  }
});
