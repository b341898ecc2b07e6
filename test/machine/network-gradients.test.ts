import { describe, expect, test } from "vitest";
import { GoMachine, Graph, grad, type Node, sum, TapeMachine, Tensor } from "../../src/machine/index.js";
import type { TypedOp } from "../../src/machine/op.js";
import { mul } from "../../src/machine/ops/binary.js";
import { Padding, Select, Stride, Triangle } from "../../src/machine/ops/boxes.js";
import { cast } from "../../src/machine/ops/cast.js";
import { Contraction } from "../../src/machine/ops/contraction.js";
import { Convolution, TransposedConvolution } from "../../src/machine/ops/convolution.js";
import { type FunctionName, mathFunction, mathFunctions } from "../../src/machine/ops/functions.js";
import {
  Gather,
  GatherElements,
  GatherTuples,
  ScatterElements,
  ScatterTuples,
} from "../../src/machine/ops/gathering.js";
import { Lanes } from "../../src/machine/ops/lanes.js";
import { concat } from "../../src/machine/ops/layout.js";
import {
  BatchNormalization,
  LayerNormalization,
  LocalResponseNormalization,
} from "../../src/machine/ops/normalization.js";
import { type PairwiseName, pairwise } from "../../src/machine/ops/pairwise.js";
import { Pooling } from "../../src/machine/ops/pooling.js";
import { REDUCTIONS, Reduction, type ReductionName } from "../../src/machine/ops/reductions.js";
import { type ResizeAttributes, ResizeAxis } from "../../src/machine/ops/resize.js";
import { split } from "../../src/machine/ops/split.js";
import { square } from "../../src/machine/ops/unary.js";
import type { Shape } from "../../src/machine/shape.js";
import { sizeOf } from "../../src/machine/shape.js";
import { checkGradient, drawn } from "./differences.js";
import { randomFrom, randomShapes, randomTensor, sameBits } from "./random.js";

const integer = (random: () => number, low: number, high: number) =>
  low + Math.floor(random() * (high - low + 1));
const pick = <T>(random: () => number, list: readonly T[]) => list[Math.floor(random() * list.length)]!;
const apply =
  (op: TypedOp) =>
  (...nodes: Node[]) =>
    nodes[0]!.graph.apply(op, nodes);
/** All elements at least 0.05 from each other, none within 0.02 of 0. */
const distinct = (random: () => number, shape: Shape): Tensor => {
  const size = sizeOf(shape);
  const order = Array.from({ length: size }, (_, i) => [random(), i] as const)
    .sort(([a], [b]) => a - b)
    .map(([, i]) => i);
  return new Tensor(
    Float64Array.from(order, (i) => (i - size / 2) * 0.07 + 0.027),
    shape,
  );
};

/** A window over one to three axes whose kernel fits into the padded input. */
function window(random: () => number) {
  const spatial = integer(random, 1, 3);
  const list = (low: number, high: number) =>
    Array.from({ length: spatial }, () => integer(random, low, high));
  const kernel = list(1, spatial === 3 ? 2 : 3);
  const [strides, dilations] = [list(1, 3), list(1, 2)];
  const [before, after] = [list(0, 1), list(0, 2)];
  const lengths = kernel.map(
    (k, axis) =>
      Math.max(1, (k - 1) * dilations[axis]! + 1 - before[axis]! - after[axis]!) + integer(random, 0, 3),
  );
  return { kernel, strides, dilations, before, after, lengths };
}

describe("ops of networks against central differences, over random shapes and attributes", () => {
  test("convolution: 1 to 3 axes, strides, dilations, asymmetric padding, groups", () =>
    drawn(async (random) => {
      const { kernel, lengths, ...attributes } = window(random);
      const groups = integer(random, 1, 2);
      const [own, filters] = [integer(random, 1, 2), groups * integer(random, 1, 2)];
      const inputs = [
        randomTensor(random, [integer(random, 1, 2), groups * own, ...lengths]),
        randomTensor(random, [filters, own, ...kernel]),
        ...(random() < 0.5 ? [randomTensor(random, [filters])] : []),
      ];
      await checkGradient(random, inputs, apply(new Convolution({ ...attributes, groups })));
    }));

  test("transposed convolution, with padding of the output", () =>
    drawn(async (random) => {
      const { kernel, lengths: _lengths, ...attributes } = window(random);
      const groups = integer(random, 1, 2);
      const [channels, own] = [groups * integer(random, 1, 2), integer(random, 1, 2)];
      const outputPadding = kernel.map((_, axis) => integer(random, 0, attributes.strides[axis]! - 1));
      // Long enough for the padding to leave something.
      const lengths = kernel.map(() => integer(random, 3, 4));
      const inputs = [
        randomTensor(random, [integer(random, 1, 2), channels, ...lengths]),
        randomTensor(random, [channels, own, ...kernel]),
        ...(random() < 0.5 ? [randomTensor(random, [groups * own])] : []),
      ];
      await checkGradient(
        random,
        inputs,
        apply(new TransposedConvolution({ ...attributes, groups, outputPadding })),
      );
    }, 25));

  test.each(["maxPooling", "averagePooling", "normPooling"] as const)("%s", (name) =>
    drawn(async (random) => {
      const { lengths, ...attributes } = window(random);
      // Windows that see padding alone have no greatest element.
      const before = attributes.before.map((pad, axis) => Math.min(pad, attributes.kernel[axis]! - 1));
      const after = attributes.after.map((pad, axis) => Math.min(pad, attributes.kernel[axis]! - 1));
      const long = lengths.map((length, axis) => length + 2 * attributes.dilations[axis]! + 2);
      const op = new Pooling(name, {
        ...attributes,
        before,
        after,
        ceil: random() < 0.5,
        countPadding: random() < 0.5,
        p: integer(random, 2, 3),
      });
      const x = distinct(random, [
        integer(random, 1, 2),
        integer(random, 1, 2),
        ...long.slice(0, 2),
        ...long.slice(2, 3).map(() => 3),
      ]);
      await checkGradient(random, [x], apply(op));
    }, 25),
  );

  test("batch normalisation with respect to all five operands", () =>
    drawn(async (random) => {
      const shape = [integer(random, 1, 3), integer(random, 1, 3), ...randomShapes(random, 0).shape];
      const each = (low: number, high: number) => randomTensor(random, [shape[1]!], low, high);
      const inputs = [randomTensor(random, shape), each(0.5, 2), each(-1, 1), each(-1, 1), each(0.5, 2)];
      await checkGradient(random, inputs, apply(new BatchNormalization({ epsilon: 1e-3 })));
    }));

  test("layer normalisation", () =>
    drawn(async (random) => {
      const shape = [...randomShapes(random, 0).shape, integer(random, 2, 4)];
      const axis = integer(random, 0, shape.length - 1);
      const op = new LayerNormalization({ axis, epsilon: 1e-3, statistics: random() < 0.5 });
      await checkGradient(random, [randomTensor(random, shape)], apply(op));
    }));

  test("normalisation over neighbouring channels", () =>
    drawn(async (random) => {
      const shape = [1, integer(random, 1, 5), integer(random, 1, 2)];
      const attributes = { size: integer(random, 1, 4), alpha: random(), beta: 0.5 + random(), bias: 1 };
      await checkGradient(
        random,
        [randomTensor(random, shape)],
        apply(new LocalResponseNormalization(attributes)),
      );
    }));

  const domains: Partial<Record<FunctionName, [number, number]>> = {
    asin: [-0.8, 0.8],
    acos: [-0.8, 0.8],
    atanh: [-0.8, 0.8],
    acosh: [1.3, 3],
    tan: [-1, 1],
    reciprocal: [0.4, 2],
  };
  /** Away from the kinks of all of them: multiples of a half. */
  const offKinks = (random: () => number, shape: Shape, low: number, high: number) => {
    const { data } = randomTensor(random, shape, low, high);
    return new Tensor(
      data.map((v) => (Math.abs(2 * v - Math.round(2 * v)) < 0.05 ? v + 0.1 : v)),
      shape,
    );
  };
  test.each(Object.keys(mathFunctions) as FunctionName[])("%s", (name) =>
    drawn(async (random) => {
      const x = offKinks(random, randomShapes(random, 0).shape, ...(domains[name] ?? [-4, 4]));
      const [alpha, beta] = name === "clip" ? [-1, 1.5] : name === "hardSigmoid" ? [0.25, 0.5] : [0.5, 1.5];
      await checkGradient(random, [x], (node) => mathFunction(name, node, { alpha, beta }));
    }, 20),
  );

  test.each([
    "minimum",
    "maximum",
    "prelu",
    "modulo",
    "remainder",
  ] as const satisfies readonly PairwiseName[])("%s, broadcast", (name) =>
    drawn(async (random) => {
      const { parts } = randomShapes(random, 2);
      const inputs = parts.map((shape, i) => {
        const { data } = randomTensor(random, shape, 0.3, 2);
        // Quotients that are no integers: one operand is of multiples of 0.4, the other of 1.1 and 0.07 more.
        return new Tensor(
          data.map((v) => (i === 0 ? Math.round(v / 0.4) * 0.4 + 0.41 : Math.round(v) * 1.1 + 0.07 + 1)),
          shape,
        );
      });
      await checkGradient(random, inputs, (x, y) => pairwise(name, x!, y!));
    }),
  );

  test.each(REDUCTIONS as readonly ReductionName[])("%s", (name) =>
    drawn(async (random) => {
      const shape = randomShapes(random, 0).shape;
      const axes = shape.map((_, axis) => axis).filter(() => random() < 0.6);
      const x = name === "logSum" ? randomTensor(random, shape, 0.3, 2) : distinct(random, shape);
      // A zero, or two: the product of the others counts, or nothing does.
      if (name === "product" && random() < 0.5) for (const i of [0, 1]) if (i < x.data.length) x.data[i] = 0;
      await checkGradient(random, [x], apply(new Reduction(name, { axes, keepAxes: random() < 0.5 })));
    }),
  );

  test.each([
    ["logSoftmax", {}],
    ["runningSum", { exclusive: true }],
    ["runningSum", { reverse: true }],
    ["normalize", { p: 1 }],
    ["normalize", { p: 2 }],
  ] as const)("%s %o along an axis", (name, attributes) =>
    drawn(async (random) => {
      const shape = [...randomShapes(random, 0).shape, integer(random, 1, 4)];
      const axis = integer(random, 0, shape.length - 1);
      await checkGradient(random, [distinct(random, shape)], apply(new Lanes(name, { axis, ...attributes })));
    }, 25),
  );

  test("split, of whose parts the cost needs some", () =>
    drawn(async (random) => {
      const lengths = Array.from({ length: integer(random, 1, 4) }, () => integer(random, 1, 3));
      const shape = [2, lengths.reduce((a, b) => a + b, 0), 2];
      const used = lengths.map(() => random() < 0.6);
      await checkGradient(random, [randomTensor(random, shape)], (x) => {
        const parts = split(x, lengths, 1).filter((_, i) => used[i]);
        return concat([...parts.map(square), x], 1);
      });
    }));

  test("select, cast, triangle", () =>
    drawn(async (random) => {
      const { parts } = randomShapes(random, 3);
      const mask = new Tensor(
        Uint8Array.from({ length: sizeOf(parts[0]!) }, () => integer(random, 0, 1)),
        parts[0]!,
        "bool",
      );
      const [x, y] = parts.slice(1).map((shape) => randomTensor(random, shape)) as [Tensor, Tensor];
      await checkGradient(random, [x, y], (a, b) =>
        a!.graph.apply(new Select(), [a!.graph.constant(mask), a!, b!]),
      );
      const square2 = randomTensor(random, [2, 3, 4]);
      const op = new Triangle({ upper: random() < 0.5, diagonal: integer(random, -2, 2) });
      await checkGradient(random, [square2], apply(op));
      await checkGradient(random, [square2], (a) => cast(a, "float64"));
    }));

  test("zeros put around and cut off, and the element that is put there", () =>
    drawn(async (random) => {
      const shape = [integer(random, 3, 4), integer(random, 3, 4)];
      const some = () => shape.map(() => integer(random, -1, 2));
      const op = new Padding({ before: some(), after: some(), mode: "constant" });
      await checkGradient(random, [randomTensor(random, shape), randomTensor(random, [])], apply(op));
    }));

  test("elements taken at steps, forwards and backwards", () =>
    drawn(async (random) => {
      const shape = Array.from({ length: integer(random, 1, 3) }, () => integer(random, 1, 6));
      const drawnAxes = shape.map((length) => {
        const step = pick(random, [-3, -2, -1, 1, 2, 3]);
        const start = integer(random, 0, length - 1);
        const most = step > 0 ? Math.floor((length - 1 - start) / step) : Math.floor(start / -step);
        return { step, start, count: 1 + integer(random, 0, most) };
      });
      const op = new Stride({
        starts: drawnAxes.map(({ start }) => start),
        steps: drawnAxes.map(({ step }) => step),
        lengths: drawnAxes.map(({ count }) => count),
      });
      await checkGradient(random, [randomTensor(random, shape)], apply(op));
    }));

  const int64 = (values: readonly number[], shape: Shape) =>
    new Tensor(BigInt64Array.from(values, BigInt), shape);
  test("gathering and scattering, with indices that meet", () =>
    drawn(async (random) => {
      const shape = [integer(random, 2, 3), integer(random, 2, 3), 2];
      const axis = integer(random, 0, 2);
      const x = randomTensor(random, shape);
      const indexes = (length: number, own: Shape) =>
        int64(
          Array.from({ length: sizeOf(own) }, () => integer(random, -length, length - 1)),
          own,
        );
      const rows = indexes(shape[axis]!, random() < 0.3 ? [] : [2, 2]);
      const of =
        (op: TypedOp, at: Tensor) =>
        (node: Node, ...more: Node[]) =>
          node.graph.apply(op, [node, node.graph.constant(at), ...more]);
      await checkGradient(random, [x], of(new Gather({ axis }), rows));
      const elements = shape.map((length, i) => (i === axis ? integer(random, 1, 4) : length));
      const at = indexes(shape[axis]!, elements);
      await checkGradient(random, [x], of(new GatherElements({ axis }), at));
      const updates = randomTensor(random, elements);
      await checkGradient(random, [x, updates], of(new ScatterElements({ axis, combination: "add" }), at));
      const tuples = int64(
        Array.from({ length: 6 }, (_, i) => integer(random, 0, shape[i % 2]! - 1)),
        [3, 2],
      );
      await checkGradient(random, [x], of(new GatherTuples({ batchAxes: 0 }), tuples));
      const parts = randomTensor(random, [3, 2]);
      await checkGradient(random, [x, parts], of(new ScatterTuples({ combination: "add" }), tuples));
      // Replaced elements do not count; each is replaced once.
      const once = int64([1, 0], [2, 1]);
      await checkGradient(
        random,
        [x, randomTensor(random, [2, shape[1]!, 2])],
        of(new ScatterTuples({ combination: "none" }), once),
      );
    }, 20));

  test("resizing, in every mode", () =>
    drawn(async (random) => {
      const shape = [2, integer(random, 2, 5), 2];
      const length = integer(random, 1, 8);
      const attributes: ResizeAttributes = {
        axis: 1,
        length,
        scale: length / shape[1]!,
        mode: pick(random, ["nearest", "linear", "cubic"] as const),
        coordinates: pick(random, [
          "half_pixel",
          "align_corners",
          "asymmetric",
          "tf_crop_and_resize",
        ] as const),
        nearest: "round_prefer_floor",
        cubic: -0.75,
        excludeOutside: random() < 0.5,
        start: -0.2,
        end: 1.1,
        outside: 3,
        antialias: random() < 0.5,
      };
      await checkGradient(random, [randomTensor(random, shape)], apply(new ResizeAxis(attributes)));
    }));

  test.each([
    [
      "a product of matrices",
      [
        [0, 1],
        [1, 2],
      ],
      [0, 2],
      [
        [2, 3],
        [3, 4],
      ],
    ],
    [
      "an axis of one operand alone",
      [
        [0, 1, 3],
        [1, 2],
      ],
      [2, 0],
      [
        [2, 3, 2],
        [3, 4],
      ],
    ],
    ["three operands", [[0, 1], [1, 2], [2]], [0], [[2, 3], [3, 2], [2]]],
    ["an outer product", [[0], [1]], [1, 0], [[2], [3]]],
  ] as const)("a contraction: %s", (_name, operands, result, shapes) =>
    drawn(
      (random) =>
        checkGradient(
          random,
          shapes.map((shape) => randomTensor(random, shape)),
          apply(new Contraction({ operands, result })),
        ),
      10,
    ),
  );
});

test("derivatives of float32 are float32, agree with those in double, and are the same bits on every machine", async () => {
  const random = randomFrom(3);
  const [x, w, b] = [
    randomTensor(random, [2, 4, 9, 9]),
    randomTensor(random, [8, 2, 3, 3]),
    randomTensor(random, [8]),
  ];
  const convolution = new Convolution({
    strides: [2, 1],
    dilations: [1, 2],
    before: [1, 2],
    after: [1, 2],
    groups: 2,
  });
  const pool = new Pooling("maxPooling", {
    kernel: [3, 3],
    strides: [2, 2],
    dilations: [1, 1],
    before: [1, 1],
    after: [1, 1],
    ceil: true,
  });
  const built = (make: (x: Tensor) => Tensor) => {
    const graph = new Graph();
    const leaves = [x, w, b].map((value, i) => graph.parameter(`p${i}`, make(value)));
    const y = graph.apply(pool, [graph.apply(convolution, leaves)]);
    return { graph, nodes: grad(sum(mul(y, y)), leaves) };
  };
  const wide = built((t) => t);
  const narrow = built((t) => new Tensor(Float32Array.from(t.data), t.shape));
  const reference = await new TapeMachine(wide.graph, { outputs: wide.nodes }).runAll();
  const tape = await new TapeMachine(narrow.graph, { outputs: narrow.nodes }).runAll();
  for (const [i, node] of narrow.nodes.entries()) {
    const [got, want] = [tape.value(node), reference.value(wide.nodes[i]!)];
    expect(got.dtype).toBe("float32");
    const most = Float64Array.from(want.data).reduce((max, v) => Math.max(max, Math.abs(v)), 0);
    // Sums of some hundred products of numbers of size 2, rounded to 2⁻²⁴ each.
    for (const [k, v] of want.data.entries()) expect(Math.abs(got.data[k]! - v)).toBeLessThan(2e-5 * most);
  }
  for (const workers of [0, 1, 2]) {
    const machine = new GoMachine(narrow.graph, { outputs: narrow.nodes, workers, threshold: 0 });
    const run = await machine.runAll();
    for (const node of narrow.nodes) expect(sameBits(run.value(node).data, tape.value(node).data)).toBe(true);
    await machine.close();
  }
});

test("what has no derivative is named", () => {
  const graph = new Graph();
  const x = graph.parameter("x", [[1, 2, 3]]);
  const statistics = graph.apply(new LayerNormalization({ axis: 1, epsilon: 0, statistics: true }), [x]);
  expect(() => grad(sum(statistics.results![1]!), [x])).toThrow("layerNormalization of node");
});
