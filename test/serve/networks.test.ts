import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { resnet } from "../../src/cli/bench/networks.js";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, toOnnx } from "../../src/onnx/index.js";
import { Message } from "../../src/onnx/protobuf.js";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "../onnx/protos.js";
import { boston, infer, names, type Serving, send, serving } from "./serving.js";

const weights = Float32Array.of(0.5, -2, 3, 4, 0.25, 6);

/** y = x·W for a batch of any size, and its signs. */
const affine = (W = weights) =>
  modelProto({
    inputs: [valueProto("x", ["batch", 2])],
    outputs: [valueProto("y", ["batch", 3]), valueProto("positive", ["batch", 3], TYPE.bool)],
    initializers: [
      tensorProto("W", [2, 3], TYPE.float, W),
      tensorProto("zero", [], TYPE.float, new Float32Array(1)),
    ],
    nodes: [nodeProto("MatMul", ["x", "W"], ["y"]), nodeProto("Greater", ["y", "zero"], ["positive"])],
  });

/** Elements taken by number, a reshaped batch, and text as it came. */
const mixed = () =>
  modelProto({
    inputs: [
      valueProto("table", ["n"], TYPE.double),
      valueProto("at", ["k"], TYPE.int64),
      valueProto("label", ["k"], TYPE.string),
    ],
    outputs: [valueProto("taken", ["k"], TYPE.double), valueProto("again", ["k"], TYPE.string)],
    nodes: [nodeProto("Gather", ["table", "at"], ["taken"]), nodeProto("Identity", ["label"], ["again"])],
  });

/** As many zeros as the input says, which is up to any number. */
const zeros = () =>
  modelProto({
    inputs: [valueProto("shape", ["rank"], TYPE.int64)],
    outputs: [valueProto("y", ["a"])],
    nodes: [nodeProto("ConstantOfShape", ["shape"], ["z"]), nodeProto("Relu", ["z"], ["y"])],
  });

const folder = mkdtempSync(join(tmpdir(), "goml-networks-"));
const file = (name: string, bytes: Uint8Array) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const x = { name: "x", datatype: "FP32", shape: [2, 2], data: [1, 2, -1, 0.5] };
const want = [8.5, -1.5, 15, 1.5, 2.125, 0];

/** A request whose tensors are binary: the JSON, then the bytes. */
function binaryRequest(
  tensors: readonly { name: string; datatype: string; shape: readonly number[]; bytes: Uint8Array }[],
  more: object = {},
): { body: Uint8Array; headers: Record<string, string | number> } {
  const inputs = tensors.map(({ bytes, ...head }) => ({
    ...head,
    parameters: { binary_data_size: bytes.length },
  }));
  const json = Buffer.from(JSON.stringify({ inputs, ...more }));
  return {
    body: Buffer.concat([json, ...tensors.map(({ bytes }) => bytes)]),
    headers: { "inference-header-content-length": json.length },
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView) =>
  new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);

/** The JSON of a binary answer, and its tensors' bytes by name. */
function opened({ headers, body }: { headers: Record<string, unknown>; body: Buffer }) {
  const length = Number(headers["inference-header-content-length"]);
  const json = JSON.parse(body.subarray(0, length).toString());
  let at = length;
  const tensors = new Map<string, Buffer>();
  for (const { name, parameters } of json.outputs) {
    const size = parameters?.binary_data_size;
    if (size === undefined) continue;
    tensors.set(name, body.subarray(at, at + size));
    at += size;
  }
  expect(at).toBe(body.length);
  return { json, tensors };
}

let server: Serving;
beforeAll(async () => {
  server = await serving(
    { reloadInterval: 0 },
    {
      affine: file("affine.onnx", affine()),
      mixed: file("mixed.onnx", mixed()),
      zeros: file("zeros.onnx", zeros()),
      boston,
    },
  );
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const ask = (model: string, body: object) =>
  send(`${server.url}/v2/models/${model}/infer`, JSON.stringify(body));

describe("a network", () => {
  test("says what it takes and gives, with -1 for lengths that are open", async () => {
    const { json } = await send(`${server.url}/v2/models/affine`);
    expect(json).toEqual({
      name: "affine",
      versions: ["1"],
      platform: "goml_onnx",
      inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2] }],
      outputs: [
        { name: "y", datatype: "FP32", shape: [-1, 3] },
        { name: "positive", datatype: "BOOL", shape: [-1, 3] },
      ],
      parameters: { producer: "goml's tests", opset: 17, parameters: 7, nodes: 2 },
    });
    expect((await send(`${server.url}/v2/models/affine/ready`)).json).toEqual({
      name: "affine",
      ready: true,
    });
    expect((await send(`${server.url}/v2/models`)).json).toEqual({
      models: ["affine", "boston", "mixed", "zeros"],
    });
  });

  test("answers in JSON with all its outputs, or those asked for", async () => {
    const { status, json } = await ask("affine", { id: "7", inputs: [x] });
    expect(status).toBe(200);
    expect(json).toEqual({
      model_name: "affine",
      model_version: "1",
      id: "7",
      outputs: [
        { name: "y", shape: [2, 3], datatype: "FP32", data: want },
        { name: "positive", shape: [2, 3], datatype: "BOOL", data: want.map((v) => v > 0) },
      ],
    });
    const nested = {
      ...x,
      data: [
        [1, 2],
        [-1, 0.5],
      ],
    };
    const some = await ask("affine", { inputs: [nested], outputs: [{ name: "y" }] });
    expect(some.json.outputs).toEqual([{ name: "y", shape: [2, 3], datatype: "FP32", data: want }]);
  });

  test("takes and gives binary data, the bits of its machine, whatever the batch", async () => {
    const machine = new OnnxMachine(loadOnnx(affine()));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 20 }),
        async (values) => {
          const data = Float32Array.from([...values, ...values]);
          const n = values.length;
          const { outputs } = await machine.run(new Map([["x", new Tensor(data, [n, 2])]]));
          const { body, headers } = binaryRequest(
            [{ name: "x", datatype: "FP32", shape: [n, 2], bytes: bytesOf(data) }],
            { parameters: { binary_data_output: true } },
          );
          const { json, tensors } = opened(await send(`${server.url}/v2/models/affine/infer`, body, headers));
          expect(json.outputs.map(({ shape }: { shape: number[] }) => shape)).toEqual([
            [n, 3],
            [n, 3],
          ]);
          for (const name of ["y", "positive"])
            expect([...tensors.get(name)!]).toEqual([...bytesOf((outputs.get(name) as Tensor).data)]);
        },
      ),
      { numRuns: 20 },
    );
    await machine.close();
  });

  test("mixes text, long integers and doubles, in JSON and binary", async () => {
    const table = { name: "table", datatype: "FP64", shape: [3], data: [0.1, 0.2, 0.3] };
    const at = { name: "at", datatype: "INT64", shape: [2], data: [2, 0] };
    const label = { name: "label", datatype: "BYTES", shape: [2], data: ['ä"', ""] };
    const { json } = await ask("mixed", { inputs: [table, at, label] });
    expect(json.outputs).toEqual([
      { name: "taken", shape: [2], datatype: "FP64", data: [0.3, 0.1] },
      { name: "again", shape: [2], datatype: "BYTES", data: ['ä"', ""] },
    ]);
    const text = Buffer.from('\x03\0\0\0ä"\0\0\0\0');
    const { body, headers } = binaryRequest(
      [
        { name: "label", datatype: "BYTES", shape: [2], bytes: text },
        { name: "table", datatype: "FP64", shape: [3], bytes: bytesOf(Float64Array.of(0.1, 0.2, 0.3)) },
        { name: "at", datatype: "INT64", shape: [2], bytes: bytesOf(BigInt64Array.of(2n, 0n)) },
      ],
      { outputs: [{ name: "again", parameters: { binary_data: true } }, { name: "taken" }] },
    );
    const answer = opened(await send(`${server.url}/v2/models/mixed/infer`, body, headers));
    expect(answer.tensors.get("again")).toEqual(text);
    expect(answer.json.outputs[1]).toEqual({ name: "taken", shape: [2], datatype: "FP64", data: [0.3, 0.1] });
  });

  test.each<[string, string, object, string]>([
    [
      "affine",
      "an input that is none of its",
      { inputs: [{ ...x, name: "z" }] },
      'the model has no input "z"; it has "x"',
    ],
    [
      "affine",
      "another datatype",
      { inputs: [{ ...x, datatype: "FP64" }] },
      'input "x" is FP64, the model reads FP32',
    ],
    [
      "affine",
      "another shape",
      { inputs: [{ ...x, shape: [1, 4] }] },
      'input "x" has shape [1, 4], expected [-1, 2] (-1 is any length)',
    ],
    [
      "affine",
      "another number of axes",
      { inputs: [{ ...x, shape: [4] }] },
      'input "x" has shape [4], expected [-1, 2] (-1 is any length)',
    ],
    [
      "affine",
      "too few elements",
      { inputs: [{ ...x, data: [1] }] },
      'inputs[0] "x": shape [2, 2] has 4 elements, data has 1',
    ],
    ["affine", "no inputs", { inputs: [] }, 'the request lacks an input of the model: "x"'],
    ["affine", "an input twice", { inputs: [x, x] }, 'input "x" is there twice'],
    [
      "affine",
      "an output that is none of its",
      { inputs: [x], outputs: [{ name: "z" }] },
      'the model has no output "z"; it has "y", "positive"',
    ],
    [
      "affine",
      "intervals",
      { inputs: [x], parameters: { interval: "prediction" } },
      "the model has no intervals: it is an ONNX model",
    ],
  ])("%s refuses %s", async (model, _what, body, message) => {
    const { status, json } = await ask(model, body);
    expect([status, json.error]).toEqual([400, message]);
  });

  test("refuses what its ops refuse, and goes on", async () => {
    const table = { name: "table", datatype: "FP64", shape: [1], data: [1] };
    const at = { name: "at", datatype: "INT64", shape: [1], data: [5] };
    const label = { name: "label", datatype: "BYTES", shape: [1], data: [""] };
    const { status, json } = await ask("mixed", { inputs: [table, at, label] });
    expect(status).toBe(400);
    expect(json.error).toMatch(/5/);
    expect((await ask("mixed", { inputs: [table, { ...at, data: [0] }, label] })).status).toBe(200);
  });

  test("takes no more memory than there is for a few bytes of shape", async () => {
    const asked = (...data: number[]) =>
      ask("zeros", { inputs: [{ name: "shape", datatype: "INT64", shape: [data.length], data }] });
    for (const shape of [[2 ** 40], [65536, 65536], [1e6, 1e6, 1e6]]) {
      const { status, json } = await asked(...shape);
      expect(json.error).toBeTypeOf("string");
      expect([400, 413]).toContain(status);
    }
    expect((await asked(2)).json.outputs[0].data).toEqual([0, 0]);
  });

  test("says by its limit what an answer may take, and what JSON cannot carry", async () => {
    await using small = await serving({ answerLimit: 100 }, { affine: join(folder, "affine.onnx") });
    const url = `${small.url}/v2/models/affine/infer`;
    const { status, json } = await send(url, JSON.stringify({ inputs: [x] }));
    expect([status, json.error]).toEqual([
      413,
      expect.stringMatching(/^the answer would take about 240 bytes, the limit is 100/),
    ]);
    const huge = { ...x, data: [3e38, 3e38, 0, 0] };
    const infinite = await ask("affine", { inputs: [huge], outputs: [{ name: "y" }] });
    expect(infinite.json.error).toMatch(/^element \d of output "y" is -?Infinity, which JSON cannot carry/);
  });

  test("is asked by the protocol alone, beside models of goml's own", async () => {
    const { status, json } = await send(`${server.url}/invocations?model=affine`, '{"instances": [[1, 2]]}', {
      "content-type": "application/json",
    });
    expect([status, json.error]).toEqual([
      400,
      'model "affine" is an ONNX model: ask it by /v2/models/affine/infer',
    ]);
    const row = { name: "input", datatype: "FP64", shape: [1, names.length], data: names.map(() => 1) };
    expect((await infer(server.url, { inputs: [row] })).status).toBe(200);
  });

  test("is counted: requests, rows and what is loaded", async () => {
    await ask("affine", { inputs: [x] });
    const { body } = await send(`${server.url}/metrics`);
    expect(body.toString()).toMatch(/goml_model_info\{model="affine",version="1",target=""\} 1/);
    expect(body.toString()).toMatch(/goml_rows_total\{[^}]*model="affine"[^}]*\} [1-9]/);
  });
});

describe("the files of networks", () => {
  test("lie in folders, with versions, beside files of data of theirs", async () => {
    const root = join(folder, "store");
    mkdirSync(join(root, "deep", "3"), { recursive: true });
    mkdirSync(join(root, "outside", "1"), { recursive: true });
    writeFileSync(join(root, "flat.onnx"), affine());
    writeFileSync(join(root, "deep", "3", "model.onnx"), mixed());
    // W lies in a file of its own.
    const entry = (key: string, value: string) => new Message().text(1, key).text(2, value);
    const W = new Message()
      .integer(1, 2)
      .integer(1, 3)
      .integer(2, TYPE.float)
      .text(8, "W")
      .message(13, entry("location", "W.bin"))
      .integer(14, 1);
    const outside = modelProto({
      inputs: [valueProto("x", ["batch", 2])],
      outputs: [valueProto("y", ["batch", 3])],
      initializers: [W],
      nodes: [nodeProto("MatMul", ["x", "W"], ["y"])],
    });
    writeFileSync(join(root, "outside", "1", "model.onnx"), outside);
    writeFileSync(join(root, "outside", "1", "W.bin"), bytesOf(weights));
    await using own = await serving({}, root);
    expect((await send(`${own.url}/v2/models`)).json.models).toEqual(["deep", "flat", "outside"]);
    expect((await send(`${own.url}/v2/models/deep`)).json.versions).toEqual(["3"]);
    const { json } = await send(`${own.url}/v2/models/outside/infer`, JSON.stringify({ inputs: [x] }));
    expect(json.outputs[0].data).toEqual(want);
  });

  test("are loaded anew when they change; a damaged one takes no other's place", async () => {
    const path = join(folder, "changing.onnx");
    copyFileSync(join(folder, "affine.onnx"), path);
    await using own = await serving({ reloadInterval: 20 }, { changing: path });
    const y = async () =>
      (await send(`${own.url}/v2/models/changing/infer`, JSON.stringify({ inputs: [x] }))).json.outputs[0]
        .data;
    expect(await y()).toEqual(want);
    const put = (bytes: Uint8Array) => {
      writeFileSync(`${path}.new`, bytes);
      renameSync(`${path}.new`, path);
    };
    put(affine().subarray(0, 60));
    await expect
      .poll(async () => (await send(`${own.url}/v2/models/changing`)).json.parameters.problem, {
        timeout: 10_000,
      })
      .toContain(path);
    expect(await y()).toEqual(want);
    put(affine(weights.map((w) => 2 * w)));
    await expect.poll(y, { timeout: 10_000 }).toEqual(want.map((v) => 2 * v));
  });

  test("that have ops which goml does not are refused whole at the start", async () => {
    const odd = modelProto({
      inputs: [valueProto("x", [1])],
      outputs: [valueProto("y", [1])],
      nodes: [nodeProto("Frobnicate", ["x"], ["h"]), nodeProto("Twiddle", ["h"], ["y"])],
    });
    const path = file("odd.onnx", odd);
    await expect(serving({}, { odd: path })).rejects.toThrow(/odd\.onnx: .*Frobnicate.*Twiddle/);
    const fixed = modelProto({
      inputs: [valueProto("x", [2, 3])],
      outputs: [valueProto("y", [2, 3])],
      nodes: [nodeProto("MatMul", ["x", "x"], ["y"])],
    });
    await expect(serving({}, { fixed: file("fixed.onnx", fixed) })).rejects.toThrow(/fixed\.onnx.*MatMul/);
  });
});

describe("a large network", () => {
  test("gives what onnxruntime gives, leaves the event loop free, and ends when its client goes", async () => {
    const { graph, output } = resnet(18);
    const bytes = toOnnx(graph, { outputs: [output] });
    const path = file("resnet.onnx", bytes);
    await using own = await serving({}, { resnet: path });
    const { inputs } = (await send(`${own.url}/v2/models/resnet`)).json;
    const [{ name, shape }] = inputs;
    const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i));
    const { body, headers } = binaryRequest([{ name, datatype: "FP32", shape, bytes: bytesOf(data) }], {
      parameters: { binary_data_output: true },
    });
    const url = `${own.url}/v2/models/resnet/infer`;
    const { tensors } = opened(await send(url, body, headers));
    const [got] = [...tensors.values()].map((own) => new Float32Array(Uint8Array.from(own).buffer));
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const run = await session.run({ [name]: new ort.Tensor("float32", data, shape) });
    const logits = run[session.outputNames[0]!]!.data as Float32Array;
    const most = logits.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    // As everywhere that networks are compared with onnxruntime: sums of float32 in another order.
    for (const [i, v] of logits.entries())
      expect(Math.abs(v - got![i]!)).toBeLessThanOrEqual(1e-4 * most + 1e-6);
    // Health checks are answered while four requests are under way.
    let under = 4;
    const four = Array.from({ length: 4 }, () =>
      send(url, body, headers).finally(() => {
        under--;
      }),
    );
    let checks = 0;
    while (under > 0) {
      expect((await send(`${own.url}/v2/health/live`)).status).toBe(200);
      checks++;
    }
    // One thread has them one after another: many checks went by in between.
    expect(checks).toBeGreaterThan(20);
    for (const { status } of await Promise.all(four)) expect(status).toBe(200);
    // A client that goes away leaves nothing behind: its request is out of the house, and the next is answered.
    const gone = new AbortController();
    const left = fetch(url, {
      method: "POST",
      body,
      headers: headers as Record<string, string>,
      signal: gone.signal,
    }).catch((error: Error) => error.name);
    setTimeout(() => gone.abort(), 30);
    expect(await left).toBe("AbortError");
    await expect
      .poll(async () => (await send(`${own.url}/metrics`)).body.toString())
      .toMatch(/^goml_pool_pending 0$/m);
    expect((await send(url, body, headers)).status).toBe(200);
  });
});
