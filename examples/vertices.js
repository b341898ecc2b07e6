// "Think like a vertex": the article's equation, σ(w·x + b), as vertex functions that exchange values over channels,
// and then as a graph on the go machine, which does the same with slots in shared memory. Both are timed, bare and with
// 50 µs of work after each vertex.
//
//     node examples/vertices.js
import { add, Channel, GoMachine, Graph, mul, sigmoid, TaskGroup, work } from "goml/machine";

/** A vertex: receives from all its inputs, computes, sends the result to all who listen. */
async function vertex(inputs, compute, outputs) {
  const values = await Promise.all(inputs.map((input) => input.receive()));
  const result = compute(...values);
  await Promise.all(outputs.map((output) => output.send(result)));
}

/** One run: a task for each vertex, a channel for each edge, all made for this run. */
async function think(w, x, b, load) {
  const [wEdge, xEdge, bEdge, product, sum, result] = Array.from({ length: 6 }, () => new Channel(1));
  const group = new TaskGroup();
  group.go(() => vertex([], () => w, [wEdge]));
  group.go(() => vertex([], () => x, [xEdge]));
  group.go(() => vertex([], () => b, [bEdge]));
  group.go(() => vertex([wEdge, xEdge], (a, c) => load(a * c), [product]));
  group.go(() => vertex([product, bEdge], (a, c) => load(a + c), [sum]));
  group.go(() => vertex([sum], (z) => load(1 / (1 + Math.exp(-z))), [result]));
  await group.wait();
  return result.receive();
}

/** The same as a graph. */
function equation(rounds) {
  const graph = new Graph();
  const load = (node) => (rounds === 0 ? node : work(node, rounds));
  const [w, b] = [graph.parameter("w", 0.5), graph.parameter("b", 1)];
  const x = graph.input("x", []);
  const y = load(sigmoid(load(add(load(mul(w, x)), b))));
  return { graph, x, y };
}

/** The rounds of integer arithmetic of `work`, for the vertices. */
function busy(rounds) {
  let state = 0x9e3779b9 | 0;
  for (let i = 0; i < rounds; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
  }
  return state === 0 ? 1 : 0;
}

/** Microseconds of one of `runs` runs: the median of five tries. */
async function time(runs, all) {
  const tries = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await all(runs);
    tries.push((1000 * (performance.now() - start)) / runs);
  }
  return tries.sort((a, b) => a - b)[2];
}

let fastest = Number.POSITIVE_INFINITY;
for (let i = 0; i < 50; i++) {
  const start = performance.now();
  busy(100_000);
  fastest = Math.min(fastest, performance.now() - start);
}
const rounds50 = Math.round((0.05 / fastest) * 100_000);

for (const [title, rounds, runs] of [
  ["bare", 0, 5000],
  ["50 µs of work per vertex", rounds50, 200],
]) {
  const { graph, x, y } = equation(rounds);
  const machine = new GoMachine(graph, { outputs: [y], workers: 1 });
  machine.let(x, 2);
  const [byVertices, byMachine] = [
    await think(0.5, 2, 1, (value) => value + busy(rounds)),
    (await machine.runAll()).value(y).item(),
  ];
  if (byVertices !== byMachine) throw new Error(`${byVertices} is not ${byMachine}`);
  const vertices = await time(runs, async (n) => {
    for (let i = 0; i < n; i++) await think(0.5, 2, 1, (value) => value + busy(rounds));
  });
  const one = await time(runs, async (n) => {
    for (let i = 0; i < n; i++) await machine.runAll();
  });
  const streamed = await time(runs, async (n) => {
    for await (const _ of machine.stream(Array.from({ length: n }, () => [])));
  });
  console.log(`${title}: y = ${byMachine}`);
  for (const [name, us] of [
    ["vertices on channels", vertices],
    ["graph, one run at a time", one],
    ["graph, streamed on two threads", streamed],
  ]) {
    console.log(
      `  ${name.padEnd(30)} ${us.toFixed(2).padStart(8)} µs a run, ${(vertices / us).toFixed(2)} ×`,
    );
  }
  await machine.close();
}
