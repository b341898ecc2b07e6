/** How p-values of several tests are adjusted for their number. */
export type Adjustment = "none" | "bonferroni" | "holm" | "bh";

/** The adjustments of plain p-values, in the order in which help names them. */
export const ADJUSTMENTS: readonly Adjustment[] = ["none", "bonferroni", "holm", "bh"];

/**
 * p-values adjusted for the number m of those that there are, NaN apart; R's `p.adjust`:
 * `bonferroni` min(1, m p); `holm` (Holm 1979) max_{j ≤ i} min(1, (m − j + 1) p₍ⱼ₎), both for the probability of any false
 * rejection; `bh` (Benjamini & Hochberg 1995) min_{j ≥ i} min(1, m p₍ⱼ₎/j), for the share of rejections that are false.
 *
 * @example
 * ```js
 * import { adjustP } from "goml";
 *
 * console.log(adjustP([0.01, 0.04, 0.03], "holm")); // [ 0.03, 0.06, 0.06 ]
 * ```
 */
export function adjustP(values: readonly number[], method: Adjustment): number[] {
  const adjusted = [...values];
  if (method === "none") return adjusted;
  const order = values
    .map((_, i) => i)
    .filter((i) => !Number.isNaN(values[i]!))
    .sort((a, b) => values[a]! - values[b]!);
  const m = order.length;
  if (method === "bonferroni") {
    for (const i of order) adjusted[i] = Math.min(1, m * values[i]!);
  } else if (method === "holm") {
    let most = 0;
    for (const [rank, i] of order.entries()) {
      most = Math.max(most, Math.min(1, (m - rank) * values[i]!));
      adjusted[i] = most;
    }
  } else {
    let least = 1;
    for (let rank = m; rank >= 1; rank--) {
      const i = order[rank - 1]!;
      least = Math.min(least, (m * values[i]!) / rank);
      adjusted[i] = least;
    }
  }
  return adjusted;
}
