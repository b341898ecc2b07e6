import { execFileSync, spawn } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parquetWriteFile } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOML } from "../cli/goml.js";

// The one-file executable in a root of its own, in which there is nothing but itself, the libraries that it is linked with, and
// /dev/null: no Node. To build it takes a quarter of a minute: GOML_LONG=1 npx vitest run test/package/binary.test.ts

const possible =
  process.env.GOML_LONG !== undefined && process.platform === "linux" && process.getuid?.() === 0;

describe.skipIf(!possible)("the one-file executable, in a root without Node", () => {
  let root: string;
  beforeAll(() => {
    execFileSync(process.execPath, ["scripts/build-binary.js"], { stdio: "pipe" });
    root = mkdtempSync(join(tmpdir(), "goml-root-"));
    for (const folder of ["dev", "tmp", "data"]) mkdirSync(join(root, folder));
    copyFileSync("dist/binary/goml", join(root, "goml"));
    const linked = execFileSync("ldd", ["dist/binary/goml"], { encoding: "utf8" });
    for (const [library] of linked.matchAll(/\/\S+/g)) {
      mkdirSync(join(root, dirname(library)), { recursive: true });
      cpSync(library, join(root, library), { dereference: true });
    }
    execFileSync("mknod", ["-m", "666", join(root, "dev/null"), "c", "1", "3"]);
    copyFileSync("data/boston.csv", join(root, "data/boston.csv"));
    execFileSync(process.execPath, [
      GOML,
      "train",
      "data/boston.csv",
      "-q",
      "-m",
      join(root, "data/node.json"),
    ]);
  }, 240_000);
  afterAll(() => root && rmSync(root, { recursive: true, force: true }));

  // What the host's variables name is not there.
  const env = { PATH: process.env.PATH, NO_COLOR: "1", TMPDIR: "/tmp", HOME: "/" };
  const goml = (...args: string[]) =>
    execFileSync("chroot", [root, "/goml", ...args], { env, encoding: "utf8" });
  const read = (name: string) => readFileSync(join(root, "data", name), "utf8");

  test("trains and predicts the same bytes, on threads too", () => {
    expect(existsSync(join(root, "usr/bin/node"))).toBe(false);
    expect(goml("--version")).toBe(`${JSON.parse(readFileSync("package.json", "utf8")).version}\n`);
    expect(goml("train", "/data/boston.csv", "-m", "/data/model.json")).toContain("(Intercept)   36.4594884");
    const of = (name: string) => {
      const { source: _, sources: _s, ...rest } = JSON.parse(read(name));
      return rest;
    };
    expect(of("model.json").moments).toEqual(of("node.json").moments);
    const serial = goml("predict", "/data/boston.csv", "-m", "/data/model.json");
    expect(goml("predict", "/data/boston.csv", "-m", "/data/model.json", "--concurrent", "2")).toBe(serial);
    const here = execFileSync(process.execPath, [
      GOML,
      "predict",
      "data/boston.csv",
      "-m",
      join(root, "data/node.json"),
    ]);
    expect(serial).toBe(here.toString());
    for (const solver of ["qr", "gd", "extended"])
      goml("train", "/data/boston.csv", "--solver", solver, "-q", "-m", `/data/${solver}.json`);
    expect(goml("report", "-m", "/data/model.json", "/data/boston.csv", "-o", "/data/r.html")).toBe("");
    expect(statSync(join(root, "data/r.html")).size).toBeGreaterThan(50_000);
  }, 60_000);

  test("benches by the data that are in it, and reads Parquet", () => {
    expect(JSON.parse(goml("bench", "--quick", "--format", "github")).length).toBeGreaterThan(10);
    const x = Array.from({ length: 500 }, (_, i) => (i * 7) % 101);
    parquetWriteFile({
      filename: join(root, "data/t.parquet"),
      columnData: [
        { name: "x", data: x, type: "DOUBLE" },
        { name: "y", data: x.map((value, i) => 3 * value + (i % 5)), type: "DOUBLE" },
      ],
    });
    expect(goml("train", "/data/t.parquet", "--threads", "2", "-m", "/data/t.json")).toContain(
      "500 of 500 rows",
    );
    expect(() => goml("train", "duckdb:/data/x.db")).toThrow("npm install @duckdb/node-api");
  }, 120_000);

  test("serves the page and predictions", async () => {
    const child = spawn("chroot", [root, "/goml", "serve", "/data/node.json", "--port", "0"], { env });
    try {
      let log = "";
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout.on("data", (chunk) => {
          log += chunk;
          const [, found] = /"urls":\["([^"]+)"/.exec(log) ?? [];
          if (found !== undefined) resolve(found);
        });
        child.on("exit", () => reject(new Error(log)));
      });
      const page = await (await fetch(url)).text();
      expect(page).toContain("<!doctype html>");
      const files = [...page.matchAll(/(?:src|href)="([^":]+\.(?:css|js))"/g)].map(([, file]) => file!);
      expect(files.length).toBeGreaterThan(1);
      for (const file of files) expect([file, (await fetch(new URL(file, url))).status]).toEqual([file, 200]);
      // So many rows are predicted on a thread.
      const csv = read("boston.csv").trimEnd().split("\n");
      const body = [csv[0], ...Array.from({ length: 200 }, () => csv.slice(1)).flat()].join("\n");
      const answer = await fetch(`${url}/invocations`, {
        method: "POST",
        headers: { "content-type": "text/csv" },
        body,
      });
      const { predictions } = (await answer.json()) as { predictions: number[] };
      expect([answer.status, predictions.length]).toEqual([200, 506 * 200]);
    } finally {
      child.kill("SIGTERM");
    }
    expect(await new Promise((resolve) => child.on("exit", resolve))).toBe(0);
  }, 60_000);
});
