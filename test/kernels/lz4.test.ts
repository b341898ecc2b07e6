import fc from "fast-check";
import { compressors } from "hyparquet-compressors";
import { describe, expect, it } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { PageBuffer } from "../../src/kernels/pages.js";
import { lz4Reference } from "../../src/kernels/reference/lz4.js";

const pages = new PageBuffer(new Kernels());

/** Blocks one behind the other, by the kernel; undefined where it refuses them. */
function byKernel(blocks: readonly Uint8Array[], size: number, stored = false): Uint8Array | undefined {
  const input = pages.input(blocks.reduce((sum, { length }) => sum + length, 0));
  let from = 0;
  const places = blocks.map((block) => {
    input.set(block, from);
    from += block.length;
    return { from: from - block.length, length: block.length, stored };
  });
  try {
    return pages.lz4(places, size).slice();
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return undefined;
  }
}

function byReference(blocks: readonly Uint8Array[], size: number): Uint8Array | undefined {
  const out = new Uint8Array(size);
  let to: number | undefined = 0;
  for (const block of blocks) {
    to = lz4Reference(block, out, to);
    if (to === undefined) return undefined;
  }
  return to === size ? out : undefined;
}

const counted = (count: number): number[] => {
  if (count < 15) return [];
  const bytes = Array<number>(Math.floor((count - 15) / 255)).fill(255);
  return [...bytes, (count - 15) % 255];
};

/** What a block says: literals, then a copy from so far back; and literals at the end. */
interface Sequences {
  readonly copies: readonly { literals: Uint8Array; back: number; count: number }[];
  readonly last: Uint8Array;
}

/** A block in LZ4's format, and how many bytes it stands for, behind `before` bytes that it may repeat. */
function encoded({ copies, last }: Sequences, before: number): { block: Uint8Array; size: number } {
  const bytes: number[] = [];
  let size = 0;
  for (const { literals, back, count } of copies) {
    const there = before + size + literals.length;
    if (there === 0) continue;
    const offset = 1 + (back % Math.min(there, 65_535));
    bytes.push((Math.min(literals.length, 15) << 4) | Math.min(count - 4, 15), ...counted(literals.length));
    bytes.push(...literals, offset & 255, offset >> 8, ...counted(count - 4));
    size += literals.length + count;
  }
  bytes.push(Math.min(last.length, 15) << 4, ...counted(last.length), ...last);
  return { block: Uint8Array.from(bytes), size: size + last.length };
}

const sequences: fc.Arbitrary<Sequences> = fc.record({
  copies: fc.array(
    fc.record({
      literals: fc.uint8Array({ maxLength: 600 }),
      back: fc.oneof(fc.nat(20), fc.nat(70_000)),
      count: fc.oneof(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 4, max: 2000 })),
    }),
    { maxLength: 12 },
  ),
  last: fc.uint8Array({ maxLength: 300 }),
});

/** Blocks that repeat what stands in those before. */
function inBlocks(parts: readonly Sequences[]): { blocks: Uint8Array[]; size: number } {
  let size = 0;
  const blocks = parts.map((part) => {
    const one = encoded(part, size);
    size += one.size;
    return one.block;
  });
  return { blocks, size };
}

describe("LZ4", () => {
  it("gives what another decompressor gives of one block", () => {
    fc.assert(
      // The other one takes no block that ends in no literals, which none does that stands for anything.
      fc.property(sequences, fc.uint8Array({ minLength: 1, maxLength: 20 }), ({ copies }, last) => {
        const { block, size } = encoded({ copies, last }, 0);
        const found = byKernel([block], size);
        expect(found).toEqual(compressors.LZ4_RAW!(block, size));
        expect(found).toEqual(byReference([block], size));
      }),
      { numRuns: 50 },
    );
  });

  it("goes on from block to block as its reference does", () => {
    fc.assert(
      fc.property(fc.array(sequences, { minLength: 1, maxLength: 4 }), (parts) => {
        const { blocks, size } = inBlocks(parts);
        const found = byKernel(blocks, size);
        expect(found).toBeDefined();
        expect(found).toEqual(byReference(blocks, size));
      }),
      { numRuns: 40 },
    );
  });

  it("takes blocks that are stored as they are, and refuses sizes that are not theirs", () => {
    const block = Uint8Array.from({ length: 100 }, (_, i) => i);
    expect(byKernel([block, block], 200, true)).toEqual(Uint8Array.from([...block, ...block]));
    for (const size of [0, 99, 101]) expect(byKernel([block], size, true)).toBeUndefined();
  });

  it("says of damaged bytes what the reference does", () => {
    const damages = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(
        fc.array(sequences, { minLength: 1, maxLength: 3 }),
        damages,
        fc.nat(40),
        (parts, damage, cut) => {
          const { blocks, size } = inBlocks(parts);
          const last = blocks.pop()!.slice();
          for (const [at, byte] of damage) last[at % last.length] = byte;
          for (const input of [last, last.subarray(0, Math.max(1, last.length - cut))])
            expect(byKernel([...blocks, input], size)).toEqual(byReference([...blocks, input], size));
        },
      ),
      { numRuns: 100 },
    );
  });
});
