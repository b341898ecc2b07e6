import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { readNpy, writeNpy } from "../../src/onnx/index.js";
import { Message } from "../../src/onnx/protobuf.js";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { goml as gomlIn } from "./goml.js";

let folder: string;
const at = (name: string) => join(folder, name);
const goml = (args: readonly string[]) => gomlIn(folder, args);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "goml-onnx-"));
  writeFileSync(
    at("model.onnx"),
    modelProto({
      inputs: [valueProto("x", ["n", 2])],
      outputs: [valueProto("y", ["n", 3])],
      initializers: [tensorProto("W", [2, 3], TYPE.float, Float32Array.of(1, 2, 3, 4, 5, 6))],
      nodes: [nodeProto("MatMul", ["x", "W"], ["h"]), nodeProto("Relu", ["h"], ["y"])],
    }),
  );
  writeFileSync(at("x.npy"), writeNpy(new Tensor(Float32Array.of(1, 0, 0, -1), [2, 2])));
  writeFileSync(at("x.csv"), "a,b\n1,0\n0,-1\n");
  writeFileSync(at("x.pb"), tensorProto("x", [2, 2], TYPE.float, Float32Array.of(1, 0, 0, -1)).encode());
  writeFileSync(at("y.npy"), writeNpy(new Tensor(Float32Array.of(1, 2, 3, 0, 0, 0), [2, 3])));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an ONNX model is told of in a table, for open lengths of 1 or as they are given", async () => {
  const { stdout, code } = await goml(["graph", at("model.onnx")]);
  expect(code).toBe(0);
  expect(stdout).toContain("operator sets  ai.onnx 17\n");
  expect(stdout).toContain("inputs         x float32 n×2\n");
  expect(stdout).toContain("outputs        y float32 n×3\n");
  expect(stdout).toContain("parameters     6\n");
  expect(stdout).toMatch(/^MatMul +1\nRelu +1\n$/m);
  const wide = await goml(["graph", at("model.onnx"), "--shape", "x=1000x2"]);
  // 2 · 1000 · 2 · 3 for the product, 3000 for ReLU.
  expect(wide.stdout).toContain("operations     0.0000150 GFLOP with x 1000×2\n");
});

test("it is drawn with its shapes", async () => {
  const { stdout } = await goml(["graph", at("model.onnx"), "--format", "json", "--shape", "x=5x2"]);
  const { nodes } = JSON.parse(stdout) as { nodes: { label: string; shape: number[]; dtype: string }[] };
  expect(nodes.map(({ label }) => label)).toEqual(["x", "constant#1", "h", "y"]);
  expect(nodes.at(-1)).toMatchObject({ shape: [5, 3], dtype: "float32" });
  for (const format of ["dot", "mermaid"])
    expect((await goml(["graph", at("model.onnx"), "--format", format])).stdout).toContain("relu: y");
});

test.each(["tape", "go"])(
  "it is run on the %s machine from any kind of file, and its outputs are written and checked",
  async (machine) => {
    for (const input of ["x.npy", "x.csv", "x.pb"]) {
      const { stdout, stderr, code } = await goml([
        ...["graph", at("model.onnx"), "--run", "--machine", machine, "--input", `x=@${at(input)}`],
        ...["--output", `y=${at("out.npy")}`, "--expect", `y=@${at("y.npy")}`, "--trace", at("trace.json")],
      ]);
      expect(stderr).toBe("");
      expect(code).toBe(0);
      expect(stdout).toContain("y: float32 2×3: 1, 2, 3, 0, 0, 0\n");
      expect(readNpy(readFileSync(at("out.npy"))).toArray()).toEqual([
        [1, 2, 3],
        [0, 0, 0],
      ]);
      const { traceEvents } = JSON.parse(readFileSync(at("trace.json"), "utf8")) as {
        traceEvents: { name: string }[];
      };
      expect(traceEvents.map(({ name }) => name)).toContain("y");
    }
  },
);

test("what is not as expected ends with 5 and the first difference", async () => {
  writeFileSync(at("off.npy"), writeNpy(new Tensor(Float32Array.of(1, 2.5, 3, 0, 0, 1), [2, 3])));
  const run = [
    "graph",
    at("model.onnx"),
    "--run",
    "--input",
    `x=@${at("x.npy")}`,
    "--expect",
    `y=@${at("off.npy")}`,
  ];
  const strict = await goml(run);
  expect(strict.code).toBe(5);
  expect(strict.stderr).toContain(
    "output y is not what is expected: element [0, 1]: 2, expected 2.5; 2 of 6 differ",
  );
  expect((await goml([...run, "--atol", "1"])).code).toBe(0);
});

test("what does not fit is said in one line", async () => {
  const fails = async (args: readonly string[], code: number, message: string) => {
    const result = await goml(["graph", ...args]);
    expect(result.stderr).toContain(message);
    expect(result.stderr).not.toContain("    at ");
    expect(result.code).toBe(code);
  };
  await fails([at("model.onnx"), "--run"], 2, "no value is given for x");
  await fails([at("model.onnx"), "--run", "--input", "z=1"], 2, 'the model has no input "z"');
  await fails([at("missing.onnx")], 3, "missing.onnx");
  await fails([at("x.csv")], 3, "no ONNX file, or a damaged one");
  await fails(["--input", "x=1"], 2, "--input goes with an ONNX model");
  writeFileSync(
    at("odd.onnx"),
    modelProto({ nodes: [nodeProto("Frobnicate", [], ["y"])], outputs: [valueProto("y", [1])] }),
  );
  await fails([at("odd.onnx")], 4, 'Frobnicate (ai.onnx 17, node "Frobnicate_y")');
  writeFileSync(at("text.csv"), "1,2\n3,four\n");
  await fails(
    [at("model.onnx"), "--run", "--input", `x=@${at("text.csv")}`],
    3,
    'text.csv: row 2, column 2: "four" is no number',
  );
  writeFileSync(at("bad.npy"), new Message().text(1, "x").encode());
  await fails([at("model.onnx"), "--run", "--input", `x=@${at("bad.npy")}`], 3, "bad.npy: no .npy file");
});
