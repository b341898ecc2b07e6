import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { instantiateTensor, sharedMemory } from "../../../src/kernels/wasm.js";
import { GoMachine, Graph, type Machine, matmul, TapeMachine, Tensor } from "../../../src/machine/index.js";
import { TOLD_AT } from "../../../src/machine/kernels/tensor-kernels.js";
import { Matmul } from "../../../src/machine/ops/matmul.js";
import { randomFrom } from "../random.js";

type Make = Float32ArrayConstructor | Float64ArrayConstructor;

/** Numbers of very different sizes and both signs; now and then zeros, −0, the smallest, infinities and NaN. */
function matrix(make: Make, rows: number, columns: number, seed: number, special: boolean): Tensor {
  const random = randomFrom(seed);
  const odd = [0, -0, 1e-45, 5e-324, Number.POSITIVE_INFINITY, Number.NaN];
  const data = new make(rows * columns);
  for (let i = 0; i < data.length; i++)
    data[i] =
      special && random() < 0.01
        ? odd[Math.floor(random() * odd.length)]!
        : (random() - 0.5) * 10 ** Math.floor(8 * random() - 4);
  return new Tensor(data, [rows, columns]);
}

/** The product by its definition: sums over k from 0 on, in ascending order, each step rounded to the type. */
function byDefinition(a: Tensor, b: Tensor): Float32Array | Float64Array {
  const round = a.dtype === "float32" ? Math.fround : (x: number) => x;
  const [m, k] = a.shape as [number, number];
  const n = b.shape[1]!;
  const c = a.dtype === "float32" ? new Float32Array(m * n) : new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum = round(sum + round(a.data[i * k + l]! * b.data[l * n + j]!));
      c[i * n + j] = sum;
    }
  return c;
}

const machines: [string, (graph: Graph) => Machine][] = [
  ["tape", (graph) => new TapeMachine(graph)],
  ["go", (graph) => new GoMachine(graph)],
  ["go, 2 workers", (graph) => new GoMachine(graph, { workers: 2, threshold: 0 })],
];

// Tiles are 4 × 8 or 4 × 4, blocks 64 rows, 256 terms and 256 or 512 columns: sizes below, at and past each.
const size = (most: number) => fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: most }));
const shape = fc.oneof(
  fc.tuple(size(140), size(40), size(40)),
  fc.tuple(size(10), size(600), size(10)),
  fc.tuple(size(10), size(10), size(1100)),
);

describe.each<Make>([Float32Array, Float64Array])("%s", (make) => {
  test("products have the bits of their definition on every machine", async () => {
    await fc.assert(
      fc.asyncProperty(shape, fc.integer(), fc.boolean(), async ([m, k, n], seed, special) => {
        const [a, b] = [matrix(make, m, k, seed, special), matrix(make, k, n, seed + 1, special)];
        const want = byDefinition(a, b);
        expect((await new Matmul().do([a, b])).data).toEqual(want);
        for (const [name, machine] of machines) {
          const graph = new Graph();
          const product = matmul(graph.parameter("a", a), graph.parameter("b", b));
          const own = machine(graph);
          const run = await own.runAll();
          await own.close();
          expect(run.value(product).data, name).toEqual(want);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("a leaf given while runs are under way is not seen by them", async () => {
    const graph = new Graph();
    const [a, b] = [graph.parameter("a", matrix(make, 40, 40, 1, false)), matrix(make, 40, 40, 2, false)];
    const product = matmul(a, graph.constant(b));
    const machine = new GoMachine(graph, { capacity: 2 });
    const given = [3, 4, 5, 6].map((seed) => matrix(make, 40, 40, seed, false));
    const runs = given.map((value) => {
      machine.let(a, value);
      return machine.runAll();
    });
    for (const [i, run] of (await Promise.all(runs)).entries())
      expect(run.value(product).data).toEqual(byDefinition(given[i]!, b));
    await machine.close();
  });
});

test("a tape machine's outputs are its caller's, whatever the next run computes", async () => {
  const graph = new Graph();
  const x = graph.input("x", [30, 30]);
  const product = matmul(x, x);
  const machine = new TapeMachine(graph);
  const values = [7, 8].map((seed) => matrix(Float64Array, 30, 30, seed, false));
  const results: Tensor[] = [];
  for (const value of values) {
    machine.let(x, value);
    results.push((await machine.runAll()).value(product));
  }
  for (const [i, value] of values.entries()) expect(results[i]!.data).toEqual(byDefinition(value, value));
  await machine.close();
});

test("the room set aside for a thread is what the kernels want", () => {
  expect(instantiateTensor(sharedMemory(65536)).roomBytes()).toBeLessThanOrEqual(TOLD_AT);
});
