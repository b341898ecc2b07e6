import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { ModelError } from "../../src/errors.js";
import { fit, fitCsv, fitGroupsCsv, toOnnx } from "../../src/index.js";
import type { LinearModel } from "../../src/linear/model/model.js";
import type { ModelGroup } from "../../src/linear/model/model-group.js";
import { inFolder } from "../cli/goml.js";
import type { Table } from "../dataset/formula/table.js";
import { exampleOf, examples, firstDifference, rowsOf } from "./models.js";

/** Predictions by onnxruntime: one matrix for a plain model, else an input for each column. */
async function run(model: LinearModel | ModelGroup, rows: Table, float32 = false): Promise<number[]> {
  const session = await ort.InferenceSession.create(toOnnx(model, { float32 }));
  const n = Object.values(rows)[0]!.length;
  const numbers = (names: readonly string[]) => {
    const values = new Float64Array(n * names.length);
    names.forEach((name, j) => {
      for (let r = 0; r < n; r++)
        values[r * names.length + j] = (rows[name]![r] as number | null) ?? Number.NaN;
    });
    return float32
      ? new ort.Tensor("float32", Float32Array.from(values), [n, names.length])
      : new ort.Tensor("float64", values, [n, names.length]);
  };
  const feeds: Record<string, ort.Tensor> = {};
  if (session.inputNames.length === 1 && session.inputNames[0] === "X")
    feeds.X = numbers(model.predictorPlan(false).spec.numeric);
  else
    for (const name of session.inputNames)
      feeds[name] = rows[name]!.some((cell) => typeof cell === "string")
        ? new ort.Tensor(
            "string",
            rows[name]!.map((cell) => String(cell ?? "")),
            [n, 1],
          )
        : numbers([name]);
  const { prediction } = await session.run(feeds);
  expect(prediction!.dims).toEqual([n, 1]);
  expect(prediction!.type).toBe(float32 ? "float32" : "float64");
  await session.release();
  return Array.from(prediction!.data as Float64Array);
}

describe("toOnnx", () => {
  test("gives goml's predictions of Boston to 1e-12 of each, in onnxruntime", async () => {
    const { model } = await fitCsv("data/boston.csv", { threads: 1 });
    const [header, ...lines] = readFileSync("data/boston.csv", "utf8").trim().split("\n");
    const rows: Table = {};
    header!.split(",").forEach((name, j) => {
      rows[name.replaceAll('"', "")] = lines.map((line) => Number(line.split(",")[j]));
    });
    const X = lines.map((line) => line.split(",").slice(0, 13).map(Number));
    const expected = model.predict(X);
    const found = await run(model, rows);
    found.forEach((value, r) => {
      expect(Math.abs(value - expected[r]!)).toBeLessThanOrEqual(1e-12 * Math.abs(expected[r]!));
    });
    // Single precision: 24 bits, over 14 terms that partly cancel.
    const single = await run(model, rows, true);
    single.forEach((value, r) => {
      expect(Math.abs(value - expected[r]!)).toBeLessThanOrEqual(1e-4);
    });
  });

  test("gives goml's predictions for random models", async () => {
    await fc.assert(
      fc.asyncProperty(examples, async (promised) => {
        const example = await promised;
        // Each term is good to a few units in the last place, 2^-53 of its size, and at most 40 are summed.
        expect(firstDifference(example, await run(example.model, example.rows), 1e-13)).toBeUndefined();
      }),
      { numRuns: process.env.GOML_LONG ? 500 : 30 },
    );
  });

  test("looks the coefficients of many groups up, whatever their number", async () => {
    const names = Array.from({ length: 400 }, (_, g) => `g${g}`);
    const rows = names.flatMap((name, g) => [1, 2, 4].map((x) => ({ g: name, x, y: g + (x % 3) * g + x })));
    const { models } = await inFolder({}, async (folder) => {
      const path = join(folder, "data.csv");
      writeFileSync(path, `g,x,y\n${rows.map(({ g, x, y }) => `${g},${x},${y}\n`).join("")}`);
      return fitGroupsCsv(path, { groupBy: "g", threads: 1, folds: 1 });
    });
    const table: Table = { g: rows.map(({ g }) => g), x: rows.map(({ x }) => x) };
    table.g![5] = "unknown";
    const expected = models.predict(rowsOf(table), { unseen: "na" });
    for (const [float32, tolerance] of [
      [false, 1e-13],
      // 2^-24 = 6e-8 for each of three operations.
      [true, 1e-6],
    ] as const) {
      const found = await run(models, table, float32);
      expect(found[5]).toBeNaN();
      found.forEach((value, r) => {
        if (r !== 5)
          expect(Math.abs(value - expected[r]!)).toBeLessThan(tolerance * (1 + 4 * Math.abs(expected[r]!)));
      });
    }
  });

  test("gives them in single precision too", async () => {
    const formulas = [
      "y ~ x + z",
      "y ~ state * log(z) + C(code)",
      "y ~ kind:x:z + poly(z, 3, raw = TRUE) - 1",
    ];
    for (const formula of formulas) {
      const example = await exampleOf(formula, 7);
      // 1e200 is beyond single precision.
      example.rows.x![10] = 1;
      // 2^-24 = 6e-8 for each operation on a term, log and cube among them.
      expect(firstDifference(example, await run(example.model, example.rows, true), 1e-6)).toBeUndefined();
    }
  });

  test("keeps inner values apart from columns of the same name", async () => {
    const X = [
      [1, 2, 3],
      [2, 1, 0],
      [4, 4, 1],
      [0, 3, 2],
      [5, 1, 1],
    ];
    const plain = fit(X, [1, 2, 3, 5, 4], { terms: ["v0", "X", "prediction"] });
    const session = await ort.InferenceSession.create(toOnnx(plain));
    expect(session.outputNames).toEqual(["prediction_"]);
    const { prediction_ } = await session.run({
      X: new ort.Tensor("float64", Float64Array.from(X.flat()), [5, 3]),
    });
    const expected = plain.predict(X);
    (prediction_!.data as Float64Array).forEach((value, r) => {
      expect(value).toBeCloseTo(expected[r]!, 12);
    });
  });

  test("refuses a model without columns, and levels that single precision merges", async () => {
    const { model } = await exampleOf("y ~ 1", 3);
    expect(() => toOnnx(model)).toThrow(ModelError);
    const { levels } = await exampleOf("y ~ C(code)", 3).then((example) => example.model);
    expect(levels["C(code)"]).toEqual(["0.1", "1", "2", "24"]);
    const document = JSON.parse(
      JSON.stringify((await exampleOf("y ~ C(code)", 3)).model)
        .replaceAll('"1"', '"0.10000000001"')
        .replaceAll("C(code)1", "C(code)0.10000000001"),
    );
    const { LinearModel } = await import("../../src/index.js");
    const merged = LinearModel.fromJSON(document);
    expect(() => toOnnx(merged, { float32: true })).toThrow(
      /single precision cannot tell all levels of code apart/,
    );
    expect(toOnnx(merged).length).toBeGreaterThan(0);
  });
});
