import { rowHash } from "./row-hash.js";

/** The prime 2³¹ − 1: products of two numbers below it are exact in 64 bits, which every database has. */
export const KEY_PRIME = 2147483647;

/** c₀ to c₃ of the cubic that hashes keys, 0 ≤ c < p, c₃ > 0. */
export type KeyCoefficients = readonly [c0: number, c1: number, c2: number, c3: number];

/** What a key is hashed for: each by coefficients of its own, so that folds do not depend on the hold-out. */
const SALTS = { holdOut: 2, fold: 3 };

/**
 * The coefficients that follow from a seed: cᵢ = h(i) mod p for i = 0, 1, 2 and c₃ = 1 + h(3) mod (p − 1), h(i) being
 * `rowHash` of i, the seed, and 2 for the hold-out or 3 for folds. As c₃ is not 0, at most three keys below p have the
 * same hash.
 */
export function keyCoefficients(seed: number, use: keyof typeof SALTS): KeyCoefficients {
  const h = (i: number) => rowHash(i, seed, SALTS[use]);
  return [h(0) % KEY_PRIME, h(1) % KEY_PRIME, h(2) % KEY_PRIME, 1 + (h(3) % (KEY_PRIME - 1))];
}

/**
 * The hash of a whole number k of up to 53 bits, 0 ≤ h < p = 2³¹ − 1: a cubic over GF(p) (Wegman & Carter 1981, of which
 * the hashes of any four keys are independent), which SQL computes alike with integers of 64 bits:
 *
 *     x = k mod p ≥ 0,  h = ((c₃ x + c₂) x + c₁) x + c₀ mod p
 */
export function keyHash(key: number, [c0, c1, c2, c3]: KeyCoefficients): number {
  const rest = reduced(Math.abs(key));
  const x = key < 0 && rest > 0 ? KEY_PRIME - rest : rest;
  return reduced(times(reduced(times(reduced(times(c3, x) + c2), x) + c1), x) + c0);
}

/** The cross-validation fold of a key, 0 to folds − 1: its hash mod `folds`. */
export function foldOfKey(key: number, coefficients: KeyCoefficients, folds: number): number {
  return keyHash(key, coefficients) % folds;
}

/** Keys whose hash is below ⌊share · p⌋ are held out. */
export function heldOutBelow(share: number): number {
  return Math.floor(share * KEY_PRIME);
}

/** x mod p of a whole number 0 ≤ x < 2⁵³: 2³¹ is 1 mod p, so what lies above 31 bits is added to what lies below. */
function reduced(x: number): number {
  const high = Math.floor(x / 2 ** 31);
  const sum = x - high * 2 ** 31 + high;
  return sum >= KEY_PRIME ? sum - KEY_PRIME : sum;
}

/** a b mod p of 0 ≤ a, b < p, in parts that doubles hold: a (bₕ 2¹⁶ + bₗ), a bₕ < 2⁴⁶. */
function times(a: number, b: number): number {
  return reduced(reduced(a * (b >>> 16)) * 2 ** 16 + a * (b & 0xffff));
}
