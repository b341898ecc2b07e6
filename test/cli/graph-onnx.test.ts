import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode as encodePng } from "fast-png";
import jpeg from "jpeg-js";
import * as ort from "onnxruntime-node";
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

test("a model in which computed values decide shapes is told of up to there, and runs", async () => {
  writeFileSync(
    at("nonzero.onnx"),
    modelProto({
      inputs: [valueProto("x", [200])],
      outputs: [valueProto("y", [1, "n"], TYPE.int64)],
      nodes: [nodeProto("Relu", ["x"], ["h"]), nodeProto("NonZero", ["h"], ["y"])],
    }),
  );
  const table = await goml(["graph", at("nonzero.onnx")]);
  expect(table.stdout).toMatch(/GFLOP with x 200, up to node 2 of 2, whose values decide shapes/);
  const drawn = await goml(["graph", at("nonzero.onnx"), "--format", "mermaid"]);
  expect([drawn.code, drawn.stdout]).toEqual([0, expect.stringContaining("relu")]);
  writeFileSync(
    at("x200.npy"),
    writeNpy(
      new Tensor(
        Float32Array.from({ length: 200 }, (_, i) => i - 198),
        [200],
      ),
    ),
  );
  const run = await goml(["graph", at("nonzero.onnx"), "--run", "--input", `x=@${at("x200.npy")}`]);
  expect([run.code, run.stdout]).toEqual([0, expect.stringContaining("199")]);
  writeFileSync(
    at("reshape.onnx"),
    modelProto({
      inputs: [valueProto("x", [6]), valueProto("to", [2], TYPE.int64)],
      outputs: [valueProto("y", [])],
      nodes: [nodeProto("Reshape", ["x", "to"], ["y"])],
    }),
  );
  const odd = await goml(["graph", at("reshape.onnx"), "--format", "dot"]);
  expect([odd.code, odd.stderr]).toEqual([
    4,
    "goml: the values of to decide shapes\nhint: run it: --run --input name=value\n",
  ]);
});

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

/** An image as it is, twice as high and wide, and one channel of it. */
const pictures = () =>
  modelProto({
    inputs: [valueProto("x", [1, 3, "h", "w"])],
    outputs: [valueProto("y", [1, 3, "h", "w"])],
    nodes: [nodeProto("Identity", ["x"], ["y"])],
  });

test("pictures are inputs: PNG of any depth, JPEG, in channels or pixels, made as large as is asked for", async () => {
  writeFileSync(at("pictures.onnx"), pictures());
  const [width, height] = [5, 3];
  const pixel = (i: number, c: number) => (37 * i + 90 * c) % 256;
  const of = (channels: number, scale = 1) =>
    Array.from(
      { length: width * height * channels },
      (_, k) => scale * pixel(Math.floor(k / channels), k % channels),
    );
  const planes = (value: (i: number, c: number) => number) =>
    Array.from({ length: 3 * width * height }, (_, k) =>
      value(k % (width * height), Math.floor(k / (width * height))),
    );
  const run = async (file: string, ...more: string[]) => {
    const args = [
      "graph",
      at("pictures.onnx"),
      "--run",
      "--input",
      `x=@${at(file)}`,
      "--output",
      `y=${at("out.npy")}`,
    ];
    const { code, stderr } = await goml([...args, ...more]);
    expect([code, stderr]).toEqual([0, ""]);
    return readNpy(readFileSync(at("out.npy")));
  };
  const near = (got: Tensor, want: readonly number[], tolerance = 1e-6) => {
    expect(got.data.length).toBe(want.length);
    for (const [i, v] of want.entries())
      expect(Math.abs(Number(got.data[i]) - v)).toBeLessThanOrEqual(tolerance);
  };
  const size = { width, height };
  writeFileSync(at("rgb.png"), encodePng({ ...size, channels: 3, data: Uint8Array.from(of(3)) }));
  const rgb = planes((i, c) => pixel(i, c) / 255);
  near(await run("rgb.png"), rgb);
  near(
    await run("rgb.png", "--mean", "0.5,0.4,0.3", "--std", "0.5,0.25,0.2"),
    planes((i, c) => (pixel(i, c) / 255 - [0.5, 0.4, 0.3][c]!) / [0.5, 0.25, 0.2][c]!),
    1e-5,
  );
  // 16 bits are 257 times as much.
  writeFileSync(
    at("deep.png"),
    encodePng({ ...size, depth: 16, channels: 3, data: Uint16Array.from(of(3, 257)) }),
  );
  near(await run("deep.png"), rgb);
  writeFileSync(at("grey.png"), encodePng({ ...size, channels: 1, data: Uint8Array.from(of(1)) }));
  near(
    await run("grey.png"),
    planes((i) => pixel(i, 0) / 255),
  );
  // Half of it shows.
  const half = Array.from({ length: width * height }, (_, i) => [
    pixel(i, 0),
    pixel(i, 1),
    pixel(i, 2),
    51,
  ]).flat();
  writeFileSync(at("rgba.png"), encodePng({ ...size, channels: 4, data: Uint8Array.from(half) }));
  near(
    await run("rgba.png"),
    planes((i, c) => (pixel(i, c) / 255) * 0.2),
  );
  // One colour: a JPEG loses what is between pixels.
  const flat = Array.from({ length: 16 * 16 }, () => [200, 100, 50, 255]).flat();
  writeFileSync(at("flat.jpg"), jpeg.encode({ width: 16, height: 16, data: Uint8Array.from(flat) }, 95).data);
  const colours = await run("flat.jpg");
  expect(colours.shape).toEqual([1, 3, 16, 16]);
  near(
    colours,
    [200, 100, 50].flatMap((v) => new Array<number>(256).fill(v / 255)),
    3 / 255,
  );
  // Larger as onnxruntime makes it larger.
  const session = await ort.InferenceSession.create(
    modelProto({
      inputs: [valueProto("x", [1, 3, 3, 5])],
      outputs: [valueProto("y", [1, 3, 7, 8])],
      initializers: [tensorProto("sizes", [4], TYPE.int64, BigInt64Array.of(1n, 3n, 7n, 8n))],
      nodes: [nodeProto("Resize", ["x", "", "", "sizes"], ["y"], { mode: "linear" })],
    }),
  );
  const feed = new ort.Tensor("float32", Float32Array.from(rgb), [1, 3, height, width]);
  const large = (await session.run({ x: feed })).y!.data as Float32Array;
  near(await run("rgb.png", "--shape", "x=1x3x7x8"), [...large], 1e-5);
});

test("a picture of pixels goes into integers as it is; one that is damaged, or meant for no image, is said so", async () => {
  writeFileSync(
    at("bytes.onnx"),
    modelProto({
      inputs: [valueProto("x", ["h", "w", 3], TYPE.uint8)],
      outputs: [valueProto("y", ["h", "w", 3], TYPE.uint8)],
      nodes: [nodeProto("Identity", ["x"], ["y"])],
    }),
  );
  const data = Uint8Array.from({ length: 2 * 2 * 3 }, (_, i) => 20 * i);
  const png = encodePng({ width: 2, height: 2, channels: 3, data });
  writeFileSync(at("small.png"), png);
  const args = ["--run", "--input", `x=@${at("small.png")}`, "--output", `y=${at("out.npy")}`];
  expect((await goml(["graph", at("bytes.onnx"), ...args])).code).toBe(0);
  expect(readNpy(readFileSync(at("out.npy")))).toMatchObject({ shape: [2, 2, 3], dtype: "uint8", data });
  const odd = await goml(["graph", at("model.onnx"), ...args]);
  expect([odd.code, odd.stderr]).toEqual([
    3,
    `goml: ${at("small.png")}: input x takes no picture\nhint: expected N × C × H × W or N × H × W × C, of one or three channels\n`,
  ]);
  for (const [name, bytes] of [
    ["cut.png", png.subarray(0, png.length - 30)],
    ["cut.jpg", Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16)],
  ] as const) {
    writeFileSync(at(name), bytes);
    const { code, stderr } = await goml(["graph", at("bytes.onnx"), "--run", "--input", `x=@${at(name)}`]);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^goml: [^\n]*cut\.(png|jpg): cannot be read as a (PNG|JPEG) image: [^\n]*\n$/);
  }
});
