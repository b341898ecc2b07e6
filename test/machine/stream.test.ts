import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  add,
  type Data,
  GoMachine,
  type GoMachineOptions,
  Graph,
  type Kernel,
  type LeafValues,
  type Machine,
  mul,
  type Node,
  Op,
  OpError,
  type Run,
  sigmoid,
  TapeMachine,
  tanh,
  work,
} from "../../src/machine/index.js";
import { randomFrom, randomTensor, sameBits } from "./random.js";
import { randomDag } from "./random-dag.js";

const opened: Machine[] = [];
const open = <M extends Machine>(machine: M): M => {
  opened.push(machine);
  return machine;
};
afterEach(async () => {
  for (const machine of opened.splice(0)) await machine.close();
});

/** Values for all inputs of a graph, and for some of its parameters. */
function draw(graph: Graph, random: () => number): [Node, Data][] {
  return graph.nodes
    .filter(({ op }) => op === "input" || (op === "parameter" && random() < 0.3))
    .map((node) => {
      const { data } = randomTensor(random, node.shape);
      return [node, node.dtype === "float64" ? data : Float32Array.from(data)];
    });
}

async function* slowly<T>(values: Iterable<T>, random: () => number): AsyncGenerator<T> {
  for (const value of values) {
    if (random() < 0.3) await setImmediate();
    yield value;
  }
}

describe("runs of a stream come in order, with the tape's bits", () => {
  test.each([0, 1, 2, 4])("on %i workers, whatever the capacity and who is slow", (workers) =>
    fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.boolean(),
        async (seed, size, capacity, callerWorks, slow) => {
          const random = randomFrom(seed);
          const graph = randomDag(random, size, random() < 0.5 ? "float64" : "float32");
          const inputs = Array.from({ length: 12 }, () => draw(graph, random));
          const sinks = graph.nodes.filter(
            (node) => !graph.nodes.some((other) => other.inputs.includes(node)),
          );
          const tape = open(new TapeMachine(graph));
          const go = open(new GoMachine(graph, { workers, capacity, callerWorks, threshold: 0 }));
          const runs: Run[] = [];
          for await (const run of go.stream(slow ? slowly(inputs, random) : inputs)) {
            if (slow && random() < 0.3) await setImmediate();
            runs.push(run);
          }
          expect(runs.length).toBe(inputs.length);
          for (const [i, values] of inputs.entries()) {
            for (const [node, value] of values) tape.let(node, value);
            const want = await tape.runAll();
            for (const node of sinks)
              expect(
                sameBits(runs[i]!.value(node).data, want.value(node).data),
                `${node.label}, run ${i}`,
              ).toBe(true);
          }
          await tape.close();
          await go.close();
        },
      ),
      { numRuns: process.env.GOML_LONG === undefined ? 10 : 300 },
    ),
  );
});

/** The article's equation, and runs of it for x = 0, 1, 2, … */
function article(): { graph: Graph; x: Node; y: Node; inputs: (count: number) => Generator<LeafValues> } {
  const graph = new Graph();
  const x = graph.input("x", []);
  const y = sigmoid(add(mul(graph.parameter("w", 0.5), x), graph.parameter("b", 1)));
  return {
    graph,
    x,
    y,
    *inputs(count) {
      for (let i = 0; i < count; i++) yield [[x, i]];
    },
  };
}

const kinds: GoMachineOptions[] = [
  {},
  { workers: 1, threshold: 0 },
  { workers: 2, threshold: 0, callerWorks: false },
  { pause: () => Promise.resolve() },
];

describe.each(kinds)("a stream with %o", (options) => {
  test("takes no more inputs than there is room for while nobody reads", async () => {
    const { graph, inputs } = article();
    const machine = open(new GoMachine(graph, { ...options, capacity: 2 }));
    let taken = 0;
    const stream = machine.stream(
      (function* () {
        for (const input of inputs(100)) {
          taken++;
          yield input;
        }
      })(),
    );
    await stream.next();
    for (let i = 0; i < 20; i++) await setImmediate();
    // Two in the channel, one that waits to be put there, one that was read, one that follows it.
    expect(taken).toBeLessThanOrEqual(5);
    let runs = 1;
    for await (const _ of stream) runs++;
    expect(runs).toBe(100);
  });

  test("left early, it aborts what is under way, and the machine goes on", async () => {
    const { graph, x, y, inputs } = article();
    const machine = open(new GoMachine(graph, options));
    let runs = 0;
    for await (const run of machine.stream(inputs(1000))) {
      expect(run.value(y).item()).toBe(1 / (1 + Math.exp(-(0.5 * runs + 1))));
      if (++runs === 7) break;
    }
    expect(machine.running).toBe(0);
    machine.let(x, 2);
    expect((await machine.runAll()).value(y).item()).toBe(1 / (1 + Math.exp(-2)));
  });

  test("an abort at a random moment: the reason comes out and nothing is left", () =>
    fc.assert(
      fc.asyncProperty(fc.nat(30), async (moment) => {
        const { graph, inputs } = article();
        const machine = new GoMachine(graph, options);
        const stop = new AbortController();
        const reading = (async () => {
          for await (const _ of machine.stream(inputs(100_000), { signal: stop.signal })) await null;
        })();
        for (let i = 0; i < moment; i++) await (i % 3 === 2 ? setImmediate() : null);
        const reason = new Error("stop");
        stop.abort(reason);
        await expect(reading).rejects.toBe(reason);
        expect(machine.running).toBe(0);
        await machine.close();
        expect(machine.workersAlive).toBe(0);
      }),
      { numRuns: 8 },
    ));

  test("an error of the inputs is thrown in its place", async () => {
    const { graph, inputs } = article();
    const machine = open(new GoMachine(graph, options));
    let runs = 0;
    const reading = (async () => {
      const failing = async function* () {
        yield* inputs(5);
        throw new RangeError("no more");
      };
      for await (const _ of machine.stream(failing())) runs++;
    })();
    await expect(reading).rejects.toThrow("no more");
    expect(runs).toBe(5);
    expect(machine.running).toBe(0);
  });

  test("a value that does not fit is thrown in its place", async () => {
    const { graph, x } = article();
    const machine = open(new GoMachine(graph, options));
    const stream = machine.stream([[[x, 1]], [[x, [1, 2]]]]);
    await stream.next();
    await expect(stream.next()).rejects.toThrow("x is float64 scalar");
  });
});

/** Fails on the third call. */
class Third extends Op {
  readonly name = "third";
  calls = 0;
  inferShape(shapes: readonly (readonly number[])[]) {
    return shapes[0]!;
  }
  prepare(): Kernel {
    const run = async () => {
      if (++this.calls === 3) throw new RangeError("no luck");
    };
    return { units: 1, cost: 0, run };
  }
}

test.each([{}, { workers: 1 }])("a run that fails is thrown in its place, with %o", async (options) => {
  const graph = new Graph();
  const x = graph.input("x", []);
  graph.apply(new Third(), [tanh(x)], "bad");
  // One at a time, so that the third call is the third run's.
  const machine = open(new GoMachine(graph, { ...options, capacity: 1 }));
  let runs = 0;
  const reading = (async () => {
    for await (const _ of machine.stream([[[x, 1]], [[x, 2]], [[x, 3]], [[x, 4]]])) runs++;
  })();
  await expect(reading).rejects.toThrow(OpError);
  expect(runs).toBe(2);
  expect(machine.running).toBe(0);
});

test("runs of a stream overlap where ops take their time", async () => {
  let most = 0;
  let now = 0;
  class Waits extends Op {
    readonly name = "waits";
    inferShape(shapes: readonly (readonly number[])[]) {
      return shapes[0]!;
    }
    prepare(): Kernel {
      const run = async () => {
        most = Math.max(most, ++now);
        for (let i = 0; i < 5; i++) await setImmediate();
        now--;
      };
      return { units: 1, cost: 0, run };
    }
  }
  const graph = new Graph();
  graph.apply(new Waits(), [graph.parameter("x", 1)]);
  for (const capacity of [1, 3]) {
    most = 0;
    const machine = open(new GoMachine(graph, { capacity }));
    for await (const _ of machine.stream(Array.from({ length: 10 }, () => []))) await null;
    expect(most).toBe(capacity);
  }
});

test("a chain that is streamed uses both threads", async () => {
  const graph = new Graph();
  let y: Node = graph.input("x", []);
  for (let i = 0; i < 4; i++) y = work(y, 200_000);
  const machine = open(new GoMachine(graph, { workers: 1, trace: true }));
  const lanes = new Set<number>();
  // Tasks of 0.3 ms, enough of them for the worker to start.
  for await (const { trace } of machine.stream(
    Array.from({ length: 200 }, (_, i) => [[graph.nodes[0]!, i] as const]),
  ))
    for (const span of trace!.spans) if (span.ended > span.started) lanes.add(span.lane);
  expect([...lanes].sort()).toEqual([0, 1]);
});
