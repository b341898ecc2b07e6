import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, it } from "vitest";
import { jsonPieces, writeJson } from "../../../src/linear/model/write-json.js";

const folder = mkdtempSync(join(tmpdir(), "goml-json-"));
afterAll(() => rmSync(folder, { recursive: true }));

const text = (value: unknown) =>
  Buffer.concat(Array.from(jsonPieces(value), (piece) => Buffer.from(piece))).toString();

describe("JSON in pieces", () => {
  it("is JSON.stringify's, byte for byte", () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false } as never), (value) => {
        expect(text(value)).toBe(JSON.stringify(value));
      }),
    );
    const odd = {
      a: undefined,
      b: Number.NaN,
      c: [undefined, -0, 1e21, 1e-7],
      d: { toJSON: () => [1, null] },
    };
    expect(text(odd)).toBe(JSON.stringify(odd));
  });

  it("is so for lists that the kernel writes, whatever the numbers", () => {
    // Any doubles, by their bits; lists around the length of a piece, with and without what is not a number.
    const view = new DataView(new ArrayBuffer(8));
    fc.assert(
      fc.property(fc.integer({ min: 8190, max: 16_390 }), fc.nat(), fc.boolean(), (length, seed, gaps) => {
        let state = BigInt(seed) + 1n;
        const list = Array.from({ length }, (_, i) => {
          state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
          view.setBigUint64(0, i % 3 === 0 ? state & 0xffff000000000000n : state);
          const x = view.getFloat64(0);
          return Number.isFinite(x) ? x : gaps ? null : i;
        });
        const value = { list, nested: [{ list }] };
        expect(text(value) === JSON.stringify(value)).toBe(true);
      }),
      { numRuns: 20 },
    );
  });

  it("is the same bytes by any number of threads", async () => {
    // Lists below and above what is shared out, more than a segment, and one with numbers that JSON has none of.
    const list = (length: number, of = (i: number) => (i - 7) / ((i % 991) + 1)) =>
      Float64Array.from({ length }, (_, i) => of(i));
    const value = {
      short: list(1000),
      long: list(300_001),
      nested: { longer: list(1_100_000), ints: Int32Array.from({ length: 262_144 }, (_, i) => i - 7) },
      holes: list(270_000, (i) => (i % 50_021 === 3 ? Number.NaN : i / 3)),
      last: "x",
    };
    const expected = JSON.stringify(value, (_, part) =>
      part instanceof Float64Array || part instanceof Int32Array ? [...part] : part,
    );
    for (const threads of [2, 3]) {
      const path = join(folder, `threads-${threads}.json`);
      await writeJson(path, value, { threads });
      const written = readFileSync(path, "utf8");
      rmSync(path);
      expect(written.slice(0, written.lastIndexOf(',"digest"')) === expected.slice(0, -1)).toBe(true);
    }
  });

  it("ends its threads and leaves no file behind when it is aborted among them", async () => {
    const controller = new AbortController();
    const value = { list: new Float64Array(1 << 20).fill(1 / 3) };
    const writing = writeJson(join(folder, "model.json"), value, { signal: controller.signal, threads: 2 });
    setImmediate(() => controller.abort());
    await expect(writing).rejects.toMatchObject({ kind: "interrupted" });
    expect(readdirSync(folder)).toEqual([]);
  });

  it("leaves no file behind when it is aborted", async () => {
    const controller = new AbortController();
    controller.abort();
    const path = join(folder, "model.json");
    await expect(writeJson(path, { a: 1 }, { signal: controller.signal })).rejects.toMatchObject({
      kind: "interrupted",
    });
    expect(readdirSync(folder)).toEqual([]);
    await writeJson(path, { a: 1 });
    // echo -n '{"a":1' | sha256sum
    const digest = "8b0f0d75aabe01bbfba9341752c2cf7626f154e676aa791427b31aebfabc2592";
    expect(readFileSync(path, "utf8")).toBe(`{"a":1,"digest":"${digest}"}\n`);
  });
});
