import fc from "fast-check";
import { expect, test } from "vitest";
import { crewSize } from "../../../src/machine/engine/crew.js";
import { GoMachine, Graph, type Node, TapeMachine, tanh, work } from "../../../src/machine/index.js";

/** A graph of chains side by side: what they come to depends on `seed`. */
function chains(seed: number, count: number, length: number): { graph: Graph; outputs: Node[] } {
  const graph = new Graph();
  const outputs = Array.from({ length: count }, (_, i) => {
    let node: Node = graph.parameter(`x${i}`, seed + i / 7);
    for (let step = 0; step < length; step++) node = tanh(work(node, 200));
    return node;
  });
  return { graph, outputs };
}

test("machines of a process share its threads: as many as the one with the most wants", async () => {
  const drawn = fc.record({
    workers: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 2, maxLength: 4 }),
    callerWorks: fc.boolean(),
    count: fc.integer({ min: 1, max: 5 }),
    length: fc.integer({ min: 1, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(drawn, async ({ workers, callerWorks, count, length }) => {
      const all = await Promise.all(
        workers.map(async (own, seed) => {
          const { graph, outputs } = chains(seed, count, length);
          const tape = new TapeMachine(graph, { outputs });
          const run = await tape.runAll();
          const want = outputs.map((node) => run.value(node).item());
          await tape.close();
          const machine = new GoMachine(graph, { outputs, workers: own, callerWorks, threshold: 0 });
          return { machine, outputs, want, workers: own };
        }),
      );
      // Side by side, and again after some have gone.
      for (let left = all.length; left > 0; left--) {
        const open = all.slice(0, left);
        await Promise.all(
          open.map(async ({ machine, outputs, want }) => {
            for (let i = 0; i < 5; i++) {
              const run = await machine.runAll();
              expect(outputs.map((node) => run.value(node).item())).toEqual(want);
            }
          }),
        );
        expect(crewSize()).toBe(Math.max(...workers));
        for (const { machine, workers: own } of open) expect(machine.workersAlive).toBe(own);
        await open.at(-1)!.machine.close();
        expect(open.at(-1)!.machine.workersAlive).toBe(0);
      }
      expect(crewSize()).toBe(0);
    }),
    { numRuns: 12 },
  );
});

test("a machine gives its memory back only when no thread looks at it any more", async () => {
  const { graph, outputs } = chains(1, 3, 3);
  const stays = new GoMachine(graph, { outputs, workers: 2, threshold: 0 });
  const want = (await stays.runAll()).value(outputs[0]!).item();
  // Many come, run and go at once, while the threads stay.
  for (let round = 0; round < 10; round++) {
    const others = [0, 1, 2].map(() => new GoMachine(graph, { outputs, workers: 2, threshold: 0 }));
    const runs = await Promise.all(others.map((own) => own.runAll()));
    for (const run of runs) expect(run.value(outputs[0]!).item()).toBe(want);
    await Promise.all(others.map((own) => own.close()));
    expect(crewSize()).toBe(2);
    expect((await stays.runAll()).value(outputs[0]!).item()).toBe(want);
  }
  await stays.close();
  expect(crewSize()).toBe(0);
});

test("a machine that was idle when the crew died gets threads of a new one", async () => {
  const { graph, outputs } = chains(2, 2, 2);
  const [dies, waits] = [1, 2].map(() => new GoMachine(graph, { outputs, workers: 2, threshold: 0 }));
  await dies!.runAll();
  const { crew } = (dies as unknown as { engine: { crew: { crew: { threads: { worker: Worker }[] } } } })
    .engine;
  await (crew.crew.threads[0]!.worker as unknown as { terminate(): Promise<number> }).terminate();
  await expect(dies!.runAll()).rejects.toThrow("ended with code");
  const run = await waits!.runAll();
  expect(run.value(outputs[0]!).item()).toBeGreaterThan(0);
  expect(crewSize()).toBe(2);
  await dies!.close();
  await waits!.close();
  expect(crewSize()).toBe(0);
});
