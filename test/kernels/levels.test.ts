import fc from "fast-check";
import { expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { LevelTable } from "../../src/kernels/levels.js";
import { isMissing } from "../../src/kernels/number.js";
import { encode, PATIENCE, place, runs } from "./bytes.js";

const kernels = new Kernels();

/** Codes of texts, in blocks of `rows`; texts are laid out as `RowParser` leaves them, quotes doubled. */
function codesOf(table: LevelTable, texts: string[], rows = 128): number[] | undefined {
  const raw = texts.map((text) => encode(text.replaceAll('"', '""')));
  const at = place(kernels, Buffer.concat(raw));
  const block = kernels.alloc(8 * rows * 2);
  const codes = kernels.alloc(4 * rows);
  const all: number[] = [];
  let address = at;
  for (let first = 0; first < texts.length; first += rows) {
    const some = raw.slice(first, first + rows);
    for (const [r, bytes] of some.entries()) {
      const quoted = texts[first + r]!.includes('"');
      kernels.ints.set([address, bytes.length | (quoted ? 1 << 31 : 0)], block / 4 + 2 * (rows + r));
      address += bytes.length;
    }
    if (!table.intern(block, 1, some.length, codes, rows)) return undefined;
    all.push(...kernels.ints.subarray(codes / 4, codes / 4 + some.length));
  }
  return all;
}

function twin(texts: string[]): { codes: number[]; levels: string[] } {
  const levels = new Map<string, number>();
  const codes = texts.map((text) => {
    if (isMissing(text)) return -1;
    if (!levels.has(text)) levels.set(text, levels.size);
    return levels.get(text)!;
  });
  return { codes, levels: [...levels.keys()] };
}

test("codes are numbered by first appearance, missing cells are −1", () => {
  const table = new LevelTable(kernels);
  const texts = ["b", "a", "", "b", " ", "NA", 'say "x"', " b", "null", "grün", 'say "x"', "nul", "nulll"];
  expect(codesOf(table, texts)).toEqual([0, 1, -1, 0, -1, -1, 2, 3, -1, 4, 2, 5, 6]);
  expect(table.levels()).toEqual(["b", "a", 'say "x"', " b", "grün", "nul", "nulll"]);
  table.reset();
  expect(codesOf(table, ["a"])).toEqual([0]);
  expect(table.levels()).toEqual(["a"]);
});

test(
  "codes and levels are a Map's, whatever the texts and the blocks",
  () => {
    const text = fc.oneof(
      fc.string({ maxLength: 20 }),
      fc.constantFrom("a", "aaaaaaaa", "aaaaaaaab", "aaaaaaa", 'x"', "NA", "12345678901234567"),
      fc.integer({ max: 40, min: 0 }).map((i) => "ab".repeat(i)),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 300 }), fc.integer({ min: 1, max: 200 }), (texts, rows) => {
        const mark = kernels.mark();
        const table = new LevelTable(kernels);
        const want = twin(texts);
        expect(codesOf(table, texts, rows)).toEqual(want.codes);
        expect(table.levels()).toEqual(want.levels);
        kernels.release(mark);
      }),
      runs(200),
    );
  },
  PATIENCE,
);

test("a table grows, and stops at its cap", () => {
  const texts = Array.from({ length: 20_000 }, (_, i) => `level ${(i * 7919) % 5003}`);
  const table = new LevelTable(kernels, 5003);
  const want = twin(texts);
  expect(codesOf(table, texts)).toEqual(want.codes);
  expect(table.levels()).toEqual(want.levels);
  expect(codesOf(table, ["one more"])).toBeUndefined();
  expect(() => table.level(-1)).toThrow(RangeError);
});
