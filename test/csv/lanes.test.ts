import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readOutcome } from "./read-all.js";

// GOML_LONG=1 for a long search.
const long = process.env.GOML_LONG === "1";
const numRuns = long ? 10_000 : 250;
const timeout = long ? 3_600_000 : 60_000;

const number = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.stringMatching(/^[+-]?[0-9]{0,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,3})?$/),
);
const missing = fc.constantFrom("", " ", "NA", "N/A", "NaN", "nan", "null", "NULL");
const word = fc.oneof(
  fc.constantFrom("a", "b", "café", "日本", "𝒳", "5 inch", "NAN", "-"),
  fc.string({ maxLength: 4 }),
);
const spaced = (cell: fc.Arbitrary<string>) =>
  fc
    .tuple(fc.constantFrom("", "", "", " ", "\t", "  "), cell, fc.constantFrom("", "", "", " ", "\t"))
    .map(([before, text, after]) => ({ before, text, after }));

/** A well-formed file, and what is in it may be any of the things that the issue lists. */
const file = fc
  .record({
    bom: fc.constantFrom("", "", "\ufeff"),
    delimiter: fc.constantFrom(",", ",", ";", "\t", "|"),
    kinds: fc.array(fc.constantFrom("number", "word"), { minLength: 1, maxLength: 4 }),
    blank: fc.constantFrom("", "", "", "\n", "\r\n", "\n\n"),
    newline: fc.constantFrom("\n", "\n", "\r\n"),
    lastNewline: fc.boolean(),
    quoteAll: fc.boolean(),
  })
  .chain((shape) => {
    const cells = shape.kinds.map((kind) =>
      spaced(
        fc.oneof(
          { weight: 6, arbitrary: kind === "number" ? number : word },
          { weight: 1, arbitrary: missing },
        ),
      ),
    );
    return fc.tuple(fc.constant(shape), fc.array(fc.tuple(...cells), { minLength: 1, maxLength: 12 }));
  })
  .map(([{ bom, delimiter, kinds, blank, newline, lastNewline, quoteAll }, rows]) => {
    const written = (cell: { before: string; text: string; after: string }): string => {
      if (quoteAll || cell.text.includes(delimiter) || /["\r\n]/.test(cell.text))
        return `"${cell.text.replaceAll('"', '""')}"`;
      return delimiter === "\t" ? cell.text : cell.before + cell.text + cell.after;
    };
    const lines = [kinds.map((_, j) => `c${j}`), ...rows.map((row) => row.map(written))];
    const text = lines.map((cells) => cells.join(delimiter)).join(newline + blank);
    return bom + text + (lastNewline ? newline : "");
  });

/** A file with a few bytes put in or taken out, most of them such as CSV gives a meaning to. */
const damaged = fc
  .tuple(
    file,
    fc.array(
      fc.tuple(
        fc.nat(),
        fc.nat({ max: 2 }),
        fc.constantFrom('"', '""', ",", "\n", "\r", "\r\n", " ", "1", "x", "é", "\u00a0"),
      ),
      { maxLength: 3 },
    ),
  )
  .map(([text, edits]) =>
    edits.reduce((whole, [at, remove, insert]) => {
      const from = at % (whole.length + 1);
      return whole.slice(0, from) + insert + whole.slice(from + remove);
    }, text),
  );

describe("the two lanes", () => {
  it.each([
    ["well-formed", file],
    ["damaged", damaged],
  ])(
    "give the same rows or the same error for %s files",
    async (_, content) => {
      await fc.assert(
        fc.asyncProperty(content, fc.constantFrom(16, 25, 64, 1 << 20), async (text, chunkBytes) => {
          const expected = await readOutcome(text, { name: "csv-parse", lane: "reference", chunkBytes });
          expect(await readOutcome(text, { name: "file", chunkBytes })).toEqual(expected);
          expect(await readOutcome(text, { name: "stream", gzip: true, chunkBytes })).toEqual(expected);
        }),
        { numRuns },
      );
    },
    timeout,
  );
});
