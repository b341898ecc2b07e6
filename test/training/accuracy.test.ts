import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { LinearModel } from "../../src/linear/model/model.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { normal } from "../normal.js";
import { Rational } from "../stats/rational.js";

// What the doubles given allow: the least-squares solution of the very same doubles, in exact fractions.

/** A set as NIST's StRD has them: y on the powers 1 to `degree` of x. */
interface PolynomialSet {
  name: string;
  degree: number;
  x: number[];
  y: number[];
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);
const power = (x: number, degree: number, coefficient: (k: number) => number) =>
  range(degree + 1).reduce((sum, k) => sum + coefficient(k) * x ** k, 0);

// Wampler (1970): a polynomial of degree 5 on x = 0 … 20, exact (1, 2) and with deviations δ of three sizes that
// are orthogonal to it (3 to 5). The published sets are tables; these are made by the same rule, with our own δ.
const wamplerX = range(21);
const deviations = range(21).map((i) => ((i * 7919) % 21) - 10);
const WAMPLER: PolynomialSet[] = [
  ["Wampler 1", () => 1, 0],
  ["Wampler 2", (k: number) => 10 ** -k, 0],
  ["Wampler 3", () => 1, 100],
  ["Wampler 4", () => 1, 1e4],
  ["Wampler 5", () => 1, 1e6],
].map(([name, coefficient, size]) => ({
  name: name as string,
  degree: 5,
  x: wamplerX,
  y: wamplerX.map(
    (x, i) => power(x, 5, coefficient as (k: number) => number) + deviations[i]! * (size as number),
  ),
}));

// After Filippelli's set: degree 10, x in [−9, −3], y small and smooth with noise in the third digit.
const noise = normal(7);
const filipX = range(82).map((i) => Number((-9 + (6 * i) / 81 + 0.01 * noise()).toFixed(9)));
const FILIP: PolynomialSet = {
  name: "degree 10 on [−9, −3]",
  degree: 10,
  x: filipX,
  y: filipX.map((x) => Number((0.85 + 0.05 * Math.sin(x) + 0.003 * noise()).toFixed(4))),
};

/** θ of the normal equation in exact fractions, by Gaussian elimination; X without the intercept's column. */
function exact(X: Rational[][], y: Rational[]): Rational[] {
  const rows = X.map((row) => [new Rational(1n), ...row]);
  const p = rows[0]!.length;
  const zero = new Rational(0n);
  const dot = (a: number, b: (i: number) => Rational) =>
    rows.reduce((sum, row, i) => sum.add(row[a]!.mul(b(i))), zero);
  const system = range(p).map((a) => [
    ...range(p).map((b) => reduce(dot(a, (i) => rows[i]![b]!))),
    reduce(dot(a, (i) => y[i]!)),
  ]);
  for (let k = 0; k < p; k++)
    for (let i = k + 1; i < p; i++) {
      const factor = reduce(system[i]![k]!.div(system[k]![k]!));
      for (let j = k; j <= p; j++) system[i]![j] = reduce(system[i]![j]!.sub(factor.mul(system[k]![j]!)));
    }
  const theta: Rational[] = [];
  for (let i = p - 1; i >= 0; i--) {
    let rest = system[i]![p]!;
    for (let j = i + 1; j < p; j++) rest = rest.sub(system[i]![j]!.mul(theta[j]!));
    theta[i] = reduce(rest.div(system[i]![i]!));
  }
  return theta;
}

function reduce(r: Rational): Rational {
  let [a, b] = [r.num < 0n ? -r.num : r.num, r.den];
  while (b > 0n) [a, b] = [b, a % b];
  return a > 1n ? new Rational(r.num / a, r.den / a) : r;
}

/** Correct digits, −log10 of the relative error, at most 15: the least over the coefficients. */
function digits(model: LinearModel, theta: Rational[]): number {
  return Math.min(
    ...theta.map((t, i) => {
      const estimate = Rational.from(model.coefficients[i]!);
      if (t.isZero()) return estimate.isZero() ? 15 : -Math.log10(Math.abs(model.coefficients[i]!));
      const error = estimate.sub(t).over(t);
      return error === 0 ? 15 : Math.min(15, -Math.log10(error));
    }),
  );
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-accuracy-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe.each([...WAMPLER, FILIP])("$name", ({ degree, x, y }) => {
  test("has 13 correct digits from the powers as doubles", () => {
    const X = x.map((v) => range(degree).map((k) => v ** (k + 1)));
    const theta = exact(
      X.map((row) => row.map(Rational.from)),
      y.map(Rational.from),
    );
    expect(digits(fit(X, y), theta)).toBeGreaterThanOrEqual(13);
  });

  test("has 13 correct digits from a formula, whose powers keep their rounding errors", async () => {
    const path = join(folder, "data.csv");
    writeFileSync(path, `x,y\n${x.map((v, i) => `${v},${y[i]}`).join("\n")}\n`);
    const X = x.map((v) => {
      const base = Rational.from(v);
      const powers = [base];
      while (powers.length < degree) powers.push(reduce(powers.at(-1)!.mul(base)));
      return powers;
    });
    const theta = exact(X, y.map(Rational.from));
    const { model } = await fitCsv(path, { formula: `y ~ poly(x, ${degree}, raw = TRUE)` });
    expect(model.solver).toBe("extended");
    expect(digits(model, theta)).toBeGreaterThanOrEqual(13);
  });
});

test("double precision alone would not do, and auto notices", () => {
  const { degree, x, y } = WAMPLER[4]!;
  const X = x.map((v) => range(degree).map((k) => v ** (k + 1)));
  // Many copies, so that double-double is not free and the ladder has to decide.
  const copies = range(2000);
  const many = copies.flatMap(() => X);
  const manyY = copies.flatMap(() => y);
  const theta = exact(
    X.map((row) => row.map(Rational.from)),
    y.map(Rational.from),
  );
  expect(digits(fit(many, manyY, { solver: "normal" }), theta)).toBeLessThan(12);
  const auto = fit(many, manyY);
  expect(auto.solver).toBe("extended");
  expect(digits(auto, theta)).toBeGreaterThanOrEqual(13);
});

test("a column far from zero keeps its digits", () => {
  // Seconds since 1970 over a minute: the mean is 1e8 standard deviations from zero.
  const next = normal(11);
  const X = range(3000).map(() => [1_700_000_000 + 17 * next()]);
  const y = X.map(([t]) => 0.5 * (t! - 1_700_000_000) + next());
  const theta = exact(
    X.map((row) => row.map(Rational.from)),
    y.map(Rational.from),
  );
  const many = range(60).flatMap(() => X);
  const auto = fit(
    many,
    range(60).flatMap(() => y),
  );
  expect(auto.solver).toBe("extended");
  expect(digits(auto, theta)).toBeGreaterThanOrEqual(13);
});

describe("a column that depends on others of another size is left out", () => {
  test.each([
    ["a sum that is rounded to a double", "y ~ x + s + u", 2],
    ["a sum that a formula keeps in double-double", "y ~ I(x/3 + 2*u) + x + u", 1],
  ])("%s", async (_, formula, sum) => {
    const path = join(folder, "sizes.csv");
    const next = normal(11);
    // What is left of u after x and the sum is their rounding, magnified by as much as x is larger.
    for (const size of [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]) {
      const lines = range(60).map(() => {
        const [x, u] = [size * next(), next()];
        return [x, u, x + 2 * u, u + next()].join(",");
      });
      writeFileSync(path, `x,u,s,y\n${lines.join("\n")}\n`);
      const { model } = await fitCsv(path, { formula });
      expect(model.aliased, `x is ${size} times u`).toEqual(["u"]);
      expect(model.rank).toBe(3);
      // The two that are left say the same as x and u do: the sum's coefficient is half of u's.
      const { model: plain } = await fitCsv(path, { formula: "y ~ x + u" });
      expect(model.conditionNumber).toBeGreaterThan(size / 10);
      // The sum as a double is off by 1e-16 of x, which is up to 1e-7 of u.
      expect(model.standardErrors[sum]! / plain.standardErrors[2]!).toBeCloseTo(1 / 2, 6);
      expect(model.coefficients[sum]! / plain.coefficients[2]!).toBeCloseTo(1 / 2, 5);
    }
  });
});
