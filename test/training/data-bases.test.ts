import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { compileExpression } from "../../src/dataset/formula/arithmetic.js";
import { polynomialColumns } from "../../src/dataset/formula/polynomial-basis.js";
import {
  averageEffects,
  evaluateCsv,
  fitCsv,
  fitGroupsCsv,
  mergeModels,
  refit,
  updateCsv,
} from "../../src/index.js";
import { PowerSums } from "../../src/stats/power-sums.js";
import { inFolder } from "../cli/goml.js";
import type { Table } from "../dataset/formula/table.js";
import { rowsOf } from "../interchange/models.js";

interface Fit {
  formula: string;
  r2: number;
  rss: number;
  names: string[];
  coefficients: number[];
  errors: number[];
  predictions: number[];
}
const golden = JSON.parse(readFileSync(new URL("../golden/bases.json", import.meta.url), "utf8")) as {
  r: string;
  data: { whole: Table };
  fits: Fit[];
  other: Table;
};
const { whole } = golden.data;

function csv(table: Table, rows = table.y!.map((_, r) => r)): string {
  const names = Object.keys(table);
  return [names.join(), ...rows.map((r) => names.map((name) => table[name]![r]).join())].join("\n");
}

/** To 9 digits: R solves by Householder's QR in double. */
function expectClose(found: ArrayLike<number>, expected: readonly number[], what: string): void {
  expect(found.length, what).toBe(expected.length);
  const size = Math.max(...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs(found[i]! - value), `${what} ${i}`).toBeLessThanOrEqual(1e-9 * size);
  });
}

describe(`fits of bases of the data, and predictions from them, as lm of ${golden.r}`, () => {
  for (const { formula, r2, rss, names, coefficients, errors, predictions } of golden.fits)
    test(formula, async () => {
      await inFolder({ "data.csv": csv(whole) }, async (folder) => {
        const { model } = await fitCsv(join(folder, "data.csv"), { formula, folds: 3 });
        expect([...(model.intercept ? ["(Intercept)"] : []), ...model.terms]).toEqual(names);
        expectClose([model.summary().fit.r2], [r2], "R²");
        expectClose([model.rss], [rss], "RSS");
        expectClose(model.coefficients, coefficients, "coefficient");
        const found = model.summary().coefficients.map(({ stdError }) => stdError);
        expectClose(found, errors, "error");
        expectClose(model.predict(rowsOf(golden.other)), predictions, "prediction");
      });
    });
});

describe("data in parts", () => {
  const formula = "y ~ poly(year, 5) + ns(x, df = 4) + scale(z)";
  const half = whole.y!.map((_, r) => r).filter((r) => r % 2 === 0);
  const rest = whole.y!.map((_, r) => r).filter((r) => r % 2 === 1);
  const files = { "all.csv": csv(whole), "a.csv": csv(whole, half), "b.csv": csv(whole, rest) };

  test("shards of one whole share its bases, and merge to its model", async () => {
    await inFolder(files, async (folder) => {
      const path = join(folder, "all.csv");
      const one = await fitCsv(path, { formula });
      const parts = [];
      for (const number of [1, 2, 3]) {
        const { model } = await fitCsv(path, {
          formula: "y ~ poly(year, 5) + scale(z)",
          shard: { number, of: 3 },
        });
        parts.push({ name: `shard ${number}`, model });
      }
      const merged = mergeModels(parts).model;
      const apart = await fitCsv(path, { formula: "y ~ poly(year, 5) + scale(z)" });
      expectClose(merged.coefficients, [...apart.model.coefficients], "coefficient");
      expect(one.notes.join()).toContain(
        "read once before the fit, for poly(year, 5), ns(x, df = 4), scale(z)",
      );
    });
  });

  test("models of other data do not merge, and one line says what would", async () => {
    await inFolder(files, async (folder) => {
      const fitted = async (file: string, own: string) => ({
        name: file,
        model: (await fitCsv(join(folder, file), { formula: own })).model,
      });
      for (const [own, hint] of [
        ["y ~ ns(x, df = 3)", "common knots"],
        ["y ~ poly(x, 2)", "raw = TRUE"],
        ["scale(y) ~ x", "no scale()"],
      ] as const) {
        const models = [await fitted("a.csv", own), await fitted("b.csv", own)];
        expect(() => mergeModels(models)).toThrow(
          expect.objectContaining({
            message: expect.stringContaining("was made of the data of each by itself"),
            hint: expect.stringContaining(hint),
          }),
        );
      }
      const given = "y ~ ns(x, knots = c(-0.5, 0.5), Boundary.knots = c(-3, 3))";
      const merged = mergeModels([await fitted("a.csv", given), await fitted("b.csv", given)]).model;
      const { model } = await fitCsv(join(folder, "all.csv"), { formula: given });
      expectClose(merged.coefficients, [...model.coefficients], "coefficient");
    });
  });

  test("an update keeps the model's basis, which spans what the whole's would", async () => {
    await inFolder(files, async (folder) => {
      const own = "y ~ poly(x, 3) + scale(z)";
      const first = await fitCsv(join(folder, "a.csv"), { formula: own });
      const { model } = await updateCsv(first.model, join(folder, "b.csv"));
      const all = await fitCsv(join(folder, "all.csv"), { formula: own });
      const records = rowsOf(golden.other);
      expectClose(model.predict(records), [...all.model.predict(records)], "prediction");
      expectClose([model.rss], [all.model.rss], "RSS");
      const smaller = refit(all.model, { formula: "y ~ poly(x, 3)" }).model;
      const direct = await fitCsv(join(folder, "all.csv"), { formula: "y ~ poly(x, 3)" });
      expectClose(smaller.coefficients, [...direct.model.coefficients], "coefficient of a refit");
    });
  });

  test("groups have the basis of all", async () => {
    await inFolder(files, async (folder) => {
      const { models } = await fitGroupsCsv(join(folder, "all.csv"), {
        formula: "y ~ poly(x, 2)",
        groupBy: "sex",
      });
      const one = await fitCsv(join(folder, "all.csv"), { formula: "y ~ sex * poly(x, 2)" });
      const records = rowsOf(golden.other);
      expectClose(models.predict(records), [...one.model.predict(records)], "prediction");
    });
  });

  test("a number of intervals has the breaks of all rows, in predictions, refits and shards too", async () => {
    await inFolder(files, async (folder) => {
      const path = join(folder, "all.csv");
      const [least, most] = [Math.min(...(whole.age as number[])), Math.max(...(whole.age as number[]))];
      const [width, beyond] = [(most - least) / 3, (most - least) / 1000];
      const breaks = [least - beyond, least + width, least + 2 * width, most + beyond];
      const { model, notes } = await fitCsv(path, { formula: "y ~ cut(age, 3) + x" });
      expect(notes.join()).toContain("read once before the fit, for cut(age, 3)");
      const given = await fitCsv(path, { formula: `y ~ cut(age, c(${breaks.join()})) + x` });
      expectClose(model.coefficients, [...given.model.coefficients], "coefficient");
      const records = rowsOf(golden.other);
      const [predicted, expected] = [model, given.model].map((one) => [...one.predict(records)]);
      // Ages outside of the range have no interval.
      expect(predicted!.map(Number.isNaN)).toEqual(expected!.map(Number.isNaN));
      expectClose(
        predicted!.filter((value) => !Number.isNaN(value)),
        expected!.filter((value) => !Number.isNaN(value)),
        "prediction",
      );
      expect(refit(model, { formula: "y ~ cut(age, 3)" }).model.terms).toHaveLength(2);
      const parts: { name: string; model: typeof model }[] = [];
      for (const number of [1, 2])
        parts.push({
          name: `shard ${number}`,
          model: (await fitCsv(path, { formula: "y ~ cut(age, 3) + x", shard: { number, of: 2 } })).model,
        });
      expectClose(mergeModels(parts).model.coefficients, [...model.coefficients], "merged");
      const [a, b] = [
        await fitCsv(join(folder, "a.csv"), { formula: "y ~ cut(x, 3)" }),
        await fitCsv(join(folder, "b.csv"), { formula: "y ~ cut(x, 3)" }),
      ];
      expect(() =>
        mergeModels([
          { name: "a", model: a.model },
          { name: "b", model: b.model },
        ]),
      ).toThrow("cut(x, 3) was made of the data of each by itself");
      for (const [call, message] of [
        ["cut(x, 1)", "a whole number from 2 to 1000"],
        ["cut(x, 2.5)", "a whole number from 2 to 1000"],
        ["cut(x, 3, labels = c('a', 'b'))", "should be 3 different texts"],
        ["cut(I(x * 0), 3)", "has one value only"],
      ] as const)
        await expect(fitCsv(path, { formula: `y ~ ${call}` })).rejects.toThrow(message);
    });
  });

  test("what cannot be made is refused in one line", async () => {
    await inFolder(files, async (folder) => {
      const path = join(folder, "all.csv");
      await expect(fitCsv(path, { formula: "y ~ ns(pmax(x, 0), df = 5)" })).rejects.toThrow(
        "least or greatest value",
      );
      const far = await fitCsv(path, { formula: "y ~ ns(year, knots = c(2000, 2010)) + scale(big, FALSE)" });
      expect(far.model.terms.slice(0, 3)).toEqual(
        [1, 2, 3].map((k) => `ns(year, knots = c(2000, 2010))${k}`),
      );
      await expect(fitCsv(path, { formula: "y ~ ns(year, knots = 1900)" })).rejects.toThrow(
        "within 1990 and",
      );
      await expect(fitCsv(path, { formula: "y ~ poly(age, 20) + poly(sex, 2)" })).rejects.toThrow("is text");
      await expect(fitCsv(path, { formula: "y ~ poly(I(x > 0), 2)" })).rejects.toThrow(
        "too few different values",
      );
    });
  });
});

describe("an offset", () => {
  const formula = "y ~ x + sex + offset(z)";

  test("is taken from the target in folds, solvers and second passes alike", async () => {
    const table = { ...whole, y: whole.y!.map((y, r) => (y as number) + (whole.z![r] as number)) };
    await inFolder({ "with.csv": csv(table), "without.csv": csv(whole) }, async (folder) => {
      const [a, b] = [join(folder, "with.csv"), join(folder, "without.csv")];
      for (const options of [
        { testSize: 0.3 },
        { vcov: "hc3" },
        { solver: "qr" },
        { vcov: "cr1", cluster: "region" },
      ] as const) {
        const shifted = await fitCsv(a, { formula, ...options });
        const plain = await fitCsv(b, { formula: "y ~ x + sex", ...options });
        expectClose(shifted.model.coefficients, [...plain.model.coefficients], "coefficient");
        const errors = ({ model }: typeof plain) =>
          model.summary().coefficients.map(({ stdError }) => stdError);
        expectClose(errors(shifted), errors(plain), `error ${JSON.stringify(options)}`);
        expectClose([shifted.cv!.rmse], [plain.cv!.rmse], "CV");
        if (plain.test !== undefined) expectClose([shifted.test!.rmse], [plain.test.rmse], "test");
      }
      // R² is that of the target less the offset, in fits, held-out rows and evaluations alike.
      const [own, other] = [
        await fitCsv(a, { formula, testSize: 0.3 }),
        await fitCsv(b, { formula: "y ~ x + sex", testSize: 0.3 }),
      ];
      expectClose([own.test!.r2], [other.test!.r2], "R² of held-out rows");
      const all = await fitCsv(a, { formula });
      const { metrics } = await evaluateCsv(all.model, a);
      expectClose([metrics.r2, metrics.mse], [all.model.summary().fit.r2, all.model.rss / all.model.n], "R²");
      const grouped = await fitGroupsCsv(a, { formula: "y ~ x + offset(z)", groupBy: "sex" });
      const one = await fitCsv(a, { formula: "y ~ sex * x + offset(z)" });
      // As a term that is there twice.
      const twice = await fitCsv(a, { formula: "y ~ offset(z) + sex * x + offset(z)" });
      expect(twice.model.coefficients).toEqual(one.model.coefficients);
      const records = rowsOf(golden.other);
      expectClose(grouped.models.predict(records), [...one.model.predict(records)], "prediction");
    });
  });

  test("is refused where it cannot be heeded", async () => {
    await inFolder({ "data.csv": csv(whole) }, async (folder) => {
      const path = join(folder, "data.csv");
      const { model } = await fitCsv(path, { formula });
      expect(() => model.predict([[1, 1]])).toThrow("offset(z)");
      expect(() => averageEffects(model, { columns: ["z"] })).toThrow("no column z");
      await expect(fitCsv(path, { formula: "y ~ x - offset(z)" })).rejects.toThrow("an offset is added");
      await expect(fitCsv(path, { formula: "y ~ x * offset(z)" })).rejects.toThrow(
        "an offset is added by itself",
      );
      await expect(fitCsv(path, { formula: "y ~ lag(x)" })).rejects.toThrow("lag() needs the column of time");
      const other = await fitCsv(path, { formula: "y ~ x + sex" });
      expect(() =>
        mergeModels(
          [
            { name: "a", model },
            { name: "b", model: other.model },
          ],
          { again: true },
        ),
      ).toThrow("targets");
    });
  });
});

describe("orthogonal polynomials against exact arithmetic", () => {
  // R's own, by QR in double, are within 1e-12 of them here; see bench of the same in R: qr(outer(x - mean(x), 0:5, "^")).
  for (const [what, values] of [
    ["years of this century", Array.from({ length: 24 }, (_, i) => 2001 + i)],
    ["seconds since 1970, an hour of them", Array.from({ length: 40 }, (_, i) => 1.7e9 + 91 * i + (i % 7))],
    ["far from 0 and close together", Array.from({ length: 30 }, (_, i) => 1e12 + i * i)],
  ] as const)
    test(what, () => {
      const sums = new PowerSums(10);
      for (const value of values) sums.add(value);
      const columns = polynomialColumns({ column: "x" }, sums, 5)!;
      const x = Float64Array.from(values);
      const exact = orthogonal(values, 5);
      columns.forEach((expression, k) => {
        const { hi } = compileExpression(expression, () => x, x.length, false)(x.length);
        exact[k]!.forEach((value, r) => {
          expect(Math.abs(hi[r]! - value), `degree ${k + 1}, row ${r}`).toBeLessThan(1e-12);
        });
      });
    });
});

/** Gram and Schmidt in integers: p_k times a common denominator, then divided by its length in double. */
function orthogonal(values: readonly number[], degree: number): number[][] {
  const x = values.map((value) => BigInt(value));
  const dot = (a: readonly bigint[], b: readonly bigint[]) =>
    a.reduce((sum, one, i) => sum + one * b[i]!, 0n);
  const found: bigint[][] = [x.map(() => 1n)];
  for (let k = 1; k <= degree; k++) {
    let p = x.map((one) => one ** BigInt(k));
    for (const q of found) {
      const [a, b] = [dot(q, q), dot(p, q)];
      p = p.map((one, i) => one * a - b * q[i]!);
    }
    const divisor = p.reduce(gcd, 0n);
    found.push(p.map((one) => one / divisor));
  }
  return found.slice(1).map((p) => {
    const length = Math.sqrt(Number(dot(p, p)));
    return p.map((one) => Number(one) / length);
  });
}

function gcd(a: bigint, b: bigint): bigint {
  return b === 0n ? (a < 0n ? -a : a) : gcd(b, a % b);
}
