import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { goml as gomlIn } from "./goml.js";

let folder: string;
const at = (name: string) => join(folder, name);
const goml = (...args: string[]) => gomlIn(folder, args);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-predict-onnx-"));
  const rows = Array.from({ length: 3000 }, (_, i) => {
    const [x, z] = [Math.sin(i) * 5, (i % 17) / 3];
    return [x, z, i % 3 === 0 ? "red" : "blue", 2 + x - 3 * z + (i % 3) + Math.cos(7 * i)];
  });
  const text = (cells: readonly unknown[][]) => cells.map((row) => `${row.join(",")}\n`).join("");
  writeFileSync(at("train.csv"), `x,z,colour,y\n${text(rows)}`);
  writeFileSync(at("plain.csv"), `x,z\n${text(rows.map((row) => row.slice(0, 2)))}`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const columnOf = (csv: string, at: number) =>
  csv
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => Number(line.split(",")[at]));

test.each([
  ["columns as one input", ["-f", "x,z"], "plain.csv"],
  ["columns by their names, one of text", [], "train.csv"],
] as const)("an exported model predicts what goml's own does: %s", async (_name, features, data) => {
  expect((await goml("train", "train.csv", "-t", "y", ...features, "-q")).code).toBe(0);
  expect((await goml("export", "--to", "onnx", "-o", "model.onnx")).code).toBe(0);
  const own = await goml("predict", data, "-q");
  const { stdout, stderr, code } = await goml("predict", data, "-m", "model.onnx");
  expect({ stderr, code }).toEqual({ stderr: expect.stringMatching(/^3,000 rows of /), code: 0 });
  const [want, got] = [columnOf(own.stdout, 0), columnOf(stdout, 0)];
  expect(got).toHaveLength(3000);
  // The same sums in another order.
  for (const [i, value] of want.entries()) expect(Math.abs(got[i]! - value)).toBeLessThan(1e-9);
  // Some workers change no bit, and the input's columns may stay.
  const shared = await goml(
    "predict",
    data,
    "-m",
    "model.onnx",
    "-c",
    "1",
    "-q",
    "-o",
    "out.csv",
    "--append",
  );
  expect(shared.code).toBe(0);
  const written = readFileSync(at("out.csv"), "utf8");
  expect(written.split("\n")[0]).toMatch(/^x,z,(colour,y,)?\w+$/);
  expect(columnOf(written, -1 + written.split("\n")[0]!.split(",").length)).toEqual(got);
});

test("several outputs are columns, wide ones by number, and what does not fit is told of in a line", async () => {
  writeFileSync(
    at("classes.onnx"),
    modelProto({
      inputs: [valueProto("x", ["n", 2])],
      outputs: [valueProto("p", ["n", 3]), valueProto("label", ["n"], TYPE.int64)],
      initializers: [tensorProto("W", [2, 3], TYPE.float, Float32Array.of(1, 0, -1, 0, 1, 0))],
      nodes: [
        nodeProto("MatMul", ["x", "W"], ["s"]),
        nodeProto("Softmax", ["s"], ["p"], { axis: 1 }),
        nodeProto("ArgMax", ["p"], ["label"], { axis: 1, keepdims: 0 }),
      ],
    }),
  );
  writeFileSync(at("two.csv"), "a,b\n0,0\n0,9\nNA,1\n");
  const { stdout, code } = await goml("predict", "two.csv", "-m", "classes.onnx", "-q");
  expect(code).toBe(0);
  const [head, first, second, third] = stdout.split("\n");
  expect(head).toBe("p_0,p_1,p_2,label");
  expect(first!.split(",").map(Number)).toEqual([1 / 3, 1 / 3, 1 / 3, 0].map((p) => expect.closeTo(p, 6)));
  expect(second).toMatch(/,1$/);
  expect(third).toMatch(/^NA,NA,NA,/);
  writeFileSync(at("odd.csv"), "a,b\n1,2\n3,four\n");
  const odd = await goml("predict", "odd.csv", "-m", "classes.onnx");
  expect(odd).toMatchObject({ code: 3, stdout: "" });
  expect(odd.stderr).toBe('goml: odd.csv:3: column "b": "four" is no number\n');
  writeFileSync(at("three.csv"), "a,b,c\n1,2,3\n");
  const wide = await goml("predict", "three.csv", "-m", "classes.onnx");
  expect(wide.stderr).toContain("3 columns, where input x of the model has 2");
  const interval = await goml("predict", "two.csv", "-m", "classes.onnx", "--interval", "prediction");
  expect(interval.stderr).toContain("--interval goes with goml's own models");
});
