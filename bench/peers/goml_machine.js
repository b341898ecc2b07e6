// σ(w·x + b) on goml's machines, the counterpart of machine.go: prints microseconds per run as JSON, bare, with 50 µs
// of work after each op, and 16 of those side by side, on the tape and on the go machine with one worker beside this
// thread.
import { performance } from "node:perf_hooks";
import { add, GoMachine, Graph, mul, sigmoid, TapeMachine, work } from "goml/machine";

/** The median time of one run, in microseconds, over samples of 1 ms and more for 0.5 s. */
async function measure(machine) {
  const time = async (calls) => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) await machine.runAll();
    return performance.now() - start;
  };
  let calls = 1;
  while ((await time(calls)) < 1) calls *= 2;
  // A worker takes a moment to start, the compiler to do its best.
  for (const end = performance.now() + 300; performance.now() < end; ) await time(calls);
  const samples = [];
  for (const end = performance.now() + 500; performance.now() < end; )
    samples.push((1000 * (await time(calls))) / calls);
  samples.sort((a, b) => a - b);
  return samples[samples.length >> 1];
}

async function roundsOf50Us() {
  const rounds = 100_000;
  const graph = new Graph();
  work(graph.parameter("x", 0), rounds);
  const tape = new TapeMachine(graph);
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 50; i++) {
    const start = performance.now();
    await tape.runAll();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return Math.round((0.05 / fastest) * rounds);
}

function neurons(count, rounds) {
  const graph = new Graph();
  const load = (node) => (rounds === 0 ? node : work(node, rounds));
  const outputs = Array.from({ length: count }, (_, i) => {
    const [w, x, b] = [
      graph.parameter("w", 0.5 + i / count),
      graph.parameter("x", 2),
      graph.parameter("b", 1),
    ];
    return load(sigmoid(load(add(load(mul(w, x)), b))));
  });
  return { graph, outputs };
}

const rounds = await roundsOf50Us();
const results = {};
for (const [name, count, load] of [
  ["bare", 1, 0],
  ["chain", 1, rounds],
  ["sixteen", 16, rounds],
]) {
  const { graph, outputs } = neurons(count, load);
  const tape = new TapeMachine(graph, { outputs });
  const go = new GoMachine(graph, { outputs, workers: 1 });
  results[name] = { tape: await measure(tape), go: await measure(go) };
  await go.close();
}
process.stdout.write(`${JSON.stringify(results)}\n`);
