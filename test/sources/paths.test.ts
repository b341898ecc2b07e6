import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { expandPaths } from "../../src/sources/paths.js";

const folder = mkdtempSync(join(tmpdir(), "goml-paths-"));
beforeAll(() => {
  for (const name of ["a/b", "a/.hidden", "c=1"]) mkdirSync(join(folder, name), { recursive: true });
  for (const name of [
    "1.csv",
    "2.csv",
    "10.csv",
    "x[1].csv",
    "a/3.csv",
    "a/b/4.csv",
    "a/.hidden/5.csv",
    "c=1/6.tsv",
    ".7.csv",
  ])
    writeFileSync(join(folder, name), "");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const expanded = (...patterns: string[]) =>
  expandPaths(patterns.map((pattern) => join(folder, pattern))).map((path) => path.slice(folder.length + 1));

describe("patterns", () => {
  it("stand for the files that a shell would name, in order", () => {
    expect(expanded("*.csv")).toEqual(["1.csv", "10.csv", "2.csv", "x[1].csv"]);
    expect(expanded("?.csv", "a/*.csv")).toEqual(["1.csv", "2.csv", "a/3.csv"]);
    expect(expanded("[!2].csv")).toEqual(["1.csv"]);
    expect(expanded("**/*.csv")).toEqual(["1.csv", "10.csv", "2.csv", "a/3.csv", "a/b/4.csv", "x[1].csv"]);
    expect(expanded("c=*/*")).toEqual(["c=1/6.tsv"]);
    expect(expanded(".*.csv")).toEqual([".7.csv"]);
  });

  it("are paths where there is such a file", () => {
    expect(expanded("x[1].csv")).toEqual(["x[1].csv"]);
    expect(expandPaths(["-", "no such file.csv"])).toEqual(["-", "no such file.csv"]);
  });

  it("that nothing matches are an error", () => {
    expect(() => expanded("*.parquet")).toThrow(`${folder}/*.parquet: no file matches the pattern`);
  });
});
