import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type MeansOptions, marginalMeans } from "../../../src/linear/hypotheses/marginal-means.js";
import { testHypotheses } from "../../../src/linear/hypotheses/wald-tests.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { agree } from "../golden-fits.js";

type Rows = Record<"estimate" | "stdError" | "t" | "p" | "lower" | "upper", (number | null)[]>;

interface Golden {
  file: string;
  formula: string;
  of: string[];
  by: string[];
  at: Record<string, (string | number)[]> | [];
  trend: string | null;
  vcov: "iid" | "hc3";
  adjust: NonNullable<MeansOptions["adjust"]>;
  values: string[][];
  means: Rows;
  pairs: Rows;
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/means.json", "utf8")).means;

describe("means, trends and pairs are those of emmeans", () => {
  test.each(goldens.map((golden) => [golden.formula, golden.of.join(), golden] as const))(
    "%s by %s",
    async (_, __, golden) => {
      const { of, by, trend, adjust, vcov, formula, file } = golden;
      const { model } = await fitCsv(file, { formula, vcov, threads: 1 });
      const at = Array.isArray(golden.at) ? {} : golden.at;
      const found = marginalMeans(model, { of, by, at, adjust, trend: trend ?? undefined } as MeansOptions);
      expect(found.means.map(({ values }) => values.map(String))).toEqual(
        golden.values.map((v) => Object.values(v)),
      );
      // emtrends takes a difference quotient of two points, of about eight digits.
      const digits = trend === null ? 1e-9 : 1e-7;
      for (const part of ["means", "pairs"] as const) {
        expect(found[part]).toHaveLength(golden[part].estimate.length);
        found[part].forEach((row, i) => {
          for (const name of ["estimate", "stdError", "t", "lower", "upper"] as const) {
            // qtukey of R is found to 1e-4 of its own only.
            const tukey = part === "pairs" && adjust === "tukey" && (name === "lower" || name === "upper");
            const own = golden[part][name][i]!;
            if (tukey && own !== null)
              expect(Math.abs(row[name] - own)).toBeLessThan(1e-4 * Math.max(1, Math.abs(own)));
            else agree(row[name], own, `${name} of ${part} ${i}`, digits);
          }
          const p = golden[part].p[i]!;
          // ptukey of R is 1 − cdf, to about 1e-9 in all.
          if (p === null) expect(row.p).toBeNaN();
          else expect(Math.abs(row.p - p)).toBeLessThan(1e-8);
        });
      }
    },
  );
});

test("pairs of a factor without interactions are differences of its coefficients", async () => {
  const formula = "wage ~ education + occupation";
  const { model } = await fitCsv("data/cps-wages.csv", { formula, threads: 1 });
  const { pairs } = marginalMeans(model, { of: ["occupation"], adjust: "none" });
  const pair = pairs.find(({ first, second }) => first[0] === "other" && second[0] === "sales")!;
  const [row] = testHypotheses(model, ["occupationother = occupationsales"]).rows;
  for (const name of ["estimate", "stdError", "t", "p"] as const)
    expect(pair[name]).toBeCloseTo(row![name], 12);
});

test("absorbed effects leave means without a level, and pairs and slopes as with coefficients for them", async () => {
  const fit = async (formula: string) => (await fitCsv("data/cps-wages.csv", { formula, threads: 1 })).model;
  const absorbed = marginalMeans(await fit("wage ~ education * race | occupation"), { of: ["race"] });
  const spelled = marginalMeans(await fit("wage ~ education * race + occupation"), { of: ["race"] });
  expect(absorbed.means.every(({ estimate }) => Number.isNaN(estimate))).toBe(true);
  absorbed.pairs.forEach((pair, i) => {
    for (const name of ["estimate", "stdError", "p"] as const)
      expect(pair[name]).toBeCloseTo(spelled.pairs[i]![name], 9);
  });
});

test("what the model does not have is refused", async () => {
  const { model } = await fitCsv("data/cps-wages.csv", {
    formula: "wage ~ log(education + 1) + race",
    threads: 1,
  });
  expect(() => marginalMeans(model, { of: ["race"] })).toThrow("does not keep the mean of education");
  const at = { education: [12] };
  expect(() => marginalMeans(model, { of: ["rase"], at })).toThrow("no factor rase");
  expect(() => marginalMeans(model, { of: ["education"], at: {} })).toThrow();
  expect(() => marginalMeans(model, { of: ["race"], at: { ...at, race: ["green"] } })).toThrow(
    "race has no level green",
  );
  expect(() => marginalMeans(model, { of: ["race"], at, trend: "race" })).toThrow(
    "no column of numbers race",
  );
  expect(() => marginalMeans(model, { of: ["race"], at: { educatoin: [1] } })).toThrow("no column educatoin");
  // d/dx log(x + 1) = 1/(x + 1)
  const { means } = marginalMeans(model, { of: [], at, trend: "education" });
  expect(means[0]!.estimate).toBeCloseTo(model.coefficients[1]! / 13, 9);
});

test("a slope at the mean of a centred column, which rounding leaves off 0, is that at 0", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "goml-means-")), "d.csv");
  const rows = Array.from({ length: 30 }, (_, i) => (i - 14.5) / 10).map(
    (x, i) => `${x},${Math.exp(x) + (i % 4) / 10}`,
  );
  writeFileSync(path, `x,y\n${rows.join("\n")}\n`);
  const { model } = await fitCsv(path, { formula: "y ~ x + exp(x)", threads: 1 });
  for (const x of [1e-17, -1e-12, 0]) {
    const { means } = marginalMeans(model, { of: [], trend: "x", at: { x: [x] } });
    // d/dx of b x + c exp(x) at 0. Rounding of exp over a step of some 1e-6 is 1e-10.
    expect(means[0]!.estimate).toBeCloseTo(model.coefficients[1]! + model.coefficients[2]!, 8);
  }
});
