import { expect, it } from "vitest";
import {
  add,
  exp,
  GoMachine,
  Graph,
  grad,
  localSites,
  matmul,
  max,
  mean,
  type Node,
  relu,
  shardBatch,
  softmax,
  square,
  sub,
  sum,
  TapeMachine,
  tensor,
} from "../../../src/machine/index.js";
import { sameBits } from "../random.js";

const ROWS = 23;
const wave = (rows: number, columns: number, phase = 0) =>
  tensor(
    Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(phase + 1.7 * i)),
    [rows, columns],
  );

/** A network of two layers, its cost and derivatives, a column's greatest value, and rows. */
function network() {
  const graph = new Graph();
  const x = graph.input("x", [ROWS, 4]);
  const y = graph.input("y", [ROWS, 3]);
  const [w, b, v] = [
    graph.parameter("w", wave(4, 5)),
    graph.parameter("b", wave(1, 5, 2)),
    graph.parameter("v", wave(5, 3, 3)),
  ];
  const hidden = relu(add(matmul(x, w), b));
  const rows = softmax(matmul(hidden, v), 1);
  const cost = mean(square(sub(rows, y)));
  const [dw, db, dv] = grad(cost, [w, b, v]) as Node[];
  const outputs = [rows, cost, dw!, db!, dv!, sum(exp(hidden), 0), max(hidden, 0), softmax(hidden, 0)];
  return { graph, x, y, outputs };
}

async function valuesOf(n: number | undefined, sites: number) {
  const { graph, x, y, outputs } = network();
  const sharded =
    n === undefined ? { graph, nodeOf: (node: Node) => node } : shardBatch(graph, n, { sites, outputs });
  const wanted = outputs.map((node) => sharded.nodeOf(node)!);
  const machines =
    sites === 1
      ? [new TapeMachine(sharded.graph, { outputs: wanted })]
      : localSites(sites).map((own) => new GoMachine(sharded.graph, { sites: own, outputs: wanted }));
  const runs = await Promise.all(
    machines.map(async (machine) => {
      machine.let(sharded.nodeOf(x)!, wave(ROWS, 4, 5));
      machine.let(sharded.nodeOf(y)!, wave(ROWS, 3, 7));
      const run = await machine.runAll();
      await machine.close();
      return wanted.map((node) => run.value(node));
    }),
  );
  return runs;
}

it("gives what the graph gave: the same bits row by row, sums to rounding, for any number of shards", async () => {
  const [want] = await valuesOf(undefined, 1);
  for (const n of [1, 2, 5, ROWS]) {
    const [got] = await valuesOf(n, 1);
    for (const [i, value] of got!.entries()) {
      const { data, shape } = want![i]!;
      expect(value.shape).toEqual(shape);
      // Rows, and what is computed of the whole batch.
      if ([0, 6, 7].includes(i)) expect(sameBits(value.data, data)).toBe(true);
      // 23 addends of about 1 in another order: some 23 ε.
      for (const [j, element] of value.data.entries())
        expect(Math.abs(element - data[j]!)).toBeLessThan(1e-13);
    }
  }
});

it("gives the same bits for any number of sites", async () => {
  const [want] = await valuesOf(6, 1);
  for (const sites of [2, 3])
    for (const got of await valuesOf(6, sites))
      for (const [i, value] of got.entries()) expect(sameBits(value.data, want![i]!.data)).toBe(true);
});

it("adds the shards' sums in their order, by nodes of the graph", () => {
  const graph = new Graph();
  const total = sum(graph.input("x", [6]));
  const sharded = shardBatch(graph, 3, { sites: 3 });
  const last = sharded.nodeOf(total)!;
  expect(last.op).toMatchObject({ name: "add" });
  const [before, third] = last.inputs;
  expect(before!.inputs.map(({ name }) => name)).toEqual(["sum#1, shard 0", "sum#1, shard 1"]);
  expect(third!.name).toBe("sum#1, shard 2");
  expect([before!, last].map(({ site }) => site)).toEqual([0, 0]);
  expect([...before!.inputs, third!].map(({ site }) => site)).toEqual([0, 1, 2]);
});

it("refuses what it cannot cut", () => {
  const graph = new Graph();
  add(graph.input("x", [4, 2]), graph.input("y", [1, 2]));
  expect(() => shardBatch(graph, 2)).toThrow("batches of 4 and of 1 rows (y) cannot be sharded together");
  expect(() => shardBatch(graph, 5, { batch: [graph.nodes[0]!] })).toThrow(
    "a batch of 4 rows cannot be 5 shards",
  );
  expect(() => shardBatch(new Graph(), 2)).toThrow(/needs a leaf/);
});
