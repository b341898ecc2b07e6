import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  BatchNormalization,
  Convolution,
  div,
  fuse,
  GoMachine,
  Graph,
  mathFunction,
  matmul,
  mean,
  mul,
  type Node,
  Padding,
  pairwise,
  relu,
  sigmoid,
  sub,
  TapeMachine,
  Tensor,
  TransposedConvolution,
  tanh,
} from "../../../src/machine/index.js";
import { sizeOf } from "../../../src/machine/shape.js";
import { randomFrom, sameBits } from "../random.js";

const draw = (random: () => number, shape: readonly number[]) =>
  new Tensor(
    Float32Array.from({ length: sizeOf(shape) }, () => 2 * random() - 1),
    shape,
  );

/** What a graph gives by a machine, and what it gives fused by all machines. */
async function both(graph: Graph, outputs: readonly Node[], inputs: ReadonlyMap<Node, Tensor>) {
  const fused = fuse(graph, outputs);
  const machines = [
    new TapeMachine(graph, { outputs }),
    ...[
      (own: readonly Node[]) => new TapeMachine(fused.graph, { outputs: own }),
      (own: readonly Node[]) => new GoMachine(fused.graph, { outputs: own }),
      (own: readonly Node[]) => new GoMachine(fused.graph, { outputs: own, workers: 2, threshold: 0 }),
    ].map((make) => make(outputs.map((node) => fused.nodeOf(node)!))),
  ];
  const results: Tensor[][] = [];
  for (const [i, machine] of machines.entries()) {
    for (const [node, value] of inputs) {
      const own = i === 0 ? node : fused.nodeOf(node);
      if (own !== undefined) machine.let(own, value);
    }
    const run = await machine.runAll();
    results.push(outputs.map((node) => run.value(i === 0 ? node : fused.nodeOf(node)!)));
    await machine.close();
  }
  const [plain, ...others] = results as [Tensor[], Tensor[], Tensor[], Tensor[]];
  for (const other of others.slice(1))
    for (const [k, value] of other.entries()) expect(sameBits(value.data, others[0]![k]!.data)).toBe(true);
  return { plain, fused: others[0]!, graph: fused.graph };
}

const opsOf = (graph: Graph) => graph.nodes.flatMap(({ op }) => (typeof op === "string" ? [] : [op.name]));
const window = (padding = 0, stride = 1) => ({
  strides: [stride, stride],
  dilations: [1, 1],
  before: [padding, padding],
  after: [padding, padding],
});

/** Elementwise ops on values so far, chosen by numbers. */
function someOps(
  graph: Graph,
  start: readonly Node[],
  choices: readonly (readonly [number, number, number])[],
): Node[] {
  const values = [...start];
  for (const [kind, i, j] of choices) {
    const x = values[i % values.length]!;
    const y = values[j % values.length]!;
    const make = [
      () => add(x, y),
      () => mul(x, y),
      () => sub(x, y),
      () => div(x, add(mul(y, y), graph.constant([1], "float32"))),
      () => relu(x),
      () => sigmoid(x),
      () => tanh(x),
      () => mathFunction("clip", x, { alpha: -0.5, beta: 0.5 }),
      () => mathFunction("hardSwish", x),
      () => pairwise("maximum", x, y),
    ][kind % 10]!;
    values.push(make());
  }
  return values;
}

const choices = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { minLength: 1, maxLength: 40 });

test("joined elementwise ops leave every bit, whatever is read where", async () => {
  const kinds = [[2, 3, 7, 9], [3, 1, 1], [7, 9], [], [2, 1, 1, 1], [9]];
  await fc.assert(
    fc.asyncProperty(
      choices,
      fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
      fc.nat(1000),
      fc.nat(),
      async (ops, shapes, seed, also) => {
        const graph = new Graph();
        const random = randomFrom(seed);
        const inputs = new Map<Node, Tensor>();
        for (const [i, kind] of [0, ...shapes].entries()) {
          const node = graph.input(`x${i}`, kinds[kind]!, "float32");
          inputs.set(node, draw(random, kinds[kind]!));
        }
        const values = someOps(graph, [...inputs.keys()], ops);
        // One in the midst is wanted too, and one is read by what is no elementwise op.
        const outputs = [...new Set([values.at(-1)!, values[also % values.length]!])];
        outputs.push(mean(values[(also * 7) % values.length]!));
        const { plain, fused } = await both(graph, outputs, inputs);
        for (const [i, value] of plain.entries()) expect(sameBits(value.data, fused[i]!.data)).toBe(true);
      },
    ),
    { numRuns: 40 },
  );
});

test("what follows a convolution or a product leaves every bit: biases, residuals, gates by channel", async () => {
  await fc.assert(
    fc.asyncProperty(
      choices,
      fc.record({
        groups: fc.constantFrom(1, 2, 8),
        size: fc.constantFrom(1, 3),
        stride: fc.constantFrom(1, 2),
        biased: fc.boolean(),
        side: fc.constantFrom(5, 23),
        product: fc.boolean(),
      }),
      fc.nat(1000),
      async (ops, { groups, size, stride, biased, side, product }, seed) => {
        const graph = new Graph();
        const random = randomFrom(seed);
        const x = graph.input("x", product ? [2, side, 8] : [2, 8, side, side], "float32");
        const w = graph.constant(draw(random, product ? [8, 40] : [8, 8 / groups, size, size]));
        const leader = product
          ? matmul(x, w)
          : graph.apply(new Convolution({ ...window(size >> 1, stride), groups }), [
              x,
              w,
              ...(biased ? [graph.constant(draw(random, [8]))] : []),
            ]);
        const beside = product
          ? [leader.shape, [40], [side, 1], [2, 1, 1], []]
          : [leader.shape, [8, 1, 1], [2, 8, 1, 1], leader.shape.slice(2), [1, 8, 1, 1]];
        const others = beside.map((shape, i) => graph.input(`r${i}`, shape, "float32"));
        const values = someOps(graph, [leader, ...others.slice(0, 1 + (seed % 5))], ops);
        const last = add(leader, values.at(-1)!);
        const inputs = new Map([x, ...others].map((node) => [node, draw(random, node.shape)]));
        const { plain, fused, graph: own } = await both(graph, [last], inputs);
        expect(sameBits(plain[0]!.data, fused[0]!.data)).toBe(true);
        expect(own.nodes.length).toBeLessThan(graph.nodes.length);
      },
    ),
    { numRuns: 60 },
  );
});

test("a residual block is a convolution after a convolution, with all that follows", async () => {
  const graph = new Graph();
  const random = randomFrom(4);
  const x = graph.input("x", [1, 8, 20, 20], "float32");
  const convolved = (from: Node) => {
    const y = graph.apply(new Convolution({ ...window(1), groups: 1 }), [
      from,
      graph.constant(draw(random, [8, 8, 3, 3])),
    ]);
    const numbers = (low: number) =>
      graph.constant(
        new Tensor(
          Float32Array.from({ length: 8 }, () => low + random()),
          [8],
        ),
      );
    return graph.apply(new BatchNormalization({ epsilon: 1e-5 }), [
      y,
      numbers(0),
      numbers(-0.5),
      numbers(-0.5),
      numbers(0.5),
    ]);
  };
  const last = relu(add(convolved(relu(convolved(x))), x));
  const { plain, fused, graph: own } = await both(graph, [last], new Map([[x, draw(random, x.shape)]]));
  expect(opsOf(own)).toEqual(["convolution", "convolution"]);
  // A sum of 72 products that were rounded elsewhere: some units in the last place of the greatest.
  const most = Math.max(...plain[0]!.data);
  for (const [i, value] of plain[0]!.data.entries())
    expect(Math.abs(value - fused[0]!.data[i]!)).toBeLessThanOrEqual(1e-5 * most);
});

describe("weights that are folded", () => {
  const cases = [
    [
      "a convolution",
      (graph: Graph, x: Node, w: Node, b: Node) =>
        graph.apply(new Convolution({ ...window(1), groups: 2 }), [x, w, b]),
      [6, 2, 3, 3],
      6,
    ],
    [
      "a transposed convolution in groups",
      (graph: Graph, x: Node, w: Node, b: Node) =>
        graph.apply(new TransposedConvolution({ ...window(1, 2), groups: 2, outputPadding: [1, 0] }), [
          x,
          w,
          b,
        ]),
      [4, 3, 3, 3],
      6,
    ],
  ] as const;
  test.each(cases)("normalise %s", async (_name, make, shape, channels) => {
    const random = randomFrom(9);
    const graph = new Graph();
    const x = graph.input("x", [2, 4, 9, 9], "float32");
    const y = make(graph, x, graph.constant(draw(random, shape)), graph.constant(draw(random, [channels])));
    const numbers = (low: number) =>
      graph.constant(
        new Tensor(
          Float32Array.from({ length: channels }, () => low + random()),
          [channels],
        ),
      );
    const last = graph.apply(new BatchNormalization({ epsilon: 1e-3 }), [
      y,
      numbers(0),
      numbers(-0.5),
      numbers(-0.5),
      numbers(0.5),
    ]);
    const { plain, fused, graph: own } = await both(graph, [last], new Map([[x, draw(random, x.shape)]]));
    expect(opsOf(own)).not.toContain("batchNormalization");
    const most = Math.max(...plain[0]!.data);
    for (const [i, value] of plain[0]!.data.entries())
      expect(Math.abs(value - fused[0]!.data[i]!)).toBeLessThanOrEqual(1e-5 * most);
    // Made once, however often the graph is planned.
    const again = fuse(graph, [last]);
    const constants = (each: Graph) => each.nodes.flatMap(({ initial }) => (initial ? [initial] : []));
    expect(constants(again.graph).every((value) => constants(own).includes(value))).toBe(true);
  });

  test("take zeros around an image, with the same bits, and leave other padding alone", async () => {
    const random = randomFrom(2);
    for (const [value, mode] of [
      [0, "constant"],
      [1, "constant"],
      [0, "edge"],
    ] as const) {
      const graph = new Graph();
      const x = graph.input("x", [1, 3, 8, 8], "float32");
      const padded = graph.apply(
        new Padding({ before: [0, 0, 0, 1], after: [0, 0, 1, 2], mode }),
        mode === "edge" ? [x] : [x, graph.constant([value], "float32")],
      );
      const y = graph.apply(new Convolution({ ...window(0, 2), groups: 1 }), [
        padded,
        graph.constant(draw(random, [5, 3, 3, 3])),
      ]);
      const { plain, fused, graph: own } = await both(graph, [y], new Map([[x, draw(random, x.shape)]]));
      expect(opsOf(own).includes("padding")).toBe(mode === "edge" || value === 1);
      expect(sameBits(plain[0]!.data, fused[0]!.data)).toBe(true);
    }
  });
});
