import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DataError, InterruptedError } from "../../src/errors.js";
import { LinearModel } from "../../src/linear/model/model.js";
import { fit } from "../../src/training/fit.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { normal } from "../normal.js";

let folder: string;
const file = (name: string) => join(folder, name);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-scan-"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Rows of numbers, a factor, missing cells and quoted cells with line ends: every kind of cell the lanes know. */
function csv(rows: number, seed: number): string {
  const next = normal(seed);
  const lines = ["a,b,state,note,weight,y"];
  for (let i = 0; i < rows; i++) {
    const a = (10 * next()).toPrecision(6);
    const b = i % 97 === 0 ? "NA" : String(next());
    const state = ["CA", "NY", "TX", '"W, ""A"""'][Math.floor(Math.abs(next()) * 3) % 4];
    const note = i % 11 === 0 ? '"two\nlines, and a comma"' : `n${i % 7}`;
    lines.push(`${a},${b},${state},${note},${1 + (i % 5)},${(3 + Number(a) + next()).toFixed(4)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** All that must not depend on the schedule: the model file, but for the path and times of the data. */
async function document(path: string, options: FitCsvOptions): Promise<string> {
  const { model, rows, dropped, test, cv } = await fitCsv(path, options);
  return JSON.stringify({ model: { ...model.toJSON(), source: null }, rows, dropped, test, cv });
}

describe("the same bits", () => {
  let plain: string;
  let zipped: string;
  beforeAll(() => {
    plain = file("data.csv");
    zipped = file("zipped");
    // Above the size that is read on the calling thread, so that threads do start.
    const text = csv(160_000, 1);
    writeFileSync(plain, text);
    writeFileSync(zipped, gzipSync(text, { level: 1 }));
  });

  test.each<[what: string, options: FitCsvOptions]>([
    ["numbers", { features: ["a", "b"] }],
    ["a hold-out", { features: ["a", "b"], testSize: 0.3, seed: 5 }],
    ["double-double", { features: ["a", "b"], solver: "extended" }],
    ["a formula", { formula: "y ~ a * state + I(b^2)", weights: "weight", references: { state: "NY" } }],
  ])("for any number of threads, and gzip: %s", async (_, options) => {
    const one = await document(plain, { ...options, threads: 1 });
    expect(JSON.parse(one).model.references).toEqual(options.references ?? {});
    for (const threads of [2, 3, 8]) expect(await document(plain, { ...options, threads })).toBe(one);
    expect(await document(plain, { ...options, threads: 2, callerWorks: true })).toBe(one);
    expect(await document(zipped, { ...options, threads: 2 })).toBe(one);
  });

  test("from a pipe, through the command", () => {
    const train = (args: string[], input?: Buffer) => {
      const model = file("model.json");
      const run = spawnSync(process.execPath, ["bin/goml.js", "train", ...args, "-m", model, "-q"], {
        input,
      });
      expect(run.stderr.toString()).toBe("");
      // Where the bytes came from is in the file, and so in its digest.
      return { ...JSON.parse(readFileSync(model, "utf8")), source: null, digest: null };
    };
    const expected = train([plain, "--threads", "1"]);
    const bytes = readFileSync(plain);
    expect(train(["-"], bytes)).toEqual(expected);
    expect(train(["-", "--threads", "1"], readFileSync(zipped))).toEqual(expected);
  });

  test("and those of the rows fitted in memory, to 1e-13", async () => {
    const { model } = await fitCsv(plain, { features: ["a", "b"], solver: "normal" });
    // The file once more by other means: lines of a CSV without its quoted cells.
    const rows = readFileSync(plain, "utf8")
      .replaceAll(/"[^"]*"(?:"[^"]*")*/g, "q")
      .trim()
      .split("\n")
      .slice(1)
      .map((line) => line.split(","))
      .filter((cells) => cells[1] !== "NA");
    const memory = fit(
      rows.map((cells) => [Number(cells[0]), Number(cells[1])]),
      rows.map((cells) => Number(cells[5])),
      { terms: ["a", "b"], target: "y", solver: "normal" },
    );
    expect(model.n).toBe(rows.length);
    for (const [i, value] of model.coefficients.entries())
      expect(Math.abs(memory.coefficients[i]! - value)).toBeLessThan(1e-13 * Math.abs(value));
    // R² is 0.99 here, so RSS = TSS − explained has lost two of the digits, and with it the standard errors.
    for (const [i, value] of model.standardErrors.entries())
      expect(Math.abs(memory.standardErrors[i]! - value)).toBeLessThan(1e-12 * value);
  });
});

test("a split is the same for the same seed, and about as large as asked", async () => {
  const path = file("split.csv");
  writeFileSync(path, csv(5000, 3));
  await fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.double({ min: 0.05, max: 0.9, noNaN: true }),
      async (seed, testSize) => {
        const options = { features: ["a"], testSize, seed };
        const [first, second] = [await fitCsv(path, options), await fitCsv(path, options)];
        expect(first.model.coefficients).toEqual(second.model.coefficients);
        expect(first.model.n + first.test!.n).toBe(5000);
        // Five standard deviations of a binomial count.
        expect(Math.abs(first.test!.n - 5000 * testSize)).toBeLessThan(
          5 * Math.sqrt(5000 * testSize * (1 - testSize)),
        );
      },
    ),
    { numRuns: 10 },
  );
});

describe("trouble", () => {
  test("a truncated gzip is said to be one", async () => {
    const zipped = gzipSync(csv(50_000, 2));
    const path = file("cut.gz");
    writeFileSync(path, zipped.subarray(0, zipped.length - 1000));
    await expect(fitCsv(path, { features: ["a"] })).rejects.toThrow(DataError);
    await expect(fitCsv(path, { features: ["a"] })).rejects.toThrow(
      /cut\.gz.*(truncated|cut short|ends early)/,
    );
  });

  test("the first bad cell is named, whichever thread meets one first", async () => {
    const lines = csv(200_000, 4).split("\n");
    const text = lines.map((line, i) => (i % 60_000 === 59_999 ? line.replace(/^[^,]*/, "oops") : line));
    const path = file("bad.csv");
    writeFileSync(path, text.join("\n"));
    const line = text.findIndex((l) => l.startsWith("oops")) + 1;
    for (const threads of [1, 2, 4])
      await expect(fitCsv(path, { features: ["a"], threads })).rejects.toThrow(
        `bad.csv:${line}: column "a": expected a number, found "oops"`,
      );
  });

  test("an abort stops a fit on threads, and leaves nothing behind", async () => {
    const path = file("abort.csv");
    writeFileSync(path, csv(300_000, 5));
    for (const callerWorks of [false, true]) {
      const controller = new AbortController();
      const seen: number[] = [];
      const fitting = fitCsv(path, {
        features: ["a"],
        threads: 2,
        callerWorks,
        signal: controller.signal,
        onProgress: ({ read, total }) => {
          seen.push(read / total!);
          controller.abort();
        },
      });
      await expect(fitting).rejects.toThrow(InterruptedError);
      // The first answer is of at most eight chunks of the file's twelve and more; nothing is collected after it.
      expect(seen).toHaveLength(1);
      expect(seen[0]).toBeLessThan(1);
    }
    const signal = AbortSignal.abort();
    await expect(fitCsv(path, { features: ["a"], threads: 2, signal })).rejects.toThrow(InterruptedError);
    expect(process.getActiveResourcesInfo().filter((name) => name === "MessagePort")).toEqual([]);
  });

  test("a worker that dies ends the scan with an error and not with a hang", () => {
    const path = file("dies.csv");
    writeFileSync(path, csv(300_000, 6));
    // A real scan of a process of its own; the thread that gets the second order is stopped before it answers.
    const script = `
      import { Worker } from "node:worker_threads";
      import { fitCsv } from "./dist/index.js";
      const post = Worker.prototype.postMessage;
      let orders = 0;
      Worker.prototype.postMessage = function (...args) {
        post.apply(this, args);
        if (++orders === 2) this.terminate();
      };
      try {
        await fitCsv(${JSON.stringify(path)}, { features: ["a"], threads: 2 });
      } catch (error) {
        console.log(error.kind, error.message);
      }`;
    const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { timeout: 30_000 });
    expect(out.toString()).toMatch(/^internal a worker thread ended/);
  });
});

test("memory does not grow with the file", () => {
  const rows = csv(20_000, 8);
  const body = rows.slice(rows.indexOf("\n") + 1);
  const peak = (copies: number) => {
    const path = file("memory.csv");
    writeFileSync(path, rows);
    for (let i = 1; i < copies; i++) writeFileSync(path, body, { flag: "a" });
    const script = `
      import { fitCsv } from "./dist/index.js";
      await fitCsv(${JSON.stringify(path)}, { features: ["a", "b", "state"], threads: 2 });
      console.log(process.resourceUsage().maxRSS);`;
    return Number(execFileSync(process.execPath, ["--input-type=module", "-e", script])) / 1024;
  };
  const [small, large] = [peak(8), peak(80)];
  // Ten times the rows; 24 MB of room for what the garbage collector has not looked at yet.
  expect(large).toBeLessThan(small + 24);
});

describe("rows of which none is left to fit are said to be", () => {
  const text = `x,w,y\n${Array.from({ length: 20 }, (_, i) => `${i},0,${(i * 7) % 5}`).join("\n")}\n`;
  test.each<[what: string, options: FitCsvOptions, message: string]>([
    ["held out", { testSize: 0.9999 }, "all 20 complete rows are held out"],
    ["of no weight", { weights: "w" }, "all 20 have weight 0"],
  ])("%s", async (_, options, message) => {
    const path = file("none.csv");
    writeFileSync(path, text);
    await expect(fitCsv(path, { features: ["x"], ...options })).rejects.toThrow(message);
  });
});

test("more folds than anyone means are refused before they take all memory", async () => {
  await expect(fitCsv("data/boston.csv", { folds: 1_000_000 })).rejects.toThrow(
    "folds should be an integer from 1 to 1000, got 1000000",
  );
});

test("columns may be called what every JavaScript object has", async () => {
  const path = file("names.csv");
  const rows = Array.from({ length: 40 }, (_, i) => `${"ab"[i % 2]},${"uvw"[i % 3]},${(i * 7) % 11},${i}`);
  const read = async (header: string, target: string) => {
    writeFileSync(path, `${header}\n${rows.join("\n")}\n`);
    const { model } = await fitCsv(path, { target });
    return LinearModel.fromJSON(JSON.parse(JSON.stringify(model)));
  };
  const plain = await read("f,g,x,y", "y");
  const odd = await read("constructor,__proto__,toString,valueOf", "valueOf");
  expect(odd.coefficients).toEqual(plain.coefficients);
  expect(odd.terms).toEqual(["constructorb", "__proto__v", "__proto__w", "toString"]);
});

test.each<FitCsvOptions>([
  { formula: "y ~ x + log(w)" },
  { formula: "y ~ x + w", solver: "qr" },
  { formula: "y ~ x + w:f", vcov: "hc1" },
])("a column of weights may be a term too: %j", async (how) => {
  const path = file("weights.csv");
  // v is w under another name.
  const rows = Array.from({ length: 60 }, (_, i) => {
    const w = 1 + ((i * 7) % 5);
    return `${(i * i) % 13},${w},${w},${"pq"[i % 2]},${(i * 11) % 17}`;
  });
  writeFileSync(path, `x,w,v,f,y\n${rows.join("\n")}\n`);
  const own = (await fitCsv(path, { ...how, weights: "w" })).model;
  const other = (await fitCsv(path, { ...how, formula: how.formula!.replace("w", "v"), weights: "w" })).model;
  expect(own.coefficients.every(Number.isFinite)).toBe(true);
  expect(own.coefficients).toEqual(other.coefficients);
  expect(own.covariance).toEqual(other.covariance);
});
