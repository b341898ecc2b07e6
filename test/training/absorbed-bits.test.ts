import { execFileSync, spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { uniform } from "../uniform.js";

const folder = mkdtempSync(join(tmpdir(), "goml-absorbed-bits-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = (name: string) => join(folder, name);

/** Writes a panel of firms that come and go, a piece at a time. */
function writePanel(path: string, rows: number, firms: number, years: number): void {
  const next = uniform(firms + rows);
  const out = openSync(path, "w");
  writeSync(out, "x,z,w,firm,year,region,team,y\n");
  let text = "";
  for (let i = 0; i < rows; i++) {
    const firm = Math.floor(firms * next());
    const year = Math.floor(years * next());
    const [x, z] = [next() + firm / firms, next() + year / years];
    const y = 2 * x - z + Math.sin(firm) + year / 10 + next();
    text += `${x.toFixed(5)},${z.toFixed(5)},${1 + (i % 3)},f${firm},y${year},r${firm % 31},t${Math.floor(1800 * next())},${y.toFixed(5)}\n`;
    if (text.length < 1 << 20 && i < rows - 1) continue;
    writeSync(out, text);
    text = "";
  }
  closeSync(out);
}

describe("the same bits for any number of threads, from gzip and from a pipe", () => {
  const [plain, zipped] = [file("panel.csv"), file("panel.gz")];
  beforeAll(() => {
    writePanel(plain, 80_000, 9000, 40);
    writeFileSync(zipped, gzipSync(readFileSync(plain), { level: 1 }));
  });

  const cases: [what: string, options: FitCsvOptions][] = [
    ["one factor", { formula: "y ~ x + z | firm" }],
    [
      "two, in double-double, with weights",
      { formula: "y ~ x + z | firm + year", solver: "extended", weights: "w" },
    ],
    ["two found by iteration", { formula: "y ~ x | firm + team + region" }],
    ["hc1 without singletons", { formula: "y ~ x + z | firm + year", vcov: "hc1", dropSingletons: true }],
    ["clusters", { formula: "y ~ x + z | firm + year", vcov: "cluster", cluster: "region" }],
    ["hc3", { formula: "y ~ x + z | region + year", vcov: "hc3" }],
    ["folds", { formula: "y ~ x + z | firm + year", folds: 3 }],
  ];
  test.each(cases)("%s", async (_, options) => {
    const document = async (path: string, threads: number) => {
      const { model, rows, cv, notes } = await fitCsv(path, { ...options, threads });
      return JSON.stringify({
        model: { ...model.toJSON(), source: null },
        effects: model.effects.map((own) => [...own.effects]),
        rows,
        cv,
        notes,
      });
    };
    const one = await document(plain, 1);
    for (const threads of [2, 3, 8]) expect(await document(plain, threads)).toBe(one);
    expect(await document(zipped, 2)).toBe(one);
  });

  test("from a pipe, through the command", () => {
    const train = (args: string[], input?: Buffer) => {
      const model = file("model.json");
      const more = [
        "--formula",
        "y ~ x + z | firm + year",
        "--folds",
        "2",
        "--drop-singletons",
        "-m",
        model,
        "-q",
      ];
      const run = spawnSync(process.execPath, ["bin/goml.js", "train", ...args, ...more], { input });
      expect(run.stderr.toString()).toBe("");
      return { ...JSON.parse(readFileSync(model, "utf8")), source: null, digest: null };
    };
    const expected = train([plain, "--threads", "1"]);
    expect(train(["-"], readFileSync(plain))).toEqual(expected);
    expect(train(["-", "--threads", "3"], readFileSync(zipped))).toEqual(expected);
  });
});

describe("memory grows with the levels, not with the rows", () => {
  /** Peak memory of a fit, in MB. */
  const peak = (rows: number, firms: number) => {
    const path = file("memory.csv");
    writePanel(path, rows, firms, 12);
    const script = `
      import { fitCsv } from "./dist/index.js";
      const { model } = await fitCsv(${JSON.stringify(path)}, { formula: "y ~ x + z | firm", threads: 2 });
      console.log(process.resourceUsage().maxRSS);`;
    return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script])) / 1024;
  };

  test("20,000 levels", () => {
    const [small, large] = [peak(150_000, 20_000), peak(900_000, 20_000)];
    // 750,000 more rows, for which 100 MB are what the garbage collector has not looked at yet: chunks on their way.
    expect(large).toBeLessThan(small + 100);
  });

  test.runIf(process.env.GOML_LONG)(
    "1,000,000 levels",
    () => {
      // 56 bytes of sums a level; with its name, three tables of names, and what merging and sorting need, under 1 kB.
      expect(peak(3_000_000, 1_000_000)).toBeLessThan(1000);
    },
    300_000,
  );
});
