/**
 * A number for reading, with `digits` significant digits, more where the integer part has more, and without trailing
 * zeros; NaN is NA, as in R.
 */
export function significant(x: number, digits = 6): string {
  if (Number.isNaN(x)) return "NA";
  if (!Number.isFinite(x)) return x > 0 ? "Inf" : "-Inf";
  if (x === 0) return "0";
  const magnitude = Math.floor(Math.log10(Math.abs(x)));
  if (magnitude < -5 || magnitude >= Math.max(digits, 7) + 3)
    return x.toExponential(digits - 1).replace(/\.?0+e/, "e");
  return magnitude >= digits ? x.toFixed(0) : String(Number(x.toPrecision(digits)));
}

/**
 * Numbers of one column with a common count of decimals, so that the points stand below each other: as many as
 * the entry of the smallest magnitude needs to show `digits` significant ones, at most `most`.
 */
export function alignedDecimals(values: readonly number[], digits = 4, most = 8): string[] {
  const finite = values.filter((v) => Number.isFinite(v) && v !== 0);
  const smallest = finite.reduce((least, v) => Math.min(least, Math.abs(v)), Infinity);
  const largest = finite.reduce((top, v) => Math.max(top, Math.abs(v)), 0);
  const decimals = Math.min(most, Math.max(0, digits - 1 - Math.floor(Math.log10(smallest || 1))));
  if (largest >= 1e9 || (largest > 0 && largest < 10 ** -most))
    return values.map((v) => (Number.isFinite(v) ? v.toExponential(digits - 1) : significant(v)));
  return values.map((v) => {
    if (!Number.isFinite(v)) return significant(v);
    // What would print as zeros only is shown by its exponent instead.
    return v !== 0 && Math.abs(v) < 0.5 * 10 ** -decimals ? v.toExponential(digits - 1) : v.toFixed(decimals);
  });
}

/**
 * A p-value: three digits above 0.001, else an exponent with two; what doubles hardly tell from 0 is `<1e-300`.
 *
 * @param below where p is 0 of so many draws: what it is below
 */
export function pValue(p: number, below?: number): string {
  if (Number.isNaN(p)) return "NA";
  if (below !== undefined) return `<${significant(below, 2)}`;
  if (p < 1e-300) return "<1e-300";
  return p >= 1e-3 ? p.toFixed(4) : p.toExponential(1);
}

/** A count with thousands separated: 1,000,000. */
export function count(n: number): string {
  // By hand: the first use of Intl takes some 10 ms.
  return String(n).replace(/\B(?=(?:\d{3})+$)/g, ",");
}
