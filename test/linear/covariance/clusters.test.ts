import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { clusterNotes } from "../../../src/linear/covariance/vcov.js";
import { testHypotheses } from "../../../src/linear/hypotheses/wald-tests.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { agree } from "../golden-fits.js";

interface Table {
  terms: string[];
  stdError: number[];
  df: number[];
  p: number[];
  lower: number[];
  upper: number[];
}

interface Small {
  satterthwaite: Table;
  kline: Table;
  wald: { f: number; df2: number; p: number } | null;
  joint: { zero: string[]; f: number; df1: number; df2: number | null; p: number | null }[];
}

interface Golden {
  r: string;
  small: (Record<"cr0" | "cluster1" | "cr2" | "cr3", Small> & {
    file: string;
    call: string;
    formula: string;
    weights: string | null;
    cluster: string;
  })[];
  several: {
    file: string;
    call: string;
    formula: string;
    clusters: string[];
    groups: number[];
    negative: boolean;
    conventional: Table;
    least: Table;
    plain: Table | null;
  }[];
}

const golden: Golden = JSON.parse(readFileSync("test/golden/clusters.json", "utf8"));

/** Nine digits; R's p of 1e-19 and less are tails of which pt's own rounding takes some. */
function expectTable(model: LinearModel, table: Table, what: string): void {
  const rows = model.summary().coefficients.filter(({ estimate }) => !Number.isNaN(estimate));
  expect(rows.map(({ term }) => term)).toEqual(table.terms);
  rows.forEach((row, i) => {
    for (const name of ["stdError", "p", "lower", "upper"] as const)
      agree(row[name], table[name][i]!, `${what}: ${name} of ${row.term}`, 1e-8);
    agree(row.df ?? model.dfInference, table.df[i]!, `${what}: df of ${row.term}`);
  });
}

describe.each(golden.small)(`$call by $cluster in ${golden.r}`, (one) => {
  const fit = async (options: FitCsvOptions) => {
    const { file, formula, cluster, weights } = one;
    return (await fitCsv(file, { formula, cluster, weights: weights ?? undefined, threads: 1, ...options }))
      .model;
  };

  test.each(["cr0", "cluster", "cr2", "cr3"] as const)("has clubSandwich's %s", async (vcov) => {
    const expected = one[vcov === "cluster" ? "cluster1" : vcov];
    const model = await fit({ vcov, df: "satterthwaite" });
    expectTable(model, expected.satterthwaite, vcov);
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expect(read.summary()).toEqual(model.summary());
    if (expected.wald !== null) {
      const { wald } = model.summary();
      for (const name of ["f", "df2", "p"] as const)
        agree(wald![name], expected.wald[name], `Wald's ${name}`, 1e-8);
    }
    for (const { zero, f, df2, p } of expected.joint) {
      const { joint } = testHypotheses(
        model,
        zero.map((name) => `${name} = 0`),
      );
      if (df2 === null || !(df2 > 0)) continue;
      agree(joint.f, f, `F of ${zero}`, 1e-8);
      agree(joint.df2, df2, `df of ${zero}`);
      agree(joint.p, p, `p of ${zero}`, 1e-8);
    }
    expectTable(await fit({ vcov, df: "clusters" }), expected.kline, `${vcov} on G − 1`);
  });

  test("has the same from the moments of the clusters, in one pass, as from their rows", async () => {
    for (const vcov of ["cr2", "cr3"] as const) {
      // Moments in double are kept by cluster; in double-double the rows are read again.
      const [once, twice] = [await fit({ vcov, solver: "normal" }), await fit({ vcov, solver: "extended" })];
      once.summary().coefficients.forEach((row, i) => {
        const other = twice.summary().coefficients[i]!;
        // Sums of squares in double of some hundred rows.
        agree(row.stdError, other.stdError, row.term, 1e-10);
        agree(row.df!, other.df!, `df of ${row.term}`, 1e-10);
      });
    }
  });
});

describe.each(golden.several)(`$call by $clusters in ${golden.r}`, (one) => {
  test("has sandwich's covariance of several columns", async () => {
    const { file, formula, clusters: cluster, groups } = one;
    const fit = (options: FitCsvOptions) =>
      fitCsv(file, { formula, cluster, vcov: "cluster", threads: 1, ...options });
    const { model, notes } = await fit({});
    expectTable(model, one.least, "the least G");
    expect(model.vcov).toMatchObject({
      ways: cluster.map((name, i) => ({ cluster: name, clusters: groups[i] })),
    });
    expect(notes.some((note) => note.includes("negative eigenvalues"))).toBe(one.negative);
    const own = (await fit({ ssc: { "cluster.df": "conventional" } })).model;
    expectTable(own, one.conventional, "each its own G");
    if (one.plain !== null) {
      const plain = await fit({ ssc: { adj: false, "cluster.adj": false } });
      expectTable(plain.model, one.plain, "no factors");
    }
    expect(LinearModel.fromJSON(JSON.parse(JSON.stringify(own))).summary()).toEqual(own.summary());
  });
});

test("the remark on few clusters names the degrees of freedom that t has", () => {
  const vcov = { type: "cluster" as const, cluster: "firm", clusters: 12, meat: [1] };
  expect(clusterNotes(vcov)[0]).toContain("have 11 degrees of freedom");
  expect(clusterNotes({ ...vcov, shares: [1] })[0]).toContain("have Satterthwaite's degrees of freedom");
  expect(clusterNotes({ ...vcov, ssc: { "t.df": "conventional" } })[0]).toContain(
    "the degrees of freedom of the rows",
  );
});

test("a note says that CR3 takes a pseudo-inverse where a cluster alone tells a coefficient", () => {
  // z is 1 in the first cluster only: no fit without it has its coefficient.
  const X = Array.from({ length: 24 }, (_, i) => [Math.sin(3 * i), i < 6 ? 1 : 0]);
  const y = X.map(([x, z], i) => x! + 2 * z! + Math.cos(5 * i));
  const clusters = y.map((_, i) => Math.floor(i / 6));
  const notes = (vcov: "cr2" | "cr3" | "jackknife", columns: number) =>
    clusterNotes(
      fit(
        X.map((row) => row.slice(0, columns)),
        y,
        { vcov, clusters },
      ).vcov,
    ).join();
  for (const vcov of ["cr3", "jackknife"] as const) {
    expect(notes(vcov, 2)).toMatch(/1 of 4 clusters alone tell a coefficient.*pseudo-inverse/);
    expect(notes(vcov, 1)).not.toMatch(/alone/);
  }
  expect(notes("cr2", 2)).not.toMatch(/alone/);
});
