import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { UsageError } from "../../src/errors.js";
import {
  add,
  GoMachine,
  type GoMachineOptions,
  Graph,
  type Kernel,
  type Machine,
  MachineClosedError,
  matmul,
  mul,
  type Node,
  neg,
  Op,
  type Run,
  ShapeError,
  sigmoid,
  sub,
  TapeMachine,
  tanh,
  tensor,
  work,
} from "../../src/machine/index.js";
import { randomFrom, randomTensor, sameBits } from "./random.js";
import { letInputs, randomDag } from "./random-dag.js";

const opened: Machine[] = [];
const open = <M extends Machine>(machine: M): M => {
  opened.push(machine);
  return machine;
};
afterEach(async () => {
  for (const machine of opened.splice(0)) await machine.close();
});

/** Delays nodes at random: not at all, by some microtasks, or by a turn of the event loop. */
function randomPause(random: () => number): (node: Node) => Promise<void> | undefined {
  const ticks = async (n: number) => {
    for (let i = 0; i < n; i++) await null;
  };
  return () => {
    const draw = random();
    if (draw < 0.5) return undefined;
    return draw < 0.9 ? ticks(Math.floor(draw * 20)) : setImmediate();
  };
}

const sinks = (graph: Graph) => {
  const consumed = new Set(graph.nodes.flatMap((node) => node.inputs));
  return graph.nodes.filter((node) => !consumed.has(node));
};

describe("on random graphs all machines give the same bits", () => {
  const compare = async (seed: number, size: number, options: GoMachineOptions, delayed = true) => {
    const random = randomFrom(seed);
    const graph = randomDag(random, size, random() < 0.5 ? "float64" : "float32");
    const all = random() < 0.3 ? graph.nodes : undefined;
    const some = random() < 0.3 ? graph.nodes.filter(() => random() < 0.2) : all;
    const outputs = some === undefined ? {} : { outputs: some };
    const tape = open(new TapeMachine(graph, outputs));
    const pause = delayed ? { pause: randomPause(random) } : {};
    const go = open(new GoMachine(graph, { ...outputs, ...options, ...pause }));
    for (let repeat = 0; repeat < 2; repeat++) {
      const inputs = Math.floor(random() * 1e9);
      letInputs(tape, randomFrom(inputs));
      letInputs(go, randomFrom(inputs));
      const want = await tape.runAll();
      const got = await go.runAll();
      for (const node of some ?? sinks(graph)) {
        const [a, b] = [want.value(node), got.value(node)];
        expect(b.shape).toEqual(a.shape);
        expect(sameBits(a.data, b.data), `${node.label} of seed ${seed}`).toBe(true);
        expect(Array.from(a.data, Number).every(Number.isFinite)).toBe(true);
      }
    }
    await tape.close();
    await go.close();
  };

  test("tape = go, for capacities 1 and more, under random delays", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 5 }),
        (seed, size, capacity) => compare(seed, size, { capacity }),
      ),
      { numRuns: process.env.GOML_LONG === undefined ? 60 : 2000 },
    ));

  test.each([1, 2, 4])("tape = go with %i workers, all tasks shared, capacities and delays", (workers) =>
    fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        fc.boolean(),
        (seed, size, capacity, callerWorks, delayed) =>
          compare(seed, size, { capacity, workers, callerWorks, threshold: 0 }, delayed),
      ),
      { numRuns: process.env.GOML_LONG === undefined ? 8 : 100 },
    ),
  );

  test("tape = go with workers, cheap tasks kept where they become ready", () =>
    fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 20, max: 60 }), (seed, size) =>
        compare(seed, size, { workers: 2, threshold: 20 }, false),
      ),
      { numRuns: process.env.GOML_LONG === undefined ? 8 : 100 },
    ));

  test("large matrices, cut up between workers at any row", async () => {
    const random = randomFrom(11);
    const graph = new Graph();
    const x = graph.parameter("x", randomTensor(random, [203, 131]));
    const y = graph.parameter("y", randomTensor(random, [131, 117]));
    const product = matmul(x, y);
    const out = sub(product, matmul(tanh(x), y));
    const outputs = [out, product];
    const want = await open(new TapeMachine(graph, { outputs })).runAll();
    for (const [workers, callerWorks] of [
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const machine = open(new GoMachine(graph, { outputs, workers, callerWorks, threshold: 10_000 }));
      // The first runs are alone, those after them by trial on all threads.
      for (let repeat = 0; repeat < 12; repeat++) {
        const got = await machine.runAll();
        for (const node of outputs) expect(sameBits(got.value(node).data, want.value(node).data)).toBe(true);
      }
      expect(machine.workersAlive).toBe(workers);
      await machine.close();
    }
  });
});

const kinds: [string, (graph: Graph, options?: GoMachineOptions) => Machine][] = [
  ["TapeMachine", (graph, options) => new TapeMachine(graph, options)],
  ["GoMachine", (graph, options) => new GoMachine(graph, options)],
  [
    "GoMachine with workers",
    (graph, options) => new GoMachine(graph, { ...options, workers: 2, threshold: 0 }),
  ],
];

/** The article's equation, σ(w·x + b). */
function article() {
  const graph = new Graph();
  const w = graph.parameter("w", 0.5);
  const x = graph.input("x", []);
  const b = graph.parameter("b", 1);
  const product = mul(w, x);
  const y = sigmoid(add(product, b));
  return { graph, w, x, b, product, y };
}
const logistic = (z: number) => 1 / (1 + Math.exp(-z));

describe.each(kinds)("%s", (_kind, make) => {
  test("runs, again with other values, and sets the outputs' values", async () => {
    const { graph, w, x, y } = article();
    const machine = open(make(graph));
    machine.let(x, 2);
    const first = await machine.runAll();
    machine.let(x, -3);
    machine.let(w, 2);
    const second = await machine.runAll();
    expect(first.value(y).item()).toBe(logistic(2));
    // For negative z: e^z / (1 + e^z).
    expect(second.value(y).item()).toBe(Math.exp(-5) / (1 + Math.exp(-5)));
    expect(y.value).toBe(second.value(y));
  });

  test("reset forgets the values given and the results", async () => {
    const { graph, w, x, y } = article();
    const machine = open(make(graph));
    machine.let(x, 2);
    machine.let(w, 100);
    await machine.runAll();
    machine.reset();
    expect(y.value).toBeUndefined();
    await expect(machine.runAll()).rejects.toThrow("input x has no value");
    machine.let(x, 2);
    expect((await machine.runAll()).value(y).item()).toBe(logistic(2));
  });

  test("outputs choose what is run and kept", async () => {
    const { graph, x, b, product, y } = article();
    const machine = open(make(graph, { outputs: [product, b] }));
    machine.let(x, 4);
    const run = await machine.runAll();
    expect([run.value(product).item(), run.value(b).item()]).toEqual([2, 1]);
    expect(() => run.value(y)).toThrow("no output of this machine");
    // x is not needed for b alone.
    const small = open(make(graph, { outputs: [b] }));
    small.let(x, 1);
    expect((await small.runAll()).value(b).item()).toBe(1);
  });

  test("nodes added after the machine was made are not run", async () => {
    const { graph, x, y } = article();
    const machine = open(make(graph));
    const later = neg(y);
    machine.let(x, 0);
    const run = await machine.runAll();
    expect(run.value(y).item()).toBe(logistic(1));
    expect(() => run.value(later)).toThrow(UsageError);
  });

  test("wrong use is refused: values that do not fit, other graphs' nodes, constants, inputs without a value", async () => {
    const { graph, x, y, w } = article();
    const machine = open(make(graph));
    const text = "x is float64 scalar, the value given is float64 2";
    expect(() => machine.let(x, [1, 2])).toThrow(ShapeError);
    expect(() => machine.let(x, [1, 2])).toThrow(text);
    expect(() => machine.let(w, tensor(new Float32Array(1), []))).toThrow("float32 scalar");
    expect(() => machine.let(y, 1)).toThrow(UsageError);
    expect(() => machine.let(new Graph().input("z", []), 1)).toThrow("another graph");
    await expect(machine.runAll()).rejects.toThrow("input x has no value");
  });

  test("a closed machine refuses everything; closing it again does nothing", async () => {
    const { graph, x } = article();
    const machine = make(graph);
    machine.let(x, 1);
    await machine.runAll();
    await machine.close();
    await machine.close();
    expect(() => machine.let(x, 1)).toThrow(MachineClosedError);
    expect(() => machine.reset()).toThrow(MachineClosedError);
    await expect(machine.runAll()).rejects.toThrow(MachineClosedError);
  });

  test("results of a run are not touched by later runs", async () => {
    const graph = new Graph();
    const x = graph.input("x", [3]);
    const y = add(x, 1);
    const z = neg(y);
    const machine = open(make(graph, { outputs: [x, y, z] }));
    const runs: Run[] = [];
    for (let i = 0; i < 4; i++) {
      machine.let(x, [i, i, i]);
      runs.push(await machine.runAll());
    }
    for (const [i, run] of runs.entries()) {
      expect(run.value(x).toArray()).toEqual([i, i, i]);
      expect(run.value(y).toArray()).toEqual([i + 1, i + 1, i + 1]);
      expect(run.value(z).toArray()).toEqual([-i - 1, -i - 1, -i - 1]);
    }
  });
});

test("runs of a GoMachine may overlap, each with the values it started with", async () => {
  for (const options of [{}, { workers: 2, threshold: 0 }, { capacity: 1 }]) {
    const { graph, x, y } = article();
    const random = randomFrom(3);
    const machine = open(new GoMachine(graph, { ...options, pause: randomPause(random) }));
    const runs = Array.from({ length: 20 }, (_, i) => {
      machine.let(x, i);
      return machine.runAll();
    });
    expect(machine.running).toBe(20);
    const values = (await Promise.all(runs)).map((run) => run.value(y).item());
    expect(values).toEqual(Array.from({ length: 20 }, (_, i) => logistic(0.5 * i + 1)));
    expect(machine.running).toBe(0);
  }
});

/** x + 1, after some turns of the event loop. */
class Later extends Op {
  readonly name = "later";
  inferShape(shapes: readonly (readonly number[])[]) {
    return shapes[0]!;
  }
  prepare(): Kernel {
    return {
      units: 1,
      cost: 0,
      async run([x], out) {
        for (let i = 0; i < 3; i++) await setImmediate();
        for (let i = 0; i < out.length; i++) out[i] = x![i]! + 1;
      },
    };
  }
}

test.each([
  {},
  { workers: 1 },
  { workers: 2, callerWorks: false },
  { workers: 2, threshold: 0 },
  { workers: 1, trace: true },
])("an op of a user's own that takes its time, in the midst of others: %o", async (options) => {
  const random = randomFrom(12);
  const graph = new Graph();
  const x = graph.input("x", [40, 40]);
  const before = matmul(tanh(x), x);
  const middle = graph.apply(new Later(), [before]);
  const other = graph.apply(new Later(), [tanh(x)]);
  const heavy = matmul(matmul(middle, x), matmul(other, before));
  const out = sub(tanh(heavy), mul(middle, other));
  const outputs = [out, middle, before];
  const tape = open(new TapeMachine(graph, { outputs }));
  const go = open(new GoMachine(graph, { ...options, outputs }));
  for (let repeat = 0; repeat < 3; repeat++) {
    const value = randomTensor(random, [40, 40]);
    tape.let(x, value);
    go.let(x, value);
    const want = await tape.runAll();
    for (const run of await Promise.all([go.runAll(), go.runAll(), go.runAll()])) {
      for (const node of outputs)
        expect(sameBits(run.value(node).data, want.value(node).data), node.label).toBe(true);
      if ("trace" in options) {
        const done = new Set(
          run.trace!.spans.filter((span) => span.ended > span.started).map(({ label }) => label),
        );
        for (const node of graph.nodes) if (node !== x) expect(done).toContain(node.label);
      }
    }
  }
});

test.each([{ workers: 1 }, { workers: 1, callerWorks: false }])(
  "the event loop turns while a chain of long ops runs: %o",
  async (options) => {
    const graph = new Graph();
    let y: Node = graph.parameter("x", 1);
    for (let i = 0; i < 100; i++) y = work(y, 3_000_000);
    const machine = open(new GoMachine(graph, options));
    let running = true;
    const run = machine.runAll().then((result) => {
      running = false;
      return result;
    });
    let turns = 0;
    for (; running; turns++) await setImmediate();
    expect((await run).value(y).item()).toBe(1);
    // A hundred ops of some 3 ms, and a turn every 8: a machine five times as fast still has more than four.
    expect(turns).toBeGreaterThan(4);
  },
);

test("a TapeMachine runs one at a time and says so", async () => {
  const { graph, x } = article();
  const machine = open(new TapeMachine(graph));
  machine.let(x, 1);
  const first = machine.runAll();
  await expect(machine.runAll()).rejects.toThrow("one run at a time");
  await first;
});

test("the tape uses buffers again after the last consumer", async () => {
  const graph = new Graph();
  let y: Node = graph.parameter("x", [1, 2, 3]);
  for (let i = 0; i < 50; i++) y = add(y, 1);
  const machine = open(new TapeMachine(graph));
  expect(machine.bufferCount).toBe(2);
  expect((await machine.runAll()).value(y).toArray()).toEqual([51, 52, 53]);
});

test("what depends on constants alone is computed once, when the machine is made", async () => {
  const graph = new Graph();
  const x = graph.input("x", [2]);
  const fixed = tanh(add(graph.constant([1, 2]), 1));
  const y = mul(x, fixed);
  for (const Machine of [TapeMachine, GoMachine]) {
    const machine = open(new Machine(graph, { outputs: [y, fixed], trace: true }));
    machine.let(x, [1, 1]);
    const run = await machine.runAll();
    expect(run.trace!.spans.map((span) => span.label)).toEqual(["x", fixed.label, y.label]);
    expect(run.value(y).toArray()).toEqual([Math.tanh(2), Math.tanh(3)]);
    expect(run.value(fixed).toArray()).toEqual([Math.tanh(2), Math.tanh(3)]);
  }
});

test("100,000 nodes: random graphs and chains run on both machines, with the same bits", async () => {
  const random = randomFrom(5);
  const graph = new Graph();
  const nodes: Node[] = [graph.parameter("x", 0.5), graph.parameter("y", -0.25)];
  while (nodes.length < 100_000) {
    const a = nodes[Math.floor(random() * nodes.length)]!;
    const b = nodes[nodes.length - 1 - Math.floor(random() * 2)]!;
    nodes.push(nodes.length % 3 === 0 ? tanh(b) : sub(b, a));
  }
  const outputs = [nodes.at(-1)!];
  const want = await open(new TapeMachine(graph, { outputs })).runAll();
  const got = await open(new GoMachine(graph, { outputs })).runAll();
  // With every node delayed each task is parked on its channels: no stack grows there either.
  const parked = await open(new GoMachine(graph, { outputs, pause: () => Promise.resolve() })).runAll();
  for (const run of [got, parked]) {
    expect(sameBits(run.value(outputs[0]!).data, want.value(outputs[0]!).data)).toBe(true);
  }
});

test.each([
  [{ capacity: 0 }, "capacity"],
  [{ workers: -1 }, "workers"],
  [{ workers: 1.5 }, "workers"],
  [{ threshold: Number.NaN }, "threshold"],
])("options out of range are refused: %o", (options, name) => {
  expect(() => new GoMachine(article().graph, options)).toThrow(name);
});
