import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DataError, GomlError, ModelError } from "../../src/errors.js";
import { Tensor, tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, type OnnxTensor, ValuesNeeded } from "../../src/onnx/index.js";
import { Message } from "../../src/onnx/protobuf.js";
import { graphProto, modelProto, nodeProto, TYPE, tensorProto, valueProto } from "./protos.js";

const weights = Float32Array.of(1, 2, 3, 4, 5, 6);

/** y = ReLU(x·W) for a batch of any size, W by raw bytes. */
const affine = () =>
  modelProto({
    inputs: [valueProto("x", ["batch", 2])],
    outputs: [valueProto("y", ["batch", 3])],
    initializers: [tensorProto("W", [2, 3], TYPE.float, weights)],
    nodes: [nodeProto("MatMul", ["x", "W"], ["h"]), nodeProto("Relu", ["h"], ["y"])],
  });

const run = async (bytes: Uint8Array, inputs: Record<string, OnnxTensor>) => {
  const machine = new OnnxMachine(loadOnnx(bytes));
  try {
    return (await machine.run(new Map(Object.entries(inputs)))).outputs;
  } finally {
    await machine.close();
  }
};
const float = (values: readonly number[], shape: readonly number[]) =>
  new Tensor(Float32Array.from(values), shape);
const int64 = (values: readonly number[], shape: readonly number[] = [values.length]) =>
  new Tensor(BigInt64Array.from(values, BigInt), shape);

describe("a model", () => {
  test("says what it takes and gives, and what it is made of", () => {
    const model = loadOnnx(affine());
    expect(model.inputs).toEqual([{ name: "x", kind: "tensor", dtype: "float32", shape: ["batch", 2] }]);
    expect(model.outputs).toEqual([{ name: "y", kind: "tensor", dtype: "float32", shape: ["batch", 3] }]);
    expect(model.opsets).toEqual(new Map([["ai.onnx", 17]]));
    expect(model.ops).toEqual(
      new Map([
        ["MatMul", 1],
        ["Relu", 1],
      ]),
    );
    expect([model.irVersion, model.producer, model.parameters]).toEqual([8, "goml's tests", 6]);
  });

  test("reads data that do not lie where a view may begin", async () => {
    // Whatever stands before it, the weights' bytes begin at every offset modulo 4 in turn.
    for (let shift = 0; shift < 4; shift++) {
      const bytes = affine();
      const moved = new Uint8Array(bytes.length + shift).subarray(shift);
      moved.set(bytes);
      const outputs = await run(moved, { x: float([1, -1], [1, 2]) });
      expect(outputs.get("y")).toMatchObject({ shape: [1, 3], data: Float32Array.of(0, 0, 0) });
      const other = await run(moved, { x: float([0, 1, 1, 0], [2, 2]) });
      expect((other.get("y") as Tensor).toArray()).toEqual([
        [4, 5, 6],
        [1, 2, 3],
      ]);
    }
  });

  test("refuses inputs that it does not have, or that do not fit", async () => {
    const machine = new OnnxMachine(loadOnnx(affine()));
    const refused = (name: string, value: Tensor) => expect(machine.run(new Map([[name, value]]))).rejects;
    await refused("z", float([1], [1])).toThrow('the model has no input "z"');
    await refused("x", tensor([[1, 2]])).toThrow("input x is float32, the tensor given is float64");
    await refused("x", float([1, 2, 3], [1, 3])).toThrow(
      "input x has the shape [batch, 2], the tensor given [1, 3]",
    );
    await expect(machine.run(new Map())).rejects.toThrow("input x is not given");
    await machine.close();
    await refused("x", float([1, 2], [1, 2])).toThrow("the machine is closed");
  });

  test("names all that goml does not have when it is loaded, with operator sets and nodes, also within subgraphs", () => {
    const branch = graphProto({
      nodes: [nodeProto("Frobnicate", [], ["b"])],
      outputs: [valueProto("b", [])],
    });
    const bytes = modelProto(
      {
        inputs: [valueProto("c", [], TYPE.bool)],
        outputs: [valueProto("y", [])],
        nodes: [
          nodeProto("Frobnicate", ["c"], ["a"]),
          nodeProto("If", ["c"], ["y"], { then_branch: branch, else_branch: branch }),
          nodeProto("Other", ["c"], ["d"], {}, "com.example"),
        ],
      },
      { domains: { "com.example": 3 } },
    );
    expect(() => loadOnnx(bytes)).toThrow(ModelError);
    expect(() => loadOnnx(bytes)).toThrow(
      'the model has ops that goml does not: Frobnicate (ai.onnx 17, nodes "Frobnicate_a", "Frobnicate_b", ' +
        '"Frobnicate_b"); Other (com.example 3, node "Other_d")',
    );
  });

  test("says why an op is left out on purpose", () => {
    const bytes = modelProto({
      inputs: [valueProto("file", ["n"], TYPE.uint8)],
      outputs: [valueProto("y", [])],
      nodes: [
        nodeProto("ImageDecoder", ["file"], ["y"]),
        nodeProto("RandomNormal", [], ["z"], { shape: [2] }),
      ],
    });
    expect(() => loadOnnx(bytes)).toThrow(
      'ImageDecoder (ai.onnx 17, node "ImageDecoder_y": each picture\'s own size would make a plan of its own; ' +
        'decode it before, as pictures that are inputs are); RandomNormal (ai.onnx 17, node "RandomNormal_z": ' +
        "random numbers, which no two runs would agree on)",
    );
  });

  test("is refused where its version, or that of an operator set, is unknown", () => {
    const parts = { nodes: [], outputs: [], inputs: [] };
    expect(() => loadOnnx(modelProto(parts, { opset: 99 }))).toThrow(
      "operator set 99 of ai.onnx is not supported",
    );
    expect(() => loadOnnx(modelProto(parts, { irVersion: 99 }))).toThrow("ir_version 99 is not supported");
    expect(() => loadOnnx(new Uint8Array())).toThrow("no ONNX model: there is no graph in it");
  });

  test("says which node does not fit", async () => {
    const bytes = modelProto({
      inputs: [valueProto("x", [3])],
      outputs: [valueProto("y", [3])],
      nodes: [nodeProto("MatMul", ["x", "x"], ["h"]), nodeProto("Concat", ["h", "x"], ["y"], { axis: 0 })],
    });
    await expect(run(bytes, { x: float([1, 2, 3], [3]) })).rejects.toThrow(
      'node "Concat_y" (Concat) of opset 17: concat(h scalar, x 3): axis 0 is not one of the 0 axes of scalar',
    );
    const loose = modelProto({ outputs: [valueProto("y", [])], nodes: [nodeProto("Relu", ["q"], ["y"])] });
    await expect(run(loose, {})).rejects.toThrow('its input "q" is made by no node before it');
  });

  test("takes data from files beside it, not from elsewhere", () => {
    const model = (location: string, offset: number) => {
      const entry = (key: string, value: string) => new Message().text(1, key).text(2, value);
      const W = tensorProto("W", [2], TYPE.float, new Float32Array(0));
      W.message(13, entry("location", location))
        .message(13, entry("offset", String(offset)))
        .message(13, entry("length", "8"));
      W.integer(14, 1);
      return modelProto({
        initializers: [W],
        nodes: [nodeProto("Relu", ["W"], ["y"])],
        outputs: [valueProto("y", [2])],
      });
    };
    const file = new Uint8Array(Float32Array.of(9, -1, 2).buffer);
    const external = (name: string) => {
      expect(name).toBe("weights.bin");
      return file;
    };
    const loaded = loadOnnx(model("weights.bin", 4), { external });
    expect((loaded.graph(new Map()).outputs.get("y") as Tensor).toArray()).toEqual([0, 2]);
    expect(() => loadOnnx(model("weights.bin", 8), { external })).toThrow(
      "has its data at 8 to 16 of weights.bin, which has 12 bytes",
    );
    expect(() => loadOnnx(model("../weights.bin", 0), { external })).toThrow("outside of the model's folder");
    expect(() => loadOnnx(model("weights.bin", 0))).toThrow("which was not given");
  });
});

describe("shapes that values decide", () => {
  const reshape = () =>
    modelProto({
      inputs: [valueProto("x", ["n"]), valueProto("shape", ["k"], TYPE.int64)],
      outputs: [valueProto("y", [])],
      nodes: [nodeProto("Reshape", ["x", "shape"], ["y"])],
    });

  test("make a plan for each value, the same for the same", async () => {
    const model = loadOnnx(reshape());
    const open = new Map([
      ["x", { dtype: "float32", shape: [6] } as const],
      ["shape", { dtype: "int64", shape: [2] } as const],
    ]);
    expect(() => model.graph(open)).toThrow(ValuesNeeded);
    const machine = new OnnxMachine(model, { plans: 2 });
    const x = float([1, 2, 3, 4, 5, 6], [6]);
    const shaped = async (shape: readonly number[]) =>
      (
        (
          await machine.run(
            new Map([
              ["x", x],
              ["shape", int64(shape)],
            ]),
          )
        ).outputs.get("y") as Tensor
      ).shape;
    expect(await shaped([2, 3])).toEqual([2, 3]);
    expect(await shaped([3, -1])).toEqual([3, 2]);
    expect(machine.planned).toBe(2);
    expect(await shaped([2, 3])).toEqual([2, 3]);
    expect(machine.planned).toBe(2);
    // A third one takes the place of the one longest unused.
    expect(await shaped([6])).toEqual([6]);
    expect(machine.planned).toBe(2);
    // Runs side by side, of plans that push each other out.
    const shapes = [[6], [1, 6], [6, 1], [2, 3], [3, 2], [1, 2, 3]];
    expect(await Promise.all(shapes.map(shaped))).toEqual(shapes);
    await machine.close();
  });

  test("are refused where a length is below 0", async () => {
    const bytes = modelProto({
      inputs: [valueProto("x", [1])],
      outputs: [valueProto("y", ["n"])],
      initializers: [tensorProto("to", [1], TYPE.int64, BigInt64Array.of(-3n))],
      nodes: [nodeProto("Expand", ["x", "to"], ["y"])],
    });
    await expect(run(bytes, { x: float([1], [1]) })).rejects.toThrow(
      'node "Expand_y" (Expand) of opset 17: broadcastTo(x 1): there is no shape -3',
    );
  });

  test("are worked out where shapes alone decide them", () => {
    // Flattened by Shape → Gather → Unsqueeze → Concat → Reshape, as exporters write it.
    const bytes = modelProto({
      inputs: [valueProto("x", ["batch", 2, 3])],
      outputs: [valueProto("y", ["batch", 6])],
      initializers: [
        tensorProto("zero", [], TYPE.int64, BigInt64Array.of(0n)),
        tensorProto("axes", [1], TYPE.int64, BigInt64Array.of(0n)),
        tensorProto("rest", [1], TYPE.int64, BigInt64Array.of(-1n)),
      ],
      nodes: [
        nodeProto("Shape", ["x"], ["s"]),
        nodeProto("Gather", ["s", "zero"], ["n"]),
        nodeProto("Unsqueeze", ["n", "axes"], ["n1"]),
        nodeProto("Concat", ["n1", "rest"], ["to"], { axis: 0 }),
        nodeProto("Reshape", ["x", "to"], ["y"]),
      ],
    });
    const { graph, outputs } = loadOnnx(bytes).graph(
      new Map([["x", { dtype: "float32", shape: [5, 2, 3] }]]),
    );
    expect(graph.nodes).toHaveLength(2);
    expect(outputs.get("y")).toMatchObject({ shape: [5, 6] });
  });

  const branch = (op: string, width: number) =>
    graphProto({ nodes: [nodeProto(op, ["x"], [`${op}.y`])], outputs: [valueProto(`${op}.y`, [width])] });

  test("take both branches of a condition that only a run knows, where their shapes are the same", async () => {
    const width = 100;
    const bytes = modelProto({
      inputs: [valueProto("x", [width])],
      outputs: [valueProto("y", [width])],
      initializers: [tensorProto("zero", [], TYPE.float, Float32Array.of(0))],
      nodes: [
        nodeProto("ReduceSum", ["x"], ["sum"], { keepdims: 0 }),
        nodeProto("Greater", ["sum", "zero"], ["c"]),
        nodeProto("If", ["c"], ["y"], {
          then_branch: branch("Relu", width),
          else_branch: branch("Neg", width),
        }),
      ],
    });
    const open = loadOnnx(bytes).graph(new Map([["x", { dtype: "float32", shape: [width] }]]));
    expect(open.graph.nodes.map(({ op }) => (typeof op === "string" ? op : op.name))).toContain("select");
    for (const shift of [-1, 1]) {
      const values = Array.from({ length: width }, (_, i) => Math.sin(i) + shift);
      const outputs = await run(bytes, { x: float(values, [width]) });
      const want = values.map((value) => Math.fround(shift > 0 ? Math.max(0, value) : -value));
      expect((outputs.get("y") as Tensor).toArray()).toEqual(want);
    }
  });

  test("choose a branch by a small input's value, though the other would not fit", async () => {
    const cut = (length: number) =>
      graphProto({
        nodes: [nodeProto("Reshape", ["x", `to${length}`], [`y${length}`])],
        outputs: [valueProto(`y${length}`, [length])],
        initializers: [tensorProto(`to${length}`, [2], TYPE.int64, BigInt64Array.of(-1n, BigInt(length)))],
      });
    const bytes = modelProto({
      inputs: [valueProto("x", [6]), valueProto("c", [], TYPE.bool)],
      outputs: [valueProto("y", ["n", "m"])],
      nodes: [nodeProto("If", ["c"], ["y"], { then_branch: cut(3), else_branch: cut(4) })],
    });
    const c = (value: number) => new Tensor(Uint8Array.of(value), [], "bool");
    const x = float([1, 2, 3, 4, 5, 6], [6]);
    expect(((await run(bytes, { x, c: c(1) })).get("y") as Tensor).shape).toEqual([2, 3]);
    await expect(run(bytes, { x, c: c(0) })).rejects.toThrow("6 elements do not fit into [-1, 4]");
  });
});

describe("files that are damaged", () => {
  /** Loads and plans; gives the error's message, which must be one of goml's and of one line. */
  const attempt = (bytes: Uint8Array): string | undefined => {
    try {
      const model = loadOnnx(bytes);
      const given = new Map(
        model.inputs.map(({ name, shape = [], dtype }) => [
          name,
          {
            dtype: dtype === undefined || dtype === "string" ? ("float32" as const) : dtype,
            shape: shape.map((length) => (typeof length === "number" ? length : 2)),
          },
        ]),
      );
      model.graph(given);
      return undefined;
    } catch (error) {
      if (error instanceof ValuesNeeded) return undefined;
      expect(error).toBeInstanceOf(GomlError);
      const { message } = error as Error;
      expect(message.length).toBeGreaterThan(0);
      expect(message).not.toMatch(/\n\s*at /);
      return message;
    }
  };
  const body = graphProto({ nodes: [nodeProto("Relu", ["x"], ["r"])], outputs: [valueProto("r", [2])] });
  const whole = modelProto({
    inputs: [valueProto("x", ["batch", 1, 4, 4]), valueProto("c", [], TYPE.bool)],
    outputs: [valueProto("y", ["batch", 6])],
    initializers: [
      tensorProto("w", [1, 1, 2, 3], TYPE.float, weights),
      tensorProto("s", [2], TYPE.int64, BigInt64Array.of(2n, 3n)),
    ],
    nodes: [
      nodeProto("Conv", ["x", "w"], ["a"], { strides: [1, 1], pads: [1, 1, 1, 1], group: 1 }),
      nodeProto("MaxPool", ["a"], ["b"], { kernel_shape: [2, 2] }),
      nodeProto("ConstantOfShape", ["s"], ["k"]),
      nodeProto("Pad", ["b"], ["p"], { mode: "constant", pads: [0, 0, 1, 1, 0, 0, 1, 1] }),
      nodeProto("If", ["c"], ["i"], { then_branch: body, else_branch: body }),
      nodeProto("Softmax", ["p"], ["y"], { axis: 1 }),
    ],
  });

  test("and cut anywhere are refused in one line, or read as what is whole", () => {
    expect(attempt(whole)).toBeUndefined();
    for (let length = 0; length < whole.length; length++) attempt(whole.subarray(0, length));
  });

  test("in any bytes are refused in one line, quickly and in little memory", () => {
    const before = process.memoryUsage().rss;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: whole.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 6,
        }),
        (changes) => {
          const bytes = whole.slice();
          for (const [at, value] of changes) bytes[at] = value;
          attempt(bytes);
        },
      ),
      { numRuns: process.env.GOML_LONG === undefined ? 1000 : 100_000 },
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(2 ** 30);
  });

  test("as lengths without bytes take no memory", () => {
    const huge = modelProto({
      outputs: [valueProto("y", [])],
      initializers: [tensorProto("s", [1], TYPE.int64, BigInt64Array.of(2n ** 40n))],
      nodes: [nodeProto("ConstantOfShape", ["s"], ["y"])],
    });
    expect(attempt(huge)).toMatch(/planning the graph takes \d+ MiB of constants/);
    const claimed = modelProto({
      outputs: [],
      nodes: [],
      initializers: [tensorProto("w", [2 ** 20, 2 ** 20], TYPE.float, weights)],
    });
    expect(() => loadOnnx(claimed)).toThrow(DataError);
    expect(() => loadOnnx(claimed)).toThrow('tensor "w" of shape [1048576, 1048576] has 6 elements');
    // A message that says it is within itself, over and over.
    let nested = new Uint8Array();
    for (let depth = 0; depth < 2000; depth++)
      nested = Uint8Array.from([0x3a, ...varint(nested.length), ...nested]);
    expect(attempt(nested)).toBeDefined();
  });
});

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}
