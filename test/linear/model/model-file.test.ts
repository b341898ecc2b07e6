import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTick } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { DataError, InterruptedError, ModelError } from "../../../src/errors.js";
import { BlockPredictor } from "../../../src/linear/model/block-predictor.js";
import type { ModelGroupDocument } from "../../../src/linear/model/document-schema.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { readModel } from "../../../src/linear/model/model-file.js";
import { ModelGroup } from "../../../src/linear/model/model-group.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { scratchFolder } from "../../csv/scratch.js";

const scratch = scratchFolder();
const boston = await fitCsv("data/boston.csv", { solver: "normal" });
const text = JSON.stringify(boston.model);

describe("a file above a megabyte, which is read as it comes", () => {
  // White space behind the document says nothing.
  const long = () => scratch.file("long.json", text + " ".repeat(3 << 20));

  test("holds the model, and a signal that comes too late throws nowhere", async () => {
    const stop = new AbortController();
    const model = await readModel(long(), { signal: stop.signal });
    expect(model).toEqual(boston.model.withScan(model.scan!));
    const thrown: unknown[] = [];
    const catcher = (error: unknown) => void thrown.push(error);
    process.on("uncaughtException", catcher);
    stop.abort();
    // Streams tell of errors in a later turn.
    for (let i = 0; i < 20; i++) await nextTick();
    process.off("uncaughtException", catcher);
    expect(thrown).toEqual([]);
  });

  test("is given up between two pieces", async () => {
    const stop = new AbortController();
    const reading = readModel(long(), { signal: stop.signal });
    stop.abort();
    await expect(reading).rejects.toThrow(InterruptedError);
  });

  test("that is none says so", async () => {
    const table = scratch.file("long.csv", "a,b\n1,2\n".repeat(400_000));
    await expect(readModel(table)).rejects.toThrow(/long\.csv: not JSON$/);
    const cut = scratch.file("cut.json", `${text.slice(0, -9)}${" ".repeat(3 << 20)}`);
    await expect(readModel(cut)).rejects.toThrow(/cut short or damaged/);
    const twice = scratch.file("twice.json", text.replace('"rss":', '"rss":1,"rss":') + " ".repeat(3 << 20));
    await expect(readModel(twice, { trust: true })).rejects.toThrow(/two members "rss"/);
  });
});

describe("a model", () => {
  test.each(["normal", "extended"] as const)("comes back from JSON bit for bit (%s)", async (solver) => {
    const { model } = await fitCsv("data/boston.csv", { solver });
    const path = scratch.file("model.json", JSON.stringify(model));
    const again = await readModel(path);
    expect(again).toEqual(model);
    expect(again.summary()).toEqual(model.summary());
    expect(JSON.stringify(again)).toBe(JSON.stringify(model));
  });

  test.each([0, 0.5, 1])(
    "of fewer rows than coefficients comes back, which a penalty allows (α = %s)",
    async (alpha) => {
      const rows = ["a,b,c,d,e,f,y", "1,2,5,1,0,3,4", "2,1,3,1,7,1,2", "0,4,2,6,1,1,3", "5,1,1,2,2,4,9"];
      const path = scratch.file("wide.csv", `${rows.join("\n")}\n`);
      const { model } = await fitCsv(path, { lambda: 0.1, alpha });
      expect(model.n).toBeLessThan(model.coefficients.length);
      const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
      expect(again.coefficients).toEqual(model.coefficients);
    },
  );

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
    ["without moments", edited((d) => delete d.moments), /"moments" is missing: it should be moments$/],
    [
      "with moments of other columns",
      edited((d) => (d.moments as { mean: number[] }).mean.pop()),
      /"moments" cannot be read: moments of 14 columns need 14 means and 105 cross-products, not 13 and 105/,
    ],
    [
      "with a fold of other columns",
      edited((d) => (d.folds as { c: number[] }[])[3]!.c.pop()),
      /"folds\[3\]" cannot be read/,
    ],
    [
      "with a fold in another arithmetic",
      edited((d) => {
        const [fold] = d.folds as { n: number; mean: number[]; c: number[] }[];
        Object.assign(fold!, { sumW: [fold!.n, 0], meanLow: fold!.mean, cLow: fold!.c });
      }),
      /"folds\[0\]" should be in double, as "moments" is/,
    ],
    [
      "with another intercept than the specification",
      edited((d) => {
        Object.assign(d, { intercept: false });
        (d.coefficients as number[]).pop();
        (d.covariance as number[]).length -= 14;
      }),
      /"intercept" should be that of "spec"/,
    ],
    [
      "with another target than the specification",
      edited((d) => Object.assign(d, { target: "rm" })),
      /"target" should be the label of that of "spec"/,
    ],
    [
      "with terms in another order",
      edited((d) => (d.terms as string[]).reverse()),
      /"terms" are not those of "spec"/,
    ],
    [
      "with a term of no variable",
      edited((d) => Object.assign((d.spec as { terms: object[] }).terms[2]!, { variables: [13] })),
      /"spec.terms\[2\].variables" should be below 13, the number of variables/,
    ],
    [
      "with a term twice the same variable",
      edited((d) => Object.assign((d.spec as { terms: object[] }).terms[2]!, { variables: [2, 2] })),
      /"spec.terms\[2\].variables" should be ascending/,
    ],
    [
      "with a number that JSON cannot carry",
      edited((d) => Object.assign(d, { rss: "1e999" })).replace('"1e999"', "1e999"),
      /"rss" should be a number, found Infinity/,
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

describe("a document of any size is refused as fast as it is read, in one line", () => {
  const refusal = (document: unknown): string => {
    try {
      LinearModel.fromJSON(document, "it");
    } catch (error) {
      expect(error).toBeInstanceOf(ModelError);
      expect((error as ModelError).message).not.toContain("\n");
      expect((error as ModelError).message.length).toBeLessThan(250);
      return (error as ModelError).message;
    }
    throw new Error("it was not refused");
  };
  const nested = (depth: number) => {
    let expression: object = { column: "rm" };
    for (let i = 0; i < depth; i++) expression = { call: "sqrt", args: [expression] };
    return expression;
  };
  const withExpression = (expression: object) => {
    const document = JSON.parse(text);
    Object.assign(document.spec.variables[5], { expression });
    return document;
  };

  test("an expression as deep as formulas go is read", () => {
    const model = LinearModel.fromJSON(withExpression(nested(1000)), "it");
    expect(model.spec.variables[5]).toMatchObject({ kind: "numeric", expression: { call: "sqrt" } });
    new BlockPredictor(model.predictorPlan(true));
  });

  test.each([1001, 100_000])("one of %i calls within each other", (depth) => {
    expect(refusal(withExpression(nested(depth)))).toMatch(
      /^it: "spec\.variables\[5\].*…\.args\[0\]\.args\[0\].*" should be at most 2005 levels deep, found more$/,
    );
  });

  test("a file of a hundred thousand brackets", async () => {
    const deep = text.replace('"target":"medv"', `"target":${"[".repeat(1e5)}${"]".repeat(1e5)}`);
    const error = await readModel(scratch.file("deep.json", deep)).catch((cause) => cause);
    expect(error).toBeInstanceOf(ModelError);
    expect(error.message).toMatch(/"target" should be a column name, found a list of 1$/);
  });

  test("a few variables that make more columns than there is memory", () => {
    const variables = Array.from({ length: 12 }, (_, i) => ({
      kind: "polynomial",
      label: `p${i}`,
      expression: { column: "rm" },
      degree: 50,
    }));
    const document = JSON.parse(text);
    const all = variables.map((_, i) => i);
    Object.assign(document.spec, {
      variables,
      terms: [{ label: "p", variables: all }],
      numeric: ["medv", "rm"],
    });
    expect(refusal(document)).toMatch(/"terms" should be 244140625000000000000 names, those of "spec"/);
  });

  test("texts and lists of a million parts", () => {
    const long = "x".repeat(1e6);
    const many = Array.from({ length: 1e6 }, (_, i) => i);
    expect(refusal({ ...JSON.parse(text), solver: long })).toMatch(/found "x{40}…"$/);
    expect(refusal({ ...JSON.parse(text), levels: { [long]: 1 } })).toMatch(
      /"levels\.x{40}…" should be a list/,
    );
    expect(refusal({ ...JSON.parse(text), terms: many })).toMatch(/"terms\[0\]" should be a text, found 0/);
    expect(refusal({ ...JSON.parse(text), levels: { f: [...many.map(String), "7"] } })).toMatch(
      /"levels\.f\[1000000\]" should be unlike those before it, found "7"/,
    );
    expect(refusal({ ...JSON.parse(text), folds: many })).toMatch(/"folds\[0\]" should be moments/);
  });
});

describe("models by group", () => {
  const groups = (change: (document: ModelGroupDocument) => unknown) => {
    const document = JSON.parse(readFileSync("test/models/v1/panel.groups.json", "utf8"));
    change(document);
    return () => ModelGroup.fromJSON(document, "it");
  };

  test.each<[what: string, change: (document: ModelGroupDocument) => unknown, message: RegExp]>([
    ["of a later version", (d) => Object.assign(d, { schema: 99 }), /has schema 99, this goml reads up to 2/],
    ["without a version", (d) => delete (d as Partial<ModelGroupDocument>).schema, /no schema version/],
    ["by a number", (d) => Object.assign(d, { groupBy: 5 }), /"groupBy" should be a column name, found 5/],
    [
      "without models",
      (d) => Object.assign(d, { models: [] }),
      /no group of region can be fitted: 2 complete rows/,
    ],
    [
      "with a model alone",
      (d) => Object.assign(d.models[1]!, { group: null }),
      /"models\[1\]\.group" should be a text/,
    ],
    [
      "with a group alone",
      (d) => Object.assign(d.models[1]!, { model: null }),
      /"models\[1\]\.model" should be an object/,
    ],
    [
      "with a damaged model",
      (d) => Object.assign(d.models[1]!.model, { n: -1 }),
      /^it: group "north": "n" should be/,
    ],
    ["with a group twice", (d) => d.models.push(d.models[0]!), /^it: group "east" has two models/],
    [
      "with another model in it",
      (d) => Object.assign(d.models[2]!, { model: JSON.parse(text) }),
      /^it: group "south" should have the specification of the first/,
    ],
    [
      "with a reason lost",
      (d) => Object.assign(d.refused![0]!, { reason: 1 }),
      /"refused\[0\]\.reason" should be a text/,
    ],
  ])("%s are refused in one line", (_, change, message) => {
    expect(groups(() => {})().models.size).toBe(4);
    expect(groups(change)).toThrow(ModelError);
    expect(groups(change)).toThrow(message);
  });
});

test("errors on held-out rows that are no numbers are null in the file", () => {
  const model = boston.model.withScan({
    ...{ rows: 506, firstRow: 0, dropped: 0, seed: 1, testSize: 0.01 },
    test: { n: 1, mse: 0, rmse: 0, mae: 0, r2: Number.NaN, aicExtract: Number.NEGATIVE_INFINITY },
  });
  const document = model.toJSON();
  expect(document.scan?.test).toEqual({ n: 1, mse: 0, rmse: 0, mae: 0, r2: null, aicExtract: null });
  const again = LinearModel.fromJSON(document);
  expect(again.scan?.test).toEqual({ n: 1, mse: 0, rmse: 0, mae: 0, r2: Number.NaN, aicExtract: Number.NaN });
  expect(again.toJSON()).toEqual(document);
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

test.each(["0]]); globalThis.run = true; void ([[0", "1.0", "0x10", "1e999", "", "-0"])(
  "a level %j of a factor of numbers is refused: exports take it for a number",
  async (level) => {
    const rows = [0, 1, 2, 0, 1, 2, 1].map((g, i) => `${g},${i * i}`).join("\n");
    const { model } = await fitCsv(scratch.file("numbers.csv", `g,y\n${rows}\n`), {
      formula: "y ~ factor(g)",
      folds: 1,
    });
    const changed = JSON.stringify(model).replaceAll('"2"', JSON.stringify(level));
    expect(changed).toContain(JSON.stringify(level));
    expect(() => LinearModel.fromJSON(JSON.parse(changed))).toThrow(
      /^model: "levels" of factor\(g\) should be finite numbers in their shortest form, found /,
    );
  },
);
