import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { goml } from "../../cli/goml.js";
import { inDuckdb, manyKinds } from "../duckdb.js";

const folder = mkdtempSync(join(tmpdir(), "goml-command-"));
beforeAll(() =>
  inDuckdb(
    manyKinds(3000),
    `COPY (SELECT i, gap, color, flag, day, y FROM t) TO '${folder}/t.csv'`,
    `COPY (SELECT i, gap, color, flag, day, y FROM t) TO '${folder}/t.parquet' (FORMAT parquet, ROW_GROUP_SIZE 2048)`,
    `COPY (SELECT i, gap, color, flag, day, y FROM t) TO '${folder}/z.parquet' (FORMAT parquet, CODEC zstd)`,
  ),
);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (...args: string[]) => {
  const { code, stdout, stderr } = await goml(folder, args);
  return { code, stdout, stderr };
};
const fine = async (...args: string[]) => {
  const result = await run(...args);
  expect({ code: result.code, stderr: result.stderr.replace(/^note: .*\n/gm, "") }).toMatchObject({
    code: 0,
  });
  return result.stdout;
};

describe("goml on Parquet", () => {
  it("trains, predicts with every option, evaluates, cross-validates, diagnoses and updates as on CSV", async () => {
    const formula = ["--formula", "y ~ i + color + flag + as.Date(day)"];
    for (const name of ["t.csv", "t.parquet"]) {
      const model = `${name}.json`;
      await fine("train", name, ...formula, "-q", "-m", model);
      for (const [to, ...options] of [
        ["plain"],
        ["bounds", "--interval", "prediction"],
        ["id", "--id", "i", "--where", "i > 100"],
        ["threads", "-c", "2"],
      ] as const)
        await fine("predict", name, "-m", "t.csv.json", ...options, "-o", `${name}.${to}`);
    }
    // One model, of the CSV, predicts: the rows are the same, and so are the bytes.
    for (const to of ["plain", "bounds", "id", "threads"])
      expect(readFileSync(join(folder, `t.parquet.${to}`), "utf8")).toBe(
        readFileSync(join(folder, `t.csv.${to}`), "utf8"),
      );
    const [a, b] = [
      await fine("evaluate", "t.csv", "-m", "t.csv.json"),
      await fine("evaluate", "t.parquet", "-m", "t.parquet.json"),
    ];
    expect(b).toBe(a);
    expect(await fine("cv", "t.parquet", ...formula)).toBe(await fine("cv", "t.csv", ...formula));
    const measures = async (name: string) =>
      (await fine("diagnose", name, "-m", "t.csv.json", "--top", "2")).replaceAll(/line \d+|row \d+/g, "row");
    expect((await measures("t.parquet")).split("\n").length).toBe(
      (await measures("t.csv")).split("\n").length,
    );
    expect(await fine("update", "t.csv.json", "t.parquet", "-m", "u.json")).toContain(
      "3,000 rows of t.parquet added to 3,000",
    );
    // Its own rows, by its content, are refused.
    expect((await run("update", "t.parquet.json", "t.parquet")).code).not.toBe(0);
  });

  it("keeps the input's columns before the prediction", async () => {
    await fine("train", "t.parquet", "--formula", "y ~ i + color", "-q");
    await fine("predict", "t.parquet", "--append", "-o", "kept.csv");
    const [header, , second] = readFileSync(join(folder, "kept.csv"), "utf8").split("\n");
    expect(header).toBe("i,gap,color,flag,day,y,prediction");
    const source = readFileSync(join(folder, "t.csv"), "utf8").split("\n")[2]!;
    expect(second!.startsWith(source.split(",").slice(0, 1).join(","))).toBe(true);
    // What it wrote is read again as what it was.
    expect(await fine("evaluate", "kept.csv")).toBe(await fine("evaluate", "t.parquet"));
  });

  it("writes predictions as Parquet, which hold what CSV of them holds", async () => {
    await fine("train", "t.parquet", "--formula", "y ~ i + gap", "-q");
    const options = ["--interval", "prediction", "--id", "color"];
    for (const data of ["t.parquet", "t.csv"]) {
      await fine("predict", data, ...options, "-o", "p.csv");
      await fine("predict", data, ...options, "-c", "2", "-o", "p.parquet");
      // Each read by another program than wrote it: NA and NULL are the same.
      await inDuckdb(
        `COPY (SELECT color, prediction, lower, upper FROM '${folder}/p.parquet') TO '${folder}/back.csv' (NULLSTR 'NA')`,
      );
      const numbers = (name: string) =>
        readFileSync(join(folder, name), "utf8")
          .trim()
          .split("\n")
          .map((line) => line.replace(/^"b,l""ue"/, "blue").split(","))
          .map(([name, ...values]) => [name!.trim().replace(/^"|"$/g, "").trim(), ...values.map(Number)]);
      expect(numbers("back.csv").slice(1)).toEqual(numbers("p.csv").slice(1));
    }
    const { code, stderr } = await run("predict", "t.csv", "--append", "-o", "q.parquet");
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr:
        "goml: Parquet is written without --append\nhint: write CSV, or keep a column beside the predictions with --id\n",
    });
    expect((await run("predict", "t.csv", "-m", "t.csv", "-o", "q.parquet")).code).not.toBe(0);
    expect(readdirSync(folder).filter((name) => name.includes("q.parquet"))).toEqual([]);
  });

  it("reads it from standard input, and predicts the training file unasked", async () => {
    await fine("train", "t.parquet", "--formula", "y ~ i + color", "-q");
    await fine("predict", "-o", "own.csv");
    expect(readFileSync(join(folder, "own.csv"), "utf8").split("\n")).toHaveLength(3002);
    const { code, stderr } = await goml(
      folder,
      ["train", "-", "--formula", "y ~ i + color", "-q", "-m", "stdin.json"],
      readFileSync(join(folder, "t.parquet")),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  it("says what to install where what reads it is not there", async () => {
    // What the module loader says of a package that is not installed; test/package installs goml without it.
    const hooks = `export async function resolve(name, context, next) {
      if (process.env.GOML_ABSENT.split(",").some((one) => name === one || name.startsWith(one + "/")))
        throw Object.assign(new Error("not here"), { code: "ERR_MODULE_NOT_FOUND" });
      return next(name, context);
    }`;
    writeFileSync(
      join(folder, "absent.mjs"),
      `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hooks)}`)});`,
    );
    const without = (packages: string, ...args: string[]) =>
      goml(folder, args, "", {
        GOML_ABSENT: packages,
        NODE_OPTIONS: `--import ${join(folder, "absent.mjs")}`,
      });
    const parquet = await without("hyparquet,hyparquet-compressors", "train", "t.parquet");
    expect(parquet.code).toBe(3);
    expect(parquet.stderr).toBe(
      "goml: t.parquet: this is a Parquet file, for which a package is not installed\nhint: npm install hyparquet hyparquet-compressors\n",
    );
    const plain = await without("hyparquet-compressors", "train", "t.parquet", "--formula", "y ~ i", "-q");
    expect({ code: plain.code, stderr: plain.stderr }).toEqual({ code: 0, stderr: "" });
    // Node's own zlib knows zstd from 22.15 on.
    const { zstdDecompressSync } = (await import("node:zlib")) as { zstdDecompressSync?: unknown };
    if (zstdDecompressSync !== undefined) return;
    const zstd = await without("hyparquet-compressors", "train", "z.parquet", "--formula", "y ~ i", "-q");
    expect(zstd.code).toBe(3);
    expect(zstd.stderr).toContain("hint: npm install hyparquet-compressors\n");
  });
});
