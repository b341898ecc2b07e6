import fc from "fast-check";
import { expect, test } from "vitest";
import {
  Convolution,
  GoMachine,
  Graph,
  LayerNormalization,
  Pooling,
  Recurrent,
  Reduction,
  ResizeAxis,
  TapeMachine,
  Tensor,
  TransposedConvolution,
} from "../../../src/machine/index.js";
import type { TypedOp } from "../../../src/machine/op.js";
import { Slice, Transpose } from "../../../src/machine/ops/layout.js";
import { Matmul } from "../../../src/machine/ops/matmul.js";
import { Softmax } from "../../../src/machine/ops/softmax.js";
import { sizeOf } from "../../../src/machine/shape.js";
import { floats } from "../kernels/in-memory.js";
import { randomFrom } from "../random.js";

interface Case {
  readonly op: TypedOp;
  readonly shapes: readonly (readonly number[])[];
}

const length = (max: number) => fc.integer({ min: 1, max });
const flags = fc.boolean();
const windows = fc.record({
  kernel: fc.tuple(length(4), length(4)),
  strides: fc.tuple(length(3), length(3)),
  dilations: fc.tuple(length(2), length(2)),
  before: fc.tuple(fc.nat(3), fc.nat(3)),
  after: fc.tuple(fc.nat(3), fc.nat(3)),
});

const pooling: fc.Arbitrary<Case> = fc
  .record({
    window: windows,
    height: length(30),
    width: length(30),
    average: flags,
    ceil: flags,
    countPadding: flags,
  })
  .map(({ window, height, width, average, ceil, countPadding }) => ({
    op: new Pooling(average ? "averagePooling" : "maxPooling", { ...window, ceil, countPadding }),
    shapes: [[2, 3, height + 8, width + 8]],
  }));

const transposedConvolution: fc.Arbitrary<Case> = fc
  .record({
    window: windows,
    height: length(30),
    width: length(30),
    groups: length(2),
    filters: length(5),
    biased: flags,
  })
  .map(({ window: { kernel, ...window }, height, width, groups, filters, biased }) => ({
    op: new TransposedConvolution({ ...window, groups, outputPadding: [0, 0] }),
    shapes: [[2, 4, height + 3, width + 3], [4, filters, ...kernel], ...(biased ? [[filters * groups]] : [])],
  }));

const depthwise: fc.Arbitrary<Case> = fc
  .record({ window: windows, height: length(20), width: length(60) })
  .map(({ window: { kernel, ...window }, height, width }) => ({
    op: new Convolution({ ...window, groups: 5 }),
    shapes: [[2, 5, height + 8, width + 8], [5, 1, ...kernel], [5]],
  }));

const resizing: fc.Arbitrary<Case> = fc
  .record({
    axis: fc.constantFrom(1, 2, 3),
    from: length(20),
    to: length(40),
    mode: fc.constantFrom("nearest", "linear", "cubic"),
    coordinates: fc.constantFrom("half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"),
    excludeOutside: flags,
    antialias: flags,
  })
  .map(({ axis, from, to, ...rest }) => ({
    op: new ResizeAxis({
      ...(rest as { mode: "linear"; coordinates: "asymmetric"; excludeOutside: boolean; antialias: boolean }),
      axis,
      length: to,
      scale: to / from,
      nearest: "round_prefer_floor",
      cubic: -0.75,
      start: -0.2,
      end: 1.1,
      outside: 7,
    }),
    shapes: [[2, 5, 6, 7].map((own, i) => (i === axis ? from : own * (i === 0 ? 4 : 1)))],
  }));

const rows: fc.Arbitrary<Case> = fc
  .record({ kind: fc.nat(5), count: length(40), n: length(700) })
  .map(({ kind, count, n }) => ({
    op: [
      new Reduction("sumOf", { axes: [1], keepAxes: false }),
      new Reduction("meanOf", { axes: [-1], keepAxes: true }),
      new LayerNormalization({ axis: 1, epsilon: 1e-5, statistics: false }),
      new LayerNormalization({ axis: 1, epsilon: 1e-5, statistics: true }),
      new Softmax({ axis: -1 }),
      new Softmax({ axis: 0 }),
    ][kind]!,
    shapes: [[count, n]],
  }));

const copies: fc.Arbitrary<Case> = fc
  .record({
    shape: fc.tuple(length(9), length(9), length(30), length(30)),
    axes: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    slices: flags,
  })
  .map(({ shape, axes, slices }) => ({
    op: slices ? new Slice({ ranges: shape.map((own) => [own >> 2, own]) }) : new Transpose({ axes }),
    shapes: [shape],
  }));

const products: fc.Arbitrary<Case> = fc
  .record({ m: length(40), k: length(40), n: length(40) })
  .map(({ m, k, n }) => ({
    op: new Matmul(),
    shapes: [
      [2, m, k],
      [k, n],
    ],
  }));

const recurrent: fc.Arbitrary<Case> = fc
  .record({
    name: fc.constantFrom("rnn", "gru", "lstm"),
    direction: fc.constantFrom("forward", "reverse", "bidirectional"),
    steps: fc.oneof(length(5), length(90)),
    batch: length(3),
    width: length(40),
    hidden: length(20),
    biased: flags,
    begun: flags,
    linearBeforeReset: flags,
  })
  .map(({ name, direction, steps, batch, width, hidden, biased, begun, linearBeforeReset }) => {
    const gates = { rnn: 1, gru: 3, lstm: 4 }[name];
    const directions = direction === "bidirectional" ? 2 : 1;
    const functions = { rnn: ["tanh"], gru: ["sigmoid", "tanh"], lstm: ["sigmoid", "tanh", "tanh"] } as const;
    const activations = Array.from({ length: directions }, () => functions[name]).flat();
    return {
      op: new Recurrent(name, {
        direction,
        given: [...(biased ? (["bias"] as const) : []), ...(begun ? (["hidden"] as const) : [])],
        activations: activations.map((own) => ({ name: own, alpha: 0, beta: 0 })),
        clip: 0,
        coupled: false,
        linearBeforeReset,
      }),
      shapes: [
        [steps, batch, width],
        [directions, gates * hidden, width],
        [directions, gates * hidden, hidden],
        ...(biased ? [[directions, 2 * gates * hidden]] : []),
        ...(begun ? [[directions, batch, hidden]] : []),
      ],
    };
  });

const text = (values: ArrayLike<number>) =>
  Array.from(values, (value) => (Object.is(value, -0) ? "-0" : value));

/** An op outside of any machine, where loops are plain, and in machines, where they are in WebAssembly. */
async function alike({ op, shapes }: Case, seed: number): Promise<void> {
  const random = randomFrom(seed);
  const inputs = shapes.map((shape) => new Tensor(floats(random, sizeOf(shape)), shape));
  const plain = (await op.doAll(inputs)).map(({ data }) => text(data));
  const graph = new Graph();
  const leaves = inputs.map(({ shape }, i) => graph.input(`x${i}`, shape, "float32"));
  const node = graph.apply(op, leaves);
  const outputs = node.results ?? [node];
  // Something large that wants its operands in memory, so that this op has them there too.
  const large = graph.apply(new Matmul(), [
    graph.constant(new Tensor(new Float32Array(400), [20, 20])),
    graph.input("large", [20, 20], "float32"),
  ]);
  for (const machine of [
    new TapeMachine(graph, { outputs: [...outputs, large] }),
    new GoMachine(graph, { outputs: [...outputs, large], workers: seed % 8 === 0 ? 2 : 0, threshold: 0 }),
  ]) {
    for (const [i, leaf] of leaves.entries()) machine.let(leaf, inputs[i]!);
    machine.let(large.inputs[1]!, new Float32Array(400));
    const run = await machine.runAll();
    for (const [i, output] of outputs.entries()) expect(text(run.value(output).data)).toEqual(plain[i]);
    await machine.close();
  }
}

test.each([
  ["pooling", pooling],
  ["transposed convolution", transposedConvolution],
  ["depthwise convolution", depthwise],
  ["resizing", resizing],
  ["rows", rows],
  ["transposing and cutting", copies],
  ["products", products],
  ["recurrent layers", recurrent],
] as const)("%s has the same bits in WebAssembly, cut up or not, as in plain loops", async (_name, cases) => {
  await fc.assert(fc.asyncProperty(cases, fc.nat(10_000), alike), { numRuns: 40 });
});

test("what a transposed convolution makes of many positions is added in the order of its blocks", async () => {
  // More than one block of positions, and windows that overlap across them.
  const op = new TransposedConvolution({
    strides: [1, 1],
    dilations: [1, 1],
    before: [1, 1],
    after: [1, 1],
    groups: 1,
    outputPadding: [0, 0],
  });
  await alike(
    {
      op,
      shapes: [
        [1, 3, 40, 40],
        [3, 4, 3, 3],
      ],
    },
    16,
  );
});
