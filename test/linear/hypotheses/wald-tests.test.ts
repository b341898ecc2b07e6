import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { adjustP } from "../../../src/linear/hypotheses/adjust.js";
import { type HypothesisRow, testHypotheses } from "../../../src/linear/hypotheses/wald-tests.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { agree, refit } from "../golden-fits.js";

interface Golden {
  file: string;
  call: string;
  formula: string;
  weights: string | null;
  vcov: "iid" | "hc0" | "hc1" | "hc2" | "hc3" | "cluster";
  cluster: string | null;
  written: string[];
  estimate: number[];
  value: number[];
  stdError: number[];
  t: number[];
  p: number[];
  holm: number[];
  lower: number[];
  upper: number[];
  joint: Record<string, number>;
}

const goldens: Golden[] = JSON.parse(readFileSync("test/golden/hypotheses.json", "utf8"));

describe("hypotheses are those of car::linearHypothesis", () => {
  test.each(
    goldens.map(
      (golden) => [`${golden.call}, ${golden.vcov}: ${golden.written.join("; ")}`, golden] as const,
    ),
  )("%s", async (_, golden) => {
    const { vcov, cluster } = golden;
    const { model } = await refit(golden, golden.formula, { vcov, cluster: cluster ?? undefined });
    const { rows, joint, notes } = testHypotheses(model, golden.written);
    expect(notes).toEqual([]);
    expect(rows).toHaveLength(golden.estimate.length);
    for (const name of ["estimate", "value", "stdError", "t", "p", "lower", "upper"] as const)
      rows.forEach((row: HypothesisRow, i) => {
        agree(row[name], golden[name][i]!, `${name} ${row.hypothesis}`);
      });
    const holm = adjustP(
      rows.map(({ p }) => p),
      "holm",
    );
    // glht's p-values are 2·pt of a rounded survival function: absolute, not relative.
    holm.forEach((p, i) => {
      expect(p).toBeCloseTo(golden.holm[i]!, 9);
    });
    for (const [name, value] of Object.entries(golden.joint))
      agree((joint as unknown as Record<string, number>)[name]!, value, name);
    expect("lr" in joint).toBe(vcov === "iid");
  });
});

const boston = async () =>
  (await fitCsv("data/boston.csv", { features: ["rm", "lstat", "nox"], threads: 1 })).model;

test("F does not hang on how hypotheses are written: any invertible combination of them gives it", async () => {
  const model = await boston();
  const base = testHypotheses(model, ["rm = 4", "lstat = nox"]).joint;
  fc.assert(
    fc.property(fc.tuple(...[0, 1, 2, 3].map(() => fc.integer({ min: -9, max: 9 }))), ([a, b, c, d]) => {
      fc.pre(a * d - b * c !== 0);
      const both = testHypotheses(model, [
        `${a}*(rm - 4) + ${b}*(lstat - nox) = 0`,
        `${c}*rm + ${d}*lstat = ${d}*nox + ${4 * c}`,
      ]).joint;
      expect(both.f / base.f).toBeCloseTo(1, 10);
      expect(both.df1).toBe(2);
    }),
  );
});

test("a hypothesis that follows from others is said and does not count; one that contradicts them is refused", async () => {
  const model = await boston();
  const two = testHypotheses(model, ["rm = 4", "lstat = nox"]);
  const three = testHypotheses(model, ["rm = 4", "lstat = nox", "rm + 2*lstat = 4 + 2*nox"]);
  expect(three.notes).toEqual([
    '"rm + 2*lstat = 4 + 2*nox" follows from the hypotheses before it, and adds none to those that are tested together',
  ]);
  expect(three.joint).toEqual(two.joint);
  expect(three.rows).toHaveLength(3);
  expect(() => testHypotheses(model, ["rm = 4", "lstat = nox", "rm + 2*lstat = 5 + 2*nox"])).toThrow(
    'the hypothesis "rm + 2*lstat = 5 + 2*nox" contradicts those before it',
  );
});

test("a covariance of too few clusters has t and no F", async () => {
  // rad has 9 values: 9 sums of scores, of which 8 are independent; the other columns are 12.
  const all = (await fitCsv("data/boston.csv", { vcov: "cluster", cluster: "rad", threads: 1 })).model;
  const { rows, joint } = testHypotheses(
    all,
    all.terms.map((term) => `${term} = 0`),
  );
  expect(joint.f).toBeNaN();
  expect(joint.df1).toBe(12);
  expect(rows.every(({ t }) => Number.isFinite(t))).toBe(true);
});

test("adjusted p are those of R's p.adjust", () => {
  // p.adjust(c(0.01, 0.04, 0.03, NA, 0.005, 0.5), m)
  const p = [0.01, 0.04, 0.03, Number.NaN, 0.005, 0.5];
  const expected = {
    none: p,
    bonferroni: [0.05, 0.2, 0.15, Number.NaN, 0.025, 1],
    holm: [0.04, 0.09, 0.09, Number.NaN, 0.025, 0.5],
    bh: [0.025, 0.05, 0.05, Number.NaN, 0.025, 0.5],
  } as const;
  for (const [method, values] of Object.entries(expected))
    adjustP(p, method as keyof typeof expected).forEach((value, i) => {
      if (Number.isNaN(values[i]!)) expect(value).toBeNaN();
      else expect(value).toBeCloseTo(values[i]!, 15);
    });
});
