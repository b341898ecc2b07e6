import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { vcovName } from "../../../src/linear/covariance/vcov.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { fit } from "../../../src/training/fit.js";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { goml } from "../../cli/goml.js";
import { writeColumns } from "../../training/absorbed-golden.js";
import { agree } from "../golden-fits.js";

type Kernel = "bartlett" | "parzen" | "qs";

interface Panel {
  columns: Record<string, (string | number)[]>;
  pooling: { lag: number; nw: number[]; dk: number[] }[];
  within: { lag: number; nw: number[]; dk: number[] }[];
}

interface Golden {
  r: string;
  series: {
    formula: string;
    terms: string[];
    cases: { kernel: Kernel; lag: number; plain: number[]; adjusted: number[]; p: number[] }[];
    automatic: { kernel: Kernel; bandwidth: number; plain: number[] }[];
  }[];
  panels: Record<"whole" | "gaps", Panel>;
}

const golden: Golden = JSON.parse(readFileSync("test/golden/hac.json", "utf8"));
const folder = mkdtempSync(join(tmpdir(), "goml-hac-"));
afterAll(() => rmSync(folder, { recursive: true }));

const PLAIN = { adj: false, "cluster.adj": false } as const;

function expectErrors(model: LinearModel, expected: readonly number[], what: string): void {
  expect(model.standardErrors.length).toBe(expected.length);
  // Nine digits.
  expected.forEach((error, i) => {
    agree(model.standardErrors[i]!, error, `${what} ${i}`, 1e-9);
  });
}

describe.each(golden.series)(`$formula over time, in ${golden.r}`, ({ formula, cases, automatic }) => {
  const train = async (options: FitCsvOptions) =>
    (await fitCsv("test/golden/data/trend.csv", { formula, vcov: "hac", threads: 1, ...options })).model;

  test("has sandwich's covariances of lags", async () => {
    for (const { kernel, lag, plain, adjusted, p } of cases) {
      expectErrors(await train({ kernel, lag, ssc: PLAIN }), plain, `${kernel} ${lag}`);
      const model = await train({ kernel, lag });
      expectErrors(model, adjusted, `${kernel} ${lag} adjusted`);
      model.summary().coefficients.forEach((row, i) => {
        agree(row.p, p[i]!, `p of ${row.term}`, 1e-8);
      });
    }
  });

  test("has the bandwidth of Newey & West 1994", async () => {
    for (const { kernel, bandwidth, plain } of automatic) {
      const model = await train({ kernel, ssc: PLAIN });
      agree((model.vcov as { bandwidth: number }).bandwidth, bandwidth, `bandwidth of ${kernel}`);
      expectErrors(model, plain, `${kernel} auto`);
    }
  });
});

describe.each(["whole", "gaps"] as const)("a panel (%s)", (name) => {
  const { columns, pooling, within } = golden.panels[name];

  test("has plm's covariances within units and by time, in whatever order the rows are", async () => {
    const path = writeColumns(folder, name, columns);
    for (const [formula, expected] of [
      ["y ~ x + z", pooling],
      ["y ~ x + z | firm", within],
    ] as const)
      for (const { lag, nw, dk } of expected) {
        const how = { formula, lag, time: "year", ssc: PLAIN, threads: 1 };
        const series = (await fitCsv(path, { ...how, vcov: "hac", unit: "firm" })).model;
        expectErrors(series, nw, `${formula} ${lag}`);
        const { model } = await fitCsv(path, { ...how, vcov: "dk" });
        expectErrors(model, dk, `${formula} ${lag} by time`);
        expect(model.dfInference).toBe(19);
      }
  });

  test("has the same in memory, and from a file that was written", async () => {
    const path = writeColumns(folder, name, columns);
    const { model } = await fitCsv(path, { formula: "y ~ x + z", vcov: "hac", time: "year", unit: "firm" });
    const { x, z, y, year, firm } = columns as Record<string, number[]>;
    const X = x!.map((value, i) => [value, z![i]!]);
    const own = fit(X, y!, { vcov: "hac", time: year!, unit: firm! });
    own.standardErrors.forEach((error, i) => {
      agree(error, model.standardErrors[i]!, String(i), 1e-12);
    });
    const read = LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
    expect(read.summary()).toEqual(model.summary());
    expect(vcovName(read.vcov)).toMatch(/^over time \(Newey–West, lag \d+, by year in firm\)$/);
  });
});

test("the command says what is wrong", async () => {
  writeColumns(folder, "panel", golden.panels.whole.columns);
  writeFileSync(join(folder, "alone.csv"), "y,x\n1,2\n2,3\n4,3\n3,5\n");
  writeFileSync(join(folder, "timeless.csv"), "y,x,t\n1,2,1\n2,3,\n4,3,2\n3,5,3\n");
  const cases: [string[], number, RegExp][] = [
    [
      ["panel.csv", "--vcov", "hac", "--time", "year"],
      2,
      /year has several rows of one value.*\nhint: .*--unit, or take --vcov dk/,
    ],
    [["panel.csv", "--vcov", "hac", "--unit", "firm"], 2, /--unit firm needs the column of time/],
    [["panel.csv", "--vcov", "dk"], 2, /needs the column of time\nhint: name it with --time/],
    [["panel.csv", "--vcov", "hc1", "--lag", "3"], 2, /--lag 3 has no part in --vcov hc1/],
    [["panel.csv", "--vcov", "hac", "--time", "yaer", "--unit", "firm"], 2, /did you mean "year"\?/],
    [["alone.csv", "--vcov", "hac", "--lag", "x"], 2, /--lag/],
    [["timeless.csv", "--vcov", "dk", "--time", "t"], 3, /timeless.csv:3: .*this row of the fit has no time/],
  ];
  for (const [args, code, message] of cases) {
    const run = await goml(folder, ["train", "-t", "y", ...args]);
    expect(run.stderr).toMatch(message);
    expect(run.code).toBe(code);
  }
  const fine = await goml(folder, [
    "train",
    "-t",
    "y",
    "panel.csv",
    "--vcov",
    "dk",
    "--time",
    "year",
    "-x",
    "firm",
    "--lag",
    "3",
  ]);
  expect(fine.stdout).toMatch(
    /over time \(Driscoll–Kraay, Bartlett, lag 3, by year\), t on 19 degrees of freedom/,
  );
});
