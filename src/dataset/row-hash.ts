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
  return hashOf(number | 0, lastOf(number), firstOf(seed, salt));
}

/**
 * `rowHash` of `hashes.length` numbers from `first` on. What their halves have in common is worked out once, which leaves
 * integers: an eighth of the time of one by one, and a fit of a million rows asks for each row's.
 */
export function rowHashes(first: number, seed: number, salt: number, hashes: Uint32Array): void {
  const h0 = firstOf(seed, salt);
  const n = hashes.length;
  for (let from = 0; from < n; ) {
    const low = (first + from) % 2 ** 32;
    const to = Math.min(n, from + 2 ** 32 - low);
    const last = lastOf(first + from);
    for (let i = from, number = low | 0; i < to; i++, number = (number + 1) | 0)
      hashes[i] = hashOf(number, last, h0);
    from = to;
  }
}

/** h₀ of a seed and a salt. */
export function firstOf(seed: number, salt: number): number {
  return mix(Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b));
}

/** What h₁ is mixed with. */
function lastOf(number: number): number {
  return Math.imul(Math.floor(number / 2 ** 32), 0xc2b2ae35) ^ 0x27d4eb2f;
}

/** h, of the number's lower half. */
function hashOf(low: number, last: number, h0: number): number {
  return mix(mix(h0 ^ low) ^ last) >>> 0;
}

function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
