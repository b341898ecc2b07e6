import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Float64, Int32, Table, Utf8, vectorFromArray } from "apache-arrow";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LinearModel } from "../../src/linear/model/model.js";
import { mergeModels } from "../../src/linear/shards/merge-models.js";
import { fitCsv } from "../../src/training/fit-csv.js";
import type { FitCsvOptions } from "../../src/training/fit-options.js";
import { updateCsv } from "../../src/training/update-csv.js";
import { scratchFolder } from "../csv/scratch.js";
import { writeArrow } from "../sources/arrow/arrow-files.js";
import { type FileManners, fileAnswers, type HttpServer, startHttp } from "../sources/remote/http-server.js";
import { uniform } from "../uniform.js";

const scratch = scratchFolder();

interface Row {
  id: number;
  g: string;
  x: number | undefined;
  y: number;
}

function rowsOf(seed: number, count: number): Row[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const x = Math.round(1e4 * next()) / 1e3;
    const g = "abc"[Math.floor(3 * next())]!;
    return {
      id: Math.floor(50 * next()),
      g,
      x: next() < 0.03 ? undefined : x,
      y: 2 * x - (g === "b" ? 3 : 0) + next(),
    };
  });
}

const csvOf = (rows: readonly Row[]) =>
  `id,g,x,y\n${rows.map(({ id, g, x, y }) => `${id},${g},${x ?? ""},${y}`).join("\n")}\n`;

function parquetOf(rows: readonly Row[], rowGroupSize: number): Uint8Array {
  const column = <K extends keyof Row>(name: K) => rows.map((row) => row[name]);
  return new Uint8Array(
    parquetWriteBuffer({
      columnData: [
        { name: "id", data: column("id"), type: "INT32" },
        { name: "g", data: column("g"), type: "STRING" },
        { name: "x", data: column("x"), type: "DOUBLE", nullable: true },
        { name: "y", data: column("y"), type: "DOUBLE" },
      ],
      rowGroupSize,
    }),
  );
}

function arrowOf(rows: readonly Row[], batchRows: number, name: string): string {
  const table = new Table({
    id: vectorFromArray(
      rows.map(({ id }) => id),
      new Int32(),
    ),
    g: vectorFromArray(
      rows.map(({ g }) => g),
      new Utf8(),
    ),
    x: vectorFromArray(
      rows.map(({ x }) => x ?? null),
      new Float64(),
    ),
    y: vectorFromArray(
      rows.map(({ y }) => y),
      new Float64(),
    ),
  });
  const path = join(scratch.path, name);
  writeArrow(path, table, batchRows);
  return path;
}

/** The model of all of so many shards, each from its file as JSON. */
async function merged(
  paths: readonly string[],
  of: number,
  options: FitCsvOptions,
): Promise<{ model: LinearModel; rows: number[]; notes: string[] }> {
  const named: { name: string; model: LinearModel }[] = [];
  const [rows, notes]: [number[], string[]] = [[], []];
  for (let number = 1; number <= of; number++) {
    const fit = await fitCsv(paths, { ...options, shard: { number, of } });
    named.push({
      name: `${number}`,
      model: LinearModel.fromJSON(JSON.parse(JSON.stringify(fit.model))),
    });
    rows.push(fit.rows);
    notes.push(...fit.notes);
  }
  const { model } = mergeModels(named.toReversed());
  expect(() => mergeModels(named.slice(1))).toThrow(/is missing|takes two models/);
  return { model, rows, notes };
}

function alike(found: LinearModel, whole: LinearModel): void {
  expect(found.n).toBe(whole.n);
  expect(found.folds.map(({ n }) => n)).toEqual(whole.folds.map(({ n }) => n));
  const [a, b] = [found.summary().coefficients, whole.summary().coefficients];
  expect(a.map(({ term }) => term)).toEqual(b.map(({ term }) => term));
  // Sums of other chunks, both solved in double-double.
  for (const [i, { estimate }] of a.entries())
    expect(Math.abs(estimate - b[i]!.estimate)).toBeLessThan(1e-12 * (1 + Math.abs(estimate)));
}

const MODELS: Record<string, FitCsvOptions> = {
  "folds by numbers": { formula: "y ~ x + g" },
  "folds by a key": { formula: "y ~ x + g", foldBy: "id" },
  "one fold and a condition": { formula: "y ~ x + g", folds: 1, where: "id < 30" },
  "robust errors, rows held out": { formula: "y ~ x + g", testSize: 0.2, vcov: "hc1", threads: 2 },
};

const parts = [1, 2, 3, 4, 5].map((seed) => rowsOf(seed, 60 + 40 * seed));
const all = scratch.file("all.csv", csvOf(parts.flat()));

describe("shards of files that are dealt out", () => {
  const gzips = parts.map((rows, i) => scratch.file(`p${i}.csv.gz`, gzipSync(csvOf(rows))));
  const mixed = [...gzips.slice(0, 3), scratch.file("p3.csv", csvOf(parts[3]!)), gzips[4]!];
  const parquet = parts.map((rows, i) => scratch.file(`p${i}.parquet`, parquetOf(rows, 50)));
  const arrow = parts.map((rows, i) => arrowOf(rows, 70, `p${i}.arrow`));
  const one = scratch.file("one.parquet", parquetOf(parts.flat(), 90));

  test.each(Object.entries(MODELS))("%s: gzip, mixed, Parquet and Arrow", async (_name, options) => {
    const whole = (await fitCsv(all, options)).model;
    for (const [paths, of] of [
      [gzips, 5],
      [mixed, 2],
      [parquet, 3],
      [one, 4],
      [arrow, 4],
    ] as const) {
      const { model, rows } = await merged(typeof paths === "string" ? [paths] : paths, of, options);
      alike(model, whole);
      expect(rows.every((count) => count > 0)).toBe(true);
      expect(rows.reduce((sum, count) => sum + count, 0)).toBe(parts.flat().length);
    }
  });

  test("fewer pieces than shards, and what comes once, are refused in a line", async () => {
    const options = { formula: "y ~ x" };
    const shard = { number: 1, of: 6 };
    await expect(fitCsv(gzips, { ...options, shard })).rejects.toThrow(
      "there are 5 files, which are not cut",
    );
    await expect(fitCsv(gzips[0]!, { ...options, shard })).rejects.toThrow("is compressed");
    const two = scratch.file("two.parquet", parquetOf(parts[0]!, 50));
    await expect(fitCsv(two, { ...options, shard })).rejects.toThrow(
      "has 2 row groups or batches, fewer than the 6 shards",
    );
  });

  test("a bad value names its file and row, though those before were passed over", async () => {
    const bad = parts[4]!.with(7, { ...parts[4]![7]!, x: undefined });
    const shard = { number: 3, of: 3 };
    const clean = parts.map((rows): Row[] => rows.map((row) => ({ ...row, x: row.x ?? 1 })));
    const last = clean[4]!.with(7, bad[7]!);
    const files = [...clean.slice(0, 4), last].map((rows, i) =>
      scratch.file(`b${i}.parquet`, parquetOf(rows, 50)),
    );
    await expect(fitCsv(files, { formula: "y ~ x", na: "fail", shard })).rejects.toMatchObject({
      place: { file: files[4], row: 7, column: "x" },
    });
    const gz = [...clean.slice(0, 4), last].map((rows, i) =>
      scratch.file(`b${i}.csv.gz`, gzipSync(csvOf(rows))),
    );
    for (const more of [{}, { foldBy: "id" }])
      await expect(fitCsv(gz, { formula: "y ~ x", na: "fail", shard, ...more })).rejects.toMatchObject({
        place: { file: gz[4], line: 9, column: "x" },
      });
  });

  test("the files that a shard was dealt from are not added to it", async () => {
    const { model } = await fitCsv(gzips, { formula: "y ~ x", foldBy: "id", shard: { number: 1, of: 2 } });
    await expect(updateCsv(model, gzips)).rejects.toThrow("is in the model already");
    expect((await updateCsv(model, gzips, { again: true })).model.n).toBeGreaterThan(model.n);
  });
});

describe("shards of files elsewhere", () => {
  let server: HttpServer;
  let sent = 0;
  beforeAll(async () => {
    server = await startHttp();
  });
  afterAll(() => server.stop());

  /** Serves files by name and counts what is asked for beyond the first request for each, of which only the head is read. */
  function serve(files: Record<string, Uint8Array>, manners: FileManners = {}): string[] {
    sent = 0;
    server.answer((request, response, number) => {
      const bytes = files[request.url!.slice(1)]!;
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "") ?? [];
      if (to !== undefined) sent += Number(to) + 1 - Number(from);
      fileAnswers(bytes, manners)(request, response, number);
    });
    return Object.keys(files).map((name) => `${server.url}/${name}`);
  }

  // Beside its own range a shard needs the fingerprint (at most 184 KiB) and a line's ends.
  const large = rowsOf(9, 90_000);
  const text = Buffer.from(csvOf(large));
  const options: FitCsvOptions = { formula: "y ~ x + g", foldBy: "id" };

  test("fetch their own bytes, and give the bytes of shards of a file here", async () => {
    const path = scratch.file("large.csv", text);
    const urls = serve({ "large.csv": text });
    for (const number of [1, 3, 5]) {
      sent = 0;
      const shard = { number, of: 5 };
      const there = await fitCsv(urls, { ...options, shard });
      expect(there.notes).toEqual([]);
      expect(sent).toBeLessThan(text.length / 5 + 300_000);
      const here = await fitCsv(path, { ...options, shard });
      expect(JSON.stringify(there.model)).toBe(JSON.stringify(here.model));
    }
    expect(text.length / 5).toBeGreaterThan(300_000);
    // By row numbers what lies before is read too, and nothing behind.
    sent = 0;
    const counted = await fitCsv(urls, { formula: "y ~ x + g", shard: { number: 2, of: 5 } });
    expect(sent).toBeLessThan((2 * text.length) / 5 + 600_000);
    expect(counted.notes).toEqual([
      expect.stringContaining("what lies before this shard was downloaded too"),
    ]);
    const bad = Buffer.from(text);
    bad.write("?", text.indexOf("\n", text.length - 200) + 1);
    await expect(
      fitCsv(serve({ "bad.csv": bad }), { ...options, shard: { number: 5, of: 5 } }),
    ).rejects.toMatchObject({ place: { column: "id" } });
  });

  test("download all of it where the server has no ranges, with a note", async () => {
    const urls = serve({ "a.csv": Buffer.from(csvOf(parts[3]!)) }, { ranges: false });
    const { model, notes } = await merged(urls, 3, options);
    alike(model, (await fitCsv(urls, options)).model);
    expect(notes).toEqual(Array(3).fill(expect.stringContaining("gives no ranges of bytes")));
  });

  test("of gzip and Parquet are dealt out, and fetch only what they read", async () => {
    const whole = (await fitCsv(all, options)).model;
    const gz = serve(Object.fromEntries(parts.map((rows, i) => [`p${i}.csv.gz`, gzipSync(csvOf(rows))])));
    alike((await merged(gz, 4, options)).model, whole);
    const file = parquetOf(large, 9000);
    const [url] = serve({ "p.parquet": file });
    sent = 0;
    const part = await fitCsv(url!, { ...options, shard: { number: 4, of: 10 } });
    expect(part.rows).toBe(9000);
    expect(sent).toBeLessThan(file.length / 2);
  });
});
