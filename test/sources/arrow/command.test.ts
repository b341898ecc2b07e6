import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tableFromIPC } from "apache-arrow";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fitCsv } from "../../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../../src/training/fit-options.js";
import { goml } from "../../cli/goml.js";
import { inDuckdb, manyKinds } from "../duckdb.js";
import { fileAnswers, startHttp } from "../remote/http-server.js";
import { arrowTable, writeArrow } from "./arrow-files.js";

const folder = mkdtempSync(join(tmpdir(), "goml-arrow-"));
const path = (name: string) => join(folder, name);
const ROWS = 60_000;

beforeAll(async () => {
  const table = await arrowTable(ROWS);
  await inDuckdb(manyKinds(ROWS), `COPY t TO '${path("t.csv")}'`);
  writeArrow(path("t.arrow"), table, 7000);
  writeArrow(path("t.arrows"), table, 25_000, { form: "stream" });
  for (const [year, from, to] of [
    [2023, 0, 20_000],
    [2024, 20_000, ROWS],
  ] as const) {
    mkdirSync(path(`sales/year=${year}`), { recursive: true });
    writeArrow(path(`sales/year=${year}/part.feather`), table, 9000, { from, to });
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fine = async (args: readonly string[], input?: string | Buffer) => {
  const { code, stdout, stderr } = await goml(folder, args, input);
  expect({ code, stderr: stderr.replace(/^note: .*\n/gm, "") }).toMatchObject({ code: 0 });
  return stdout;
};

const NUMBERS = { target: "y", features: ["i", "tiny", "epoch", "price", "same"] };
const MODELS: Record<string, FitCsvOptions> = {
  "numbers, held-out rows and robust errors": { ...NUMBERS, testSize: 0.2, vcov: "hc1" },
  "missing values and factors": { target: "y", features: ["i", "gap", "hole", "color", "group", "flag"] },
  "dates and times": { formula: "y ~ i + as.Date(day) + weekdays(moment) + hour(moment)" },
  "weights and a condition": {
    ...NUMBERS,
    weights: "w",
    where: '(color == "Grün" | group == "g1") & i > 20000',
  },
  "a penalty": { ...NUMBERS, lambda: 0.1, alpha: 0.5 },
};

describe("a model of Arrow is that of the CSV of the same rows", () => {
  // The sums are those of other chunks: 1e-10 leaves room for a condition number of some thousands.
  for (const [name, options] of Object.entries(MODELS))
    it(name, async () => {
      const expected = await fitCsv(path("t.csv"), options);
      for (const file of ["t.arrow", "t.arrows"]) {
        const found = await fitCsv(path(file), options);
        const near = (a: number, b: number, scale: number) =>
          Number.isNaN(b) ? expect(a).toBeNaN() : expect(Math.abs(a - b)).toBeLessThanOrEqual(1e-10 * scale);
        const [a, b] = [expected.model.summary(), found.model.summary()];
        expect(b.coefficients.map(({ term }) => term)).toEqual(a.coefficients.map(({ term }) => term));
        a.coefficients.forEach((row, j) => {
          const { estimate, stdError } = b.coefficients[j]!;
          near(estimate, row.estimate, Math.max(Math.abs(row.estimate), row.stdError || 0));
          near(stdError, row.stdError, row.stdError);
        });
        near(b.fit.rss, a.fit.rss, a.fit.rss);
        if (expected.cv !== undefined) near(found.cv!.mse, expected.cv.mse, expected.cv.mse);
        if (expected.test !== undefined) near(found.test!.mse, expected.test.mse, expected.test.mse);
        const counts = ({ rows, dropped, excluded }: typeof found) => ({ rows, dropped, excluded });
        expect(counts(found)).toEqual(counts(expected));
        expect(found.model.levels).toEqual(expected.model.levels);
      }
    });

  it("and has the same bits for any number of threads", async () => {
    const options = {
      target: "y",
      features: ["i", "tiny", "epoch", "gap", "hole", "price", "color", "group"],
    };
    const documents = [];
    for (const threads of [1, 2, 3]) {
      const fitted = await fitCsv(path("t.arrow"), { ...options, threads });
      expect(fitted.timing.threads).toBe(threads);
      documents.push(JSON.stringify(fitted.model));
    }
    expect(new Set(documents).size).toBe(1);
  });
});

describe("goml on Arrow", () => {
  const formula = ["--formula", "y ~ i + color + flag + as.Date(day)"];

  it("predicts, evaluates, cross-validates and diagnoses as on CSV, from standard input too", async () => {
    await fine(["train", "t.csv", ...formula, "-q"]);
    const [csv, arrow, stream] = await Promise.all([
      fine(["predict", "t.csv", "--id", "i", "--where", "i > 100"]),
      fine(["predict", "t.arrow", "--id", "i", "--where", "i > 100", "-c", "2"]),
      fine(["predict", "-", "--id", "i", "--where", "i > 100"], readFileSync(path("t.arrows"))),
    ]);
    expect(arrow).toBe(csv);
    expect(stream).toBe(csv);
    for (const command of ["evaluate", "diagnose"]) {
      const said = async (name: string) =>
        (await fine([command, name, "-m", "model.json"])).replaceAll(/line \d+|row \d+|t\.\w+/g, "");
      expect(await said("t.arrow")).toBe((await said("t.csv")).replaceAll(/(?<=\S)(?=\n)/g, ""));
    }
    expect(await fine(["cv", "t.arrow", ...formula])).toBe(await fine(["cv", "t.csv", ...formula]));
  });

  it("reads only the columns that are asked for", async () => {
    // In the file's second half, all bytes of a batch but those of two columns are made another thing than they were.
    const bytes = readFileSync(path("t.arrow"));
    const table = tableFromIPC(Uint8Array.from(bytes));
    const kept = new Set(["i", "y"]);
    for (const batch of table.batches.slice(5))
      for (const field of table.schema.fields) {
        if (kept.has(field.name)) continue;
        const { values } = batch.getChild(field.name)!.data[0]!;
        // Where the column's values lie in the file.
        const own = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
        const at = own.length < 64 ? -1 : bytes.indexOf(own, bytes.length >> 1);
        if (at >= 0) bytes.fill(0xff, at, at + own.length);
      }
    writeFileSync(path("narrow.arrow"), bytes);
    const narrow = await fitCsv(path("narrow.arrow"), { target: "y", features: ["i"] });
    const whole = await fitCsv(path("t.arrow"), { target: "y", features: ["i"] });
    expect(JSON.stringify(narrow.model.coefficients)).toBe(JSON.stringify(whole.model.coefficients));
    await expect(
      fitCsv(path("narrow.arrow"), { target: "y", features: ["hole", "color"] }),
    ).rejects.toThrow();
  });

  it("takes patterns, and folders called name=value as columns, by which rows are passed over", async () => {
    const where = "year == 2024";
    const found = await fitCsv(path("sales/**/*.feather"), { target: "y", features: ["i", "gap"], where });
    const expected = await fitCsv(path("t.csv"), {
      target: "y",
      features: ["i", "gap"],
      where: "i >= 20000",
    });
    expect(found.excluded).toBe(20_000);
    expect(found.rows).toBe(expected.rows);
    found.model.coefficients.forEach((value, j) => {
      expect(Math.abs(value / expected.model.coefficients[j]! - 1)).toBeLessThan(1e-9);
    });
  });

  it("writes predictions as Arrow, which hold what CSV of them holds", async () => {
    await fine(["train", "t.arrow", "--formula", "y ~ i + gap", "-q", "-m", "gap.json"]);
    const options = ["-m", "gap.json", "--interval", "prediction", "--id", "color"];
    await fine(["predict", "t.arrow", ...options, "-o", "p.csv"]);
    const lines = readFileSync(path("p.csv"), "utf8").trim().split("\n").slice(1);
    const number = (text: string) => (text === "NA" || text === "" ? null : Number(text));
    for (const name of ["p.arrow", "p.arrows", "p.feather"]) {
      await fine(["predict", "t.arrow", ...options, "-c", "2", "-o", name]);
      // Read by another implementation than wrote it.
      const table = tableFromIPC(readFileSync(path(name)));
      expect(table.schema.fields.map((field) => `${field.name} ${field.type}`)).toEqual([
        "color Utf8",
        "prediction Float64",
        "lower Float64",
        "upper Float64",
      ]);
      const columns = table.schema.fields.map((field) => [...table.getChild(field.name)!]);
      const differs = lines.findIndex((line, r) => {
        const cells = line.split(",").slice(-3).map(number);
        return (
          cells.some((value, j) => columns[j + 1]![r] !== value) ||
          !line.includes(String(columns[0]![r]).slice(0, 3))
        );
      });
      expect(differs).toBe(-1);
      expect(table.numRows).toBe(lines.length);
    }
    // And by the one that wrote it.
    expect(await fine(["train", "p.arrow", "--formula", "prediction ~ lower", "-q", "-m", "back.json"])).toBe(
      "",
    );
    const { code, stderr } = await goml(folder, [
      "predict",
      "t.csv",
      "-m",
      "gap.json",
      "--append",
      "-o",
      "q.arrow",
    ]);
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "goml: Arrow is written without --append\nhint: write CSV, or keep a column beside the predictions with --id\n",
    });
  });

  it("is read at a URL by the bytes that are needed, and through connections that are cut", async () => {
    const server = await startHttp();
    try {
      const bytes = readFileSync(path("t.arrow"));
      server.answer(fileAnswers(bytes, { cut: (one) => (one % 3 === 1 ? 70_000 : undefined) }));
      const options = { target: "y", features: ["i", "gap", "color"] };
      const found = await fitCsv(`${server.url}/t.arrow`, options);
      const expected = await fitCsv(path("t.arrow"), options);
      expect(JSON.stringify(found.model.coefficients)).toBe(JSON.stringify(expected.model.coefficients));
      expect(server.requests.some(({ headers }) => headers.range !== undefined)).toBe(true);
      server.answer(fileAnswers(readFileSync(path("t.arrows"))));
      const streamed = await fitCsv(`${server.url}/t.arrows`, options);
      expect(streamed.model.n).toBe(expected.model.n);
    } finally {
      server.stop();
    }
  });

  it("says what to install where this Node has no zstd and fzstd is not there", async () => {
    const hooks = `export async function resolve(name, context, next) {
      if (name === "fzstd") throw Object.assign(new Error("not here"), { code: "ERR_MODULE_NOT_FOUND" });
      return next(name, context);
    }`;
    writeFileSync(
      path("absent.mjs"),
      `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`,
    );
    const files = new URL("files/", import.meta.url).pathname;
    const train = (name: string) =>
      goml(folder, ["train", `${files}${name}`, "--formula", "y ~ x", "-q", "-m", "z.json"], "", {
        NODE_OPTIONS: `--import ${path("absent.mjs")}`,
      });
    expect(await train("tall-lz4.arrow")).toMatchObject({ code: 0, stderr: "" });
    // Node's own zlib knows zstd from 22.15 on.
    const { zstdDecompressSync } = (await import("node:zlib")) as { zstdDecompressSync?: unknown };
    const { code, stderr } = await train("tall-zstd.arrow");
    if (zstdDecompressSync !== undefined) expect(code).toBe(0);
    else {
      expect(code).toBe(3);
      expect(stderr).toBe(
        `goml: ${files}tall-zstd.arrow: this is an Arrow file whose batches are compressed by zstd, for which a package is not installed\nhint: npm install fzstd\n`,
      );
    }
  });

  it("ends with one line and nothing written where a file is cut off", async () => {
    writeFileSync(path("cut.arrow"), readFileSync(path("t.arrow")).subarray(0, 100_000));
    const { code, stdout, stderr } = await goml(folder, ["train", "cut.arrow", "-t", "y", "-m", "cut.json"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 3,
      stdout: "",
      stderr:
        "goml: cut.arrow: this is an Arrow file that cannot be read: there is no footer at its end\nhint: the file is damaged, or was cut off while it was copied; write or copy it again\n",
    });
  });
});
