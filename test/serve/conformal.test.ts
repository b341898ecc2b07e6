import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fitCsv, fitGroupsCsv, type LinearModel, predictCsv } from "../../src/index.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { inFolder } from "../cli/goml.js";
import { uniform } from "../uniform.js";
import { type Serving, send, serving } from "./serving.js";

const next = uniform(4);
const table = Array.from({ length: 3000 }, (_, i) => ({
  a: 4 * next(),
  b: next() - 0.5,
  g: ["u", "v", "w"][i % 3]!,
  k: [1, 2.5][i % 2]!,
  y: next() * (1 + (i % 3)),
}));
const csv = (rows: readonly object[]) =>
  `${Object.keys(table[0]!).join(",")}\n${rows.map((row) => Object.values(row).join(",")).join("\n")}\n`;

const LEVEL = 0.9;
const plain = { target: "y", features: ["a", "b"] };
const MODELS: Record<string, FitCsvOptions> = {
  split: { ...plain, conformal: "split" },
  "cv-plus": { ...plain, conformal: "cv+" },
  jackknife: { formula: "y ~ a + g + offset(b)", conformal: "jackknife+" },
  "split-by-text": { ...plain, conformal: "split", conformalBy: "g" },
  "by-number": { formula: "y ~ a * k + g", conformal: "cv+", conformalBy: "k" },
  "by-other-number": { ...plain, conformal: "cv+", conformalBy: "k" },
  "by-own-text": { formula: "y ~ a + g", conformal: "cv+", conformalBy: "g" },
  "with-effects": { formula: "y ~ a | g", conformal: "split", conformalBy: "g" },
};

/** What goml predict writes of each model: prediction, lower and upper of every row. */
const written: Record<string, number[][]> = {};
let server: Serving;

beforeAll(async () => {
  const models: Record<string, LinearModel> = {};
  await inFolder({ "data.csv": csv(table.slice(0, 200)), "all.csv": csv(table) }, async (folder) => {
    for (const [name, options] of Object.entries(MODELS)) {
      const { model } = await fitCsv(join(folder, "data.csv"), options);
      models[name] = model;
      const output = join(folder, "out.csv");
      await predictCsv(model, join(folder, "all.csv"), { output, interval: "conformal", level: LEVEL });
      written[name] = readFileSync(output, "utf8")
        .trim()
        .split("\n")
        .slice(1)
        .map((line) => line.split(",").map(Number));
    }
    const groups = await fitGroupsCsv(join(folder, "data.csv"), { ...plain, groupBy: "g" });
    const usual = await fitCsv(join(folder, "data.csv"), plain);
    server = await serving({}, { ...models, groups: groups.models, usual: usual.model });
  });
}, 60_000);
afterAll(() => server[Symbol.asyncDispose]());

type Row = (typeof table)[number];
const tensor = (name: keyof Row, rows: readonly Row[]) => ({
  name,
  datatype: typeof table[0]![name] === "string" ? "BYTES" : "FP64",
  shape: [rows.length],
  data: rows.map((row) => row[name]),
});
const ask = (model: string, names: readonly (keyof Row)[], rows: readonly Row[]) =>
  send(
    `${server.url}/v2/models/${model}/infer`,
    JSON.stringify({
      inputs: names.map((name) => tensor(name, rows)),
      parameters: { interval: "conformal", level: LEVEL },
    }),
  );

test.each<[name: string, inputs: (keyof Row)[]]>([
  ["split", ["a", "b"]],
  ["cv-plus", ["a", "b"]],
  ["jackknife", ["a", "g", "b"]],
  ["split-by-text", ["g", "a", "b"]],
  ["by-number", ["a", "g", "k"]],
  ["by-other-number", ["a", "b", "k"]],
  ["by-own-text", ["a", "g"]],
  ["with-effects", ["a", "g"]],
])(
  "%s: the conformal intervals that goml predict writes, on the event loop and on a thread",
  async (name, inputs) => {
    for (const rows of [table.slice(0, 20), table]) {
      const { status, json } = await ask(name, inputs, rows);
      expect(status).toBe(200);
      const [prediction, lower, upper] = json.outputs.map(({ data }: { data: number[] }) => data);
      rows.forEach((_, i) => {
        expect([prediction[i], lower[i], upper[i]]).toEqual(written[name]![i]);
      });
    }
    const { json } = await send(`${server.url}/v2/models/${name}`);
    expect(json.parameters.intervals.at(-1)).toBe("conformal");
  },
);

test("the column of the groups is asked for only where they are wanted, and is named where it is missing", async () => {
  const rows = table.slice(0, 3);
  const missing = await ask("split-by-text", ["a", "b"], rows);
  expect(missing.status).toBe(400);
  expect(missing.json.error).toContain('conformal intervals are those of the row\'s "g"');
  expect((await send(`${server.url}/v2/models/split-by-text`)).json.parameters.conformalBy).toBe("g");
  const plainly = await send(
    `${server.url}/v2/models/split-by-text/infer`,
    JSON.stringify({ inputs: [tensor("a", rows), tensor("b", rows)] }),
  );
  expect(plainly.json.outputs[0].data).toEqual(written["split-by-text"]!.slice(0, 3).map(([value]) => value));
  // A group that was not calibrated has unbounded intervals, which JSON cannot carry.
  const strange = await ask("split-by-text", ["a", "b", "g"], [{ ...rows[0]!, g: "x" }]);
  expect(strange.status).toBe(400);
  expect(strange.json.error).toContain("the lower bound of row 0 is -Infinity");
  const short = await send(
    `${server.url}/v2/models/split-by-text/infer`,
    JSON.stringify({ inputs: [tensor("a", rows), tensor("b", rows), tensor("g", table.slice(0, 2))] }),
  );
  expect(short.status).toBe(400);
});

test("what has none says so", async () => {
  expect((await ask("usual", ["a", "b"], table.slice(0, 2))).json.error).toContain(
    "no conformal intervals: nothing was calibrated",
  );
  expect((await ask("groups", ["a", "b", "g"], table.slice(0, 2))).json.error).toContain(
    "those of one model, and these are models by group",
  );
});
