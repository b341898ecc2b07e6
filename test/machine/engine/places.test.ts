import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { assignPlaces, type Places } from "../../../src/machine/engine/places.js";
import { add, Graph, type Node } from "../../../src/machine/index.js";
import { Result } from "../../../src/machine/op.js";
import { compile, type Plan } from "../../../src/machine/plan.js";
import { bytesOf as elementBytes } from "../../../src/machine/tensor.js";
import { randomFrom } from "../random.js";
import { randomDag } from "../random-dag.js";

/** For each step the steps that come before it on some path, by plain search. */
function ancestorsOf({ steps }: Plan): Set<number>[] {
  const before: Set<number>[] = [];
  for (const { inputs } of steps) {
    const own = new Set<number>();
    for (const input of inputs) {
      own.add(input);
      for (const other of before[input]!) own.add(other);
    }
    before.push(own);
  }
  return before;
}

const bytesOf = ({ steps }: Plan, index: number) =>
  steps[index]!.size * elementBytes(steps[index]!.node.dtype);

function overlap(plan: Plan, { offsets }: Places, a: number, b: number): boolean {
  const [x, y] = [offsets[a]!, offsets[b]!];
  return x >= 0 && y >= 0 && x < y + bytesOf(plan, b) && y < x + bytesOf(plan, a);
}

/** The step that writes a value: that of the first result, for the results after it. */
function writerOf({ steps }: Plan, index: number): number {
  const { node, inputs } = steps[index]!;
  return node.op instanceof Result ? inputs[0]! : index;
}

/** Every two values that share bytes: one is dead before the other is written, by `dead(first, writer of the second)`. */
function check(plan: Plan, places: Places, dead: (first: number, second: number) => boolean): void {
  for (const a of plan.tasks) {
    expect(places.offsets[a]! % 16).toBe(0);
    expect(places.offsets[a]! + bytesOf(plan, a)).toBeLessThanOrEqual(places.bytes);
    for (const b of plan.tasks) {
      if (a >= b || !overlap(plan, places, a, b)) continue;
      expect(plan.steps[a]!.output, `${a} is an output`).toBe(-1);
      expect(dead(a, writerOf(plan, b)), `${a} and ${b} share`).toBe(true);
    }
  }
}

const graphs = fc.record({ seed: fc.integer(), size: fc.integer({ min: 1, max: 40 }) });

describe("no two values share a place while both may be alive", () => {
  test("in a sequence", () =>
    fc.assert(
      fc.property(graphs, ({ seed, size }) => {
        const plan = compile(randomDag(randomFrom(seed), size, "float64"), undefined);
        const lastReader = (index: number) =>
          Math.max(
            writerOf(plan, index),
            ...plan.steps.filter(({ inputs }) => inputs.includes(index)).map((step) => step.index),
          );
        check(plan, assignPlaces(plan, "sequential"), (first, second) => lastReader(first) < second);
      }),
    ));

  const inAnyOrder = (plan: Plan, places: Places) => {
    const ancestors = ancestorsOf(plan);
    check(
      plan,
      places,
      (first, second) =>
        ancestors[second]!.has(writerOf(plan, first)) &&
        plan.steps.every(({ index, inputs }) => !inputs.includes(first) || ancestors[second]!.has(index)),
    );
  };

  test("in any order", () =>
    fc.assert(
      fc.property(graphs, ({ seed, size }) => {
        const plan = compile(randomDag(randomFrom(seed), size, "float32"), undefined);
        inAnyOrder(plan, assignPlaces(plan, "any"));
      }),
    ));

  test("in any order, where the graph is too large to know all of it", () => {
    const random = randomFrom(3);
    const graph = new Graph();
    const nodes: Node[] = [graph.parameter("x", [1, 2])];
    while (nodes.length < 300)
      nodes.push(add(nodes.at(-1 - Math.floor(random() * Math.min(3, nodes.length)))!, nodes.at(-1)!));
    const plan = compile(graph, undefined);
    const places = assignPlaces(plan, "any", 100);
    inAnyOrder(plan, places);
    expect(places.shared).toBeLessThan(250);
  });
});

test("a chain needs two places in any order, a large value takes over a small one's", () => {
  const graph = new Graph();
  let y: Node = graph.parameter("x", [1, 2, 3]);
  for (let i = 0; i < 50; i++) y = add(y, i < 25 ? 1 : [[1], [2]]);
  const plan = compile(graph, undefined);
  expect(assignPlaces(plan, "any").shared).toBe(2);
  expect(assignPlaces(plan, "sequential").shared).toBe(2);
});
