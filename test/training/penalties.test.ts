import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { ModelGroup } from "../../src/linear/model/model-group.js";
import { crossValidateWith } from "../../src/linear/penalty/penalty.js";
import { type RefitOptions, refit } from "../../src/linear/selection/refit.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { fitGroupsCsv } from "../../src/training/fit-groups-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();
const BOSTON = "data/boston.csv";
const WAGES = "data/cps-wages.csv";

/** A fit as its model file has it. */
async function fitted(path: string, how: FitCsvOptions): Promise<LinearModel> {
  const { model } = await fitCsv(path, how);
  return LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
}

/** The slopes by name. */
function slopes({ terms, coefficients, intercept }: LinearModel): Record<string, number> {
  return Object.fromEntries(terms.map((term, j) => [term, coefficients[j + (intercept ? 1 : 0)]!]));
}

describe("penalty factors, bounds and relaxation", () => {
  test("a name is that of a coefficient, of a term, or of the column that is one; the narrowest holds", async () => {
    const formula = "wage ~ education + log(experience + 1) + occupation + gender";
    const lasso = { formula, lambda: 1e3, alpha: 1 };
    const left = async (penaltyFactors: Record<string, number>) => {
      const found = slopes(await fitted(WAGES, { ...lasso, penaltyFactors }));
      return Object.keys(found).filter((name) => found[name] !== 0);
    };
    const occupations = (await fitted(WAGES, { formula })).terms.filter((name) =>
      name.startsWith("occupation"),
    );
    expect(occupations.length).toBeGreaterThan(2);
    expect(await left({})).toEqual([]);
    expect(await left({ education: 0, "log(experience + 1)": 0 })).toEqual([
      "education",
      "log(experience + 1)",
    ]);
    expect(await left({ occupation: 0 })).toEqual(occupations);
    expect(await left({ occupation: 0, [occupations[0]!]: 1 })).toEqual(occupations.slice(1));
    expect(await left({ [occupations[1]!]: 0 })).toEqual([occupations[1]]);
    await expect(left({ ocupation: 0 })).rejects.toMatchObject({
      message: '`penaltyFactors` names "ocupation", which is no term',
      hint: 'did you mean "occupation"?',
    });
    await expect(left({ experience: 0 })).rejects.toThrow('names "experience", which is no term');
  });

  test("bounds without a λ are those of least squares, and what no bound changes is least squares to the last bit", async () => {
    const plain = await fitted(BOSTON, {});
    const wide = await fitted(BOSTON, { lower: -100, upperIn: { rm: 50 } });
    expect(wide.coefficients).toEqual(plain.coefficients);
    expect(wide.rss).toBe(plain.rss);
    expect(wide.penalty).toEqual({
      lambda: 0,
      alpha: 0,
      parametrization: "glmnet",
      lower: -100,
      upperIn: { rm: 50 },
    });
    const bounded = await fitted(BOSTON, { lower: 0, lowerIn: { nox: -Infinity, lstat: -0.4 } });
    expect(bounded.penalty).toMatchObject({ lower: 0, lowerIn: { nox: null, lstat: -0.4 } });
    const found = slopes(bounded);
    const free = Object.keys(found).filter((name) => found[name] !== 0 && name !== "lstat");
    expect(found.lstat).toBe(-0.4);
    expect(found.nox).toBeLessThan(0);
    // Least squares of what lstat leaves, on what is free.
    const rest = await fitted(BOSTON, { formula: `I(medv + 0.4 * lstat) ~ ${free.join(" + ")}` });
    for (const [name, value] of Object.entries(slopes(rest)))
      expect(Math.abs(found[name]! / value - 1)).toBeLessThan(1e-9);
    expect(bounded.standardErrors.every(Number.isNaN)).toBe(true);
  });

  test("γ = 0 is least squares on the terms that the lasso leaves, and γ = 1 the lasso", async () => {
    const lasso = { lambda: 0.5, alpha: 1 };
    const penalised = await fitted(BOSTON, lasso);
    const own = slopes(penalised);
    const left = Object.keys(own).filter((name) => own[name] !== 0);
    expect(left.length).toBeGreaterThan(3);
    expect(left.length).toBeLessThan(13);
    const plain = slopes(await fitted(BOSTON, { features: left }));
    const relaxed = async (gamma: number) => slopes(await fitted(BOSTON, { ...lasso, relax: true, gamma }));
    const [none, half, all] = [await relaxed(0), await relaxed(0.5), await relaxed(1)];
    expect(all).toEqual(own);
    for (const name of Object.keys(own)) {
      if (!left.includes(name)) expect([none[name], half[name]]).toEqual([0, 0]);
      else {
        // The condition number is 12.
        expect(Math.abs(none[name]! / plain[name]! - 1)).toBeLessThan(1e-12);
        expect(half[name]).toBeCloseTo((own[name]! + none[name]!) / 2, 12);
      }
    }
  });

  test("γ alone is chosen at a λ that is given, and both along a path", async () => {
    const { model, path } = await fitCsv(BOSTON, { lambda: 0.5, alpha: 1, relax: true });
    expect(path!.path.map(({ lambda, gamma }) => [lambda, gamma])).toEqual(
      [1, 0.75, 0.5, 0.25, 0].map((gamma) => [0.5, gamma]),
    );
    const errors = path!.path.map(({ mse }) => mse);
    expect(errors[path!.best]).toBe(Math.min(...errors));
    expect(model.penalty!.gamma).toBe(path!.path[path!.best]!.gamma);
    for (const lambda of ["path", "1se"] as const) {
      const both = await fitCsv(BOSTON, { lambda, alpha: 1, relax: true, gamma: [0, 1] });
      const at = both.path!.path[lambda === "path" ? both.path!.best : both.path!.withinOneError]!;
      expect(both.model.penalty).toMatchObject({ lambda: at.lambda, gamma: at.gamma });
      expect(both.cv!.rmse).toBeCloseTo(at.rmse, 10);
      expect(new Set(both.path!.path.map(({ gamma }) => gamma))).toEqual(new Set([1, 0]));
    }
    await expect(fitCsv(BOSTON, { lambda: 0.5, relax: true, folds: 1 })).rejects.toThrow(
      "a γ can be chosen only by cross-validation, and there are no folds",
    );
  });

  test("refit has the model's own limits unless it is told of others, and trains to the same", async () => {
    const own: FitCsvOptions = {
      lambda: 0.4,
      alpha: 0.5,
      penaltyFactors: { rm: 0, tax: 3 },
      upperIn: { rm: 4 },
    };
    const from = await fitted(BOSTON, own);
    const cases: [RefitOptions, FitCsvOptions][] = [
      [{}, own],
      [{ lambda: 0.1 }, { ...own, lambda: 0.1 }],
      [{ lambda: 0 }, {}],
      [{ lambda: 0, lower: 0 }, { lower: 0 }],
      [{ penaltyFactors: { lstat: 2 } }, { ...own, penaltyFactors: { lstat: 2 } }],
      [{ upper: 3 }, { ...own, upperIn: {}, upper: 3 }],
      [{ features: ["rm", "lstat"] }, { ...own, penaltyFactors: { rm: 0 }, features: ["rm", "lstat"] }],
      [
        { features: ["tax", "lstat"] },
        { ...own, penaltyFactors: { tax: 3 }, upperIn: {}, features: ["tax", "lstat"] },
      ],
      [
        { lambda: "path", alpha: 1, relax: true },
        { ...own, lambda: "path", alpha: 1, relax: true },
      ],
      [
        { relax: true, gamma: 0.25 },
        { ...own, relax: true, gamma: 0.25 },
      ],
    ];
    for (const [change, how] of cases) {
      const { model } = refit(from, change);
      const expected = await fitted(BOSTON, how);
      const penalty = expected.penalty && {
        ...expected.penalty,
        lambda: expect.closeTo(expected.penalty.lambda, 12),
      };
      expect(model.penalty).toEqual(penalty);
      // The same solver on the same sums: λ of a path differs in the last digits.
      for (const [name, value] of Object.entries(slopes(expected)))
        expect(slopes(model)[name]).toBeCloseTo(value, 10);
      const [a, b] = [model, expected].map((one) =>
        crossValidateWith(one.folds, one.regression, one.penalty),
      );
      expect(a!.rmse).toBeCloseTo(b!.rmse, 10);
    }
    expect(() => refit(from, { penaltyFactors: { rooms: 1 } })).toThrow('names "rooms", which is no term');
    const plain = await fitted(BOSTON, {});
    for (const [change, name] of [
      [{ penaltyFactors: { rm: 1 } }, "penaltyFactors"],
      [{ relax: true }, "relax"],
      [{ gamma: 0.5 }, "gamma"],
    ] as const)
      expect(() => refit(plain, change)).toThrow(`\`${name}\` goes with a penalty, and there is none`);
    const relaxed = refit(from, { relax: true, gamma: 0.25 }).model;
    expect(refit(relaxed, { lambda: 0.2 }).model.penalty!.gamma).toBe(0.25);
    expect(refit(relaxed, { relax: false }).model.penalty).not.toHaveProperty("gamma");
  });

  test("names of levels that a shard or a group lacks are passed over there", async () => {
    const next = uniform(5);
    const rows = (levels: string, count: number) =>
      Array.from({ length: count }, (_, i) => {
        const g = levels[i % levels.length]!;
        const x = next();
        return `${x},${g},${i % 2 ? "p" : "q"},${x + (g === "c" ? 2 : 0) + next()}`;
      });
    const [first, second] = [rows("ab", 60), rows("abc", 90)];
    const write = (name: string, lines: string[]) => scratch.file(name, `x,g,by,y\n${lines.join("\n")}\n`);
    const how = {
      formula: "y ~ x + g",
      lambda: 0.1,
      alpha: 0.5,
      penaltyFactors: { gc: 0 },
      folds: 3,
    };
    const whole = await fitted(write("whole.csv", [...first, ...second]), how);
    // Train refuses the name where no row has the level; merged, it is known again.
    await expect(fitCsv(write("first.csv", first), how)).rejects.toThrow('names "gc", which is no term');
    const a = await fitted(write("a.csv", second.slice(0, 45)), how);
    const b = await fitted(write("b.csv", second.slice(45)), how);
    const both = mergeModels([
      { name: "a", model: a },
      { name: "b", model: b },
    ]).model;
    expect(both.penalty).toEqual(whole.penalty);
    const grouped = scratch.file(
      "groups.csv",
      `x,g,by,y\n${[...first.map((line) => line.replace(/,[pq],/, ",u,")), ...second.map((line) => line.replace(/,[pq],/, ",v,"))].join("\n")}\n`,
    );
    const { models } = await fitGroupsCsv(grouped, { ...how, groupBy: "by" });
    const read = ModelGroup.fromJSON(JSON.parse(JSON.stringify(models)));
    expect([...read.models.keys()]).toEqual(["u", "v"]);
    expect(read.models.get("u")!.terms).toEqual(["x", "gb"]);
    await expect(fitGroupsCsv(grouped, { ...how, penaltyFactors: { gd: 0 }, groupBy: "by" })).rejects.toThrow(
      'names "gd", which is no term',
    );
  });

  test("what a penalty gives is what its file is read as, few rows and dependent columns among it", async () => {
    const limits = fc.record(
      {
        alpha: fc.constantFrom(0, 0.3, 1),
        lambda: fc.constantFrom(0.001, 0.1, 2),
        penaltyFactors: fc.constantFrom({ x1: 0 }, { x1: 3, x2: 0.5 }),
        lower: fc.constantFrom(0, -0.1),
        upperIn: fc.constantFrom({ x1: 0.2 }, { x2: 0 }),
        intercept: fc.boolean(),
        relax: fc.constant(true),
      },
      { requiredKeys: ["lambda", "alpha"] },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 4, max: 40 }),
        fc.integer({ min: 2, max: 12 }),
        fc.constantFrom(1, 1e5, 1e-5),
        limits,
        fc.constantFrom(0, 0.4, 1),
        async (seed, n, k, scale, drawn, gamma) => {
          const next = uniform(seed);
          const lines = Array.from({ length: n }, () => {
            const common = next();
            const x = Array.from(
              { length: k },
              (_, j) => (common + next() * (j % 3 === 2 ? 1e-6 : 1)) * 10 ** (j % 4),
            );
            return [...x, (x[0]! - x[1]! / 20 + next()) * scale].join();
          });
          const header = [...Array.from({ length: k }, (_, j) => `x${j + 1}`), "y"].join();
          const path = scratch.file("any.csv", [header, ...lines].join("\n"));
          const how = { ...drawn, lambda: drawn.lambda * scale, ...(drawn.relax ? { gamma } : {}), folds: 1 };
          const { model } = await fitCsv(path, how);
          const again = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
          expect(again.coefficients).toEqual(model.coefficients);
          expect(again.penalty).toEqual(model.penalty);
        },
      ),
      { numRuns: process.env.GOML_LONG ? 2000 : 60 },
    );
  }, 60_000);
});

test("fit takes from arrays what fitCsv takes from a file", async () => {
  const [header, ...lines] = readFileSync(BOSTON, "utf8").trim().split("\n");
  const terms = header!.split(",").slice(0, -1);
  const rows = lines.map((line) => line.split(",").map(Number));
  const y = rows.map((row) => row.pop()!);
  for (const how of [
    { lambda: 0.5 },
    { lambda: 0.5, alpha: 1, penaltyFactors: { rm: 0 }, upperIn: { rm: 4 } },
    { lower: -1 },
    { lambda: 0.5, alpha: 1, relax: true, gamma: 0.5 },
  ]) {
    const model = fit(rows, y, { terms, target: "medv", ...how });
    const { coefficients, penalty } = await fitted(BOSTON, how);
    expect(model.penalty).toEqual(penalty);
    // Sums of the same rows in another order.
    coefficients.forEach((beta, j) => {
      expect(model.coefficients[j]).toBeCloseTo(beta, 9);
    });
  }
  expect(() => fit(rows, y, { terms, lambda: 1, penaltyFactors: { rooms: 0 } })).toThrow("which is no term");
  expect(() => fit(rows, y, { terms, lower: 0, vcov: "hc1" })).toThrow("has no standard errors");
  expect(() => fit(rows, y, { terms, lambda: 1, relax: true })).toThrow(
    "a γ can be chosen only by cross-validation",
  );
});

describe("what does not go together is refused in a line that says why", () => {
  test.each<[FitCsvOptions, string]>([
    [{ penaltyFactors: { rm: 0 } }, "`penaltyFactors` goes with a penalty, and there is none"],
    [{ relax: true }, "`relax` goes with a penalty, and there is none"],
    [{ lambda: 1, gamma: 0.5 }, "`gamma` is the share of the penalised fit in a relaxed one"],
    [{ lambda: 1, relax: true, gamma: 2 }, "`gamma` must be from 0 to 1, got 2"],
    [
      { lambda: 1, penaltyFactors: { rm: -1 } },
      '`penaltyFactors`: a factor must be 0 or more, got -1 for "rm"',
    ],
    [{ lambda: 1, penaltyFactors: { rm: Number.NaN } }, "a factor must be 0 or more, got NaN"],
    [{ lower: 1 }, "`lower`: a bound must be 0 or less, as in glmnet, got 1"],
    [{ upperIn: { rm: -1 } }, '`upper`: a bound must be 0 or more, as in glmnet, got -1 for "rm"'],
    [{ lower: 0, vcov: "hc1" }, "a fit within bounds has no standard errors"],
    [{ lower: 0, solver: "qr" }, "a fit within bounds is solved from moments, not by qr"],
    [
      { features: ["rm"], lambda: 1, penaltyFactors: { rm: 0 } },
      "all penalty factors are 0: nothing would be penalised",
    ],
  ])("%j", async (how, message) => {
    await expect(fitCsv(BOSTON, how)).rejects.toThrow(message);
  });
});
