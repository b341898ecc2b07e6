import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { forgetRows } from "../../src/linear/shards/forget-rows.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { scratchFolder } from "../csv/scratch.js";
import { fileAnswers, startHttp } from "../sources/remote/http-server.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();
let files = 0;

/** How a file is written: what any of its parts must make the same of. */
interface Writing {
  newline: "\n" | "\r\n";
  mark: boolean;
  blanks: boolean;
  comments: boolean;
  /** Cells in quotes, with delimiters, with quotes, with line ends in them. */
  quotes: "none" | "some" | "lines";
}

function written(seed: number, rows: number, { newline, mark, blanks, comments, quotes }: Writing): string {
  const next = uniform(seed);
  const lines = [`id,g,x,z,y`];
  for (let i = 0; i < rows; i++) {
    if (blanks && next() < 0.1) lines.push("");
    if (comments && next() < 0.1) lines.push('# no "row",1,2');
    const [x, z, e] = [next(), next(), next()].map((v) => Math.round(1e4 * v) / 1e3) as [
      number,
      number,
      number,
    ];
    const g = "abc"[Math.floor(3 * next())]!;
    const inside = quotes === "lines" ? `${newline}${g},"",1` : ', ""';
    const cell = quotes !== "none" && next() < 0.4 ? `"${g}${inside}"` : g;
    const miss = next() < 0.03;
    lines.push(`${Math.floor(50 * next()) - 9},${cell},${miss ? "NA" : x},${z},${1 + 2 * x - z + e}`);
  }
  return `${mark ? "\ufeff" : ""}${lines.join(newline)}${newline}`;
}

const writing: fc.Arbitrary<Writing> = fc.record({
  newline: fc.constantFrom("\n", "\r\n"),
  mark: fc.boolean(),
  blanks: fc.boolean(),
  comments: fc.boolean(),
  quotes: fc.constantFrom("none", "some", "lines"),
});

function alike(merged: LinearModel, whole: LinearModel): void {
  expect(merged.n).toBe(whole.n);
  expect(merged.terms).toEqual(whole.terms);
  expect(merged.folds.map(({ n }) => n)).toEqual(whole.folds.map(({ n }) => n));
  const { test: _, testSize: _s, ...scan } = whole.scan!;
  expect(merged.scan).toMatchObject(scan);
  const [a, b] = [merged.summary().coefficients, whole.summary().coefficients];
  for (const [i, { estimate, stdError }] of a.entries()) {
    // Both are solved from sums in double-double: what is left is the last rounding of each.
    expect(Math.abs(estimate - b[i]!.estimate)).toBeLessThan(1e-12 * (1 + Math.abs(estimate)));
    expect(Math.abs(stdError - b[i]!.stdError)).toBeLessThan(1e-12 * (1 + Math.abs(stdError)));
  }
}

describe("shards that are parts of the bytes", () => {
  test("merge to the model of all rows, folds and hold-out among it", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 1e6 }),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 3 }),
        writing,
        fc.constantFrom<FitCsvOptions>(
          {},
          { testSize: 0.2 },
          { foldBy: "id", quotedLines: true },
          { foldBy: "id", testSize: 0.2, quotedLines: true },
          { folds: 1, quotedLines: true },
        ),
        fc.constantFrom(1, 2),
        async (seed, of, count, how, more, threads) => {
          const paths = Array.from({ length: count }, (_, i) =>
            scratch.file(`${files++}.csv`, written(seed + i, 350, how)),
          );
          const options: FitCsvOptions = {
            formula: "y ~ x + z + g",
            seed,
            threads,
            comment: how.comments ? "#" : undefined,
            ...more,
          };
          const whole = await fitCsv(paths, options);
          const shards: LinearModel[] = [];
          for (let number = 1; number <= of; number++) {
            const { model } = await fitCsv(paths, { ...options, shard: { number, of } });
            shards.push(LinearModel.fromJSON(JSON.parse(JSON.stringify(model))));
          }
          const named = shards.map((model, i) => ({ name: `s${i + 1}`, model }));
          const merged = of === 1 ? shards[0]! : mergeModels(named.toReversed()).model;
          alike(merged, whole.model);
          expect(merged.shards[0]!.parts!.reduce((sum, { rows }) => sum + rows, 0)).toBe(whole.rows);
          if (of < 3) return;
          expect(() => mergeModels(named.slice(1))).toThrow(`shard 1 of ${of}, cut from`);
          const less = forgetRows({ name: "all", model: merged }, named[1]!).model;
          alike(less, mergeModels([...named.slice(0, 1), ...named.slice(2)], { partial: true }).model);
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  test("need no bytes before them where rows are drawn by a key, and are refused where cells span lines", async () => {
    const how: Writing = { newline: "\n", mark: false, blanks: true, comments: false, quotes: "some" };
    const options: FitCsvOptions = { formula: "y ~ x + g", foldBy: "id" };
    const path = scratch.file("lines.csv", written(3, 400, how));
    const models = [];
    for (let number = 1; number <= 5; number++)
      models.push({
        name: `${number}`,
        model: (await fitCsv(path, { ...options, shard: { number, of: 5 } })).model,
      });
    for (const { model } of models) expect(model.shards[0]!.parts![0]!.firstRow).toBeUndefined();
    alike(mergeModels(models).model, (await fitCsv(path, options)).model);
    const spanning = scratch.file("spanning.csv", written(3, 400, { ...how, quotes: "lines" }));
    await expect(fitCsv(spanning, { ...options, shard: { number: 1, of: 5 } })).rejects.toThrow(
      "spans lines",
    );
    // A line is told though it was not counted.
    const bad = written(3, 400, how).split("\n").with(380, "1,a,x7,2,3").join("\n");
    const file = scratch.file("bad.csv", bad);
    await expect(fitCsv(file, { ...options, shard: { number: 5, of: 5 } })).rejects.toMatchObject({
      place: { line: 381, column: "x" },
    });
    const key = scratch.file("key.csv", written(3, 400, how).split("\n").with(380, "1.5,a,7,2,3").join("\n"));
    await expect(fitCsv(key, { ...options, shard: { number: 5, of: 5 } })).rejects.toMatchObject({
      place: { line: 381, column: "id" },
    });
  });

  test("are cut from a file at a URL as from a file here", async () => {
    const how: Writing = { newline: "\n", mark: false, blanks: true, comments: false, quotes: "lines" };
    const text = written(3, 200, how);
    const path = scratch.file("here.csv", text);
    const server = await startHttp();
    try {
      server.answer(fileAnswers(Buffer.from(text)));
      const shard = { number: 2, of: 3 };
      const here = (await fitCsv(path, { formula: "y ~ x", shard })).model;
      const there = (await fitCsv(`${server.url}/here.csv`, { formula: "y ~ x", shard })).model;
      expect(JSON.stringify(there)).toBe(JSON.stringify(here));
    } finally {
      server.stop();
    }
  });

  test("by group, by QR and with robust errors are fits of their own rows", async () => {
    const how: Writing = { newline: "\r\n", mark: true, blanks: true, comments: false, quotes: "lines" };
    const text = written(8, 300, how);
    const path = scratch.file("all.csv", text);
    const shard = { number: 2, of: 3 };
    const one = (await fitCsv(path, { formula: "y ~ x + z", shard })).model;
    const { rows, firstRow } = one.shards[0]!.parts![0]!;
    for (const more of [{ solver: "qr" }, { vcov: "hc1" }] as FitCsvOptions[]) {
      const fitted = await fitCsv(path, { formula: "y ~ x + z", shard, ...more });
      expect(fitted.rows).toBe(rows);
      // QR of some 100 rows of four digits.
      for (const [j, value] of one.coefficients.entries())
        expect(Math.abs(fitted.model.coefficients[j]! - value)).toBeLessThan(1e-10);
    }
    const groups = (await fitGroupsCsv(path, { features: ["x"], target: "y", groupBy: "g", shard })).models;
    expect(groups.shards).toEqual(one.shards);
    expect(groups.scan!.firstRow).toBe(firstRow);
  });

  test("are refused of what has no bytes to cut, and where the wholes differ", async () => {
    const how: Writing = { newline: "\n", mark: false, blanks: false, comments: false, quotes: "none" };
    const options = { formula: "y ~ x" };
    const fitted = async (text: string, number: number) => ({
      name: `${number}`,
      model: (await fitCsv(scratch.file(`w${files++}.csv`, text), { ...options, shard: { number, of: 2 } }))
        .model,
    });
    const text = written(1, 100, how);
    const first = await fitted(text, 1);
    const second = await fitted(text, 2);
    expect(mergeModels([first, second]).model.n).toBeGreaterThan(90);
    const other = await fitted(text.replace(/7/g, "8"), 2);
    expect(() => mergeModels([first, other])).toThrow("do not fit together");
    expect(() => mergeModels([first, { ...first, name: "copy" }, second])).toThrow("both hold shard 1 of 2");
    const { gzipSync } = await import("node:zlib");
    const packed = scratch.file("w.csv.gz", gzipSync(text));
    await expect(fitCsv(packed, { ...options, shard: { number: 1, of: 2 } })).rejects.toThrow(
      "is compressed",
    );
    const odd = scratch.file("odd.csv", text.replace("a,", 'a " b,'));
    await expect(fitCsv(odd, { ...options, shard: { number: 1, of: 2 } })).rejects.toThrow("quotes");
    await expect(fitCsv(packed, { ...options, shard: { number: 1, of: 2 }, firstRow: 3 })).rejects.toThrow(
      "firstRow",
    );
  });
});
