import { significant } from "../../number-text.js";

export { alignedDecimals, count, pValue, significant } from "../../number-text.js";

/** A t value: fixed decimals, as far as the integer part is one to read. */
export function tValue(t: number, decimals: number): string {
  if (!Number.isFinite(t)) return significant(t);
  return Math.abs(t) < 1e7 ? t.toFixed(decimals) : t.toExponential(decimals);
}

/** R's significance codes. */
export function stars(p: number, below?: number): string {
  const under = (bound: number) => (below === undefined ? p < bound : below <= bound);
  return under(0.001) ? "***" : under(0.01) ? "**" : under(0.05) ? "*" : under(0.1) ? "." : "";
}

/** Milliseconds for reading: 0.42 ms, 12 ms, 1.24 s. */
export function milliseconds(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(2)} ms`;
}
