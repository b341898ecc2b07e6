import { spawnSync } from "node:child_process";
import type { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import {
  add,
  GoMachine,
  Graph,
  type Node,
  sub,
  TapeMachine,
  tanh,
  work,
} from "../../../src/machine/index.js";
import { WorkerDiedError } from "../../../src/parallel/worker-pool.js";
import { randomFrom, sameBits } from "../random.js";

/** A graph of `size` scalar ops with one output: recent nodes with any, so that it is deep and has diamonds. */
function webOf(size: number): { graph: Graph; x: Node; out: Node } {
  const random = randomFrom(8);
  const graph = new Graph();
  const x = graph.input("x", []);
  const nodes: Node[] = [x, graph.parameter("y", -0.25)];
  for (let i = 0; i < size; i++) {
    const a = nodes[Math.floor(random() * nodes.length)]!;
    const b = nodes[nodes.length - 1 - Math.floor(random() * Math.min(8, nodes.length))]!;
    nodes.push(i % 3 === 0 ? tanh(b) : i % 3 === 1 ? sub(b, a) : add(a, b));
  }
  const consumed = new Set(graph.nodes.flatMap((node) => node.inputs));
  let out = tanh(x);
  for (const node of nodes) if (!consumed.has(node)) out = tanh(add(out, node));
  return { graph, x, out };
}

test.each([
  { workers: 2, capacity: 3 },
  ...(process.env.GOML_LONG === undefined
    ? []
    : [
        { workers: 1, capacity: 1 },
        { workers: 3, capacity: 2, callerWorks: false },
      ]),
])("a million small tasks, all through the ring: %o", async (options) => {
  const { graph, x, out } = webOf(10_000);
  const outputs = [out];
  const tape = new TapeMachine(graph, { outputs });
  const machine = new GoMachine(graph, { ...options, outputs, threshold: 0 });
  const runs = 100;
  const want: Float64Array[] = [];
  for (let i = 0; i < runs; i++) {
    tape.let(x, i / 7);
    want.push((await tape.runAll()).value(out).data as Float64Array);
  }
  const inputs = function* () {
    for (let i = 0; i < runs; i++) yield [[x, i / 7]] as const;
  };
  let i = 0;
  for await (const run of machine.stream(inputs()))
    expect(sameBits(run.value(out).data, want[i++]!)).toBe(true);
  expect(i).toBe(runs);
  await machine.close();
  await tape.close();
});

test("a `let` while runs are under way does not reach them", async () => {
  const { graph, x, out } = webOf(300);
  const outputs = [out];
  const tape = new TapeMachine(graph, { outputs });
  const machine = new GoMachine(graph, {
    outputs,
    workers: 2,
    threshold: 0,
    callerWorks: false,
    capacity: 3,
  });
  const runs = Array.from({ length: 50 }, (_, i) => {
    machine.let(x, i);
    return machine.runAll();
  });
  for (const [i, run] of (await Promise.all(runs)).entries()) {
    tape.let(x, i);
    const want = (await tape.runAll()).value(out).data;
    expect(sameBits(run.value(out).data, want), `run ${i}`).toBe(true);
  }
  await machine.close();
});

test.each([{}, { workers: 1, threshold: 0 }, { workers: 2, threshold: 0, callerWorks: false }])(
  "views of outputs hold their run's values, and copies outlive the next run: %o",
  async (options) => {
    const graph = new Graph();
    const x = graph.input("x", [3]);
    const y = add(x, 1);
    const z = add(y, 1);
    const machine = new GoMachine(graph, { ...options, outputs: [x, y, z] });
    machine.let(x, [1, 2, 3]);
    const copied = await machine.runAll();
    const viewed = await machine.runAll({ views: true });
    for (const run of [copied, viewed]) {
      expect(run.value(x).toArray()).toEqual([1, 2, 3]);
      expect(run.value(z).toArray()).toEqual([3, 4, 5]);
    }
    // A view may be given back as an input.
    machine.let(x, viewed.value(z));
    const again = await machine.runAll({ views: true });
    expect(again.value(z).toArray()).toEqual([5, 6, 7]);
    machine.let(x, again.value(y));
    expect((await machine.runAll({ views: true })).value(z).toArray()).toEqual([6, 7, 8]);
    expect(copied.value(z).toArray()).toEqual([3, 4, 5]);
    await machine.close();
  },
);

test("a thread that dies fails the runs that it was needed for, and later ones, and leaves nothing", async () => {
  const graph = new Graph();
  const long = work(graph.parameter("x", 1), 500_000_000);
  const short = tanh(graph.parameter("y", 2));
  const outputs = [long, short];
  const machine = new GoMachine(graph, { outputs, workers: 2, threshold: 0, callerWorks: false });
  const run = machine.runAll();
  const { crew } = (machine as unknown as { engine: { crew: { crew: { threads: { worker: Worker }[] } } } })
    .engine;
  const first = crew.crew.threads[0]?.worker;
  await new Promise((resolve) => first!.once("online", resolve));
  await first!.terminate();
  await expect(run).rejects.toBeInstanceOf(WorkerDiedError);
  await expect(machine.runAll()).rejects.toBeInstanceOf(WorkerDiedError);
  expect(machine.running).toBe(0);
  await machine.close();
  expect(machine.workersAlive).toBe(0);
});

test("threads that find nothing to do sleep", () => {
  const script = `
    import { setTimeout } from "node:timers/promises";
    import { GoMachine, Graph, work } from ${JSON.stringify(new URL("../../../dist/machine/index.js", import.meta.url).href)};
    const graph = new Graph();
    const outputs = [1, 2, 3, 4].map((x) => work(graph.parameter("x" + x, x), 50_000));
    const machine = new GoMachine(graph, { outputs, workers: 3 });
    for (let i = 0; i < 2000; i++) await machine.runAll();
    const alive = machine.workersAlive;
    await setTimeout(50);
    const before = process.cpuUsage();
    await setTimeout(500);
    const { user, system } = process.cpuUsage(before);
    console.log(JSON.stringify({ alive, busyMs: (user + system) / 1000 }));
  `;
  const run = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  expect([run.status, run.stderr]).toEqual([0, ""]);
  const { alive, busyMs } = JSON.parse(run.stdout);
  expect(alive).toBe(3);
  // One spinning thread would take 500 ms of CPU time in that half second, whatever else the machine does.
  expect(busyMs).toBeLessThan(100);
});
