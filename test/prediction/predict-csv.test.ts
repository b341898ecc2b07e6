import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InterruptedError, ModelError } from "../../src/errors.js";
import { evaluateCsv } from "../../src/prediction/evaluate-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import type { PredictionMetrics } from "../../src/stats/metrics.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { generator } from "../linear/samples.js";

const scratch = scratchFolder();
const { model: boston } = await fitCsv("data/boston.csv");

/** A CSV of random cells: numbers, now and then a missing one, and the model that predicts from it. */
function randomTable(rows: number, k: number, seed: number) {
  const random = generator(seed);
  const cell = () => {
    const draw = random();
    // In a table of one column an empty cell would be a blank line, which is no row.
    if (draw > 0.995) return ["NA", k === 1 ? "NaN" : "", "null"][Math.floor((draw - 0.995) * 600)]!;
    const value = random() * 10 ** Math.round(5 * draw);
    return draw < -0.9 ? value.toExponential(3) : String(value);
  };
  const terms = Array.from({ length: k }, (_, j) => `x${j}`);
  const lines = Array.from({ length: rows }, () => Array.from({ length: k }, cell).join(","));
  const train = Array.from({ length: 3 * k + 5 }, () => Array.from({ length: k }, random));
  const model = fit(train, Array.from({ length: train.length }, random), { terms });
  return { text: `${terms.join(",")}\n${lines.join("\n")}\n`, model };
}

async function predicted(model: typeof boston, path: string, options: object = {}) {
  const output = join(scratch.path, `out-${Math.random()}.csv`);
  const result = await predictCsv(model, path, { output, ...options });
  return { result, text: readFileSync(output, "utf8") };
}

describe("CSV to CSV, serial and concurrent", () => {
  test("are the same bytes for random shapes, seeds and thread counts", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 500, max: 5000 })),
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (rows, k, seed, threads, append) => {
          const { text, model } = randomTable(rows, k, seed);
          const path = scratch.file("random.csv", text);
          const serial = await predicted(model, path, { append });
          const concurrent = await predicted(model, path, { append, threads });
          expect(concurrent.text).toBe(serial.text);
          expect({ ...concurrent.result, timing: 0 }).toEqual({ ...serial.result, timing: 0 });
          const lines = serial.text.trimEnd().split("\n");
          expect(lines.length).toBe(rows + 1);
        },
      ),
      { numRuns: process.env.GOML_LONG ? 200 : 15 },
    );
  });

  test("are what model.predict gives in memory, number for number", async () => {
    const { text, model } = randomTable(3000, 7, 5);
    const rows = text.trimEnd().split("\n").slice(1);
    const path = scratch.file("memory.csv", text);
    const { text: output } = await predicted(model, path, { threads: 3 });
    const X = rows.map((row) =>
      row.split(",").map((cell) => (/^(|NA|null)$/.test(cell) ? Number.NaN : +cell)),
    );
    const expected = Array.from(model.predict(X), (value) => (Number.isNaN(value) ? "NA" : String(value)));
    expect(output).toBe(`prediction\n${expected.join("\n")}\n`);
  });
});

describe("columns are matched by name", () => {
  const [header, ...lines] = readFileSync("data/boston.csv", "utf8").trimEnd().split("\n");
  const names = header!.split(",");
  const table = (columns: string[], extra = "") =>
    [
      columns.join(",") + extra,
      ...lines.map((line) => {
        const cells = line.split(",");
        return columns.map((name) => cells[names.indexOf(name)]).join(",") + extra.replace(/\w+/, "text");
      }),
    ].join("\n");

  test("whatever their order, and whatever else is there", async () => {
    const inOrder = await predicted(boston, "data/boston.csv");
    const reversed = scratch.file("reversed.csv", table([...names].reverse(), ",note"));
    const { text, result } = await predicted(boston, reversed);
    expect(text).toBe(inOrder.text);
    expectSame(result.metrics!, inOrder.result.metrics!);
    expect(text.split("\n")[1]).toBe("30.003843377016768");
  });

  test("without the target there are no metrics", async () => {
    const path = scratch.file("no-target.csv", table(names.filter((name) => name !== "medv")));
    const { text, result } = await predicted(boston, path);
    expect(text).toBe((await predicted(boston, "data/boston.csv")).text);
    expect(result.metrics).toBeUndefined();
    await expect(evaluateCsv(boston, path)).rejects.toThrow(/the target "medv" is missing/);
  });

  test("columns that are missing are named, and nothing is written", async () => {
    const path = scratch.file("missing.csv", table(names.filter((name) => name !== "rm" && name !== "nox")));
    const output = join(scratch.path, "never.csv");
    const error = await predictCsv(boston, path, { output }).catch((cause) => cause);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toBe(`${path}: columns of the model are missing: nox, rm`);
    expect(existsSync(output)).toBe(false);
  });

  test("--append keeps the input's own cells, quotes and all", async () => {
    const path = scratch.file("quoted.csv", 'name,"x,1",x2\n"Doe, Jane",1,2\n"say ""hi""",3,4\nplain,,5\n');
    const model = fit(
      [
        [1, 2],
        [2, 1],
        [3, 7],
        [4, 1],
      ],
      [1, 2, 3, 4],
      { terms: ["x,1", "x2"] },
    );
    const { text } = await predicted(model, path, { append: true });
    const [a, b] = model.predict([
      [1, 2],
      [3, 4],
    ]);
    expect(text).toBe(`name,"x,1",x2,prediction\n"Doe, Jane",1,2,${a}\n"say ""hi""",3,4,${b}\nplain,,5,NA\n`);
  });
});

/** The same errors summed over chunks that were cut elsewhere: the last bits may differ. */
function expectSame(a: PredictionMetrics, b: PredictionMetrics): void {
  for (const [name, value] of Object.entries(a))
    expect(Math.abs(value / b[name as "mse"] - 1), name).toBeLessThan(1e-13);
}

test("an abort ends the work and leaves no file", async () => {
  const { text, model } = randomTable(20_000, 8, 3);
  const path = scratch.file("large.csv", text);
  const output = join(scratch.path, "aborted.csv");
  for (const threads of [0, 2]) {
    const controller = new AbortController();
    const running = predictCsv(model, path, { output, threads, signal: controller.signal });
    setImmediate(() => controller.abort());
    await expect(running).rejects.toThrow(InterruptedError);
    expect(readdirSync(scratch.path).filter((name) => name.includes("aborted"))).toEqual([]);
  }
});

test("evaluate measures what predict and the target say", async () => {
  const { metrics, rows, dropped } = await evaluateCsv(boston, "data/boston.csv");
  const { result } = await predicted(boston, "data/boston.csv");
  expect([rows, dropped]).toEqual([506, 0]);
  expectSame(metrics, result.metrics!);
  // R 4.2.2: m <- lm(medv ~ ., read.csv("data/boston.csv")); mean(resid(m)^2); mean(abs(resid(m)))
  expect(metrics.mse).toBeCloseTo(21.8948311817292, 10);
  expect(metrics.mae).toBeCloseTo(3.27086281090032, 10);
});
