import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { isZstd, ZstdFrames } from "../../src/csv/zstd-frames.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const program = existsSync("/usr/bin/zstd");
const read = async (content: Uint8Array): Promise<Buffer> => {
  const source = await openSource(scratch.file("data.csv", content));
  try {
    const pieces: Uint8Array[] = [];
    for await (const piece of source.chunks()) pieces.push(piece);
    return Buffer.concat(pieces);
  } finally {
    await source.close();
  }
};
const packed = (bytes: Uint8Array, ...options: string[]): Buffer =>
  execFileSync("zstd", ["-q", "-c", ...options], { input: bytes, maxBuffer: 1 << 28 });
const SKIPPED = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

// Which of the two decompressors runs is this Node's affair: 22.15 and later have their own.
const own = "createZstdDecompress" in zlib;
describe.skipIf(!program)(`zstd by ${own ? "Node" : "fzstd"} (skipped where the program zstd is not)`, () => {
  it("gives the bytes that the program packed, of any number of frames, cut anywhere", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            bytes: fc.oneof(
              fc.uint8Array({ maxLength: 3000 }),
              fc.nat({ max: 400_000 }).map((size) => new Uint8Array(size).fill(48)),
              fc.nat({ max: 40_000 }).map((n) => Buffer.from(Array.from({ length: n }, (_, i) => i).join())),
            ),
            options: fc.subarray(["--no-check", "-19", "--no-content-size"]),
            skipped: fc.boolean(),
          }),
          { minLength: 1, maxLength: 4 },
        ),
        async (parts) => {
          const content = Buffer.concat(parts.map(({ bytes }) => bytes));
          fc.pre(content.length > 0);
          const all = Buffer.concat(
            parts.flatMap(({ bytes, options, skipped }) => [
              ...(skipped ? [SKIPPED] : []),
              packed(bytes, ...options),
            ]),
          );
          expect(isZstd(all)).toBe(true);
          expect(Buffer.compare(await read(all), content)).toBe(0);
        },
      ),
      { numRuns: 12 },
    );
  });

  it("finds the ends of frames wherever pieces are cut", () => {
    const frames = ["a,b\n", "1,2\n".repeat(100_000), "", "3,4\n"].map((text) => packed(Buffer.from(text)));
    const all = Buffer.concat([SKIPPED, ...frames.flatMap((frame) => [frame, SKIPPED])]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), (size) => {
        const found = [Buffer.alloc(0)];
        const cutter = new ZstdFrames();
        for (let from = 0; from < all.length; from += size)
          for (const { bytes, ends } of cutter.parts(all.subarray(from, from + size))) {
            found.push(Buffer.concat([found.pop()!, bytes]));
            if (ends) found.push(Buffer.alloc(0));
          }
        expect(cutter.whole).toBe(true);
        expect(found.filter(({ length }) => length > 0).map((frame) => frame.toString("hex"))).toEqual(
          frames.map((frame) => frame.toString("hex")),
        );
      }),
    );
  });

  it("says that it is truncated or damaged, also behind a whole frame", async () => {
    const content = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `${i},${i * 7}\n`).join(""));
    const whole = packed(content);
    const damaged = Buffer.from(whole);
    damaged.fill(0xff, 30_000, 30_010);
    for (const [bytes, message] of [
      [whole.subarray(0, whole.length - 100), "the zstd data end too early: the file is truncated"],
      [Buffer.concat([whole, whole.subarray(0, 3)]), "end too early"],
      [Buffer.concat([whole, Buffer.from("what is this")]), "the zstd data are damaged"],
      [damaged, "the zstd data are damaged"],
    ] as const)
      await expect(read(bytes)).rejects.toMatchObject({
        kind: "data",
        message: expect.stringContaining(message),
      });
    await expect(read(packed(Buffer.alloc(0)).subarray(0, 9))).rejects.toMatchObject({ kind: "data" });
  });

  it("holds a bomb's blocks in little memory", async () => {
    // 512 MiB of one character in 17 KB.
    const bomb = packed(Buffer.alloc(1 << 26, "0"));
    const source = await openSource(scratch.file("bomb.csv", Buffer.concat(Array(8).fill(bomb))));
    try {
      // What V8 has not collected yet counts too, and on a busy machine that is more.
      setFlagsFromString("--expose-gc");
      const collect = runInNewContext("gc") as () => void;
      const before = process.memoryUsage().rss;
      let [bytes, most] = [0, 0];
      for await (const piece of source.chunks()) {
        if (Math.floor((bytes + piece.length) / 2 ** 24) > Math.floor(bytes / 2 ** 24)) collect();
        bytes += piece.length;
        most = Math.max(most, process.memoryUsage().rss - before);
      }
      expect(bytes).toBe(2 ** 29);
      // 4 KiB of blocks are 128 MiB; the rest is garbage of the last pieces.
      expect(most).toBeLessThan(2 ** 28);
    } finally {
      await source.close();
    }
  });
});
