import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { densenet, mobilenetV2, resnet, shufflenet, squeezenet } from "../../src/cli/bench/networks.js";
import {
  abs,
  add,
  concat,
  div,
  exp,
  fuse,
  GoMachine,
  Graph,
  ge,
  log,
  mathFunction,
  matmul,
  max,
  mean,
  mul,
  type Node,
  ne,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  split,
  sqrt,
  square,
  sub,
  sum,
  TapeMachine,
  Tensor,
  tanh,
  transpose,
  where,
  work,
} from "../../src/machine/index.js";
import { loadOnnx, OnnxMachine, toOnnx } from "../../src/onnx/index.js";
import { randomFrom, sameBits } from "../machine/random.js";

const draw = (random: () => number, shape: readonly number[]) =>
  new Tensor(
    Float32Array.from({ length: shape.reduce((n, length) => n * length, 1) }, () => 2 * random() - 1),
    shape,
  );

/** What onnxruntime, goml's reader and the graph itself give. */
async function threeWays(graph: Graph, outputs: readonly Node[], inputs: ReadonlyMap<Node, Tensor>) {
  const bytes = toOnnx(graph, { outputs });
  const named = new Map([...inputs].map(([node, value]) => [node.label, value]));
  const session = await ort.InferenceSession.create(bytes, { logSeverityLevel: 3 });
  const theirs = await session.run(
    Object.fromEntries(
      [...named].map(([name, { data, shape }]) => [
        name,
        new ort.Tensor("float32", data as Float32Array, [...shape]),
      ]),
    ),
  );
  const machine = new OnnxMachine(loadOnnx(bytes), { machine: "tape" });
  const read = (await machine.run(named)).outputs;
  await machine.close();
  const tape = new TapeMachine(graph, { outputs });
  for (const [node, value] of inputs) tape.let(node, value);
  const run = await tape.runAll();
  const own = outputs.map((node) => run.value(node));
  await tape.close();
  return {
    own,
    read: [...read.values()] as Tensor[],
    theirs: session.outputNames.map((name) => theirs[name]!),
  };
}

/** The greatest difference as a share of the greatest value. */
function off(want: ArrayLike<number>, got: ArrayLike<number>): number {
  let [most, worst] = [0, 0];
  for (let i = 0; i < want.length; i++) {
    most = Math.max(most, Math.abs(want[i]!));
    worst = Math.max(worst, Math.abs(want[i]! - got[i]!));
  }
  return worst / Math.max(most, 1e-6);
}

describe("networks written as ONNX have the logits that onnxruntime gives them, to 1e-4 of the greatest", () => {
  const small = { side: 64, thinner: 4, classes: 50 };
  test.each([
    ["ResNet-18", () => resnet(18, small)],
    ["ResNet-50", () => resnet(50, small)],
    ["MobileNetV2", () => mobilenetV2(small)],
    ["SqueezeNet", () => squeezenet(small)],
    ["DenseNet-121", () => densenet({ ...small, thinner: 8 })],
    ["ShuffleNet", () => shufflenet({ side: 32, classes: 50 })],
  ])("%s", async (_name, make) => {
    const { graph, input, output } = make();
    const x = draw(randomFrom(5), input.shape);
    const { own, read, theirs } = await threeWays(graph, [output], new Map([[input, x]]));
    const logits = theirs[0]!.data as Float32Array;
    // Logits that are all alike would prove nothing.
    expect(Math.max(...logits) - Math.min(...logits)).toBeGreaterThan(
      0.1 * Math.max(...logits.map(Math.abs)),
    );
    expect(off(logits, own[0]!.data)).toBeLessThan(1e-4);
    expect(off(logits, read[0]!.data)).toBeLessThan(1e-4);
    // Joined: the same bits however many threads. (What was read has its epsilons as floats.)
    const fused = fuse(graph, [output]);
    const node = fused.nodeOf(output)!;
    const joined: Tensor[] = [];
    for (const machine of [
      new TapeMachine(fused.graph, { outputs: [node] }),
      new GoMachine(fused.graph, { outputs: [node], workers: 2 }),
    ]) {
      machine.let(fused.nodeOf(input)!, x);
      joined.push((await machine.runAll()).value(node));
      await machine.close();
    }
    expect(off(logits, joined[0]!.data)).toBeLessThan(1e-4);
    expect(sameBits(joined[0]!.data, joined[1]!.data)).toBe(true);
  });
});

test("ops of every family are written so that onnxruntime computes the same", async () => {
  const graph = new Graph();
  const random = randomFrom(3);
  const x = graph.input("x", [4, 6], "float32");
  const y = graph.input("y", [4, 6], "float32");
  const w = graph.parameter("w", draw(random, [6, 5]));
  const positive = add(square(x), graph.constant([0.5], "float32"));
  const [left, right] = split(x, [2, 4], 1) as [Node, Node];
  const outputs = [
    matmul(x, w),
    sub(mul(x, y), div(x, positive)),
    log(positive),
    sqrt(positive),
    tanh(exp(x)),
    sigmoid(abs(x)),
    softmax(x),
    sum(x, 1),
    mean(x, [0], true),
    max(x),
    concat([right, left], 1),
    slice(transpose(x), [
      [1, 5],
      [0, 3],
    ]),
    reshape(x, [2, -1, 3]),
    where(ge(x, y), x, relu(y)),
    ne(x, x),
    mathFunction("swish", x, { alpha: 1.5 }),
    mathFunction("affine", x, { alpha: 2, beta: -1 }),
    mathFunction("clip", x, { alpha: -0.25, beta: Number.POSITIVE_INFINITY }),
  ];
  const inputs = new Map([x, y].map((node) => [node, draw(random, node.shape)]));
  const { own, read, theirs } = await threeWays(graph, outputs, inputs);
  for (const [i, want] of theirs.entries()) {
    expect([...own[i]!.shape], outputs[i]!.label).toEqual([...want.dims]);
    expect(off(want.data as Float32Array, own[i]!.data), outputs[i]!.label).toBeLessThan(1e-5);
    expect(off(own[i]!.data, read[i]!.data), outputs[i]!.label).toBeLessThan(1e-6);
  }
});

test("what ONNX has no node for is named as a whole", () => {
  const graph = new Graph();
  const x = graph.input("x", [3]);
  const y = work(x, 5);
  expect(() => toOnnx(graph, { outputs: [y] })).toThrow(/cannot be written as ONNX: work \(work#1\)/);
});

test("the first axis may be open, and parameters may have values of today", async () => {
  const graph = new Graph();
  const x = graph.input("x", [1, 3], "float32");
  const w = graph.parameter("w", new Tensor(new Float32Array(6), [3, 2]));
  const y = matmul(x, w);
  const trained = new Tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]);
  const bytes = toOnnx(graph, { outputs: [y], batch: "rows", parameters: new Map([[w, trained]]) });
  const session = await ort.InferenceSession.create(bytes);
  const two = await session.run({ x: new ort.Tensor("float32", Float32Array.of(1, 0, 0, 0, 1, 1), [2, 3]) });
  expect([...(two[session.outputNames[0]!]!.data as Float32Array)]).toEqual([1, 2, 8, 10]);
});
