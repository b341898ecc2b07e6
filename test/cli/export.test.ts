import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { goml, inFolder } from "./goml.js";

const DATA = "y,x,state\n1,2,CA\n2,3,NY\n4,4,CA\n3,7,NY\n5,9,CA\n7,8,NY\n";

async function trained<T>(formula: string, body: (folder: string) => Promise<T>): Promise<T> {
  return inFolder({ "data.csv": DATA }, async (folder) => {
    const run = await goml(folder, ["train", "data.csv", "--formula", formula, "-q"]);
    expect(run.stderr).toBe("");
    return body(folder);
  });
}

describe("goml export", () => {
  test("writes every format to standard output", async () => {
    await trained("y ~ x + state", async (folder) => {
      const outputs: Record<string, RegExp> = {
        onnx: /goml/,
        pmml: /^<\?xml[\s\S]*<\/PMML>\n$/,
        sql: /^-- Predicts y: y ~ x \+ state\n[\s\S]*\nEND\n$/,
        json: /^\{\n {2}"format": "goml-terms"/,
        ts: /\nexport function predict\(row: Row\): number \{\n/,
      };
      for (const [to, pattern] of Object.entries(outputs)) {
        const run = await goml(folder, ["export", "model.json", "--to", to]);
        expect(run).toMatchObject({ code: 0, stderr: "" });
        expect(run.stdout).toMatch(pattern);
      }
    });
  });

  test("writes a file that onnxruntime loads, in double and in single precision", async () => {
    await trained("y ~ x", async (folder) => {
      for (const [options, type] of [
        [[], "float64"],
        [["--float32"], "float32"],
      ] as const) {
        const run = await goml(folder, ["export", "--to", "onnx", "-o", "model.onnx", ...options]);
        expect(run).toMatchObject({ code: 0, stdout: "", stderr: "" });
        expect(run.left).toEqual(["data.csv", "model.json", "model.onnx"]);
        const session = await ort.InferenceSession.create(readFileSync(join(folder, "model.onnx")));
        const X = new ort.Tensor(type, type === "float64" ? Float64Array.of(2) : Float32Array.of(2), [1, 1]);
        const { prediction } = await session.run({ X });
        const [b0, b1] = JSON.parse(readFileSync(join(folder, "model.json"), "utf8")).coefficients;
        expect(Number(prediction!.data[0])).toBeCloseTo(b0 + 2 * b1, type === "float64" ? 12 : 5);
      }
    });
  });

  test("writes models by group in every format, as one", async () => {
    await inFolder({ "data.csv": DATA }, async (folder) => {
      const options = ["--formula", "y ~ x", "--group-by", "state", "-q"];
      expect(await goml(folder, ["train", "data.csv", ...options])).toMatchObject({ code: 0, stderr: "" });
      const outputs: Record<string, RegExp> = {
        onnx: /goml/,
        pmml: /<PredictorTerm/,
        sql: /^-- Predicts y: y ~ x, by state\n[\s\S]*\nCASE "state"\nWHEN 'CA' THEN [\s\S]*\nEND\n$/,
        json: /"column": "state"/,
        ts: /\nexport function predict\(row: Row\): number \{\n/,
      };
      for (const [to, pattern] of Object.entries(outputs)) {
        const run = await goml(folder, ["export", "--to", to]);
        expect(run).toMatchObject({ code: 0, stderr: "" });
        expect(run.stdout).toMatch(pattern);
      }
    });
  });

  test("says what is wrong, and leaves no file", async () => {
    await trained("y ~ 1", async (folder) => {
      const cases: [string[], number, RegExp][] = [
        [["--to", "onnx", "-o", "model.onnx"], 4, /reads no column/],
        [["--to", "xml"], 2, /expected one of onnx, pmml, sql, json, ts/],
        [[], 2, /--to/],
        [["--to", "sql", "--float32"], 2, /--float32 does not go with --to sql/],
        [["--to", "ts", "--table", "t"], 2, /--table does not go with --to ts/],
        [["--to", "json", "-o", "./model.json"], 2, /would be overwritten: it is the model/],
        [["other.json", "--to", "ts"], 3, /other\.json: no such file/],
        [["data.csv", "--to", "ts"], 4, /data\.csv: not JSON/],
      ];
      for (const [args, code, message] of cases) {
        const run = await goml(folder, ["export", ...args]);
        expect(run.stderr).toMatch(message);
        expect(run).toMatchObject({ code, stdout: "", left: ["data.csv", "model.json"] });
      }
    });
  });
});
