import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sha256 } from "../../src/kernels/sha256.js";

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

describe("SHA-256", () => {
  test("of the standard's examples (FIPS 180-4)", () => {
    expect(new Sha256().update("abc").digest()).toBe(
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
    );
    expect(new Sha256().update("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").digest()).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
  });

  test("is OpenSSL's for each number of bytes about a block's end, and about where that takes over", () => {
    const bytes = Uint8Array.from({ length: (1 << 18) + 130 }, (_, i) => Math.imul(i, 2654435761) >>> 13);
    for (const about of [0, 64, 128, 8192, 1 << 18])
      for (let length = Math.max(0, about - 66); length <= about + 66; length++) {
        const own = bytes.subarray(0, length);
        expect(new Sha256().update(own).digest()).toBe(sha256(own));
      }
  });

  test("does not depend on the pieces in which bytes come, texts among them", () =>
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            fc.uint8Array({ maxLength: 300 }),
            fc.string({ unit: "binary" }),
            // Past what the kernel takes, on one machine's text or another's.
            fc.constant(new Uint8Array(100_000).fill(7)),
          ),
          { maxLength: 8 },
        ),
        (pieces) => {
          const hash = new Sha256();
          for (const piece of pieces) hash.update(piece);
          expect(hash.digest()).toBe(sha256(Buffer.concat(pieces.map((piece) => Buffer.from(piece)))));
        },
      ),
      { numRuns: 30 },
    ));
});
