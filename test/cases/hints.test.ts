import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { predictUrl } from "../../src/prediction/predict-url.js";
import { openData } from "../../src/sources/open-data.js";
import { goml, inFolder } from "../cli/goml.js";
import { boston, names, rows, serving } from "../serve/serving.js";
import { inDuckdb } from "../sources/duckdb.js";
import { json } from "./in-case.js";

const table = (delimiter: string) =>
  ["x,z,y", "1,2,3", "2,3,5", "3,1,4", "4,4,9", "5,2,8"]
    .map((line) => line.replaceAll(",", delimiter))
    .join("\n");

/** What a command that is refused says. */
async function refusal(folder: string, ...args: string[]): Promise<string> {
  const { code, stderr } = await goml(folder, args);
  expect(code).toBe(3);
  return stderr;
}

describe("a title above the header", () => {
  it.each([
    ["Report,,", 1, ","],
    ["Report;;", 1, ";"],
    ["Report of May,,\n,,", 2, ","],
    ["\t\tReport", 1, "\t"],
  ])("is named where a spreadsheet filled it up with delimiters: %j", (title, lines, delimiter) =>
    inFolder({ "d.csv": `${title}\n${table(delimiter)}\n` }, async (folder) => {
      expect(await refusal(folder, "train", "d.csv")).toBe(
        `goml: d.csv:1: of 3 columns only 1 of its cells has a name, and line ${lines + 1} looks like the header: x, z, y\n` +
          `hint: if what is before it is a title: --skip-rows ${lines}\n`,
      );
      const { coefficients } = await json(folder, ["train", "d.csv", "--skip-rows", String(lines)]);
      expect(coefficients.map(({ term }: { term: string }) => term)).toEqual(["(Intercept)", "x", "z"]);
    }),
  );

  it.each([
    ["an index without a name", ",x,y\na,1,2\nb,2,3\nc,4,1\nd,3,5\n"],
    ["columns without names", ",,y\nlow,1,2\nhigh,2,4\nlow,3,5\nhigh,5,5\nlow,7,9\n"],
    ["units below names", "x,,y\nm,,kg\n1,2,3\n2,3,5\n3,1,4\n4,4,9\n"],
  ])("is not seen where there is none: %s", (_what, text) =>
    inFolder({ "d.csv": text }, async (folder) => {
      expect((await goml(folder, ["train", "d.csv"])).code).toBe(0);
    }),
  );
});

describe("JSON lines", () => {
  it.each([
    ['{"x":2,"y":4', /expected a JSON object on each line, found .*\nhint: each line should be one object/],
    ["[2,3]", /found "\[2,3\]"\nhint: an array of objects is made lines of by: jq -c '\.\[\]'/],
    ['{"x":2,"y":{"a":1}}', /column "y": expected a number, .* found an object\nhint: take its parts out/],
    [
      '{"x":2,"y":"1,500"}',
      /expected a number, found "1,500"\nhint: if the comma groups thousands: --thousands/,
    ],
    ['{"x":2,"y":"?"}', /found "\?"\nhint: if "\?" means a missing value: --na-values/],
  ])("that cannot be read are named with their line: %s", (line, message) =>
    inFolder({ "d.jsonl": `{"x":1,"y":2}\n${line}\n{"x":3,"y":6}\n{"x":4,"y":9}\n` }, async (folder) => {
      const said = await refusal(folder, "train", "d.jsonl");
      expect(said).toMatch(/^goml: d\.jsonl:2: /);
      expect(said).toMatch(message);
    }),
  );
});

describe("a text column of very many levels", () => {
  it("is fitted in seconds, and shown by its first coefficients: 4,000 ids in two rows each", () => {
    let state = 1;
    const next = () => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return state / 2 ** 32;
    };
    const lines = Array.from({ length: 8000 }, (_, i) => {
      const x = next();
      return `u${i % 4000},${x.toFixed(4)},${(x + next()).toFixed(4)}`;
    });
    return inFolder({ "u.csv": `user,x,y\n${lines.join("\n")}\n` }, async (folder) => {
      const { code, stdout } = await goml(folder, ["train", "u.csv"]);
      expect(code).toBe(0);
      expect(stdout).toContain("… 3,989 more of user, --all");
      expect(stdout).toContain("on 3,999 degrees of freedom");
      // By Frisch, Waugh and Lovell: the slope of the differences between the two rows of each id.
      const [dx, dy] = [1, 2].map((column) =>
        lines.slice(0, 4000).map((line, i) => {
          const [a, b] = [line, lines[i + 4000]!].map((one) => Number(one.split(",")[column]));
          return b! - a!;
        }),
      ) as [number[], number[]];
      const slope = dx.reduce((sum, d, i) => sum + d * dy[i]!, 0) / dx.reduce((sum, d) => sum + d * d, 0);
      const { coefficients } = JSON.parse((await goml(folder, ["inspect", "--json", "model.json"])).stdout);
      expect(coefficients.find(({ term }: { term: string }) => term === "x").estimate).toBeCloseTo(slope, 10);
    });
  });
});

describe("what is said beside an answer", () => {
  it("an export to single precision warns of columns far from 0, and is right about how far it is off", () => {
    const lines = Array.from({ length: 100 }, (_, i) => `${1.7e9 + 60 * i},${i % 7},${3 * i + (i % 7)}`);
    return inFolder({ "d.csv": `t,x,y\n${lines.join("\n")}\n` }, async (folder) => {
      await goml(folder, ["train", "d.csv", "-q"]);
      const file = ["export", "--to", "onnx", "-o", "m.onnx"];
      expect((await goml(folder, file)).stderr).toBe("");
      const { code, stderr } = await goml(folder, [...file, "--float32"]);
      expect(code).toBe(0);
      const [, off] =
        /^note: in single precision predictions are off by about ([\d.]+), where y varies by 87: t lies far from 0/.exec(
          stderr,
        )!;
      // A time of 1.7e9 has steps of 128 in single precision, and so a slope of 0.05 steps of 6.4.
      expect(Number(off)).toBeGreaterThan(3);
      expect(Number(off)).toBeLessThan(30);
      await goml(folder, ["train", "d.csv", "--formula", "y ~ I(t - 1700000000) + x", "-q"]);
      expect((await goml(folder, [...file, "--float32"])).stderr).toBe("");
    });
  });

  it("the reference level of each factor is in the summary, the one that was asked for too", () => {
    const lines = Array.from(
      { length: 24 },
      (_, i) => `${"bca"[i % 3]},${i % 4},${"yx"[i % 2]},${(i * 7) % 11},${(i * 5) % 13}`,
    );
    return inFolder({ "d.csv": `g,k,h,x,y\n${lines.join("\n")}\n` }, async (folder) => {
      const summary = async (...args: string[]) => (await goml(folder, ["train", "d.csv", ...args])).stdout;
      expect(await summary("--formula", "y ~ g + factor(k) + h:x")).toContain(
        "\nreference levels: g a, factor(k) 0\n",
      );
      expect(await summary("-f", "g,h", "--reference", "g=c")).toContain("\nreference levels: g c, h x\n");
      expect(await summary("-f", "g")).toContain("\nreference level: g a\n");
      // Without an intercept each level has its own coefficient.
      expect(await summary("-f", "g", "--no-intercept")).not.toContain("reference level");
      expect((await goml(folder, ["inspect", "model.json"])).stdout).not.toContain("reference level");
    });
  });
});

describe("predict --url", () => {
  it("takes several files, as predict does: rows in order, under one header, columns by name", async () => {
    await using server = await serving();
    const turned = [...names].reverse();
    const files = {
      "boston.json": JSON.stringify(boston),
      "a.csv": `${names.join(",")}\n${rows
        .slice(0, 300)
        .map((row) => row.join(","))
        .join("\n")}\n`,
      "b.csv": `${turned.join(",")}\n${rows
        .slice(300)
        .map((row) => [...row].reverse().join(","))
        .join("\n")}\n`,
    };
    await inFolder(files, async (folder) => {
      const url = ["--url", `${server.url}/v2/models/boston`];
      const local = await goml(folder, ["predict", "a.csv", "b.csv", "-m", "boston.json", "-q"]);
      const remote = await goml(folder, ["predict", "a.csv", "b.csv", ...url]);
      expect(remote.stdout).toBe(local.stdout);
      expect(remote.stderr).toMatch(/^506 rows of 2 files, /);
      const twice = ["predict", "a.csv", "a.csv", "--append", "-q", "-o", "out.csv"];
      expect((await goml(folder, [...twice, ...url])).code).toBe(0);
      const out = readFileSync(join(folder, "out.csv"), "utf8");
      await goml(folder, [...twice, "-m", "boston.json"]);
      expect(out).toBe(readFileSync(join(folder, "out.csv"), "utf8"));
      const mixed = await goml(folder, ["predict", "a.csv", "b.csv", "--append", ...url]);
      expect([mixed.code, mixed.stdout]).toEqual([3, ""]);
      expect(mixed.stderr).toContain("another order of columns");
    });
  });

  it("takes Parquet and databases, whose rows are those of the CSV, in batches", async () => {
    await using server = await serving();
    const files = {
      "boston.json": JSON.stringify(boston),
      "a.csv": `${names.join(",")}\n${rows.map((row) => row.join(",")).join("\n")}\n`,
    };
    await inFolder(files, async (folder) => {
      const path = (name: string) => join(folder, name);
      await inDuckdb(
        `ATTACH '${path("a.db")}' AS a`,
        `CREATE TABLE a.t AS FROM '${path("a.csv")}'`,
        `COPY (FROM a.t) TO '${path("a.parquet")}' (ROW_GROUP_SIZE 200)`,
        "DETACH a",
      );
      const url = ["--url", `${server.url}/v2/models/boston`];
      const expected = await goml(folder, ["predict", "a.csv", "-m", "boston.json", "-q"]);
      for (const data of [["a.parquet"], ["duckdb:a.db"], ["duckdb:a.db", "--sql", "FROM t"]]) {
        const { code, stdout, stderr } = await goml(folder, ["predict", ...data, ...url]);
        expect({ code, stdout }).toEqual({ code: 0, stdout: expected.stdout });
        expect(stderr).toMatch(/^506 rows of /);
      }
      const more = ["predict", "a.parquet", "--append", "-q"];
      expect((await goml(folder, [...more, ...url])).stdout).toBe(
        (await goml(folder, [...more, "-m", "boston.json"])).stdout,
      );
      // A row group is cut into batches of so many bytes, and rows keep their text.
      const source = await openData(path("a.parquet"));
      const { batches } = await predictUrl(url[1]!, source, {
        output: path("out.csv"),
        append: true,
        batchBytes: 8 * 13 * 7,
      });
      await source.close();
      expect(batches).toBeGreaterThan(70);
      expect(readFileSync(path("out.csv"), "utf8")).toBe(
        (await goml(folder, [...more, "-m", "boston.json"])).stdout,
      );
    });
  });
});
