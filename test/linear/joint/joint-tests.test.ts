import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { fitTargetsCsv, jointTests, type LinearModel, refit } from "../../../src/index.js";
import { jointModelsSteps } from "../../../src/linear/joint/joint-tests.js";
import { JOINT_STATISTICS, jointTest } from "../../../src/linear/joint/statistics.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { inFolder } from "../../cli/goml.js";

/** The value, F, its degrees of freedom and p, as R has them. */
type Row = number[];

interface Case {
  formula: string;
  data: "boston" | "wages" | "holes";
  weights: string;
  n: number;
  df: number;
  targets: string[];
  names: string[];
  coefficients: (number | null)[][];
  se: number[][];
  sigma: number[];
  r2: number[];
  covariance: number[][];
  terms: string[];
  tests: Record<string, Row[]>;
  type2?: Row[][];
  small?: string;
  compared?: Row[];
}
const golden = JSON.parse(readFileSync(new URL("../../golden/joint.json", import.meta.url), "utf8")) as {
  r: string;
  car: string;
  cases: Case[];
};
const R_NAMES = ["Pillai", "Wilks", "Hotelling-Lawley", "Roy"];
const boston = readFileSync("data/boston.csv", "utf8").trim().split("\n");

/** Nine digits, as R's QR and the moments round each in their own way; of a p, which magnifies F's last digits, seven. */
function near(found: number, expected: number, what: string, digits = 9): void {
  expect(Math.abs(found - expected), `${what}: ${found}, R ${expected}`).toBeLessThanOrEqual(
    10 ** -digits * Math.abs(expected) + 1e-14,
  );
}

function holesCsv(): string {
  const head = boston[0]!.split(",");
  const rows = boston.slice(1).map((line) => line.split(","));
  for (const [row, column] of [
    [2, "nox"],
    [30, "nox"],
    [31, "nox"],
    [30, "medv"],
    [77, "medv"],
    [100, "rm"],
  ] as const)
    rows[row - 1]![head.indexOf(column)] = "";
  return [head, ...rows].map((row) => row.join(",")).join("\n");
}

async function fits({
  formula,
  data,
  weights,
}: Pick<Case, "formula" | "data" | "weights">): Promise<LinearModel[]> {
  const options = { formula, ...(weights === "" ? {} : { weights }), threads: 1 };
  if (data !== "holes") {
    const path = data === "boston" ? "data/boston.csv" : "data/cps-wages.csv";
    return (await fitTargetsCsv(path, options)).fits.map(({ model }) => model);
  }
  return inFolder({ "holes.csv": holesCsv() }, async (folder) => {
    const { fits: all, notes } = await fitTargetsCsv(`${folder}/holes.csv`, options);
    expect(notes.join()).toContain("3 rows that lack only some of them left out");
    return all.map(({ model }) => model);
  });
}

function nearRow(
  found: { value: number; f: number; df1: number; df2: number; p: number },
  row: Row,
  what: string,
): void {
  const [value, f, df1, df2, p] = row.slice(-5) as [number, number, number, number, number];
  near(found.value, value, `${what}, value`);
  near(found.f, f, `${what}, F`);
  near(found.df1, df1, `${what}, numerator`);
  near(found.df2, df2, `${what}, denominator`);
  near(found.p, p, `${what}, p`, 7);
}

describe(`several targets, as ${golden.r} has them`, () => {
  for (const one of golden.cases)
    test(`${one.formula}, ${one.data}${one.weights}`, async () => {
      const models = await fits(one);
      expect(models.map(({ target }) => target)).toEqual(one.targets);
      for (const [t, model] of models.entries()) {
        expect(model.coefficientNames).toEqual(one.names);
        expect([model.n, model.dfResidual]).toEqual([one.n, one.df]);
        const estimated = model.coefficientNames.filter((_, j) => one.coefficients[t]![j] !== null);
        one.coefficients[t]!.forEach((value, j) => {
          if (value === null) expect(model.coefficients[j]).toBeNaN();
          else near(model.coefficients[j]!, value, one.names[j]!);
        });
        estimated.forEach((name, j) => {
          near(model.standardErrors[one.names.indexOf(name)]!, one.se[t]![j]!, `${name}, error`);
        });
        near(model.sigma, one.sigma[t]!, "sigma");
        // summary() of R before 4.3 takes R² of fitted values with their offset.
        if (!one.formula.includes("offset")) near(model.summary().fit.r2, one.r2[t]!, "R²");
        const { targets, covariance, rows } = jointTests(model);
        for (const [i, name] of targets.entries())
          for (const [j, other] of targets.entries())
            near(
              covariance[i]![j]!,
              one.covariance[one.targets.indexOf(name)]![one.targets.indexOf(other)]!,
              `covariance of ${name} and ${other}`,
            );
        expect(rows.map(({ term }) => term)).toEqual(one.terms);
        for (const [k, statistic] of JOINT_STATISTICS.entries())
          for (const [i, row] of rows.entries())
            nearRow(row[statistic], one.tests[R_NAMES[k]!]![i]!, `${row.term}, ${statistic}`);
      }
      const [first] = models as [LinearModel];
      if (one.type2 !== undefined)
        for (const [i, row] of jointTests(first, 2).rows.entries())
          for (const [k, statistic] of JOINT_STATISTICS.entries()) {
            const [value, f, df1, df2] = one.type2[i]![k] as [number, number, number, number];
            const found = row[statistic];
            near(found.value, value, `${row.term} of type 2, ${statistic}`);
            near(found.f, f, `${row.term} of type 2, ${statistic}, F`);
            expect([found.df1, found.df2]).toEqual([df1, df2]);
          }
      if (one.compared !== undefined) {
        const right = one.small!.split("~")[1]!;
        const { model: small } = refit(first, { formula: `${one.targets[0]} ~ ${right}` });
        expect(small.targets.map(({ label }) => label)).toEqual(one.targets.slice(1));
        const named = [
          { name: "small", model: small },
          { name: "large", model: first },
        ];
        const { rows } = inOneGo(jointModelsSteps(named));
        for (const [k, statistic] of JOINT_STATISTICS.entries())
          nearRow(rows[0]![statistic], one.compared[k]!, `compared, ${statistic}`);
      }
    });

  test("car was asked for type 2", () => {
    expect(
      golden.cases.filter(({ type2 }) => type2 !== undefined).map(({ formula }) => formula),
    ).toHaveLength(3);
    expect(golden.car).toMatch(/^3\./);
  });
});

describe("targets that leave no residuals", () => {
  // d is a + b, and e is a again: the terms fit neither. c is 2 x + 1.
  const lines = [..."abcdefghij"].map((_, r) => {
    const [x, a, b] = [r, (r * r) % 7, (r * 3) % 5];
    return [x, a, b, 2 * x + 1, a + b, a].join();
  });
  test.each([
    [["a", "b", "d"], "the residuals of d depend linearly on those of a, b"],
    [["a", "e"], "the residuals of e depend linearly on those of a"],
    [["a", "c"], "the terms fit c exactly"],
    [["c", "a"], "the terms fit c exactly"],
  ])("%s", (targets, message) =>
    inFolder({ "rows.csv": ["x,a,b,c,d,e", ...lines, ""].join("\n") }, async (folder) => {
      const { fits } = await fitTargetsCsv(`${folder}/rows.csv`, { targets, features: ["x"] });
      expect(() => jointTests(fits[0]!.model)).toThrow(message);
    }),
  );
});

describe("the statistics of a joint test", () => {
  test("of one target are all the F test of that target", () => {
    // λ = H/E, F = (H/q)/(E/ν).
    const [h, e, df, dfResidual] = [3, 40, 4, 95];
    const f = h / df / (e / dfResidual);
    for (const statistic of JOINT_STATISTICS) {
      const found = jointTest(statistic, [h / e], { targets: 1, df, dfResidual });
      near(found.f, f, statistic);
      expect([found.df1, found.df2], statistic).toEqual([df, dfResidual]);
    }
  });

  test("have no F where the residuals have too few degrees of freedom", () => {
    const found = jointTest("wilks", [2, 1], { targets: 2, df: 2, dfResidual: 1 });
    expect(found.value).toBeCloseTo(1 / 6, 12);
    expect(found.f).toBeNaN();
    expect(found.p).toBeNaN();
  });
});
