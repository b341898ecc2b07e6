import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type DataRecord,
  fitCsv,
  fitGroupsCsv,
  GomlError,
  type LinearModel,
  ModelError,
  readAnyModel,
  readModel,
} from "../../../src/index.js";
import { ModelGroup } from "../../../src/linear/model/model-group.js";
import { writeJson } from "../../../src/linear/model/write-json.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";

const LONG = process.env.GOML_LONG === "1";
const TIMEOUT = LONG ? 1_800_000 : 60_000;

let folder: string;
const models = new Map<string, LinearModel>();

const FITS: Record<string, FitCsvOptions & { file?: string }> = {
  plain: { features: ["rm", "lstat", "ptratio"] },
  double: { features: ["rm", "lstat", "ptratio", "tax"], solver: "normal" },
  qr: { features: ["rm", "lstat", "tax"], solver: "qr" },
  "no intercept": { features: ["rm", "lstat"], intercept: false },
  weights: { features: ["rm", "lstat"], weights: "tax" },
  factors: { file: "data/cps-wages.csv", formula: "log(wage) ~ education + gender * occupation" },
  aliased: { formula: "medv ~ rm + I(2 * rm) + lstat" },
  hc1: { features: ["rm", "lstat"], vcov: "hc1" },
  ridge: { features: ["rm", "lstat", "tax"], lambda: 0.5 },
  lasso: { features: ["rm", "lstat", "tax", "zn"], lambda: 0.5, alpha: 1 },
  shares: {
    features: ["rm", "lstat", "tax", "zn"],
    lambda: 0.5,
    alpha: 0.3,
    penaltyFactors: { rm: 0, tax: 2 },
  },
  bounds: { features: ["rm", "lstat", "tax", "zn"], lower: -0.3, upperIn: { rm: 4 } },
  relaxed: { features: ["rm", "lstat", "tax", "zn"], lambda: 1.5, alpha: 1, relax: true, gamma: 0 },
  "one factor absorbed": { features: ["rm", "lstat", "tax"], absorb: ["rad"] },
  "two factors absorbed": {
    file: "data/cps-wages.csv",
    target: "wage",
    features: ["education", "experience"],
    absorb: ["occupation", "sector"],
  },
  "ridge, absorbed": { features: ["rm", "lstat", "tax"], absorb: ["rad"], lambda: 0.5 },
  "hc1, absorbed": { features: ["rm", "lstat"], absorb: ["rad"], vcov: "hc1" },
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "goml-integrity-"));
  for (const [name, { file = "data/boston.csv", ...options }] of Object.entries(FITS)) {
    const { model } = await fitCsv(
      file,
      file.includes("boston") && !options.formula ? { target: "medv", ...options } : options,
    );
    models.set(name, model);
    await writeJson(join(folder, `${name}.json`), model.document());
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (name: string) => readFileSync(join(folder, `${name}.json`), "utf8");
const read = async (text: string, options = {}) => {
  const path = join(folder, "changed");
  writeFileSync(path, text);
  return readModel(path, options);
};

describe("a model file with a digest", () => {
  test.each(Object.keys(FITS))("is read as it is, and laid out otherwise: %s", async (name) => {
    const text = textOf(name);
    expect((await read(text)).coefficients).toEqual(models.get(name)!.coefficients);
    await read(JSON.stringify(JSON.parse(text), null, 2));
    await read(` ${text}\n\n`);
  });

  test("is refused with any one digit changed, unless it is trusted", async () => {
    for (const name of Object.keys(FITS)) {
      const text = textOf(name);
      const digits = [...text.matchAll(/\d/g)].map(({ index }) => index);
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...digits), fc.integer({ min: 0, max: 9 }), async (at, digit) => {
          const changed = `${text.slice(0, at)}${digit}${text.slice(at + 1)}`;
          // 1e05 for 1e-05, or 0.10 for 0.1: the same number.
          if (JSON.stringify(parsed(changed)) === JSON.stringify(parsed(text))) return;
          // Schema 1 has no digests.
          if (parsed(changed)?.schema === 1) return;
          await expect(read(changed)).rejects.toBeInstanceOf(ModelError);
        }),
        { numRuns: 20 },
      );
    }
    const text = textOf("plain");
    const at = text.indexOf("[", text.indexOf('"coefficients"')) + 1;
    const changed = `${text.slice(0, at)}1${text.slice(at)}`;
    await expect(read(changed)).rejects.toThrow(/has been changed since goml wrote it/);
    expect((await read(changed, { trust: true })).coefficients[0]).not.toBe(
      models.get("plain")!.coefficients[0],
    );
  });
});

function parsed(text: string): { schema?: number } | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A document as its digest's forger, or who leaves it out, would have it. */
type Json = Record<string, unknown>;
/** Where something is changed, and to what. */
type Change = [path: string, value: unknown | ((before: number) => number)];
const plus = (more: number) => (before: number) => before + more;
const times = (factor: number) => (before: number) => before * factor;
const documentOf = (name: string): Json => {
  const { digest: _, ...rest } = JSON.parse(textOf(name));
  return rest;
};

function change(document: Json, changes: readonly Change[]): void {
  for (const [path, value] of changes) {
    const names = path.split(".");
    const last = names.pop()!;
    const holder = names.reduce<Json>((at, part) => at[part] as Json, document);
    holder[last] = typeof value === "function" ? value(holder[last] as number) : value;
  }
}

/** The first rows of the data of a fit. */
function recordsOf(name: string): DataRecord[] {
  const [header, ...rows] = readFileSync(FITS[name]!.file ?? "data/boston.csv", "utf8")
    .split("\n")
    .slice(0, 60)
    .map((line) => line.split(","));
  return rows.map((cells) =>
    Object.fromEntries(
      cells.map((cell, i) => [header![i]!, cell === "" || Number.isNaN(Number(cell)) ? cell : Number(cell)]),
    ),
  );
}

/** Changes a document at random, again and again: each is refused, or predicts what the unchanged one predicts. */
async function searched(
  unchanged: () => Json,
  predict: (model: LinearModel | ModelGroup) => Float64Array,
  maskable: boolean,
): Promise<void> {
  const path = join(folder, "changed");
  const readChanged = (document: Json) => {
    writeFileSync(path, JSON.stringify(document));
    return readAnyModel(path);
  };
  const expected = predict(await readChanged(unchanged()));
  expect(maskable || expected.some(Number.isFinite)).toBe(true);
  const keys = [
    "coefficients",
    "covariance",
    "rss",
    "tss",
    "n",
    "rank",
    "sigma",
    "terms",
    "aliased",
    "moments",
    "penalty",
    "absorbed",
    "levels",
    "fits",
    "models",
  ].filter((key) => key in unchanged());
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...keys),
      fc.nat(),
      fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(null, -1, 0, 1e300, "1", [], true)),
      fc.boolean(),
      async (key, place, value, relative) => {
        const document = unchanged();
        mutate(document, key, place, value, relative);
        let found: Float64Array;
        try {
          // How aliased columns depend on others is asked when the first row is predicted.
          found = predict(await readChanged(document));
        } catch (error) {
          expect(error).toBeInstanceOf(GomlError);
          // A level that has another name now is one that the rows' are not.
          if (!(error instanceof ModelError)) expect(String(error)).toMatch(/level|group/);
          return;
        }
        // The moments are not what predicts; θ may be off by what the check lets pass.
        expected.forEach((y, i) => {
          if (maskable && (Number.isNaN(y) || Number.isNaN(found[i]!))) return;
          if (Number.isNaN(y) && Number.isNaN(found[i]!)) return;
          expect(Math.abs(found[i]! - y)).toBeLessThanOrEqual(1e-4 * Math.max(1, Math.abs(y)));
        });
      },
    ),
    { numRuns: LONG ? 3000 : 60 },
  );
}

describe("a model file without a digest", () => {
  test.each<[string, string, Change[], RegExp]>([
    ["a coefficient", "plain", [["coefficients.1", times(1.00001)]], /coefficient of "rm"/],
    ["the intercept", "plain", [["coefficients.0", plus(0.001)]], /the intercept is not/],
    ["n", "plain", [["n", -1]], /"n" should be/],
    ["n, of other rows,", "plain", [["n", 507]], /"n" should be 506/],
    ["rss below 0", "plain", [["rss", -1]], /"rss" should be 0 or more/],
    [
      "rss and sigma",
      "plain",
      [
        ["rss", times(2)],
        ["sigma", times(Math.SQRT2)],
      ],
      /residual sum of squares/,
    ],
    ["sigma", "plain", [["sigma", 1]], /"sigma" should be/],
    ["tss", "plain", [["tss", times(2)]], /total sum of squares/],
    ["rank", "plain", [["rank", 3]], /"rank" should be 4/],
    ["null for an estimated coefficient", "plain", [["coefficients.2", null]], /"aliased"/],
    [
      "a term said to be aliased",
      "plain",
      [
        ["coefficients.2", null],
        ["aliased", ["lstat"]],
        ["rank", 3],
        ["sigma", times(Math.sqrt(502 / 503))],
      ],
      /is not what the moments in the file give/,
    ],
    ["a variance", "plain", [["covariance.2", times(0.5)]], /the covariance is/],
    ["a covariance", "factors", [["covariance.4", plus(1e-3)]], /the covariance is/],
    ["a robust covariance", "hc1", [["covariance.2", times(0.5)]], /the covariance is/],
    ["a meat", "hc1", [["vcov.meat.0", times(2)]], /the covariance is/],
    ["a slope of a lasso", "lasso", [["coefficients.1", times(1.0001)]], /coefficient of "rm"/],
    ["λ", "ridge", [["penalty.lambda", times(1.001)]], /coefficient of "rm"/],
    ["λ below 0", "ridge", [["penalty.lambda", -1]], /"penalty.lambda" should be a number of 0 or more/],
    ["α", "shares", [["penalty.alpha", 0.31]], /coefficient of/],
    ["a factor", "shares", [["penalty.factors.tax", 2.01]], /coefficient of/],
    ["a factor below 0", "shares", [["penalty.factors.tax", -2]], /"penalty.factors.tax" should be/],
    ["a bound", "bounds", [["penalty.lower", -0.29]], /coefficient of "lstat"/],
    ["a bound that leaves 0 out", "bounds", [["penalty.lower", 1]], /"penalty.lower" should be/],
    ["a named bound", "bounds", [["penalty.upperIn.rm", 4.01]], /coefficient of "rm"/],
    ["γ", "relaxed", [["penalty.gamma", 1]], /coefficient of/],
    ["γ above 1", "relaxed", [["penalty.gamma", 2]], /"penalty.gamma" should be a number from 0 to 1/],
    ["rows of folds", "plain", [["folds.0.n", plus(1)]], /"folds"/],
  ])("is refused with %s changed", async (_, name, changes, message) => {
    const document = documentOf(name);
    await read(JSON.stringify(document));
    change(document, changes);
    await expect(read(JSON.stringify(document))).rejects.toThrow(message);
  });

  test.each<[string, string, Change[], RegExp]>([
    ["a coefficient", "one factor absorbed", [["coefficients.1", times(1.00001)]], /coefficient of "rm"/],
    [
      "a coefficient",
      "two factors absorbed",
      [["coefficients.0", plus(0.001)]],
      /coefficient of "education"/,
    ],
    ["a slope of a ridge", "ridge, absorbed", [["coefficients.0", times(1.0001)]], /coefficient of "rm"/],
    [
      "the rank of the effects",
      "one factor absorbed",
      [
        ["absorbed.rank", plus(1)],
        ["sigma", times(Math.sqrt((506 - 12) / (506 - 13)))],
        ["covariance.0", times((506 - 12) / (506 - 13))],
      ],
      /the rank of the absorbed effects/,
    ],
    ["tss within", "two factors absorbed", [["absorbed.tss", times(2)]], /squares within the effects/],
    ["tss", "two factors absorbed", [["tss", times(2)]], /total sum of squares is/],
    [
      "rss and sigma",
      "one factor absorbed",
      [
        ["rss", times(0.81)],
        ["sigma", times(0.9)],
      ],
      /residual sum of squares/,
    ],
    ["a variance", "two factors absorbed", [["covariance.2", times(0.5)]], /the covariance is/],
    ["a meat", "hc1, absorbed", [["vcov.meat.0", times(2)]], /the covariance is/],
  ])("of absorbed effects is refused with %s changed: %s", async (_, name, changes, message) => {
    const document = documentOf(name);
    await read(JSON.stringify(document));
    change(document, changes);
    await expect(read(JSON.stringify(document))).rejects.toThrow(message);
  });

  test(
    "is refused, or predicts the same, whatever number is changed",
    async () => {
      for (const name of Object.keys(FITS)) {
        if (FITS[name]!.vcov === "hc1") continue;
        const model = models.get(name)!;
        const k = model.terms.length;
        const X = Float64Array.from({ length: 8 * k }, (_, i) => Math.sin(i + 1) * 10);
        await searched(
          () => documentOf(name),
          (read) => (model.absorbed ? read.predict(recordsOf(name)) : (read as LinearModel).predict(X)),
          // An aliased fit predicts nothing for rows that it does not determine, which the moments say.
          name === "aliased",
        );
      }
    },
    TIMEOUT,
  );

  test(
    "of groups is refused, or predicts the same, whatever number is changed",
    async () => {
      // Three groups by plain columns stand side by side; by factors each has a document of its own.
      for (const features of [["education", "experience"], ["gender"]]) {
        const { models: groups } = await fitGroupsCsv("data/cps-wages.csv", {
          target: "wage",
          features,
          groupBy: "race",
        });
        const path = join(folder, "groups.json");
        await writeJson(path, groups.document());
        const written = readFileSync(path, "utf8");
        await searched(
          () => {
            const { digest: _, ...rest } = JSON.parse(written);
            return rest;
          },
          (read) => read.predict(recordsOf("factors")),
          false,
        );
      }
    },
    TIMEOUT,
  );

  test("is refused where a member stands twice, trusted too", async () => {
    const text = textOf("plain").replace('"rss":', '"rss":1,"rss":');
    await expect(read(text)).rejects.toThrow(/an object has two members "rss"/);
    await expect(read(text, { trust: true })).rejects.toThrow(/two members "rss"/);
  });

  test("of version 0.1 is what its moments give", async () => {
    for (const file of readdirSync("test/models/v1").filter((name) => name.endsWith(".json")))
      expect(await readAnyModel(`test/models/v1/${file}`)).toBeDefined();
  });
});

test("models by group are checked one by one, and named", async () => {
  const { models: groups } = await fitGroupsCsv("data/cps-wages.csv", {
    target: "wage",
    features: ["education"],
    groupBy: "gender",
  });
  const path = join(folder, "groups.json");
  await writeJson(path, groups);
  expect(await readAnyModel(path)).toBeInstanceOf(ModelGroup);
  const { digest: _, ...document } = JSON.parse(readFileSync(path, "utf8"));
  document.models[1].model.coefficients[1] += 1;
  writeFileSync(path, JSON.stringify(document));
  await expect(readAnyModel(path)).rejects.toThrow(/group "male": the /);
});

/** Changes one value somewhere below a member: to another, or, where it is a number, by a factor. */
function mutate(document: Json, key: string, place: number, value: unknown, relative: boolean): void {
  let holder = document;
  let at: string = key;
  for (let depth = 0; typeof holder[at] === "object" && holder[at] !== null; depth++) {
    const inner = holder[at] as Record<string, unknown>;
    const names = Object.keys(inner);
    if (names.length === 0) break;
    holder = inner;
    at = names[(place + depth) % names.length]!;
  }
  const before = holder[at];
  holder[at] = relative && typeof before === "number" ? before * 1.01 : value;
}
