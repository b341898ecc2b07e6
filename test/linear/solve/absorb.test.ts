import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codedTerms, sortLevels } from "../../../src/dataset/formula/coding.js";
import { formulaSpec } from "../../../src/dataset/formula/resolve.js";
import { regressionOf } from "../../../src/linear/model/model-parts.js";
import { absorbSteps } from "../../../src/linear/solve/absorb.js";
import { absorbIterativelySteps } from "../../../src/linear/solve/absorb-iteratively.js";
import { complementInverse } from "../../../src/linear/solve/complement-inverse.js";
import { leverageOf } from "../../../src/linear/solve/effects-leverage.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { inOneGo } from "../../../src/parallel/steps.js";
import { packedIndex } from "../../../src/stats/packed.js";
import { columnsOf, type Table } from "../../dataset/formula/table.js";
import { sparseMoments } from "../../stats/sparse.js";
import { uniform } from "../../uniform.js";

const absorb = (...args: Parameters<typeof absorbSteps>) => inOneGo(absorbSteps(...args));
const absorbIteratively = (...args: Parameters<typeof absorbIterativelySteps>) =>
  inOneGo(absorbIterativelySteps(...args));

/** An unbalanced panel; with `blocks` of firms that never share a year or a region with those of another block. */
function panel(seed: number, n: number, L: number, blocks: number): Table {
  const next = uniform(seed);
  const firm = Array.from({ length: n }, (_, i) => (i < L ? i : Math.floor(L * next() ** 2)));
  const year = firm.map((f) => (f % blocks) + blocks * Math.floor(4 * next()));
  const region = firm.map((f) => (f % blocks) + blocks * Math.floor(3 * next()));
  const x = firm.map((f) => f / 10 + next());
  const z = firm.map((_, i) => x[i]! + year[i]! / 5 + next());
  const y = firm.map((f, i) => 2 * x[i]! - z[i]! + Math.sin(f) + year[i]! / 3 + next());
  return {
    y,
    x,
    z,
    firm: firm.map((f) => `f${f}`),
    year: year.map((v) => `y${v}`),
    region: region.map((v) => `r${v}`),
  };
}

test("absorbed effects leave the coefficients, errors and fitted values of the regression on all indicators", () => {
  fc.assert(
    fc.property(
      fc.constantFrom("firm", "firm + year", "year + firm + region", "region + year"),
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.integer({ min: 3, max: 30 }),
      fc.constantFrom(1, 1, 2, 3),
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (effects, seed, L, blocks, weighted, extended, iterated) => {
        const table = panel(seed, 5 * L + 40, L, blocks);
        const next = uniform(seed + 1);
        const weights = weighted ? table.y!.map(() => Math.floor(3 * next()) + 0.5) : undefined;
        const spec = formulaSpec(`y ~ ${effects} + x + z`, { columns: columnsOf(table) });
        const moments = sparseMoments(spec, table, { extended: true, weights: weights! });
        const levels = Object.fromEntries(
          spec.variables.flatMap((variable) =>
            variable.kind === "factor"
              ? [[variable.label, sortLevels(new Set(table[variable.column]!.map(String)), variable.of)]]
              : [],
          ),
        );
        const whole = solve(moments, regressionOf(spec, codedTerms(spec, levels)));
        const factors = effects.split(" + ").map((name) => moments.shape.factors.indexOf(name));
        const families = factors.map((f) =>
          moments.shape.families.findIndex(
            ({ parts, number }) => number < 0 && parts.length === 1 && parts[0] === f,
          ),
        );
        const given = extended ? moments : moments.toMoments();
        const way = iterated ? absorbIteratively : absorb;
        const absorbed = way(given, families, ["x", "z", "y"]);
        const found = solve(absorbed.moments, { target: "y", terms: ["x", "z"], intercept: true });
        const gamma = [...found.coefficients.slice(1)];
        const expected = [...whole.coefficients.slice(-2)];
        // In double C is rounded at n ulps of squares that absorbing makes up to some thousand times smaller: of 3,000
        // designs the worst coefficient is off by 1e-13.
        const unit = extended && !iterated ? 1e-13 : 1e-12;
        expected.forEach((value, j) => {
          if (Number.isNaN(value)) expect(gamma[j]).toBeNaN();
          else expect(Math.abs(gamma[j]! - value)).toBeLessThan(unit * (1 + Math.abs(value)));
        });
        expect(Math.abs(found.rss / whole.rss - 1)).toBeLessThan(100 * unit);
        // Of three factors too, of which pairs tell a bound only.
        expect([absorbed.rank + found.rank - 1, absorbed.exact]).toEqual([whole.rank, true]);
        // The effects sum up to the fitted values of the rows: with them the residuals' squares are those of the fit.
        const values = absorbed.effects([...gamma.map((value) => (Number.isNaN(value) ? 0 : -value)), 1]);
        const names = factors.map((f) => moments.levels[f]!);
        const columns = effects.split(" + ");
        let squares = 0;
        table.y!.forEach((y, i) => {
          const parts = columns.map((name, k) => values[k]![names[k]!.find(String(table[name]![i]))]!);
          const fitted =
            parts.reduce((sum, part) => sum + part, 0) +
            slope(gamma[0], table.x![i]) +
            slope(gamma[1], table.z![i]);
          squares += (weights?.[i] ?? 1) * (Number(y) - fitted) ** 2;
        });
        expect(Math.abs(squares / whole.rss - 1)).toBeLessThan(100 * unit);
        // Leverages add up to the rank, and the levels of a row are connected; those of others as the other way says.
        const code = (name: string, k: number, i: number) => names[k]!.find(String(table[name]![i]));
        const leverage = inOneGo(absorbed.leverage(complementInverse));
        const other = inOneGo(absorb(given, families, ["y"]).leverage(undefined));
        const cells = names.map((own) => Int32Array.from(own.names, (_, l) => l));
        const sum = table.y!.reduce<number>((total, _, i) => {
          const codes = columns.map((name, k) => code(name, k, i));
          const h = leverageOf({ ...leverage, cells }, codes);
          expect(Math.abs(h / leverageOf({ ...other, cells }, codes) - 1)).toBeLessThan(100 * unit);
          return total + (weights?.[i] ?? 1) * h;
        }, 0);
        expect(Math.abs(sum / absorbed.rank - 1)).toBeLessThan(100 * unit);
        const labels = absorbed.connections();
        const others = (iterated ? absorb : absorbIteratively)(given, families, ["y"]).connections();
        const sumOf = (own: Float64Array[], at: (k: number) => number) =>
          Math.abs(
            columns.reduce((sum, name, k) => sum + own[k]![code(name, k, at(k) % table.y!.length)]!, 0),
          );
        table.y!.forEach((_, i) => {
          expect(sumOf(labels, () => i)).toBeLessThan(1e-8);
          const mixed = (k: number) => i + 7 * k * (1 + (i % 5));
          expect(sumOf(labels, mixed) < 1e-6).toBe(sumOf(others, mixed) < 1e-6);
        });
      },
    ),
    { numRuns: process.env.GOML_LONG ? 3000 : 80 },
  );
}, 300_000);

const slope = (beta: number | undefined, x: number | string | null | undefined) =>
  beta === undefined || Number.isNaN(beta) ? 0 : beta * Number(x);

interface Case {
  call: string;
  data: string;
  effects: string | string[];
  terms: string | string[];
  weighted: boolean;
  estimates: number | number[];
  errors: number | number[];
  dfResidual: number;
  rss: number;
  withinR2: number;
}
const golden = JSON.parse(readFileSync("test/golden/absorb.json", "utf8")) as {
  r: string;
  sets: Record<string, Table & { w: number[] }>;
  cases: Case[];
};
const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

describe.each([
  ["in double", false, absorb],
  ["in double-double", true, absorb],
  ["by iteration", false, absorbIteratively],
] as const)(`as lm with all indicators in ${golden.r}, %s`, (_, extended, way) => {
  test.each(golden.cases.map((one) => [one.call, one] as const))("%s", (_call, one) => {
    const { w, ...table } = golden.sets[one.data]!;
    const [effects, terms] = [list(one.effects), list(one.terms)];
    const spec = formulaSpec(`y ~ ${[...effects, ...terms].join(" + ")}`, { columns: columnsOf(table) });
    const moments = sparseMoments(spec, table, one.weighted ? { extended, weights: w } : { extended });
    const families = effects.map((name) =>
      moments.shape.families.findIndex(({ parts }) => parts[0] === moments.shape.factors.indexOf(name)),
    );
    const absorbed = way(moments, families, [...terms, "y"]);
    const { coefficients, inverse, rss, tss, rank } = solve(absorbed.moments, {
      target: "y",
      terms,
      intercept: true,
    });
    const df = moments.n - absorbed.rank - (rank - 1);
    expect(df).toBe(one.dfResidual);
    // R's own rounding: lm solves by Householder QR on up to 100 columns.
    const close = (found: number, expected: number) =>
      expect(Math.abs(found / expected - 1)).toBeLessThan(1e-9);
    close(rss, one.rss);
    close(1 - rss / tss, one.withinR2);
    terms.forEach((_term, j) => {
      close(coefficients[j + 1]!, list(one.estimates)[j]!);
      close(Math.sqrt((inverse[packedIndex(j + 1, j + 1)]! * rss) / df), list(one.errors)[j]!);
    });
  });
});
