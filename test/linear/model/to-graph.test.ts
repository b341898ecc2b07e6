import fc from "fast-check";
import { expect, test } from "vitest";
import { UsageError } from "../../../src/errors.js";
import { solve } from "../../../src/linear/solve/solve.js";
import { GoMachine, TapeMachine } from "../../../src/machine/index.js";
import { fit } from "../../../src/training/fit.js";
import { descend } from "../../../src/training/gradient-descent.js";
import { solveByDescent } from "../../../src/training/solve-by-descent.js";

const numbers = (seed: number) => {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24 - 0.5;
  };
};

function sample(seed: number, n: number, k: number) {
  const random = numbers(seed);
  const X = Float64Array.from({ length: n * k }, () => 10 * random());
  const y = Float64Array.from({ length: n }, (_, i) => 3 + X[i * k]! + random());
  return { X, y };
}

test("the graph's values are those of model.predict, bit for bit, on every machine", () =>
  fc.assert(
    fc.asyncProperty(
      fc.integer(),
      fc.integer({ min: 1, max: 6 }),
      fc.boolean(),
      async (seed, k, intercept) => {
        const { X, y } = sample(seed, 12 + k, k);
        const model = fit(X, y, { intercept });
        const want = model.predict(X);
        const { graph, x, prediction } = await model.toGraph(y.length);
        for (const machine of [new TapeMachine(graph), new GoMachine(graph)]) {
          machine.let(x, X);
          expect((await machine.runAll()).value(prediction).data).toEqual(want);
        }
      },
    ),
    { numRuns: 40 },
  ));

test("an aliased term takes no part", async () => {
  const X = Float64Array.of(1, 2, 2, 4, 3, 6, 5, 10);
  const model = fit(X, [1, 2, 3, 7]);
  expect(model.aliased).toEqual(["x2"]);
  const { graph, x, prediction, theta } = await model.toGraph(4);
  expect(theta.initial!.data[2]).toBe(0);
  const machine = new TapeMachine(graph);
  machine.let(x, X);
  expect((await machine.runAll()).value(prediction).data).toEqual(model.predict(X));
});

test("rows have to be 1 or more", async () => {
  const { X, y } = sample(1, 10, 2);
  await expect(fit(X, y).toGraph(0)).rejects.toThrow(UsageError);
});

test("gradient descent leaves out what the normal equation found aliased", async () => {
  const { X: Z, y } = sample(5, 30, 2);
  const X = Float64Array.from({ length: 90 }, (_, i) =>
    i % 3 === 2 ? Z[i - Math.floor(i / 3) - 1]! * 2 : Z[i - Math.floor(i / 3)]!,
  );
  const model = fit(X, y);
  const normal = solve(model.moments, model.regression);
  const rows = { X, y, weights: undefined };
  const { solution, note } = await solveByDescent(rows, normal, {});
  const two = await descend(Z, y);
  expect(solution.aliased).toEqual(normal.aliased);
  expect(solution.coefficients).toEqual(Float64Array.of(...two.coefficients, Number.NaN));
  expect(note).toMatch(/^gradient descent took \d+ iterations$/);
  expect((await solveByDescent(rows, normal, { maxIterations: 2 })).note).toContain(
    "stopped after 2 iterations",
  );
});
