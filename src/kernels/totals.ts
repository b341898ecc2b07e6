import type { Kernels } from "./kernels.js";

/** Byte offsets in the record that both kinds of moments begin with (assembly/gram.ts, `Totals`). */
export const COLUMNS_AT = 40;
export const POINTERS_AT = 44;

/** What is summed over rows beside their columns. */
export interface Totals {
  /** Rows of positive weight. */
  n: number;
  /** Σ w; n without weights. */
  sumW: number;
  /** Σ ln w; 0 without weights. */
  sumLogW: number;
}

/** Reads the totals of the record at an address. */
export function readTotals(kernels: Kernels, address: number): Totals {
  const [n, sumW, , mantissa, exponent] = kernels.doublesAt(address, 5);
  // The kernel keeps Π w, as WebAssembly has no logarithm.
  const sumLogW = mantissa === 0 ? 0 : Math.log(mantissa!) + exponent! * Math.LN2;
  return { n: n!, sumW: sumW!, sumLogW };
}

/** A field of a record that holds an address. */
export function pointer(kernels: Kernels, address: number, field: number): number {
  return kernels.ints[(address + POINTERS_AT) / 4 + field]! >>> 0;
}
