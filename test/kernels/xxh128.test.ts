import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { xxh128Reference } from "../../src/kernels/reference/xxh128.js";
import { Xxh128 } from "../../src/kernels/xxh128.js";

const content = (length: number) =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 13) & 255);

/** What `xxh128sum` (xxHash 0.8.1, Debian's) prints of the first bytes of that. */
const GOLDEN: Record<number, string> = {
  241: "50b62ee1ee6455a7bc424a2c480dd281",
  256: "20d618055259b36c2d040b1ab40f0d78",
  1023: "d34ef4f411b9a93e3071307bafa2f8f4",
  1024: "53bd178b75ab292e1fd15e7d36f5e1bc",
  1025: "d1ad5f4a3cce4374fe08e5a874d23fd2",
  1088: "9c1e8a4061056e7d0ac7cf3a6009bab5",
  2049: "3b45eb7c64d498329156a1fd2d1a8c37",
  131072: "d222e56f5592616a20804bba619114f1",
};

describe("XXH128", () => {
  test.each(Object.entries(GOLDEN))("%s bytes are hashed as xxh128sum hashes them", (length, expected) => {
    const bytes = content(Number(length));
    const hash = new Xxh128(new Kernels());
    hash.update(bytes);
    expect(hash.digest()).toBe(expected);
    expect(xxh128Reference(bytes)).toBe(expected);
  });

  test("does not depend on the pieces in which bytes come", () => {
    const kernels = new Kernels();
    const mark = kernels.mark();
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 241, maxLength: 5000 }),
        fc.array(fc.integer({ min: 1, max: 3000 })),
        (bytes, cuts) => {
          kernels.release(mark);
          const hash = new Xxh128(kernels, 1024);
          let from = 0;
          for (const cut of cuts) {
            hash.update(bytes.subarray(from, from + cut));
            from = Math.min(bytes.length, from + cut);
          }
          hash.update(bytes.subarray(from));
          expect(hash.digest()).toBe(xxh128Reference(bytes));
        },
      ),
    );
  });

  test("goes on from a state elsewhere, with bytes that stand in its memory", () => {
    const state = new Uint8Array(Xxh128.STATE_BYTES);
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 241, maxLength: 9000 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 5 }),
        fc.integer({ min: 0, max: 1024 }),
        (bytes, cuts, head) => {
          const kernels = [new Kernels(), new Kernels()];
          const hashes = kernels.map((own) => new Xxh128(own, 0));
          state.fill(0);
          let from = Math.min(head, bytes.length);
          expect(Xxh128.begin(state, bytes.subarray(0, from))).toBe(true);
          for (const [i, cut] of [...cuts, bytes.length].entries()) {
            const piece = bytes.subarray(from, from + cut);
            const own = kernels[i % 2]!;
            const at = own.alloc(piece.length);
            own.bytes.set(piece, at);
            const hash = hashes[i % 2]!;
            hash.load(state);
            hash.addAt(at, piece.length);
            hash.store(state);
            from += piece.length;
          }
          hashes[0]!.load(state);
          expect(hashes[0]!.digest()).toBe(xxh128Reference(bytes));
        },
      ),
    );
    expect(Xxh128.begin(state, new Uint8Array(1025))).toBe(false);
  });

  test("one bit makes another hash", () => {
    const bytes = content(3000);
    const before = xxh128Reference(bytes);
    for (const at of [0, 63, 64, 1023, 1024, 2047, 2048, 2935, 2936, 2999]) {
      bytes[at]! ^= 1;
      const hash = new Xxh128(new Kernels());
      hash.update(bytes);
      expect(hash.digest()).not.toBe(before);
      bytes[at]! ^= 1;
    }
  });

  test("is not of 240 bytes, which have ways of their own", () => {
    const hash = new Xxh128(new Kernels());
    hash.update(content(240));
    expect(() => hash.digest()).toThrow("there should be 241 or more");
  });
});
