// goml's in-memory predict: prints the median of 31 runs in milliseconds.
import { fit } from "../../dist/index.js";
import { median } from "../../dist/stats/quantile.js";
import { normal } from "../generate.js";

const [rows, columns] = process.argv.slice(2).map(Number);
const next = normal(1);
const X = Float64Array.from({ length: rows * columns }, next);
const sample = X.subarray(0, 1000 * columns);
const model = fit(sample, Float64Array.from({ length: 1000 }, next));
const out = new Float64Array(rows);
const times = Array.from({ length: 31 }, () => {
  const start = performance.now();
  model.predict(X, out);
  return performance.now() - start;
});
console.log(JSON.stringify(median(times)));
