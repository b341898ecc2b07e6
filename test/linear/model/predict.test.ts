import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InterruptedError, UsageError } from "../../../src/errors.js";
import { LinearModel } from "../../../src/linear/model/model.js";
import { fit } from "../../../src/training/fit.js";
import { generator } from "../samples.js";

/** A model of k terms with the coefficients given, made of a fit by overwriting θ in its document. */
function modelOf(theta: Float64Array): LinearModel {
  const k = theta.length - 1;
  const n = 2 * k + 4;
  const random = generator(k + 1);
  const X = Array.from({ length: n }, () => Array.from({ length: k }, random));
  const document = fit(X, Array.from({ length: n }, random)).toJSON();
  return LinearModel.fromJSON({ ...document, coefficients: Array.from(theta) });
}

function shared(length: number): Float64Array {
  return new Float64Array(new SharedArrayBuffer(8 * length));
}

/** Rows of numbers of many magnitudes, whose sums depend on the order of the terms. */
const batches = fc
  .record({
    n: fc.oneof(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 20_000, max: 80_000 })),
    k: fc.integer({ min: 1, max: 40 }),
    seed: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
  })
  .map(({ n, k, seed }) => {
    const random = generator(seed);
    const number = () => random() * 10 ** Math.round(6 * random());
    return { n, k, theta: Float64Array.from({ length: k + 1 }, number), fill: number };
  });

describe("concurrent predictions are the serial ones, bit for bit", () => {
  test("for random shapes, seeds, thread counts, buffers", async () => {
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        fc.constantFrom("none", "own", "shared"),
        async ({ n, k, theta, fill }, threads, sharedInput, buffer) => {
          const X = sharedInput ? shared(n * k) : new Float64Array(n * k);
          for (let i = 0; i < X.length; i++) X[i] = fill();
          const model = modelOf(theta);
          const serial = model.predict(X);
          const out = buffer === "none" ? undefined : buffer === "own" ? new Float64Array(n) : shared(n);
          const concurrent = await model.predictConcurrent(X, { threads, out });
          if (out !== undefined) expect(concurrent).toBe(out);
          expect(concurrent.length).toBe(n);
          expect(firstDifference(serial, concurrent)).toBe(-1);
        },
      ),
      { numRuns: process.env.GOML_LONG ? 500 : 30 },
    );
  });

  test("for NaN, infinities, -0 and subnormal numbers", async () => {
    const model = modelOf(Float64Array.of(0, 1, -1));
    const values = [0, -0, Number.NaN, Infinity, -Infinity, 5e-324, 1e308];
    const n = 300_000;
    const X = Float64Array.from({ length: 2 * n }, (_, i) => values[(i * 31 + (i >> 3)) % values.length]!);
    const concurrent = await model.predictConcurrent(X, { threads: 3 });
    expect(firstDifference(model.predict(X), concurrent)).toBe(-1);
  });
});

describe("predict", () => {
  const model = modelOf(Float64Array.of(1, 10, 100));

  test("is the intercept and the products, for arrays of rows and for row-major values", () => {
    expect(
      Array.from(
        model.predict([
          [1, 2],
          [3, 4],
        ]),
      ),
    ).toEqual([211, 431]);
    const out = new Float64Array(2);
    expect(model.predict(Float64Array.of(1, 2, 3, 4), out)).toBe(out);
    expect(Array.from(out)).toEqual([211, 431]);
    expect(model.predict([]).length).toBe(0);
  });

  test("names both shapes where they do not fit", async () => {
    expect(() => model.predict(Float64Array.of(1, 2, 3))).toThrow(
      "X has 3 values, which do not make rows of 2 (the number of terms)",
    );
    expect(() => model.predict([[1, 2], [3]])).toThrow("row 1 of X has 1 values, expected 2");
    expect(() => model.predict([[1, 2]], new Float64Array(3))).toThrow("out has 3 places, X has 1 rows");
    await expect(model.predictConcurrent([[1, 2]], { out: new Float64Array(3) })).rejects.toThrow(UsageError);
    await expect(model.predictConcurrent([[1, 2]], { threads: 0 })).rejects.toThrow("got 0");
  });
});

describe("predictConcurrent", () => {
  const k = 20;
  const model = modelOf(Float64Array.from({ length: k + 1 }, (_, i) => i));
  const X = shared(200_000 * k).fill(1);

  test("stops on an abort, before or during the work", async () => {
    const aborted = model.predictConcurrent(X, { threads: 2, signal: AbortSignal.abort() });
    await expect(aborted).rejects.toThrow(InterruptedError);
    const controller = new AbortController();
    const running = model.predictConcurrent(X, { threads: 2, signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toThrow(InterruptedError);
    // The same threads go on to serve.
    const again = await model.predictConcurrent(X, { threads: 2 });
    expect(firstDifference(model.predict(X), again)).toBe(-1);
  });

  test("has the threads do the work: the answer comes through the event loop", async () => {
    let settled = false;
    const running = model.predictConcurrent(X, { threads: 2 }).then(() => {
      settled = true;
    });
    // Promises alone, however many, let no message in; what was computed here would be settled by now.
    for (let i = 0; i < 1000; i++) await Promise.resolve();
    expect(settled).toBe(false);
    await running;
    expect(settled).toBe(true);
  });

  test("serves several calls at a time", async () => {
    const expected = model.predict(X);
    const results = await Promise.all([1, 2, 3].map((threads) => model.predictConcurrent(X, { threads })));
    for (const result of results) expect(firstDifference(expected, result)).toBe(-1);
  });
});

/** The first place where two arrays differ in their bits; −1 where there is none. */
function firstDifference(a: Float64Array, b: Float64Array): number {
  return a.findIndex((value, i) => !Object.is(value, b[i]));
}
