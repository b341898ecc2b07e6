import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import {
  anovaTerms,
  averageEffects,
  type CsvFit,
  fitCsv,
  forgetRows,
  importanceOf,
  type LinearModel,
  LinearModel as Loaded,
  marginalMeans,
  mergeModels,
  refit,
} from "../../src/index.js";
import { inFolder } from "../cli/goml.js";

interface Case {
  formula: string;
  names: string[];
  coefficients: (number | null)[];
  se: number[];
  rss: number;
  anova: { df: number[]; ss: number[] };
  type3: { df: number[]; ss: number[] } | null;
  of: string | null;
  means: { level: string[]; mean: number[]; se: number[] } | null;
  predictions: (number | null)[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/coded-fits.json", import.meta.url), "utf8")) as {
  r: string;
  cases: Case[];
};
const DATA = new URL("../golden/data/factorial.csv", import.meta.url).pathname;
const NEW = [
  { supply: "pills", dose: 0.5, block: "b1" },
  { supply: "juice", dose: 2, block: "b6" },
  { supply: "none", dose: 1, block: "b3" },
];

/** Nine digits, as R's QR and the moments round each in their own way. */
function near(found: number | undefined, expected: number | null, what: string): void {
  if (expected === null) expect(found, what).toBeNaN();
  else
    expect(Math.abs(found! - expected), `${what}: ${found}`).toBeLessThanOrEqual(
      1e-9 * (1 + Math.abs(expected)),
    );
}

describe(`fits under contrasts, of ${golden.r}`, () => {
  for (const { formula, ...expected } of golden.cases)
    test(formula, async () => {
      const { model } = await fitCsv(DATA, { formula, threads: 1 });
      expect(model.coefficientNames).toEqual(expected.names);
      expected.coefficients.forEach((value, j) => {
        near(model.coefficients[j], value, expected.names[j]!);
      });
      const estimated = [...model.standardErrors].filter((_, j) => expected.coefficients[j] !== null);
      expected.se.forEach((value, j) => {
        near(estimated[j], value, `se ${j}`);
      });
      near(model.rss, expected.rss, "rss");
      const rows = anovaTerms(model);
      rows.forEach(({ df, sumOfSquares }, t) => {
        expect(df).toBe(expected.anova.df[t]);
        near(sumOfSquares, expected.anova.ss[t]!, `anova ${t}`);
      });
      if (expected.type3 !== null)
        anovaTerms(model, 3).forEach(({ df, sumOfSquares }, t) => {
          // R's first row is the intercept's.
          expect(df).toBe(expected.type3!.df[t + 1]);
          near(sumOfSquares, expected.type3!.ss[t + 1]!, `type III ${t}`);
        });
      if (expected.means !== null)
        marginalMeans(model, { of: [expected.of!], adjust: "none" }).means.forEach(
          ({ values, estimate, stdError }, i) => {
            expect(values).toEqual([expected.means!.level[i]]);
            near(estimate, expected.means!.mean[i]!, "mean");
            near(stdError, expected.means!.se[i]!, "se");
          },
        );
      const again = Loaded.fromJSON(JSON.parse(JSON.stringify(model)));
      for (const one of [model, again]) {
        const predictions = one.predict(NEW, { unseen: "na" });
        expected.predictions.forEach((value, r) => {
          // R predicts what the rows do not determine, and warns; this does not predict it.
          if (!Number.isNaN(predictions[r])) near(predictions[r], value, `prediction ${r}`);
          else expect(value === null || model.aliased.length > 0).toBe(true);
        });
      }
    });
});

const CODINGS = [
  "C(a, sum)",
  "C(a, helmert)",
  "C(a, poly)",
  "C(a, SAS)",
  "C(a, c(-1, 0, 1))",
  'relevel(factor(a), ref = "a2")',
  'factor(a, levels = c("a3", "a1", "a2"))',
  "ordered(a)",
];

/** 240 rows of a random table. */
function table(): string {
  let state = 11;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
  const rows = Array.from({ length: 240 }, () => {
    const [a, b, f] = [3, 2, 8].map((levels) => Math.floor(random() * levels) + 1) as [
      number,
      number,
      number,
    ];
    const x = random() * 4;
    const y = 1 + a * x + (b === 2 ? a : 0) + f / 4 + random();
    return `${y.toFixed(4)},a${a},b${b},f${f},${x.toFixed(3)}`;
  });
  return `y,a,b,f,x\n${rows.join("\n")}\n`;
}

async function fitOf(formula: string, options: object = {}): Promise<CsvFit> {
  return inFolder({ "data.csv": table() }, (folder) =>
    fitCsv(join(folder, "data.csv"), { formula, threads: 1, ...options }),
  );
}

async function fitted(formula: string, options: object = {}): Promise<LinearModel> {
  return (await fitOf(formula, options)).model;
}

/** Twelve digits: both are solved in double-double, from the same sums. */
function alike(found: number, expected: number, what: string): void {
  expect(Math.abs(found - expected), `${what}: ${found}, ${expected}`).toBeLessThanOrEqual(
    1e-11 * (1 + Math.abs(expected)),
  );
}

describe("what does not depend on the coding", () => {
  const recoded = (coding: string) => `y ~ ${coding} * x + ${coding} * C(b, sum) + f`;
  test.each(CODINGS)("%s", async (coding) => {
    const fits = [
      await fitOf("y ~ a * x + a * b + f", { folds: 5 }),
      await fitOf(recoded(coding), { folds: 5 }),
    ];
    const [plain, coded] = fits.map(({ model }) => model) as [LinearModel, LinearModel];
    alike(coded.rss, plain.rss, "rss");
    expect(coded.rank).toBe(plain.rank);
    alike(fits[1]!.cv!.rmse, fits[0]!.cv!.rmse, "cross-validation");
    const records = ["a1", "a2", "a3"].flatMap((a) =>
      ["b1", "b2"].map((b, i) => ({ a, b, f: "f3", x: 1 + i })),
    );
    const [p, q] = [plain, coded].map((model) => model.predictInterval(records, { interval: "confidence" }));
    for (const [r] of records.entries()) {
      alike(q!.prediction[r]!, p!.prediction[r]!, "prediction");
      alike(q!.lower[r]!, p!.lower[r]!, "interval");
    }
    const means = (model: LinearModel) =>
      marginalMeans(model, { of: ["a"], by: ["b"], adjust: "none" })
        .means.map(({ values, estimate, stdError }) => ({ key: values.join(), estimate, stdError }))
        .sort((l, r) => (l.key < r.key ? -1 : 1));
    const others = means(coded);
    means(plain).forEach((one, i) => {
      const other = others[i]!;
      expect(other.key).toBe(one.key);
      alike(other.estimate, one.estimate, "mean");
      alike(other.stdError, one.stdError, "its error");
    });
    const slopes = (model: LinearModel) =>
      marginalMeans(model, { of: ["a"], trend: "x", adjust: "none" })
        .means.map(({ estimate }) => estimate)
        .sort();
    const codedSlopes = slopes(coded);
    slopes(plain).forEach((one, i) => {
      alike(codedSlopes[i]!, one, "slope");
    });
    const effects = (model: LinearModel) => averageEffects(model).find(({ column }) => column === "x")!;
    alike(effects(coded).estimate, effects(plain).estimate, "average effect");
    alike(effects(coded).stdError, effects(plain).stdError, "its error");
    for (const type of [1, 2, 3] as const) {
      const [s, t] = [plain, coded].map((model) => anovaTerms(model, type));
      s!.forEach(({ df, sumOfSquares }, i) => {
        expect(t![i]!.df).toBe(df);
        alike(t![i]!.sumOfSquares, sumOfSquares, `type ${type}`);
      });
    }
    alike(importanceOf(coded).r2, importanceOf(plain).r2, "R²");
  });

  test("absorbed effects leave the same", async () => {
    const fits = [
      await fitOf("y ~ a * x | f", { folds: 5 }),
      await fitOf("y ~ C(a, sum) * x | f", { folds: 5 }),
    ];
    const [plain, coded] = fits.map(({ model }) => model) as [LinearModel, LinearModel];
    alike(coded.rss, plain.rss, "rss");
    const whole = await fitted("y ~ C(a, sum) * x + C(f, sum)");
    coded.terms.forEach((name, j) => {
      const at = whole.coefficientNames.indexOf(name);
      alike(coded.coefficients[j]!, whole.coefficients[at]!, name);
      // σ² has one degree of freedom for each of the effects either way.
      alike(coded.standardErrors[j]!, whole.standardErrors[at]!, name);
    });
    const records = [{ a: "a1", f: "f2", x: 1 }];
    alike(coded.predict(records)[0]!, plain.predict(records)[0]!, "prediction");
    alike(coded.predict(records)[0]!, whole.predict(records)[0]!, "prediction");
    alike(fits[1]!.cv!.rmse, fits[0]!.cv!.rmse, "cross-validation");
  });

  test("robust errors of what is estimable", async () => {
    for (const type of ["hc0", "hc3", "cr2"]) {
      const options = type === "cr2" ? { vcov: "cr2", cluster: "f" } : { vcov: type };
      const [plain, coded] = [
        await fitted("y ~ a * x", options),
        await fitted("y ~ C(a, helmert) * x", options),
      ];
      const [p, q] = [plain, coded].map((model) => marginalMeans(model, { of: ["a"], adjust: "none" }).means);
      p!.forEach(({ stdError }, i) => {
        alike(q![i]!.stdError, stdError, type);
      });
    }
  });

  test("the lasso's is of the columns that are coded", async () => {
    const model = await fitted("y ~ C(a, sum) + x", { lambda: 0.1, alpha: 1 });
    const other = await fitted("y ~ C(a, helmert) + x", { lambda: 0.1, alpha: 1 });
    expect(model.terms).toEqual(["C(a, sum)1", "C(a, sum)2", "x"]);
    expect(Math.abs(model.rss - other.rss)).toBeGreaterThan(1e-3);
  });
});

describe("moments know nothing of the coding", () => {
  test("contrasts beside the formula are those of C(), in other names", async () => {
    const [inside, beside] = [
      await fitted("y ~ C(a, sum) * x"),
      await fitted("y ~ a * x", { contrasts: { a: "sum" } }),
    ];
    expect(beside.terms).toEqual(["a1", "a2", "x", "a1:x", "a2:x"]);
    expect([...beside.coefficients]).toEqual([...inside.coefficients]);
    const own = await fitted("y ~ a * x", {
      contrasts: {
        a: [
          [1, 0, -1],
          [0, 1, -1],
        ],
      },
    });
    expect([...own.coefficients]).toEqual([...inside.coefficients]);
  });

  test("a refit codes anew", async () => {
    const plain = await fitted("y ~ a * x + b");
    const options = [
      { contrasts: { a: "helmert" } },
      { formula: "y ~ C(a, helmert) * x + b" },
      { formula: 'y ~ relevel(a, ref = "a2") * x + b' },
    ];
    for (const option of options) {
      const { model } = refit(plain, option);
      const trained = await fitted(option.formula ?? "y ~ a * x + b", option);
      expect(model.terms).toEqual(trained.terms);
      model.coefficients.forEach((value, j) => {
        alike(value, trained.coefficients[j]!, model.coefficientNames[j]!);
      });
      const back = refit(Loaded.fromJSON(JSON.parse(JSON.stringify(model))), {
        formula: "y ~ a * x + b",
      }).model;
      expect(back.terms).toEqual(plain.terms);
      back.coefficients.forEach((value, j) => {
        alike(value, plain.coefficients[j]!, back.coefficientNames[j]!);
      });
    }
    expect(() => refit(plain, { formula: "y ~ a + C(a, sum):x" })).toThrow(
      /one factor in the model's moments/,
    );
  });

  test("a refit keeps robust errors by distinct rows", async () => {
    const options = { vcov: "hc3", folds: 1 };
    const { model } = refit(await fitted("y ~ a * b", options), { contrasts: { a: "sum" } });
    const trained = await fitted("y ~ a * b", { ...options, contrasts: { a: "sum" } });
    expect(model.vcov.type).toBe("hc3");
    model.standardErrors.forEach((value, j) => {
      alike(value, trained.standardErrors[j]!, model.coefficientNames[j]!);
    });
  });

  test("shards merge, and are forgotten again", async () => {
    await inFolder({}, async (folder) => {
      const [head, ...rows] = table().trimEnd().split("\n");
      const fits = [rows.slice(0, 90), rows.slice(90), rows].map(async (some, i) => {
        const path = join(folder, `${i}.csv`);
        writeFileSync(path, `${[head, ...some].join("\n")}\n`);
        const formula = 'y ~ C(factor(a, levels = c("a3", "a1", "a2")), sum) * x + C(b, poly)';
        return (await fitCsv(path, { formula, threads: 1, folds: 1 })).model;
      });
      const [first, second, whole] = (await Promise.all(fits)) as [LinearModel, LinearModel, LinearModel];
      const named = [first, second].map((model, i) => ({ name: `${i}`, model }));
      const merged = mergeModels(named).model;
      const left = forgetRows({ name: "merged", model: merged }, { name: "1", model: second }).model;
      for (const [found, expected] of [
        [merged, whole],
        [left, first],
      ] as const)
        expected.coefficients.forEach((value, j) => {
          alike(found.coefficients[j]!, value, expected.coefficientNames[j]!);
        });
      const other = await fitCsv(join(folder, "1.csv"), {
        formula: "y ~ C(a, sum) * x + C(b, poly)",
        threads: 1,
        folds: 1,
      });
      expect(() => mergeModels([named[0]!, { name: "other", model: other.model }])).toThrow(
        /do not fit together/,
      );
    });
  });

  test("contrasts are refused where there is nothing to code", async () => {
    await expect(fitted("y ~ x", { contrasts: { a: "sum" } })).rejects.toThrow(/names a: no term codes/);
    await expect(fitted("y ~ a", { contrasts: { a: "summ" } })).rejects.toThrow(/summ is not known/);
    await expect(fitted("y ~ C(a, c(1, 2))")).rejects.toThrow(/2 numbers, the factor 3 levels/);
    await expect(fitted("y ~ C(a, c(1, 1, 1))")).rejects.toThrow(/depend linearly/);
    await expect(fitted('y ~ relevel(a, ref = "a9")')).rejects.toThrow(/a has no level a9/);
  });
});
