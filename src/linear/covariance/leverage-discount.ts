import type { VcovType } from "./vcov.js";

/** What the powers of 1 − h depend on besides a row's own leverage. */
export interface FitSize {
  n: number;
  /** All parameters that were estimated: the sum of the leverages. */
  parameters: number;
  /** The largest leverage of a row, where it is known. */
  largest?: number | undefined;
}

/** The types of which no square is divided by anything. */
const PLAIN = ["iid", "hc0", "hc1", "cluster", "cr0", "cr2", "cr3", "hac", "dk", "bootstrap"];

/** Whether a covariance needs the leverages of the rows. */
export function needsLeverages(type: VcovType): boolean {
  return !PLAIN.includes(type);
}

/** k of hc5, as its authors have it. */
const HC5_SHARE = 0.7;

/**
 * The power δ of 1 − h by which the square of a row of leverage h is divided, p̄ = nh/p being its leverage as a multiple of
 * the mean:
 *
 * - hc2: 1; hc3 and the jackknife of rows: 2 (MacKinnon & White 1985);
 * - hc4: min(4, p̄) (Cribari-Neto 2004);
 * - hc4m: min(1, p̄) + min(1.5, p̄) (Cribari-Neto & da Silva 2011);
 * - hc5: ½ min(p̄, max(4, 0.7 n h_max/p)) (Cribari-Neto, Souza & Vasconcellos 2007).
 *
 * R's `sandwich::vcovHC` has the same.
 */
export function discountPower(
  type: VcovType,
  { n, parameters, largest }: FitSize,
): (leverage: number) => number {
  const scale = n / parameters;
  switch (type) {
    case "hc2":
      return () => 1;
    case "hc3":
    case "jackknife":
      return () => 2;
    case "hc4":
      return (h) => Math.min(4, scale * h);
    case "hc4m":
      return (h) => Math.min(1, scale * h) + Math.min(1.5, scale * h);
    case "hc5": {
      const most = Math.max(4, HC5_SHARE * scale * (largest ?? 0));
      return (h) => Math.min(scale * h, most) / 2;
    }
    default:
      return () => 0;
  }
}
