import { quoteField } from "../../csv/write.js";
import type { BenchData } from "./suite.js";

/** Sizes of batches, in values of X; 0 stands for a single row. */
const SIZES = [0, 1_000, 10_000, 100_000, 1_000_000, 10_000_000];
const QUICK_SIZES = [0, 10_000, 1_000_000];

/** The batches of a suite, in rows: 1 row up to 10,000,000 values, or 1,000,000 where it should be quick. */
export function batchRows(data: BenchData, quick: boolean): number[] {
  const k = data.terms.length;
  const rows = (quick ? QUICK_SIZES : SIZES).map((values) => Math.max(1, Math.round(values / k)));
  return [...new Set(rows)];
}

/** The first n rows of the data repeated without end, X in shared memory so that threads need no copy. */
export function repeatRows(data: BenchData, n: number): { X: Float64Array; y: Float64Array } {
  const X = new Float64Array(new SharedArrayBuffer(8 * n * data.terms.length));
  const y = new Float64Array(n);
  fillRepeating(X, data.X);
  fillRepeating(y, data.y);
  return { X, y };
}

function fillRepeating(target: Float64Array, source: Float64Array): void {
  for (let at = 0; at < target.length; at += source.length)
    target.set(source.subarray(0, Math.min(source.length, target.length - at)), at);
}

/** The same rows as CSV: a header, then `n` lines, numbers in their shortest form. */
export function* csvText(data: BenchData, n: number): Generator<string, void, undefined> {
  const k = data.terms.length;
  yield `${[...data.terms, data.target].map((name) => quoteField(name)).join(",")}\n`;
  const lines: string[] = [];
  for (let i = 0; i < Math.min(n, data.rows); i++)
    lines.push(`${data.X.subarray(i * k, (i + 1) * k).join(",")},${data.y[i]}\n`);
  const all = lines.join("");
  for (let left = n; left > 0; left -= lines.length)
    yield left >= lines.length ? all : lines.slice(0, left).join("");
}
