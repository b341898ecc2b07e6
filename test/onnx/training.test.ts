import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  GoMachine,
  grad,
  mean,
  type Node,
  square,
  sub,
  TapeMachine,
  Tensor,
} from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, toOnnx } from "../../src/onnx/index.js";
import { randomFrom, sameBits } from "../machine/random.js";
import { modelProto, nodeProto, TYPE, tensorProto, valueProto } from "./protos.js";

const drawn = (random: () => number, shape: readonly number[]) =>
  Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => random() - 0.5);

/** Conv, BatchNormalization, Relu, MaxPool, Flatten, Gemm: what small networks are made of. */
function network() {
  const random = randomFrom(11);
  const weights = (name: string, ...shape: number[]) =>
    tensorProto(name, shape, TYPE.float, drawn(random, shape));
  const ones = tensorProto("variance", [4], TYPE.float, new Float32Array(4).fill(1));
  return modelProto({
    inputs: [valueProto("x", ["batch", 2, 8, 8])],
    outputs: [valueProto("y", ["batch", 3])],
    initializers: [
      weights("w", 4, 2, 3, 3),
      weights("scale", 4),
      weights("bias", 4),
      weights("mean", 4),
      ones,
      weights("fc.weight", 3, 64),
      weights("fc.bias", 3),
    ],
    nodes: [
      nodeProto("Conv", ["x", "w"], ["c"], { pads: [1, 1, 1, 1] }),
      nodeProto("BatchNormalization", ["c", "scale", "bias", "mean", "variance"], ["n"]),
      nodeProto("Relu", ["n"], ["r"]),
      nodeProto("MaxPool", ["r"], ["p"], { kernel_shape: [2, 2], strides: [2, 2] }),
      nodeProto("Flatten", ["p"], ["f"]),
      nodeProto("Gemm", ["f", "fc.weight", "fc.bias"], ["y"], { transB: 1 }),
    ],
  });
}

const N = 16;
const x = new Tensor(drawn(randomFrom(5), [N, 2, 8, 8]), [N, 2, 8, 8]);
const target = new Tensor(drawn(randomFrom(6), [N, 3]), [N, 3]);

describe("an imported network", () => {
  test("is trained, as a whole or its last layer, and gives in onnxruntime what it gives here", async () => {
    for (const trainable of [
      ["fc.weight", "fc.bias"],
      (name: string) => name !== "mean" && name !== "variance",
    ]) {
      const model = loadOnnx(network());
      const { graph, inputs, outputs, parameters } = model.graph(
        new Map([["x", { dtype: "float32", shape: x.shape }]]),
        { trainable },
      );
      expect([...parameters.keys()]).toEqual(
        Array.isArray(trainable) ? trainable : ["w", "scale", "bias", "fc.weight", "fc.bias"],
      );
      const y = outputs.get("y") as Node;
      const cost = mean(square(sub(y, graph.constant(target))));
      const own = [...parameters.values()];
      const gradients = grad(cost, own);
      const machine = new GoMachine(graph, { outputs: [cost, ...gradients], workers: 1 });
      machine.let(inputs.get("x")!, x);
      const values = own.map((node) => node.initial!);
      const costs: number[] = [];
      for (let step = 0; step < 40; step++) {
        const run = await machine.runAll();
        costs.push(run.value(cost).item());
        for (const [i, node] of own.entries()) {
          const slope = run.value(gradients[i]!).data;
          const data = Float32Array.from(
            values[i]!.data,
            (value, k) => Number(value) - 0.1 * Number(slope[k]!),
          );
          values[i] = new Tensor(data, node.shape);
          machine.let(node, values[i]!);
        }
      }
      await machine.close();
      // Descent: most of what the last layer can explain at least is explained.
      expect(costs.at(-1)!).toBeLessThan(0.6 * costs[0]!);
      const bytes = toOnnx(graph, {
        outputs: [y],
        batch: "batch",
        parameters: new Map(own.map((node, i) => [node, values[i]!])),
      });
      const trained = new OnnxMachine(loadOnnx(bytes));
      const [few] = [new Tensor(x.data.slice(0, 3 * 128) as Float32Array, [3, 2, 8, 8])];
      const mine = (await trained.run(new Map([["x", few]]))).outputs;
      const got = [...mine.values()][0] as Tensor;
      const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
      const theirs = await session.run({
        x: new ort.Tensor("float32", few.data as Float32Array, [3, 2, 8, 8]),
      });
      const want = theirs[session.outputNames[0]!]!.data as Float32Array;
      for (const [k, v] of want.entries()) expect(Math.abs(v - Number(got.data[k]))).toBeLessThan(1e-5);
      await trained.close();
    }
  });

  test("gives the same values whether its initializers may be trained or not", async () => {
    const model = loadOnnx(network());
    const types = new Map([["x", { dtype: "float32" as const, shape: x.shape }]]);
    const run = async (trainable: readonly string[]) => {
      const { graph, inputs, outputs } = model.graph(types, { trainable });
      const machine = new TapeMachine(graph, { outputs: [outputs.get("y") as Node] });
      machine.let(inputs.get("x")!, x);
      return (await machine.runAll()).value(outputs.get("y") as Node).data;
    };
    expect(sameBits(await run([]), await run(["w", "fc.weight"]))).toBe(true);
  });

  test("names the tensors between its nodes, and refuses to train what it does not have", () => {
    const model = loadOnnx(network());
    const types = new Map([["x", { dtype: "float32" as const, shape: x.shape }]]);
    const { values } = model.graph(types);
    expect([...values.keys()]).toEqual(["x", "c", "n", "r", "p", "f", "y"]);
    expect(values.get("f")!.shape).toEqual([N, 64]);
    expect(() => model.graph(types, { trainable: ["fc"] })).toThrow(UsageError);
    expect(() => model.graph(types, { trainable: ["fc"] })).toThrow('no initializer "fc" of floats to train');
  });

  test("refuses to train what decides shapes", () => {
    const bytes = modelProto({
      inputs: [valueProto("x", [1, 1, 2, 2])],
      outputs: [valueProto("y", [1, 1, 4, 4])],
      initializers: [tensorProto("scales", [4], TYPE.float, Float32Array.of(1, 1, 2, 2))],
      nodes: [nodeProto("Resize", ["x", "", "scales"], ["y"])],
    });
    const types = new Map([["x", { dtype: "float32" as const, shape: [1, 1, 2, 2] }]]);
    expect(() => loadOnnx(bytes).graph(types, { trainable: ["scales"] })).toThrow(
      'node "Resize_y" (Resize) of opset 17: scales decides shapes, and hangs on parameters',
    );
  });
});
