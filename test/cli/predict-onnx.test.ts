import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parquetWriteFile } from "hyparquet-writer";
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
  expect(odd.stderr).toMatch(
    /^goml: odd\.csv:3: column "b": expected a number, found "four"\nhint: [^\n]*\n$/,
  );
  writeFileSync(at("three.csv"), "a,b,c\n1,2,3\n");
  const wide = await goml("predict", "three.csv", "-m", "classes.onnx");
  expect(wide.stderr).toContain("3 columns, where input x of the model has 2");
  const interval = await goml("predict", "two.csv", "-m", "classes.onnx", "--interval", "prediction");
  expect(interval.stderr).toContain("--interval goes with goml's own models");
});

test("rows are chosen by a condition, of Parquet too, whose values it reads as such", async () => {
  expect((await goml("train", "train.csv", "-t", "y", "-q")).code).toBe(0);
  expect((await goml("export", "--to", "onnx", "-o", "formula.onnx")).code).toBe(0);
  const all = columnOf((await goml("predict", "train.csv", "-m", "formula.onnx", "-q")).stdout, 0);
  const rows = readFileSync(at("train.csv"), "utf8")
    .trimEnd()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));
  const wanted = all.filter((_, i) => rows[i]![2] === "red" && Number(rows[i]![0]) > 1);
  expect(wanted.length).toBeGreaterThan(100);
  await parquetWriteFile({
    filename: at("train.parquet"),
    columnData: ["x", "z", "colour", "y"].map((name, j) => ({
      name,
      data: rows.map((row) => (name === "colour" ? row[j]! : Number(row[j]))),
      type: name === "colour" ? ("STRING" as const) : ("DOUBLE" as const),
    })),
    rowGroupSize: 700,
  });
  for (const data of ["train.csv", "train.parquet"]) {
    const whole = await goml("predict", data, "-m", "formula.onnx", "-q");
    expect(columnOf(whole.stdout, 0)).toEqual(all);
    const some = await goml("predict", data, "-m", "formula.onnx", "--where", "colour == 'red' & x > 1");
    expect(some.stderr).toMatch(
      new RegExp(`^${wanted.length.toLocaleString("en")} rows of ${data}, .* left out by --where`),
    );
    expect(columnOf(some.stdout, 0)).toEqual(wanted);
    const appended = await goml("predict", data, "-m", "formula.onnx", "--where", "x > 1", "--append", "-q");
    const [head, first] = appended.stdout.split("\n");
    expect(head).toMatch(/^x,z,colour,y,\w+$/);
    const index = rows.findIndex((row) => Number(row[0]) > 1);
    expect(first!.split(",").map((cell) => (cell === rows[index]![2] ? cell : Number(cell)))).toEqual(
      [...rows[index]!, all[index]!].map((cell) => (cell === rows[index]![2] ? cell : Number(cell))),
    );
  }
  const none = await goml("predict", "train.csv", "-m", "formula.onnx", "--where", "size > 1");
  expect([none.code, none.stdout]).toEqual([2, ""]);
});

test("a missing cell of a whole number is said with its line", async () => {
  writeFileSync(
    at("whole.onnx"),
    modelProto({
      inputs: [valueProto("k", ["n"], TYPE.int64)],
      outputs: [valueProto("y", ["n"], TYPE.int64)],
      nodes: [nodeProto("Mul", ["k", "k"], ["y"])],
    }),
  );
  writeFileSync(at("whole.csv"), "k\n2\n-3\n");
  expect((await goml("predict", "whole.csv", "-m", "whole.onnx", "-q")).stdout).toBe("y\n4\n9\n");
  writeFileSync(at("gap.csv"), "k,l\n2,1\n,1\n");
  const { code, stderr } = await goml("predict", "gap.csv", "-m", "whole.onnx");
  expect([code, stderr]).toEqual([
    3,
    'goml: gap.csv:3: column "k": a cell is missing, and input k is int64\n',
  ]);
});
