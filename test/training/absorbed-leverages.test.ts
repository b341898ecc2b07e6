import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { diagnoseCsv } from "../../src/prediction/diagnose-csv.js";
import { predictCsv } from "../../src/prediction/predict-csv.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import { uniform } from "../uniform.js";
import { writeColumns } from "./absorbed-golden.js";

const folder = mkdtempSync(join(tmpdir(), "goml-leverages-"));
afterAll(() => rmSync(folder, { recursive: true }));

function column(path: string, name: string): number[] {
  const [header, ...rows] = readFileSync(path, "utf8").trimEnd().split("\n");
  const at = header!.split(",").indexOf(name);
  return rows.map((row) => Number(row.split(",")[at]));
}

// More levels beside those of the largest factor than are factored with the effects: these are found by iteration.
const [n, A, B] = [6400, 1700, 1600];
const next = uniform(7);
// Each level has two rows or more: no leverage is 1.
const a = Array.from({ length: n }, (_, i) => (i < 2 * A ? i % A : Math.floor(A * next())));
const b = Array.from({ length: n }, (_, i) => (i < 2 * B ? (7 * i) % B : Math.floor(B * next())));
const x = a.map((level) => level / A + next());
const table = {
  y: a.map((level, i) => 2 * x[i]! + Math.sin(level) + Math.cos(b[i]!) + next() * (1 + x[i]!)),
  x,
  a: a.map((level) => `a${level}`),
  b: b.map((level) => `b${level}`),
};
const path = writeColumns(folder, "panel", table);
const fit = { target: "y", features: ["x"], absorb: ["a", "b"] };

test("leverages within the effects of very many levels are those of rows left out", async () => {
  const { model } = await fitCsv(path, fit);
  expect(model.absorption!.order).toBe(B);
  const output = join(folder, "rows.csv");
  await diagnoseCsv(model, path, { output });
  const [leverage, residual] = [column(output, "leverage"), column(output, "residual")];
  // Their sum is the rank; of 6,400 roundings.
  expect(Math.abs(leverage.reduce((sum, h) => sum + h, 0) / model.parameters - 1)).toBeLessThan(1e-9);
  for (const row of [3500, 5000, 6399]) {
    const without = Object.fromEntries(
      Object.entries(table).map(([name, values]) => [name, values.filter((_, i) => i !== row)]),
    );
    const { model: others } = await fitCsv(writeColumns(folder, `without${row}`, without), fit);
    const [of, effect] = [(f: number) => [table.a, table.b][f]![row]!, (f: number) => others.effects[f]!];
    const sum = [0, 1].reduce((all, f) => all + effect(f).effects[effect(f).levels.indexOf(of(f))]!, 0);
    const left = table.y[row]! - others.coefficients[0]! * x[row]! - sum;
    // y_i − ŷ₍₋ᵢ₎ = e_i/(1 − h_i), both found by iteration to some 1e-11.
    expect(Math.abs(residual[row]! / (1 - leverage[row]!) / left - 1)).toBeLessThan(1e-8);
  }
  // Intervals: the variance of a fitted value is σ²h.
  const predicted = join(folder, "predicted.csv");
  await predictCsv(model, path, { output: predicted, interval: "confidence", stdError: true });
  column(predicted, "stdError").forEach((error, i) => {
    expect(Math.abs(error / Math.sqrt(leverage[i]! * model.sigma ** 2) - 1)).toBeLessThan(1e-9);
  });

  // HC2 and HC3 from their definition: with one column the sandwich is Σ x̃² e² (1 − h)⁻ᵈ / (Σ x̃²)².
  const within = model.withinPlan(undefined)!;
  const place = (f: number, level: string) => model.levels["ab"[f]!]!.indexOf(level);
  const about = x.map(
    (value, i) =>
      value - within.columns[0]![place(0, table.a[i]!)]! - within.columns[1]![place(1, table.b[i]!)]!,
  );
  const squares = about.reduce((sum, value) => sum + value ** 2, 0);
  for (const [vcov, power] of [
    ["hc2", 1],
    ["hc3", 2],
  ] as const) {
    const { model: robust } = await fitCsv(path, { ...fit, vcov });
    const meat = about.reduce(
      (sum, value, i) => sum + (value * residual[i]!) ** 2 / (1 - leverage[i]!) ** power,
      0,
    );
    expect(Math.abs((robust.standardErrors[0]! * squares) / Math.sqrt(meat) - 1)).toBeLessThan(1e-9);
  }
});

test("beyond 5,000 levels leverages are refused with the numbers", async () => {
  const many = Array.from({ length: 11_000 }, (_, i) => i);
  const wide = writeColumns(folder, "wide", {
    y: many.map((i) => Math.sin(i)),
    x: many.map((i) => Math.cos(3 * i)),
    a: many.map((i) => `a${i % 5200}`),
    b: many.map((i) => `b${(7 * i) % 5100}`),
  });
  await expect(fitCsv(wide, { ...fit, vcov: "hc3" })).rejects.toThrow(
    "there are too many effects for the leverages that the hc3 covariance needs: beside the factor of most levels the " +
      "others have 5,100, a dense system of 0.31 GB, and 5,000 are the most",
  );
});
