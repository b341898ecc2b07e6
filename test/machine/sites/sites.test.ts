import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  GoMachine,
  Graph,
  localSites,
  type Node,
  Op,
  place,
  relu,
  type Shape,
  square,
  sub,
  TapeMachine,
  tensor,
} from "../../../src/machine/index.js";
import { randomFrom } from "../random.js";
import { letInputs, randomDag } from "../random-dag.js";

/** The bytes of all outputs of a machine's run. */
const bytesOf = (run: { value(node: Node): { data: ArrayBufferView } }, outputs: readonly Node[]) =>
  outputs.map((node) => {
    const { buffer, byteOffset, byteLength } = run.value(node).data;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex");
  });

const sinks = ({ nodes }: Graph) => {
  const consumed = new Set(nodes.flatMap((node) => node.inputs));
  return nodes.filter((node) => !consumed.has(node));
};

/** An op that fails in its nth run. */
class FailsAt extends Op {
  readonly name = "failsAt";
  runs = 0;
  constructor(readonly run: number) {
    super();
  }
  inferShape([shape]: readonly Shape[]) {
    return shape!;
  }
  prepare() {
    return {
      units: 1,
      cost: 1,
      run: ([x]: readonly { [i: number]: number }[], output: { [i: number]: number }) => {
        if (++this.runs === this.run) throw new Error("no more");
        output[0] = x![0]!;
      },
    };
  }
}

describe("a graph at several sites", () => {
  it("gives the tape's bits at each site, on random graphs with random cuts", {
    timeout: 60_000,
  }, async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      fc.integer({ min: 2, max: 4 }),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom("float64" as const, "float32" as const),
      fc.boolean(),
      async (seed, size, ops, dtype, byHand) => {
        const graph = randomDag(randomFrom(seed), ops, dtype);
        const random = randomFrom(seed + 1);
        const outputs = sinks(graph);
        // Leaves too, now and then: then their values come from one site.
        if (byHand)
          for (const node of graph.nodes) if (random() < 0.7) node.site = Math.floor(random() * size);
        const tape = new TapeMachine(graph, { outputs });
        const machines = localSites(size).map(
          (sites) => new GoMachine(graph, { sites, outputs, capacity: 2 }),
        );
        for (let run = 0; run < 3; run++) {
          const draw = randomFrom(seed + 2 + run);
          letInputs(tape, draw);
          for (const machine of machines) letInputs(machine, randomFrom(seed + 2 + run));
          const want = bytesOf(await tape.runAll(), outputs);
          const runs = await Promise.all(machines.map((machine) => machine.runAll()));
          for (const own of runs) expect(bytesOf(own, outputs)).toEqual(want);
        }
        await Promise.all([tape, ...machines].map((machine) => machine.close()));
      },
    );
    await fc.assert(property, { numRuns: 25 });
  });

  it("streams runs through sites, none ahead of the others by more than there is room for", async () => {
    const graph = new Graph();
    const x = graph.input("x", [4]);
    const y = relu(square(sub(square(x), 3)));
    for (const [i, node] of graph.nodes.filter(({ op }) => typeof op !== "string").entries())
      node.site = i % 3;
    const machines = localSites(3).map((sites) => new GoMachine(graph, { sites, capacity: 2 }));
    const inputs = Array.from({ length: 50 }, (_, i) => [[x, tensor([i, -i, 1, 0])] as const]);
    const values = await Promise.all(
      machines.map(async (machine) => {
        const all: number[] = [];
        for await (const run of machine.stream(inputs)) all.push(run.value(y).at(0));
        return all;
      }),
    );
    for (const own of values) expect(own).toEqual(inputs.map((_, i) => (i * i - 3) ** 2));
    await Promise.all(machines.map((machine) => machine.close()));
  });

  it("fails everywhere where one site's op fails, and names rank and node", async () => {
    const graph = new Graph();
    const x = graph.parameter("x", 1);
    const first = add(x, 1);
    first.site = 0;
    const middle = graph.apply(new FailsAt(2), [first], "broken");
    middle.site = 1;
    const last = add(middle, 1);
    last.site = 2;
    const machines = localSites(3).map((sites) => new GoMachine(graph, { sites, outputs: [last] }));
    await Promise.all(machines.map((machine) => machine.runAll()));
    const results = await Promise.allSettled(machines.map((machine) => machine.runAll()));
    for (const result of results)
      expect(String((result as PromiseRejectedResult).reason.message)).toMatch(
        /^rank 1 at node broken: failsAt\(scalar\) failed: no more$/,
      );
    await expect(machines[0]!.runAll()).rejects.toThrow("rank 1 at node broken");
    await Promise.all(machines.map((machine) => machine.close()));
  });

  it("stops everywhere where one site's run is aborted, or its machine closed", async () => {
    const graph = new Graph();
    const x = graph.input("x", []);
    const y = add(x, 1);
    y.site = 1;
    const [a, b] = localSites(2).map((sites) => new GoMachine(graph, { sites })) as [GoMachine, GoMachine];
    a.let(x, 1);
    const control = new AbortController();
    const run = a.runAll({ signal: control.signal });
    control.abort(new Error("enough"));
    await expect(run).rejects.toThrow("enough");
    b.let(x, 1);
    await expect(b.runAll()).rejects.toThrow("rank 0: enough");
    await Promise.all([a.close(), b.close()]);
  });

  it("refuses sites that there are not, and graphs that differ", async () => {
    const graph = new Graph();
    const y = add(graph.parameter("x", 1), 1);
    y.site = 2;
    expect(() => new GoMachine(graph, { sites: localSites(2)[0] })).toThrow(
      /add#2 is placed at site 2, of 2/,
    );
    const [a, b] = localSites(2) as [ReturnType<typeof localSites>[0], ReturnType<typeof localSites>[0]];
    y.site = 1;
    const other = new Graph();
    sub(other.parameter("x", 1), 1).site = 1;
    const machines = [new GoMachine(graph, { sites: a }), new GoMachine(other, { sites: b })];
    for (const machine of machines)
      await expect(machine.runAll()).rejects.toThrow("its graph is another than that of rank 0");
    await Promise.all(machines.map((machine) => machine.close()));
  });
});

describe("place", () => {
  it("divides a chain's work evenly, and cuts it where little crosses", () => {
    const graph = new Graph();
    const x = graph.input("x", [1000]);
    let node = x;
    const sizes: Node[] = [];
    for (let i = 0; i < 40; i++) {
      node = square(node);
      sizes.push(node);
    }
    place(graph, 4);
    const counts = [0, 1, 2, 3].map((site) => sizes.filter((own) => own.site === site).length);
    // A tenth more than the least is allowed where that saves bytes.
    for (const count of counts) expect(count).toBeGreaterThanOrEqual(7);
    for (const count of counts) expect(count).toBeLessThanOrEqual(11);
    expect(sizes.map(({ site }) => site)).toEqual([...sizes.map(({ site }) => site!)].sort((a, b) => a - b));
    expect(x.site).toBeUndefined();
  });

  it("keeps what is placed by hand", () => {
    const graph = new Graph();
    const a = square(graph.input("x", [2]));
    a.site = 1;
    const b = square(a);
    place(graph, 2);
    expect(a.site).toBe(1);
    expect([0, 1]).toContain(b.site);
  });
});
