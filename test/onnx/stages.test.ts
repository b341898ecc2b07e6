import fc from "fast-check";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { Tensor } from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, StringTensor } from "../../src/onnx/index.js";
import { randomFrom, sameBits } from "../machine/random.js";
import { graphProto, modelProto, nodeProto, TYPE, tensorProto, valueProto } from "./protos.js";

// Models in which values that a run computes decide shapes: they run in stages, each planned for shapes.

type Random = () => number;
const floats = (random: Random, shape: readonly number[]) =>
  new Tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1),
    shape,
  );
const scalar = (name: string, value: number) => tensorProto(name, [1], TYPE.float, Float32Array.of(value));

/** A convolution gives boxes and scores for 24 places; those that do not overlap are gathered, and scaled. */
function detector(): Uint8Array {
  const random = randomFrom(7);
  return modelProto({
    inputs: [valueProto("x", [1, 2, 6, 4])],
    outputs: [valueProto("boxes", ["n", 4]), valueProto("chosen", ["n", 3], TYPE.int64)],
    initializers: [
      tensorProto("w", [5, 2, 3, 3], TYPE.float, floats(random, [5, 2, 3, 3]).data as Float32Array),
      tensorProto("to", [3], TYPE.int64, BigInt64Array.of(1n, 5n, 24n)),
      tensorProto("lengths", [2], TYPE.int64, BigInt64Array.of(4n, 1n)),
      tensorProto("most", [1], TYPE.int64, BigInt64Array.of(24n)),
      tensorProto("last", [1], TYPE.int64, BigInt64Array.of(2n)),
      tensorProto("flat", [2], TYPE.int64, BigInt64Array.of(24n, 4n)),
      scalar("overlapping", 0.3),
      scalar("least", 0.1),
      scalar("ten", 10),
    ],
    nodes: [
      nodeProto("Conv", ["x", "w"], ["c"], { pads: [1, 1, 1, 1] }),
      nodeProto("Sigmoid", ["c"], ["s"]),
      nodeProto("Reshape", ["s", "to"], ["all"]),
      nodeProto("Split", ["all", "lengths"], ["corners", "scores"], { axis: 1 }),
      nodeProto("Transpose", ["corners"], ["places"], { perm: [0, 2, 1] }),
      nodeProto("NonMaxSuppression", ["places", "scores", "most", "overlapping", "least"], ["chosen"]),
      nodeProto("Gather", ["chosen", "last"], ["column"], { axis: 1 }),
      nodeProto("Squeeze", ["column"], ["rows"]),
      nodeProto("Reshape", ["places", "flat"], ["list"]),
      nodeProto("Gather", ["list", "rows"], ["own"]),
      nodeProto("Mul", ["own", "ten"], ["boxes"]),
    ],
  });
}

describe("a detector, whose boxes are as many as do not overlap", () => {
  test("finds those that onnxruntime does, on every machine", async () => {
    const bytes = detector();
    const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const options = [
      { machine: "tape" },
      { machine: "go" },
      { machine: "go", workers: 2, threshold: 0 },
    ] as const;
    const machines = options.map((own) => new OnnxMachine(loadOnnx(bytes), own));
    const counts = new Set<number>();
    await fc.assert(
      fc.asyncProperty(fc.integer(), async (seed) => {
        const x = floats(randomFrom(seed), [1, 2, 6, 4]);
        const theirs = await session.run({ x: new ort.Tensor("float32", x.data as Float32Array, x.shape) });
        const [own, ...others] = await Promise.all(
          machines.map(async (machine) => (await machine.run(new Map([["x", x]]))).outputs),
        );
        const [chosen, boxes] = [own!.get("chosen") as Tensor, own!.get("boxes") as Tensor];
        counts.add(chosen.shape[0]!);
        expect(chosen.shape).toEqual(theirs.chosen!.dims);
        expect([...chosen.data]).toEqual([...(theirs.chosen!.data as unknown as bigint[])]);
        const want = theirs.boxes!.data as Float32Array;
        for (const [i, v] of want.entries()) expect(Math.abs(v - boxes.data[i]!)).toBeLessThan(1e-4);
        for (const other of others)
          for (const [name, value] of own!)
            expect(sameBits((other.get(name) as Tensor).data, (value as Tensor).data)).toBe(true);
      }),
      { numRuns: 30 },
    );
    expect(counts.size).toBeGreaterThan(1);
    for (const machine of machines) await machine.close();
  });

  test("is planned for their number, not for each image, and memory stays as it is", async () => {
    const machine = new OnnxMachine(loadOnnx(detector()), { plans: 3 });
    const random = randomFrom(1);
    const counts = new Set<number>();
    let settled = 0;
    for (let i = 0; i < 200; i++) {
      const { outputs } = await machine.run(new Map([["x", floats(random, [1, 2, 6, 4])]]));
      counts.add((outputs.get("chosen") as Tensor).shape[0]!);
      // One plan before the suppression, and of those after it the three used last.
      expect(machine.planned).toBeLessThanOrEqual(1 + 3);
      if (i === 50) settled = machine.memoryBytes;
    }
    expect(counts.size).toBeGreaterThan(3);
    expect(machine.memoryBytes).toBeLessThanOrEqual(settled);
    await machine.close();
  });
});

test.each([
  ["NonZero", ["h"], {}],
  ["Unique", ["h"], {}],
  ["Compress", ["h", "mask"], {}],
] as const)("%s of what is computed agrees with onnxruntime", async (op, inputs, attributes) => {
  const bytes = modelProto({
    inputs: [valueProto("x", [40])],
    outputs: [valueProto("y", ["n"], op === "NonZero" ? TYPE.int64 : TYPE.float)],
    initializers: [scalar("two", 2), scalar("zero", 0)],
    nodes: [
      nodeProto("Mul", ["x", "two"], ["m"]),
      nodeProto("Round", ["m"], ["h"]),
      nodeProto("Greater", ["x", "zero"], ["mask"]),
      nodeProto(op, inputs, ["r"], attributes),
      // Something after it that needs the shape.
      nodeProto("Shape", ["r"], ["s"]),
      nodeProto("Reshape", ["r", "s"], ["y"]),
    ],
  });
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const machine = new OnnxMachine(loadOnnx(bytes));
  for (let seed = 0; seed < 10; seed++) {
    const x = floats(randomFrom(seed), [40]);
    const want = (await session.run({ x: new ort.Tensor("float32", x.data as Float32Array, [40]) })).y!;
    const got = (await machine.run(new Map([["x", x]]))).outputs.get("y") as Tensor;
    expect(got.shape).toEqual(want.dims);
    expect(Array.from(got.data, Number)).toEqual(Array.from(want.data as Float32Array, Number));
  }
  await machine.close();
});

test("a shape that is computed is asked for when it is there", async () => {
  // x as rows of ⌊Σ|x|⌋ + 2 columns would be: what is computed of all of x cuts the graph, and its one value names a plan.
  const bytes = modelProto({
    inputs: [valueProto("x", [120])],
    outputs: [valueProto("y", ["n", "m"])],
    initializers: [tensorProto("rest", [1], TYPE.int64, BigInt64Array.of(-1n)), scalar("k", 3)],
    nodes: [
      nodeProto("ReduceMax", ["x"], ["most"], { keepdims: 1 }),
      nodeProto("Mul", ["most", "k"], ["many"]),
      nodeProto("Cast", ["many"], ["count"], { to: TYPE.int64 }),
      nodeProto("Concat", ["count", "rest"], ["to"], { axis: 0 }),
      nodeProto("Reshape", ["x", "to"], ["y"]),
    ],
  });
  const machine = new OnnxMachine(loadOnnx(bytes), { plans: 2 });
  for (let i = 0; i < 20; i++) {
    const rows = 1 + (i % 4);
    const values = Float32Array.from({ length: 120 }, (_, k) => (k === i ? rows / 3 + 0.01 : -k));
    const { outputs } = await machine.run(new Map([["x", new Tensor(values, [120])]]));
    expect((outputs.get("y") as Tensor).shape).toEqual([rows, 120 / rows]);
    expect(machine.planned).toBeLessThanOrEqual(1 + 2);
  }
  await machine.close();
});

test("a loop after such a stage takes what it captures by its value", async () => {
  const body = graphProto({
    nodes: [nodeProto("Add", ["sum", "most"], ["next"]), nodeProto("Identity", ["on"], ["still"])],
    inputs: [valueProto("i", [], TYPE.int64), valueProto("on", [], TYPE.bool), valueProto("sum", [1])],
    outputs: [valueProto("still", [], TYPE.bool), valueProto("next", [1])],
  });
  const bytes = modelProto({
    inputs: [valueProto("x", [100])],
    outputs: [valueProto("y", [1])],
    initializers: [scalar("zero", 0)],
    nodes: [
      nodeProto("ReduceMax", ["x"], ["most"], { keepdims: 1 }),
      nodeProto("Cast", ["most"], ["rounds"], { to: TYPE.int64 }),
      nodeProto("Loop", ["rounds", "", "zero"], ["y"], { body }),
    ],
  });
  const machine = new OnnxMachine(loadOnnx(bytes));
  for (const rounds of [3, 1, 5]) {
    const values = Float32Array.from({ length: 100 }, (_, i) => rounds + 0.5 - i / 100);
    const { outputs } = await machine.run(new Map([["x", new Tensor(values, [100])]]));
    expect((outputs.get("y") as Tensor).toArray()).toEqual([rounds * (rounds + 0.5)]);
  }
  await machine.close();
});

test("text goes through models without a plan for each of its values", async () => {
  const bytes = modelProto(
    {
      inputs: [valueProto("word", ["n", 1], TYPE.string), valueProto("x", ["n", 1])],
      outputs: [valueProto("y", ["n", 1]), valueProto("same", ["n", 1], TYPE.string)],
      nodes: [
        nodeProto(
          "LabelEncoder",
          ["word"],
          ["code"],
          {
            keys_strings: { texts: ["a", "b"] },
            values_floats: { floats: [1, 2] },
            default_float: { float: -1 },
          },
          "ai.onnx.ml",
        ),
        nodeProto("Mul", ["code", "x"], ["y"]),
        nodeProto("Identity", ["word"], ["same"]),
      ],
    },
    { domains: { "ai.onnx.ml": 3 } },
  );
  const machine = new OnnxMachine(loadOnnx(bytes));
  const planned = new Set<number>();
  for (const words of [
    ["a", "b"],
    ["b", "c"],
    ["", "a"],
  ]) {
    const { outputs } = await machine.run(
      new Map<string, Tensor | StringTensor>([
        ["word", new StringTensor(words, [2, 1])],
        ["x", new Tensor(Float32Array.of(10, 20), [2, 1])],
      ]),
    );
    const code = (word: string) => ({ a: 1, b: 2 })[word] ?? -1;
    expect((outputs.get("y") as Tensor).toArray()).toEqual(
      [10 * code(words[0]!), 20 * code(words[1]!)].map((v) => [v]),
    );
    expect((outputs.get("same") as StringTensor).strings).toEqual(words);
    planned.add(machine.planned);
  }
  expect(planned.size).toBe(1);
  await machine.close();
});
