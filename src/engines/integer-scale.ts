import type { Spread } from "./spread.js";
import type { IntegerScale } from "./sums.js";

/** A sum of products has one bit less than the widest integers, and the sign. */
const SUM_BITS = 126;
/** An integer of 64 bits, and a bit for rounding up. */
const FACTOR_BITS = 61;

/**
 * The scales of the exact rung: as many bits for x − a as the products' sum has room for, 2 · bits + log₂ n ≤ 126, and the
 * largest |x − a| of a column uses all of them.
 *
 * @param weightBits how many bits weights have that are whole numbers
 */
export function integerScale(
  spreads: readonly Spread[],
  shifts: readonly number[],
  weightBits = 0,
): IntegerScale {
  const n = spreads[0]?.n ?? 0;
  const room = SUM_BITS - Math.ceil(Math.log2(Math.max(2, n))) - weightBits;
  const bits = Math.min(FACTOR_BITS - weightBits, Math.floor(room / 2));
  const scales = spreads.map(({ least, most }, i) => {
    const largest = Math.max(most - shifts[i]!, shifts[i]! - least);
    // 2^1023 is the largest power of two that is a double.
    return largest > 0 ? Math.min(1023, bits - Math.ceil(Math.log2(largest))) : 0;
  });
  return { bits: 2 * bits + weightBits, scales };
}
