import fc from "fast-check";
import { expect } from "vitest";
import { Graph, grad, mul, type Node, sum, TapeMachine, Tensor } from "../../src/machine/index.js";
import { randomFrom, randomTensor } from "./random.js";

/**
 * Compares grad(Σ weights ∘ op(inputs)) to central differences with h = 1e-5.
 *
 * Their error is about h²·|f‴|/6 + ε·|f|/h, some 1e-10 here; 1e-6 of the scale leaves room for steep places.
 */
export async function checkGradient(
  random: () => number,
  inputs: readonly Tensor[],
  build: (...nodes: Node[]) => Node,
): Promise<void> {
  const graph = new Graph();
  const leaves = inputs.map((value, i) => graph.parameter(`x${i}`, value));
  const output = build(...leaves);
  const cost = sum(mul(output, graph.constant(randomTensor(random, output.shape))));
  const derivatives = grad(cost, leaves);
  const machine = new TapeMachine(graph, { outputs: [cost, ...derivatives] });
  const run = await machine.runAll();
  const costAt = async (): Promise<number> => (await machine.runAll()).value(cost).item();
  for (const [i, value] of inputs.entries()) {
    const got = run.value(derivatives[i]!);
    expect(got.shape).toEqual(value.shape);
    const h = 1e-5;
    for (let k = 0; k < value.data.length; k++) {
      const moved = async (by: number) => {
        const data = value.data.slice();
        data[k]! += by;
        machine.let(leaves[i]!, new Tensor(data, value.shape));
        return costAt();
      };
      const numeric = ((await moved(h)) - (await moved(-h))) / (2 * h);
      machine.let(leaves[i]!, value);
      expect(Math.abs(got.data[k]! - numeric)).toBeLessThan(1e-6 * (1 + Math.abs(numeric)));
    }
  }
}

/** A property of what a seed draws. */
export const drawn = (body: (random: () => number) => Promise<void>, numRuns = 40) =>
  fc.assert(
    fc.asyncProperty(fc.integer(), (seed) => body(randomFrom(seed))),
    { numRuns },
  );
