import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import { normal } from "../normal.js";
import { EveryEngine, SUMMING } from "./every-engine.js";

// The Longley data of NIST's StRD (public domain): y, x1 to x6, and the certified coefficients.
const LONGLEY = [
  [60323, 83, 234289, 2356, 1590, 107608, 1947],
  [61122, 88.5, 259426, 2325, 1456, 108632, 1948],
  [60171, 88.2, 258054, 3682, 1616, 109773, 1949],
  [61187, 89.5, 284599, 3351, 1650, 110929, 1950],
  [63221, 96.2, 328975, 2099, 3099, 112075, 1951],
  [63639, 98.1, 346999, 1932, 3594, 113270, 1952],
  [64989, 99, 365385, 1870, 3547, 115094, 1953],
  [63761, 100, 363112, 3578, 3350, 116219, 1954],
  [66019, 101.2, 397469, 2904, 3048, 117388, 1955],
  [67857, 104.6, 419180, 2822, 2857, 118734, 1956],
  [68169, 108.4, 442769, 2936, 2798, 120445, 1957],
  [66513, 110.8, 444546, 4681, 2637, 121950, 1958],
  [68655, 112.6, 482704, 3813, 2552, 123366, 1959],
  [69564, 114.2, 502601, 3931, 2514, 125368, 1960],
  [69331, 115.7, 518173, 4806, 2572, 127852, 1961],
  [70551, 116.9, 554894, 4007, 2827, 130081, 1962],
];
const CERTIFIED = [
  -3482258.63459582, 15.0618722713733, -0.035819179292591, -2.02022980381683, -1.03322686717359,
  -0.0511041056535807, 1829.15146461355,
];

/** Correct digits, at most 15: the least over the coefficients. */
function digits(found: ArrayLike<number>, right: ArrayLike<number>): number {
  return Math.min(
    ...Array.from(right, (value, j) => {
      const error = Math.abs(found[j]! - value) / Math.abs(value);
      return error === 0 ? 15 : Math.min(15, -Math.log10(error));
    }),
  );
}

const engines = new EveryEngine();
const double = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, "DOUBLE PRECISION"]));

beforeAll(async () => {
  const next = normal(11);
  const tables = {
    longley: { columns: double(["y", "x1", "x2", "x3", "x4", "x5", "x6"]), rows: LONGLEY },
    // A polynomial of degree 5 with deviations far larger than it, as Wampler's fifth set has them.
    wampler: {
      columns: double(["y", "x1", "x2", "x3", "x4", "x5"]),
      rows: Array.from({ length: 21 }, (_, x) => [
        1 + x + x ** 2 + x ** 3 + x ** 4 + x ** 5 + 1e6 * (((x * 7919) % 21) - 10),
        ...[1, 2, 3, 4, 5].map((k) => x ** k),
      ]),
    },
    // Seconds since 1970 over a minute: the mean is 1e8 deviations from zero.
    epoch: {
      columns: double(["y", "t"]),
      rows: Array.from({ length: 3000 }, () => {
        const t = 1.7e9 + 17 * next();
        return [0.5 * (t - 1.7e9) + next(), t];
      }),
    },
    filip: {
      columns: double(["y", "x"]),
      rows: Array.from({ length: 82 }, (_, i) => {
        const x = Number((-9 + (6 * i) / 81 + 0.01 * next()).toFixed(9));
        return [Number((0.85 + 0.05 * Math.sin(x) + 0.003 * next()).toFixed(4)), x];
      }),
    },
    integers: {
      columns: { ...double(["y", "x", "z"]), w: "INTEGER" },
      rows: Array.from({ length: 500 }, (_, i) => [next(), 1e6 + next(), 1e6 + next(), i % 4]),
    },
  };
  await engines.fill(tables);
  await engines.fillClickhouse(tables);
}, 120_000);
afterAll(() => engines.close());

// What sums in integers keep of the data is all of Longley, Wampler and epoch times; the rest is the solver's, which has
// 13 digits and more on these from exact sums.
const exact = SUMMING.filter((engine) => engine !== "SQLite");

describe.each(exact)("%s sums up in integers", (engine) => {
  const fit = async (table: string, options: object = {}) =>
    (await fitCsv(engines.urls[engine]!, { table, inEngine: true, target: "y", folds: 1, ...options })).model;

  it("Longley, to NIST's digits", async () => {
    // In double its condition number, of scaled columns, would be no reason for more.
    const model = await fit("longley", { solver: "extended" });
    expect(model.solver).toBe("extended");
    expect(digits(model.coefficients, CERTIFIED)).toBeGreaterThan(13.5);
  });

  it.each(["wampler", "epoch"])("%s, to the digits of a scan in double-double", async (table) => {
    const model = await fit(table);
    expect(model.solver).toBe("extended");
    const { model: expected } = await fitCsv(engines.csv(table), {
      target: "y",
      solver: "extended",
      folds: 1,
    });
    expect(digits(model.coefficients, expected.coefficients)).toBeGreaterThan(13.5);
    expect(digits(model.standardErrors, expected.standardErrors)).toBeGreaterThan(12);
  });

  it("a polynomial of degree 10 as far as its powers are doubles", async () => {
    const formula = "y ~ poly(x, 10, raw = TRUE)";
    const model = await fit("filip", { formula, target: undefined });
    const { model: expected } = await fitCsv(engines.csv("filip"), { formula, folds: 1 });
    expect(digits(model.coefficients, expected.coefficients)).toBeGreaterThan(5);
  });

  it("whole weights too, and refuses others", async () => {
    const options = { weights: "w", features: ["x", "z"], solver: "extended" } as const;
    const model = await fit("integers", options);
    const { model: expected } = await fitCsv(engines.csv("integers"), { target: "y", folds: 1, ...options });
    expect(digits(model.coefficients, expected.coefficients)).toBeGreaterThan(12);
    await expect(
      fitCsv(engines.urls[engine]!, {
        ...options,
        sql: "SELECT y, x, z, w / 4e0 AS w FROM integers",
        target: "y",
        inEngine: true,
      }),
    ).rejects.toThrow("the weights are no whole numbers");
  });

  it("to the same bits in any order of the rows", async () => {
    const models = await Promise.all(
      ["ORDER BY x1", "ORDER BY x6 DESC"].map((order) =>
        fit("longley", { table: undefined, sql: `SELECT * FROM longley ${order}`, solver: "extended" }),
      ),
    );
    expect(models[0]!.moments.toJSON()).toEqual(models[1]!.moments.toJSON());
  });
});

// What sums about dyadic shifts keep in double (12.7 digits of Longley, 14.7 of epoch times), less what rounding means
// to double and solving in double lose.
describe.each(SUMMING)("%s sums up in double", (engine) => {
  it.each([
    ["longley", 7],
    ["epoch", 9],
  ])("%s, to more than %d digits", async (table, least) => {
    const options = { target: "y", folds: 1 };
    const { model } = await fitCsv(engines.urls[engine]!, {
      ...options,
      table,
      inEngine: true,
      solver: "normal",
    });
    const { model: expected } = await fitCsv(engines.csv(table), { ...options, solver: "extended" });
    expect(digits(model.coefficients, expected.coefficients)).toBeGreaterThan(least);
  });
});

it("SQLite has no integers to be exact in, and says what is left", async () => {
  await expect(
    fitCsv(engines.urls.SQLite!, { table: "wampler", target: "y", inEngine: true }),
  ).rejects.toMatchObject({
    kind: "model",
    message: expect.stringMatching(/double precision leaves (about \d+ digits|no digit) of the coefficients/),
    hint: 'take them with `solver: "normal"`, or leave `inEngine: true` out',
  });
});
