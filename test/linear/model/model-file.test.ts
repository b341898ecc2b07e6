import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { DataError, ModelError } from "../../../src/errors.js";
import { BlockPredictor } from "../../../src/linear/model/block-predictor.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { readModel } from "../../../src/linear/model/model-file.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { scratchFolder } from "../../csv/scratch.js";

const scratch = scratchFolder();
const boston = await fitCsv("data/boston.csv", { solver: "normal" });
const text = JSON.stringify(boston.model);

describe("a model", () => {
  test.each(["normal", "extended"] as const)("comes back from JSON bit for bit (%s)", async (solver) => {
    const { model } = await fitCsv("data/boston.csv", { solver });
    const path = scratch.file("model.json", JSON.stringify(model));
    const again = await readModel(path);
    expect(again).toEqual(model);
    expect(again.summary()).toEqual(model.summary());
    expect(JSON.stringify(again)).toBe(JSON.stringify(model));
  });

  test("with an aliased term keeps NaN, which JSON writes as null", () => {
    const X = Array.from({ length: 20 }, (_, i) => [i, 2 * i, (i * 7) % 5]);
    const model = fit(
      X,
      X.map(([a, , c]) => a! + c! + Math.sin(a!)),
    );
    expect(model.aliased).toEqual(["x2"]);
    const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expect(again.coefficients).toEqual(model.coefficients);
    expect(again.coefficients[2]).toBeNaN();
    expect(again.predict([[1, 2, 3]])).toEqual(model.predict([[1, 2, 3]]));
  });

  test("names the file it was trained on", () => {
    expect(boston.model.source).toMatchObject({ path: "data/boston.csv", size: 34695 });
    expect(fit([[1], [2], [4]], [1, 2, 3]).source).toBeUndefined();
  });
});

const edited = (change: (document: Record<string, unknown>) => void) => {
  const document = JSON.parse(text);
  change(document);
  return JSON.stringify(document);
};

describe("a bad model file is refused in one line", () => {
  test.each<[what: string, content: string, message: RegExp]>([
    ["truncated", text.slice(0, 1000), /cut short or damaged/],
    ["empty", "", /not JSON/],
    ["not JSON", "crim,zn\n1,2\n", /not JSON/],
    ["another document", '{"a": 1}', /not a goml model/],
    ["a list", "[1, 2]", /not a goml model/],
    ["null", "null", /not a goml model/],
    [
      "of a later version",
      edited((d) => Object.assign(d, { schema: 99 })),
      /schema 99, this goml reads up to/,
    ],
    ["without a version", edited((d) => delete d.schema), /no schema version/],
    [
      "with a coefficient too few",
      edited((d) => (d.coefficients as number[]).pop()),
      /"coefficients" should be 14/,
    ],
    [
      "with a term too many",
      edited((d) => (d.terms as string[]).push("extra")),
      /"coefficients" should be 15/,
    ],
    ["with a text for a number", edited((d) => Object.assign(d, { n: "506" })), /"n" should be/],
    ["without moments", edited((d) => delete d.moments), /"moments" cannot be read/],
    [
      "with moments of other columns",
      edited((d) => (d.moments as { mean: number[] }).mean.pop()),
      /"moments" cannot be read/,
    ],
  ])("%s", async (what, content, message) => {
    const path = scratch.file(`${what}.json`, content);
    const error = await readModel(path).then(
      () => undefined,
      (cause) => cause,
    );
    expect(error).toBeInstanceOf(ModelError);
    expect(error.kind).toBe("model");
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(error.message).not.toContain("\n");
    expect(error.hint).toBeTruthy();
  });

  test.each<[what: string, make: () => string, message: RegExp]>([
    ["that is not there", () => join(scratch.path, "none.json"), /no such file/],
    [
      "that is a directory",
      () => {
        const path = join(scratch.path, "folder");
        mkdirSync(path);
        return path;
      },
      /is a directory/,
    ],
  ])("one %s", async (_, make, message) => {
    const error = await readModel(make()).catch((cause) => cause);
    expect(error).toBeInstanceOf(DataError);
    expect(error.kind).toBe("data");
    expect(error.message).toMatch(message);
  });

  // Root may read everything: there the file is read, elsewhere refused.
  test("one without permission", async () => {
    const path = scratch.file("secret.json", text);
    chmodSync(path, 0);
    const outcome = await readModel(path).then(
      (model) => model.target,
      (error) => error.message,
    );
    expect(outcome).toBe(process.getuid?.() === 0 ? "medv" : `${path}: no permission to read it`);
  });
});

test("a model written by hand with fewer digits is still read", () => {
  const path = join(scratch.path, "rounded.json");
  writeFileSync(
    path,
    edited((d) => Object.assign(d, { coefficients: (d.coefficients as number[]).map((c) => +c.toFixed(3)) })),
  );
  const document = JSON.parse(readFileSync(path, "utf8"));
  expect(LinearModel.fromJSON(document).coefficients[0]).toBe(36.459);
});

describe("whatever part of a model file is lost or replaced", () => {
  /** The way to every part of a value, the first of each list standing for all. */
  function* parts(value: unknown): Generator<string[]> {
    if (typeof value !== "object" || value === null) return;
    for (const key of Array.isArray(value) ? value.slice(0, 1).keys() : Object.keys(value)) {
      yield [String(key)];
      for (const rest of parts(value[key as keyof typeof value])) yield [String(key), ...rest];
    }
  }

  test.each([undefined, null, "x", -1, 0.5, 1e9, true, [], {}, [null]])("by %j", async (by) => {
    const path = scratch.file("factors.csv", FACTORS);
    const formula = "log(y) ~ a * s + I(a^2) + poly(b, 2, raw=TRUE)";
    const references = { s: "v" };
    const { model } = await fitCsv(path, { formula, references, weights: "b", vcov: "hc1" });
    const whole = JSON.stringify(model);
    let refused = 0;
    for (const way of parts(JSON.parse(whole))) {
      const document = JSON.parse(whole);
      let parent = document;
      for (const key of way.slice(0, -1)) parent = parent[key];
      if (by === undefined) delete parent[way.at(-1)!];
      else parent[way.at(-1)!] = by;
      try {
        const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(document)), "it");
        // What is read can be used: the compiled predictor meets every part of the specification.
        read.summary();
        new BlockPredictor(read.predictorPlan(true));
      } catch (error) {
        expect(error, `${way.join(".")}: ${error}`).toBeInstanceOf(ModelError);
        expect((error as ModelError).message).not.toMatch(/undefined|\n/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
  });
});

const FACTORS = `a,b,s,y\n${Array.from({ length: 60 }, (_, i) => `${i % 7},${1 + (i % 11)},${"uvw"[i % 3]},${1 + ((i * 13) % 17)}`).join("\n")}\n`;
