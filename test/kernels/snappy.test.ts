import fc from "fast-check";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { describe, expect, it } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { PageBuffer } from "../../src/kernels/pages.js";
import { snappyReference } from "../../src/kernels/reference/snappy.js";

const pages = new PageBuffer(new Kernels());

function decompress(bytes: Uint8Array, size: number, from = 0): Uint8Array | undefined {
  pages.input(from + bytes.length).set(bytes, from);
  try {
    return pages.snappy(from, bytes.length, size).slice();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return undefined;
  }
}

/** Bytes that repeat themselves at all distances. */
const repetitive = fc
  .array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 40 }), fc.integer({ min: 1, max: 30 })), {
    maxLength: 20,
  })
  .map((parts) =>
    Uint8Array.from(
      parts.flatMap(([piece, times]) =>
        Array(times)
          .fill([...piece])
          .flat(),
      ),
    ),
  );

describe("Snappy", () => {
  it("gives back what was compressed", () => {
    fc.assert(
      fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 70_000 })), fc.nat(3), (bytes, from) => {
        const packed = snappyCompress(bytes);
        expect(decompress(packed, bytes.length, from)).toEqual(bytes);
        expect(snappyReference(packed, bytes.length)).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  it("says of damaged bytes what the reference does, and touches nothing beside its page", () => {
    fc.assert(
      fc.property(
        repetitive,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(40),
        (bytes, damage, cut) => {
          const packed = snappyCompress(bytes).slice();
          for (const [at, byte] of damage) packed[at % packed.length] = byte;
          const shorter = packed.subarray(0, Math.max(1, packed.length - cut));
          for (const input of [packed, shorter])
            expect(decompress(input, bytes.length)).toEqual(snappyReference(input, bytes.length));
        },
      ),
      { numRuns: 500 },
    );
  });

  it("knows literals and copies of every length of their counts", () => {
    // Literals whose count takes 1 to 4 bytes, and a copy with an offset of 4 bytes.
    const body = Uint8Array.from({ length: 300 }, (_, i) => i % 251);
    for (const counted of [
      [61 << 2, 43, 1],
      [62 << 2, 43, 1, 0],
      [63 << 2, 43, 1, 0, 0],
    ]) {
      const packed = Uint8Array.from([
        184,
        2,
        ...counted,
        ...body,
        (7 << 2) | 3,
        0,
        1,
        0,
        0,
        4 << 2,
        1,
        2,
        3,
        4,
        5,
      ]);
      // 300 bytes, 8 from 256 back, 5 more: 313 = 185, 2 as announced sizes go.
      packed[0] = 185;
      const expected = Uint8Array.from([...body, ...body.subarray(44, 52), 1, 2, 3, 4, 5]);
      expect(decompress(packed, 313)).toEqual(expected);
      expect(snappyReference(packed, 313)).toEqual(expected);
    }
  });
});
