import { describe, expect, test } from "vitest";
import { add, GoMachine, Graph, grad, mul, sum, TapeMachine, Tensor } from "../../src/machine/index.js";
import { Padding, type PaddingMode } from "../../src/machine/ops/boxes.js";
import { Pooling, Unpooling } from "../../src/machine/ops/pooling.js";
import {
  type ActivationName,
  Recurrent,
  type RecurrentAttributes,
  type RecurrentOperand,
} from "../../src/machine/ops/recurrent.js";
import { GridSample, type GridSampleAttributes } from "../../src/machine/ops/sampling.js";
import { TopK } from "../../src/machine/ops/top.js";
import { sizeOf } from "../../src/machine/shape.js";
import { checkGradient, drawn } from "./differences.js";
import { randomFrom, randomTensor, sameBits } from "./random.js";

type Random = () => number;
const integer = (random: Random, low: number, high: number) => low + Math.floor(random() * (high - low + 1));
const pick = <T>(random: Random, list: readonly T[]) => list[Math.floor(random() * list.length)]!;

const GATES = { rnn: 1, gru: 3, lstm: 4 } as const;
const FUNCTIONS = { rnn: 1, gru: 2, lstm: 3 } as const;
/** Those without kinks, with a slope everywhere. */
const SMOOTH: readonly ActivationName[] = ["tanh", "sigmoid", "affine", "scaledTanh", "softsign", "softplus"];

/** A layer of random attributes and its operands. */
function layer(random: Random, name: keyof typeof GATES) {
  const direction = pick(random, ["forward", "reverse", "bidirectional"] as const);
  const directions = direction === "bidirectional" ? 2 : 1;
  const [steps, batch, width, hidden] = [
    integer(random, 1, 4),
    integer(random, 1, 3),
    integer(random, 1, 3),
    integer(random, 1, 3),
  ];
  const rows = GATES[name] * hidden;
  const shapes: Record<RecurrentOperand, number[]> = {
    bias: [directions, 2 * rows],
    lengths: [batch],
    hidden: [directions, batch, hidden],
    cell: [directions, batch, hidden],
    peepholes: [directions, 3 * hidden],
  };
  const some: RecurrentOperand[] = ["bias", "lengths", "hidden"];
  if (name === "lstm") some.push("cell", "peepholes");
  const given = some.filter(() => random() < 0.5);
  const usual = { rnn: ["tanh"], gru: ["sigmoid", "tanh"], lstm: ["sigmoid", "tanh", "tanh"] } as const;
  const own = random() < 0.5;
  const attributes: RecurrentAttributes = {
    direction,
    given,
    activations: Array.from({ length: directions * FUNCTIONS[name] }, (_, i) => ({
      name: own ? pick(random, SMOOTH) : usual[name][i % FUNCTIONS[name]]!,
      alpha: 0.5,
      beta: 0.25,
    })),
    // Beyond what gates come to, or not there.
    clip: random() < 0.5 ? 0 : 50,
    coupled: name === "lstm" && random() < 0.3,
    linearBeforeReset: name === "gru" && random() < 0.5,
  };
  const floats = [
    randomTensor(random, [steps, batch, width], -1, 1),
    randomTensor(random, [directions, rows, width], -1, 1),
    randomTensor(random, [directions, rows, hidden], -1, 1),
  ];
  const lengths = new Tensor(
    Int32Array.from({ length: batch }, () => integer(random, 1, steps)),
    [batch],
  );
  const rest = given.map((operand) =>
    operand === "lengths" ? lengths : randomTensor(random, shapes[operand], -1, 1),
  );
  return { op: new Recurrent(name, attributes), operands: [...floats, ...rest] };
}

describe.each(["rnn", "gru", "lstm"] as const)("%s", (name) => {
  test("through time, against central differences, with respect to every operand", () =>
    drawn(async (random) => {
      const { op, operands } = layer(random, name);
      const isFloat = ({ dtype }: Tensor) => dtype === "float64";
      const results = name === "lstm" ? 3 : 2;
      // One result, or all of them.
      const used = integer(random, 0, results);
      await checkGradient(random, operands.filter(isFloat), (...leaves) => {
        const { graph } = leaves[0]!;
        const rest = [...leaves];
        const nodes = operands.map((own) => (isFloat(own) ? rest.shift()! : graph.constant(own)));
        const all = graph.apply(op, nodes).results!;
        if (used < results) return all[used]!;
        return all.map((result, i) => sum(mul(result, i + 1))).reduce((a, b) => add(a, b));
      });
    }, 25));

  test("the same bits on every machine, in single precision", async () => {
    const random = randomFrom(5);
    const { op, operands } = layer(random, name);
    const graph = new Graph();
    const leaves = operands.map((value, i) =>
      value.dtype === "float64"
        ? graph.parameter(`p${i}`, new Tensor(Float32Array.from(value.data), value.shape))
        : graph.constant(value),
    );
    const [y] = graph.apply(op, leaves).results!;
    const floats = leaves.filter(({ dtype }) => dtype === "float32");
    const nodes = grad(sum(mul(y!, y!)), floats);
    const tape = await new TapeMachine(graph, { outputs: nodes }).runAll();
    const go = new GoMachine(graph, { outputs: nodes, workers: 2, threshold: 0 });
    const run = await go.runAll();
    for (const node of nodes) expect(sameBits(run.value(node).data, tape.value(node).data)).toBe(true);
    await go.close();
  });
});

test("places of a grid between elements: with respect to x and to the grid, in two and three dimensions", () =>
  drawn(async (random) => {
    const rank = integer(random, 1, 3);
    const attributes: GridSampleAttributes = {
      mode: rank === 2 ? pick(random, ["bilinear", "bicubic", "nearest"]) : "bilinear",
      padding: pick(random, ["zeros", "border", "reflection"]),
      alignCorners: random() < 0.5,
    };
    const batch = integer(random, 1, 2);
    const lengths = Array.from({ length: rank }, () => integer(random, 2, 4));
    const places = lengths.map(() => integer(random, 1, 3));
    const x = randomTensor(random, [batch, integer(random, 1, 2), ...lengths]);
    // Numbers whose places lie off the elements, the edges and what reflects there: at 0.3 beyond a quarter.
    const grid = new Tensor(
      Float64Array.from({ length: batch * sizeOf(places) * rank }, (_, i) => {
        const length = lengths[rank - 1 - (i % rank)]!;
        const place = integer(random, -2 * length, 4 * length) / 2 + 0.2;
        return attributes.alignCorners ? (2 * place) / (length - 1) - 1 : (2 * place + 1) / length - 1;
      }),
      [batch, ...places, rank],
    );
    await checkGradient(random, [x, grid], (a, b) => a!.graph.apply(new GridSample(attributes), [a!, b!]));
  }));

test("the greatest and the least elements, and those of a maximum's pool put back", () =>
  drawn(async (random) => {
    const shape = Array.from({ length: integer(random, 1, 3) }, () => integer(random, 1, 4));
    const axis = integer(random, 0, shape.length - 1);
    const size = sizeOf(shape);
    const order = Array.from({ length: size }, (_, i) => [random(), i] as const).sort(([a], [b]) => a - b);
    const x = new Tensor(
      Float64Array.from(order, ([, i]) => 0.1 * i),
      shape,
    );
    const op = new TopK({ axis, k: integer(random, 1, shape[axis]!), greatest: random() < 0.5 });
    await checkGradient(random, [x], (a) => a!.graph.apply(op, [a!]));
    const image = new Tensor(
      Float64Array.from({ length: 32 }, (_, i) => 0.1 * ((7 * i + integer(random, 0, 3)) % 32)),
      [1, 2, 4, 4],
    );
    const twos = [2, 2];
    const pool = new Pooling("maxPooling", {
      kernel: twos,
      strides: twos,
      dilations: [1, 1],
      before: [0, 0],
      after: [0, 0],
      ceil: false,
      places: "rows",
    });
    const results = await pool.doAll([image]);
    await checkGradient(random, [results[0]!], (a) =>
      a!.graph.apply(new Unpooling({ shape: image.shape }), [a!, a!.graph.constant(results[1]!)]),
    );
  }, 20));

test.each(["edge", "reflect", "wrap"] satisfies PaddingMode[])("padding by %s", (mode) =>
  drawn(async (random) => {
    const shape = Array.from({ length: integer(random, 1, 3) }, () => integer(random, 2, 4));
    const some = () => shape.map((length) => integer(random, -1, length + 2));
    const [before, after] = [some(), some()];
    for (const [axis, length] of shape.entries())
      if (length + before[axis]! + after[axis]! < 1) after[axis] = 1;
    const op = new Padding({ before, after, mode });
    await checkGradient(random, [randomTensor(random, shape)], (a) => a!.graph.apply(op, [a!]));
  }),
);
