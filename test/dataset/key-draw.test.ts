import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { foldOfKey, heldOutBelow, KEY_PRIME, keyCoefficients, keyHash } from "../../src/dataset/key-draw.js";

const P = 2n ** 31n - 1n;
const key = fc.oneof(
  fc.maxSafeInteger(),
  fc.integer(),
  fc.constantFrom(0, -0, 1, -1, KEY_PRIME, -KEY_PRIME, KEY_PRIME - 1, 2 * KEY_PRIME),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
);
const seed = fc.oneof(fc.integer({ min: 0, max: 20 }), fc.maxSafeInteger());
const use = fc.constantFrom("fold", "holdOut") as fc.Arbitrary<"fold" | "holdOut">;

/** The cubic by integers of any size, in powers instead of Horner's scheme. */
function byPowers(k: number, coefficients: readonly number[]): bigint {
  const x = ((BigInt(k) % P) + P) % P;
  return coefficients.reduce((sum, c, i) => sum + BigInt(c) * x ** BigInt(i), 0n) % P;
}

/** `rowHash` of i < 2³² as the model format has it, by integers of any size. */
function hash(i: bigint, seed: bigint, salt: bigint): bigint {
  const mod = 2n ** 32n;
  const mix = (x: bigint) => {
    let h = ((x % mod) + mod) % mod;
    h = ((h ^ (h >> 16n)) * 0x85ebca6bn) % mod;
    h = ((h ^ (h >> 13n)) * 0xc2b2ae35n) % mod;
    return h ^ (h >> 16n);
  };
  const low = ((seed % mod) + mod) % mod;
  const h0 = mix(((low * 0x9e3779b1n) % mod) ^ (((salt + 1n) * 0x85ebca6bn) % mod));
  return mix(mix(h0 ^ i) ^ 0x27d4eb2fn);
}

describe("the hash of a key", () => {
  test("is the cubic over the integers mod 2³¹ − 1", () => {
    fc.assert(
      fc.property(key, seed, use, (k, s, what) => {
        const coefficients = keyCoefficients(s, what);
        expect(BigInt(keyHash(k, coefficients))).toBe(byPowers(k, coefficients));
      }),
      { numRuns: 2000 },
    );
    // The largest coefficients there are.
    const most = [KEY_PRIME - 1, KEY_PRIME - 1, KEY_PRIME - 1, KEY_PRIME - 1] as const;
    fc.assert(fc.property(key, (k) => void expect(BigInt(keyHash(k, most))).toBe(byPowers(k, most))));
  });

  test("has coefficients that follow from the seed as the model format says", () => {
    fc.assert(
      fc.property(seed, use, (s, what) => {
        const h = (i: bigint) => hash(i, BigInt(s), what === "fold" ? 3n : 2n);
        const expected = [h(0n) % P, h(1n) % P, h(2n) % P, 1n + (h(3n) % (P - 1n))];
        expect(keyCoefficients(s, what).map(BigInt)).toEqual(expected);
      }),
    );
  });

  // docs/model-format.md has these numbers: files that were written depend on them.
  test("of seed 1 is, for good, this one", () => {
    const fold = keyCoefficients(1, "fold");
    expect(fold).toEqual([962061523, 894330091, 1103924926, 915247994]);
    expect(keyCoefficients(1, "holdOut")).toEqual([1643399362, 1250847105, 720131153, 225449090]);
    expect([0, 1, 2, -1, 4711].map((k) => foldOfKey(k, fold, 10))).toEqual([3, 7, 9, 4, 3]);
  });

  test("is what a database computes with integers of 64 bits", async () => {
    const keys = fc.sample(key, { numRuns: 500, seed: 7 }).map((k) => k + 0);
    const [c0, c1, c2, c3] = keyCoefficients(5, "fold");
    const x = `(((k % ${P}) + ${P}) % ${P})`;
    const sql =
      `SELECT ((((${c3} * ${x} + ${c2}) % ${P}) * ${x} + ${c1}) % ${P} * ${x} + ${c0}) % ${P} AS h ` +
      `FROM (SELECT unnest([${keys.join(",")}]::BIGINT[]) AS k)`;
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const rows = (await connection.runAndReadAll(sql)).getColumnsJS()[0]!;
    connection.closeSync();
    expect(rows.map(Number)).toEqual(keys.map((k) => keyHash(k, [c0, c1, c2, c3])));
  });

  test("spreads keys over folds as chance does, whatever runs they make", () => {
    const n = 20_000;
    for (const step of [1, 2, 10, 1000, -7, 1 << 20])
      for (let s = 0; s < 20; s++) {
        const coefficients = keyCoefficients(s, "fold");
        const counts = new Array<number>(10).fill(0);
        for (let i = 0; i < n; i++) counts[foldOfKey(i * step + 3, coefficients, 10)]!++;
        const chi = counts.reduce((sum, c) => sum + (c - n / 10) ** 2 / (n / 10), 0);
        // Nine degrees of freedom: 33.7 has a tail of 1e-4, and 120 are looked at.
        expect(chi, `step ${step}, seed ${s}`).toBeLessThan(33.7);
      }
  });

  test("holds the share out that is asked for, of each fold alike", () => {
    const [fold, out] = [keyCoefficients(3, "fold"), keyCoefficients(3, "holdOut")];
    const n = 50_000;
    const held = new Array<number>(5).fill(0);
    for (let k = 0; k < n; k++) if (keyHash(k, out) < heldOutBelow(0.3)) held[foldOfKey(k, fold, 5)]!++;
    // Five standard deviations of a binomial of 10,000 and 0.3 are 229.
    for (const count of held)
      expect(Math.abs(count - 0.3 * (n / 5))).toBeLessThan(229 + 5 * Math.sqrt(n / 5) * 0.3);
  });
});
