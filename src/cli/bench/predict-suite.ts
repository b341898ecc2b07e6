import { fit } from "../../training/fit.js";
import { count } from "../render/numbers.js";
import { batchRows, repeatRows } from "./batches.js";
import type { BenchCase, BenchGroup, BenchSuite } from "./suite.js";

/** Predicting in memory: `model.predict` against `model.predictConcurrent`, and against the loop one would write. */
export const predictSuite: BenchSuite = ({ data, threads, quick }) => {
  const model = fit(data.X, data.y, { terms: data.terms, target: data.target });
  return batchRows(data, quick).map((rows): BenchGroup => {
    const name = `predict ${count(rows)} ${rows === 1 ? "row" : "rows"}`;
    return {
      name,
      rows,
      values: rows * data.terms.length,
      async open() {
        const { X } = repeatRows(data, rows);
        const output = () => new Float64Array(new SharedArrayBuffer(8 * rows));
        const [looped, serial, concurrent] = [output(), output(), output()];
        const { weights } = model;
        const cases: BenchCase[] = [
          { name: "plain loop", async: false, run: () => plainPredict(X, weights, looped) },
          {
            name: "serial",
            against: "plain loop",
            async: false,
            run: () => model.predict(X, serial),
          },
          ...threads.map((n) => ({
            name: n === 1 ? "1 thread" : `${n} threads`,
            against: "serial",
            threads: n,
            async: true,
            run: () => model.predictConcurrent(X, { threads: n, out: concurrent }),
          })),
        ];
        return {
          cases,
          async check() {
            model.predict(X, serial);
            for (const n of threads) {
              concurrent.fill(Number.NaN);
              await model.predictConcurrent(X, { threads: n, out: concurrent });
              const at = serial.findIndex((value, i) => !Object.is(value, concurrent[i]));
              if (at >= 0) throw new Error(`${name}: serial and ${n} threads differ in row ${at + 1}`);
            }
          },
          async close() {},
        };
      },
    };
  });
};

/** ŷ = w₀ + Xw by the loop that everybody writes first. */
function plainPredict(X: Float64Array, weights: Float64Array, out: Float64Array): void {
  const k = weights.length - 1;
  for (let i = 0; i < out.length; i++) {
    let sum = weights[0]!;
    for (let j = 0; j < k; j++) sum += X[i * k + j]! * weights[j + 1]!;
    out[i] = sum;
  }
}
