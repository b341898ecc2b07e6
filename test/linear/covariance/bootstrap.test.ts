import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { rowHash } from "../../../src/dataset/row-hash.js";
import { pickOf } from "../../../src/linear/covariance/bootstrap.js";
import { vcovName, vcovShortName } from "../../../src/linear/covariance/vcov.js";
import { averageEffects } from "../../../src/linear/hypotheses/average-effects.js";
import { testHypotheses } from "../../../src/linear/hypotheses/wald-tests.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import { goml } from "../../cli/goml.js";
import { writeColumns } from "../../training/absorbed-golden.js";
import { uniform } from "../../uniform.js";
import { agree } from "../golden-fits.js";

interface Golden {
  r: string;
  columns: { group: string[]; x: number[]; z: number[]; w: number[]; y: number[] };
  wild: {
    formula: string;
    weights: string | null;
    terms: string[];
    p: number[];
    half: number[];
    lower: number[];
    upper: number[];
  }[];
  jackknife: { formula: string; rows: number[]; clusters: number[] }[];
}

const golden: Golden = JSON.parse(readFileSync("test/golden/wild.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "goml-bootstrap-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = writeColumns(folder, "rows", golden.columns);

describe.each(golden.wild)(`$formula, weights $weights, in ${golden.r}`, (one) => {
  const { formula, weights } = one;
  const train = (solver: "normal" | "extended") =>
    fitCsv(path, {
      formula,
      weights: weights ?? undefined,
      vcov: "bootstrap",
      draw: "rademacher",
      cluster: "group",
      solver,
      threads: 1,
    });

  test("all ways of ±1 give the p and the interval of the definition, row by row", async () => {
    for (const solver of ["normal", "extended"] as const) {
      const { model } = await train(solver);
      expect(model.vcov).toMatchObject({ draws: 256, enumerated: true, clusters: 8 });
      model.summary().coefficients.forEach((row, i) => {
        // Shares of 256 draws are exact.
        expect(row.p).toBe(one.p[i]);
        agree(row.lower, one.lower[i]!, `lower of ${row.term}`, 1e-8);
        agree(row.upper, one.upper[i]!, `upper of ${row.term}`, 1e-8);
      });
      const { rows } = testHypotheses(
        model,
        one.terms.map((term) => `${term} = 0.5`),
      );
      rows.forEach(({ p }, i) => {
        expect(p).toBe(one.half[i]);
      });
      const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
      expect(read.summary(0.9)).toEqual(model.summary(0.9));
    }
  });
});

/** Rows of 12 clusters in memory. */
function rows(seed: number, n: number) {
  const next = uniform(seed);
  const own = Array.from({ length: 12 }, () => next() - 0.5);
  const clusters = Array.from({ length: n }, () => Math.floor(12 * next() ** 1.5));
  const X = clusters.map((g) => [next() + own[g]!, next() * 2]);
  const y = X.map(([x, z], i) => 1 + 0.3 * x! - 0.1 * z! + own[clusters[i]!]! + next());
  return { X, y, clusters };
}

describe("draws of residuals that are not all ways", () => {
  test.each(["rademacher", "webb", "mammen"] as const)("are those of fits to the rows (%s)", (draw) => {
    const { X, y, clusters } = rows(4, 90);
    const [draws, seed] = [99, 7];
    const model = fit(X, y, { vcov: "bootstrap", draw, draws, seed, clusters });
    // The weights as documented: by the place of the cluster among the names in order.
    const names = [...new Set(clusters)].map((g) => JSON.stringify([String(g)])).sort();
    const place = (g: number) => names.indexOf(JSON.stringify([String(g)]));
    const weight = (b: number, c: number) => {
      if (draw === "rademacher") return (rowHash(b * 2 ** 24 + (c >> 3), seed, 2) >> (c & 7)) & 1 ? 1 : -1;
      const u = rowHash(b * 2 ** 24 + c, seed, 2) / 2 ** 32;
      const root = Math.sqrt(5);
      if (draw === "mammen") return u < (root + 1) / (2 * root) ? (1 - root) / 2 : (1 + root) / 2;
      return [-Math.sqrt(1.5), -1, -Math.sqrt(0.5), Math.sqrt(0.5), 1, Math.sqrt(1.5)][Math.floor(6 * u)]!;
    };
    const t = (target: number[]) => {
      const { coefficients, standardErrors } = fit(X, target, { vcov: "cluster", clusters });
      return coefficients[1]! / standardErrors[1]!;
    };
    const restricted = fit(
      X.map(([, z]) => [z!]),
      y,
    );
    const fitted = restricted.predict(X.map(([, z]) => [z!]));
    // A draw that gives all clusters one weight has the same t but for rounding.
    const observed = Math.abs(t(y)) * (1 + 1e-9);
    let beyond = 0;
    for (let b = 0; b < draws; b++)
      if (
        Math.abs(t(y.map((v, i) => fitted[i]! + weight(b, place(clusters[i]!)) * (v - fitted[i]!)))) >
        observed
      )
        beyond++;
    expect(model.summary().coefficients[1]!.p).toBe(beyond / draws);
  });

  test("pairs of clusters are fits to the rows of the clusters that were drawn", () => {
    const { X, y, clusters } = rows(9, 120);
    const [draws, seed] = [40, 3];
    const names = [...new Set(clusters)].map((g) => JSON.stringify([String(g)])).sort();
    const G = names.length;
    const found = Array.from({ length: draws }, (_, b) => {
      const picked = Array.from({ length: G }, (_, k) =>
        Number(JSON.parse(names[pickOf(b, k, seed, G)]!)[0]),
      );
      const at = picked.flatMap((g) => clusters.flatMap((own, i) => (own === g ? [i] : [])));
      return fit(
        at.map((i) => X[i]!),
        at.map((i) => y[i]!),
      ).coefficients;
    });
    const model = fit(X, y, { vcov: "bootstrap", draw: "pairs", draws, seed, clusters });
    model.standardErrors.forEach((error, j) => {
      const mean = found.reduce((sum, one) => sum + one[j]!, 0) / draws;
      const variance = found.reduce((sum, one) => sum + (one[j]! - mean) ** 2, 0) / (draws - 1);
      // Forty fits in double-double against sums by cluster in double.
      agree(error, Math.sqrt(variance), String(j), 1e-9);
    });
  });

  test("are the same for any number of threads and any order of the rows, and others by another seed", async () => {
    const { X, y, clusters } = rows(5, 400);
    const table = { g: clusters, x: X.map(([x]) => x!), z: X.map(([, z]) => z!), y };
    const turned = Object.fromEntries(
      Object.entries(table).map(([name, values]) => [name, values.toReversed()]),
    );
    const [own, reversed] = [writeColumns(folder, "own", table), writeColumns(folder, "reversed", turned)];
    const train = async (file: string, seed = 1) =>
      (await fitCsv(file, { target: "y", vcov: "bootstrap", cluster: "g", seed, folds: 1 })).model.summary();
    const [a, b, c] = [await train(own), await train(reversed), await train(own, 2)];
    expect(b.coefficients.map(({ p }) => p)).toEqual(a.coefficients.map(({ p }) => p));
    expect(c.coefficients.map(({ p }) => p)).not.toEqual(a.coefficients.map(({ p }) => p));
  });
});

describe.each(golden.jackknife)(`the jackknife of $formula, as its definition in ${golden.r}`, (one) => {
  test("without rows, and without clusters", async () => {
    for (const cluster of [undefined, "group"]) {
      const { model } = await fitCsv(path, { formula: one.formula, vcov: "jackknife", cluster, threads: 1 });
      const expected = cluster === undefined ? one.rows : one.clusters;
      model.standardErrors.forEach((error, i) => {
        agree(error, expected[i]!, `${cluster} ${i}`);
      });
    }
  });
});

test("the command draws rows where there are no clusters, and says what does not go", async () => {
  const run = await goml(folder, [
    "train",
    "rows.csv",
    "-t",
    "y",
    "-x",
    "group,w",
    "--vcov",
    "bootstrap",
    "--draws",
    "99",
  ]);
  expect(run.stdout).toMatch(/wild bootstrap \(rademacher\) of rows, 99 draws/);
  // Of 256 draws none exceeds the slope's t, and two have its size: those of one sign for all clusters.
  const all = await goml(folder, [
    "train",
    "rows.csv",
    "--formula",
    "y ~ x + z",
    "--vcov",
    "bootstrap",
    "--draw",
    "rademacher",
    "--cluster",
    "group",
  ]);
  expect(all.stdout).toMatch(/^x .* <0\.0078 +\*\* /m);
  const clusters = await goml(folder, [
    "train",
    "rows.csv",
    "-t",
    "y",
    "-x",
    "w",
    "--vcov",
    "jackknife",
    "--cluster",
    "group",
  ]);
  expect(clusters.stdout).toMatch(/jackknife of group, 8 groups/);
  for (const [args, code, message] of [
    [["--vcov", "hc1", "--draws", "99"], 2, /--draws 99 has no part in --vcov hc1/],
    [["--vcov", "bootstrap", "--cluster", "group,z"], 2, /goes with one column of clusters/],
    [["--vcov", "bootstrap", "--draw", "boxes"], 2, /pairs, rademacher, webb, mammen/],
  ] as const) {
    const wrong = await goml(folder, ["train", "rows.csv", "-t", "y", ...args]);
    expect(wrong.stderr).toMatch(message);
    expect(wrong.code).toBe(code);
  }
});

test("a model of very many clusters has p and intervals of its coefficients", () => {
  const { X, y } = rows(6, 60_000);
  const clusters = y.map((_, i) => i % 30_000);
  const model = fit(X, y, { vcov: "bootstrap", draws: 20, clusters });
  const { vcov } = model;
  expect(vcov).toMatchObject({ level: 0.95, tests: expect.any(Array) });
  expect(vcovName(vcov)).toBe("wild bootstrap (rademacher) of clusters, 30000 groups, 20 draws");
  const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
  expect(read.summary()).toEqual(model.summary());
  expect(read.summary(0.9).coefficients[1]!.lower).toBeNaN();
  expect(() => testHypotheses(read, ["x1 = 0.3"])).toThrow("does not keep the groups");
});

test("average effects that are coefficients have their p and intervals, of the draws", async () => {
  const { model } = await fitCsv(path, {
    formula: "y ~ x + z",
    vcov: "bootstrap",
    cluster: "group",
    threads: 1,
  });
  const { coefficients } = model.summary(0.9);
  averageEffects(model, { level: 0.9 }).forEach(({ p, pBelow, lower, upper }, i) => {
    const { p: own, pBelow: below, lower: low, upper: high } = coefficients[i + 1]!;
    expect({ p, pBelow, lower, upper }).toEqual({ p: own, pBelow: below, lower: low, upper: high });
  });
});

describe("of three clusters", () => {
  const { X, y, clusters } = rows(6, 60);
  const three = clusters.map((g) => g % 3);

  test("eight ways of ±1 tell no p below a quarter", () => {
    const model = fit(X, y, { vcov: "bootstrap", draw: "rademacher", clusters: three });
    expect(model.vcov).toMatchObject({ draws: 8, enumerated: true });
    const { coefficients } = model.summary();
    expect(coefficients.some(({ p }) => p === 0)).toBe(true);
    for (const { p, pBelow } of coefficients) expect(pBelow).toBe(p === 0 ? 0.25 : undefined);
  });

  test("Webb's weights are the default, for ±1 have fewer ways than there are draws; of many clusters it is ±1", () => {
    expect(fit(X, y, { vcov: "bootstrap", clusters: three }).vcov).toMatchObject({
      draw: "webb",
      draws: 999,
    });
    expect(fit(X, y, { vcov: "bootstrap", draws: 7, clusters: three }).vcov).toMatchObject({
      draw: "rademacher",
    });
    const many = y.map((_, i) => i % 12);
    expect(fit(X, y, { vcov: "bootstrap", clusters: many }).vcov).toMatchObject({ draw: "rademacher" });
  });

  test("pairs are refused where most draws do not tell all coefficients", () => {
    // Two clusters with a value of their own each: only draws of all three tell both slopes, 6 of 27.
    const dummies = three.map((g) => [Number(g === 1), Number(g === 2)]);
    expect(() => fit(dummies, y, { vcov: "bootstrap", draw: "pairs", clusters: three })).toThrow(
      /of 999 draws of 3 groups do not tell all coefficients/,
    );
  });
});

test("short names name the clusters of every covariance that has them", () => {
  const by = { type: "cluster" as const, meat: [] as number[] };
  const ways = [
    { cluster: "firm", clusters: 12 },
    { cluster: "year", clusters: 10 },
  ];
  expect(vcovShortName({ ...by, ways, clusters: 10 })).toBe("by firm, year");
  expect(vcovShortName({ ...by, cluster: "firm", clusters: 12 })).toBe("by firm");
  expect(vcovShortName({ ...by, type: "cr2", cluster: "firm", clusters: 12 })).toBe("CR2 by firm");
  expect(vcovShortName({ ...by, type: "cr0", ways, clusters: 10 })).toBe("CR0 by firm, year");
  expect(vcovShortName({ ...by, type: "jackknife" })).toBe("jackknife");
  expect(vcovShortName({ ...by, type: "hc4m" })).toBe("HC4m");
});

test("two models side by side have the F of their covariances, which are named", async () => {
  const train = (vcov: readonly string[], model: string) =>
    goml(folder, ["train", "rows.csv", "--formula", "y ~ x + z", "-q", "-m", model, "--vcov", ...vcov]);
  await train(["iid"], "classical.json");
  await train(["cr2", "--cluster", "group"], "clustered.json");
  const { stdout } = await goml(folder, ["inspect", "classical.json", "clustered.json"]);
  const { model } = await fitCsv(path, { formula: "y ~ x + z", vcov: "cr2", cluster: "group", threads: 1 });
  const { fit: classical, wald } = model.summary();
  expect(stdout).toMatch(/^covariance +iid +CR2 by group$/m);
  const [f, own] = /^F +(\S+) +(\S+)$/m.exec(stdout)!.slice(1).map(Number);
  expect(f).toBeCloseTo(classical.f, 3);
  expect(own).toBeCloseTo(wald!.f, 3);
});
