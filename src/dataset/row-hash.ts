/**
 * 32 bits that follow from a whole number of 0 or more, a seed and a salt, which makes independent hashes of the same
 * number: two rounds of the finalizer of MurmurHash3 over the number's halves.
 *
 *     h₀ = mix(seed · 0x9e3779b1 ⊕ (salt + 1) · 0x85ebca6b)
 *     h₁ = mix(h₀ ⊕ (number mod 2³²))
 *     h = mix(h₁ ⊕ ⌊number / 2³²⌋ · 0xc2b2ae35 ⊕ 0x27d4eb2f)
 *
 * all of it mod 2³². Model files depend on it: it stands in docs/model-format.md, and never changes.
 */
export function rowHash(number: number, seed: number, salt: number): number {
  let h = mix(Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b));
  h = mix(h ^ (number >>> 0));
  h = mix(h ^ Math.imul(Math.floor(number / 2 ** 32), 0xc2b2ae35) ^ 0x27d4eb2f);
  return h >>> 0;
}

function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
