import { describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();
const next = uniform(5);
const rows = Array.from({ length: 90 }, (_, i) => {
  const [a, b] = [next() + 3, 10 * next()];
  return { a, b, w: 1 + Math.floor(3 * next()), y: 1 + (2 + i / 50) * a - b + next() };
});
type Row = (typeof rows)[number];
const csv = (name: string, of: readonly Row[]) =>
  scratch.file(`${name}.csv`, `a,b,w,y\n${of.map(({ a, b, w, y }) => `${a},${b},${w},${y}\n`).join("")}`);
const features = ["a", "b"];
const [first, second, third] = [rows.slice(0, 30), rows.slice(30, 31), rows.slice(31)];

/** Recursive least squares with forgetting, row by row (Ljung & Söderström 1983): θ += K(y − xᵀθ), K = Px/(λ + xᵀPx), P = (P − K xᵀP)/λ. */
function recursive(start: readonly Row[], later: readonly Row[], decay: number): number[] {
  const x = ({ a, b }: Row) => [1, a, b];
  const G = [0, 1, 2].map((i) =>
    [0, 1, 2].map((j) => start.reduce((sum, row) => sum + x(row)[i]! * x(row)[j]!, 0)),
  );
  let P = inverse(G);
  let theta = P.map((line) =>
    line.reduce((sum, p, j) => sum + p * start.reduce((s, row) => s + x(row)[j]! * row.y, 0), 0),
  );
  for (const row of later) {
    const own = x(row);
    const Px = P.map((line) => line.reduce((sum, p, j) => sum + p * own[j]!, 0));
    const gain = Px.map((p) => p / (decay + own.reduce((sum, v, i) => sum + v * Px[i]!, 0)));
    const error = row.y - own.reduce((sum, v, i) => sum + v * theta[i]!, 0);
    theta = theta.map((v, i) => v + gain[i]! * error);
    P = P.map((line, i) => line.map((p, j) => (p - gain[i]! * Px[j]!) / decay));
  }
  return theta;
}

/** Of 3 × 3, by cofactors. */
function inverse(m: number[][]): number[][] {
  const minor = (i: number, j: number) => {
    const [r, s] = [0, 1, 2].filter((k) => k !== i) as [number, number];
    const [c, d] = [0, 1, 2].filter((k) => k !== j) as [number, number];
    return m[r]![c]! * m[s]![d]! - m[r]![d]! * m[s]![c]!;
  };
  const det = [0, 1, 2].reduce((sum, j) => sum + (j % 2 === 0 ? 1 : -1) * m[0]![j]! * minor(0, j), 0);
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => ((i + j) % 2 === 0 ? 1 : -1) * (minor(j, i) / det)));
}

describe("updates that forget", () => {
  test.each(["normal", "extended"] as const)("are recursive least squares, %s moments", async (solver) => {
    const { model } = await fitCsv(csv("first", first), { features, target: "y", solver });
    const once = await updateCsv(model, csv("second", second), { decay: 0.95 });
    const twice = await updateCsv(once.model, csv("third", third), { decay: 0.95 });
    const expected = recursive(first, [...second, ...third], 0.95);
    // The recursion's P in double loses some digits of 16.
    twice.model.coefficients.forEach((value, j) => {
      expect(Math.abs(value / expected[j]! - 1)).toBeLessThan(1e-9);
    });
    expect(twice.notes.join()).toContain("degrees of freedom count all 90 rows");
  });

  test("have the standard errors of weights λ^age, from the model's file too", async () => {
    const { model } = await fitCsv(csv("first", first), { features, weights: "w", target: "y" });
    const updated = await updateCsv(model, csv("rest", [...second, ...third]), { decay: 0.9 });
    const weights = Float64Array.from(rows, ({ w }, i) => w * (i < 30 ? 0.9 ** 60 : 0.9 ** (89 - i)));
    const expected = fit(
      rows.map(({ a, b }) => [a, b]),
      rows.map(({ y }) => y),
      { weights },
    );
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(updated.model)));
    for (const found of [updated.model, read])
      found.standardErrors.forEach((value, j) => {
        expect(Math.abs(value / expected.standardErrors[j]! - 1)).toBeLessThan(1e-10);
      });
    expect(Math.abs(read.summary().fit.logLik / expected.summary().fit.logLik - 1)).toBeLessThan(1e-10);
    expect(updated.model.folds.length).toBe(0);
  });

  test("by 1 are updates; factors, penalties and other numbers are refused", async () => {
    const { model } = await fitCsv(csv("first", first), { features, target: "y" });
    const path = csv("third", third);
    const [plain, faded] = [await updateCsv(model, path), await updateCsv(model, path, { decay: 1 })];
    plain.model.coefficients.forEach((value, j) => {
      expect(faded.model.coefficients[j]!).toBeCloseTo(value, 10);
    });
    await expect(updateCsv(model, path, { decay: 1.1 })).rejects.toThrow("above 0 and at most 1");
    await expect(updateCsv(model, path, { decay: 1e-9 })).rejects.toThrow("nothing is left");
    const penalized = (await fitCsv(csv("first", first), { features, target: "y", lambda: 1 })).model;
    await expect(updateCsv(penalized, path, { decay: 0.9 })).rejects.toThrow("penalised");
    const coded = (await fitCsv(csv("first", first), { formula: "y ~ a + C(w)" })).model;
    await expect(updateCsv(coded, path, { decay: 0.9 })).rejects.toThrow("has factors");
    const iv = (await fitCsv(csv("first", first), { formula: "y ~ 1 | 0 | a ~ b" })).model;
    await expect(updateCsv(iv, path, { decay: 0.9 })).rejects.toThrow("has instruments");
  });
});
