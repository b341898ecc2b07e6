import fc from "fast-check";
import { expect, it } from "vitest";
import { rowHash, rowHashes } from "../../src/dataset/row-hash.js";

it("hashes a run of numbers as one by one, past 32 bits too", () => {
  const near = fc.integer({ min: 0, max: 300 });
  const first = fc.oneof(
    near,
    near.map((below) => 2 ** 32 - below),
    near.map((below) => 5 * 2 ** 32 - below),
    fc.maxSafeNat().map((n) => Math.floor(n / 2)),
  );
  fc.assert(
    fc.property(first, fc.integer(), fc.integer({ min: 0, max: 3 }), near, (first, seed, salt, count) => {
      const hashes = new Uint32Array(count);
      rowHashes(first, seed, salt, hashes);
      expect([...hashes]).toEqual(Array.from({ length: count }, (_, i) => rowHash(first + i, seed, salt)));
    }),
  );
});

it("gives the bits that stand in model files", () => {
  // MurmurHash3's finalizer by exact integers, as docs/model-format.md writes the formula.
  const mix = (x: bigint) => {
    const low = (v: bigint) => v & 0xffffffffn;
    let h = low(x);
    h = low((h ^ (h >> 16n)) * 0x85ebca6bn);
    h = low((h ^ (h >> 13n)) * 0xc2b2ae35n);
    return h ^ (h >> 16n);
  };
  const low = (v: bigint) => v & 0xffffffffn;
  const exact = (number: bigint, seed: bigint, salt: bigint) => {
    const h0 = mix(low(seed * 0x9e3779b1n) ^ low((salt + 1n) * 0x85ebca6bn));
    const h1 = mix(h0 ^ low(number));
    return mix(h1 ^ low((number >> 32n) * 0xc2b2ae35n) ^ 0x27d4eb2fn);
  };
  for (const [number, seed, salt] of [
    [0, 42, 0],
    [1, 42, 1],
    [4294967295, 7, 1],
    [4294967296, 7, 1],
    [9007199254740991, 123456789, 2],
  ] as const)
    expect(rowHash(number, seed, salt)).toBe(Number(exact(BigInt(number), BigInt(seed), BigInt(salt))));
});
