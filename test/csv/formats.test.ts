import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ReadingOptions } from "../../src/csv/reading-options.js";
import { CellReader } from "../../src/dataset/number-format.js";
import { readOutcome, WAYS } from "./read-all.js";

// GOML_LONG=1 for a long search.
const long = process.env.GOML_LONG === "1";
const numRuns = long ? 5_000 : 150;
const timeout = long ? 3_600_000 : 60_000;

const digits = fc.stringMatching(/^[0-9]{1,7}$/);
const cell = (point: string, group: string) =>
  fc.oneof(
    digits,
    fc.tuple(digits, digits).map(([whole, fraction]) => `${whole}${point}${fraction}`),
    fc
      .tuple(
        fc.stringMatching(/^[1-9][0-9]{0,2}$/),
        fc.array(fc.stringMatching(/^[0-9]{3}$/), { maxLength: 2 }),
        digits,
      )
      .map(([first, groups, fraction]) => `-${[first, ...groups].join(group)}${point}${fraction}`),
    fc.constantFrom(
      "",
      "NA",
      "-9",
      "-9.0",
      "?",
      "1.5",
      "1,5",
      "1e3",
      "12 %",
      "€5",
      "x",
      "1.234.567,8",
      "\u00a07",
    ),
  );

const file = fc
  .record({
    decimal: fc.constantFrom(".", ","),
    thousands: fc.constantFrom(undefined, ",", ".", " ", "'"),
    delimiter: fc.constantFrom(",", ";", "\t"),
    strip: fc.constantFrom(undefined, ["%", "€"]),
    naValues: fc.constantFrom(undefined, ["?"], ["-9", "?"]),
    special: fc.constantFrom("", "", "", "é", "日本", "\0", "\xff"),
  })
  .filter(({ decimal, thousands }) => decimal !== thousands)
  .chain((shape) =>
    fc.tuple(
      fc.constant(shape),
      fc.array(fc.tuple(digits, cell(shape.decimal, shape.thousands ?? "")), { minLength: 3, maxLength: 14 }),
    ),
  )
  .map(([{ delimiter, special, ...options }, rows]) => {
    const quoted = (text: string) => (text.includes(delimiter) ? `"${text}"` : text);
    const lines = rows.map(([a, b], i) =>
      [i === rows.length - 1 ? `t${special}` : "t", a, quoted(b)].join(delimiter),
    );
    const text = `${["name", "a", "b"].join(delimiter)}\n${lines.join("\n")}\n`;
    return { text, options: { ...options, delimiter } as ReadingOptions };
  });

describe("the two lanes in every writing of numbers", () => {
  it(
    "give the same rows or the same error",
    async () => {
      await fc.assert(
        fc.asyncProperty(file, fc.constantFrom(16, 40, 1 << 20), async ({ text, options }, chunkBytes) => {
          // A byte that is no UTF-8 stands for its character.
          const bytes = Buffer.from(text.replaceAll("\xff", "\u0001"));
          for (const [i, byte] of bytes.entries()) if (byte === 1) bytes[i] = 0xff;
          const expected = await readOutcome(
            bytes,
            { name: "csv-parse", lane: "reference", chunkBytes },
            options,
          );
          expect(await readOutcome(bytes, { name: "file", chunkBytes }, options)).toEqual(expected);
          expect(await readOutcome(bytes, { name: "stream", gzip: true, chunkBytes }, options)).toEqual(
            expected,
          );
        }),
        { numRuns },
      );
    },
    timeout,
  );

  const head = `town,x,y\n${"Oslo,1,2\n".repeat(16_000)}`;
  it.each(WAYS.filter(({ chunkBytes }) => chunkBytes === undefined || chunkBytes > 7))(
    "find what is no text beyond the head: $name",
    async (way) => {
      const after = "Oslo,3,4\n".repeat(5);
      for (const [bad, problem] of [
        [Buffer.from("O\0slo,1,2\n"), "a NUL (zero byte) in the text"],
        [Buffer.from("Oslo,1,\x002\n"), "a NUL (zero byte) in the text"],
        [Buffer.from("Malm\xf6,1,2\n", "latin1"), "the text is not valid UTF-8"],
        // The first two bytes of a character of three.
        [
          Buffer.concat([Buffer.from("Oslo"), Buffer.from([0xe6, 0x97]), Buffer.from(",1,2\n")]),
          "the text is not valid UTF-8",
        ],
      ] as const) {
        const found = await readOutcome(Buffer.concat([Buffer.from(head), bad, Buffer.from(after)]), way);
        expect(found).toMatchObject({ message: `data.csv:16002: ${problem}` });
      }
      const fine = await readOutcome(`${head}Malmö,1,2\n日本,1,2\n`, way);
      expect(fine).toMatchObject({ kinds: ["text", "numeric", "numeric"] });
    },
  );
});

describe("CellReader", () => {
  it.each([
    [{ decimal: "." as const, thousands: "," }, "1,234,567.5", 1234567.5],
    [{ decimal: "." as const, thousands: "," }, "12,34,567", 1234567],
    [{ decimal: "." as const, thousands: "," }, "1,5", undefined],
    [{ decimal: "." as const, thousands: "," }, "1,2345", undefined],
    [{ decimal: "." as const, thousands: "," }, "1500", 1500],
    [{ decimal: "," as const }, "0,5", 0.5],
    [{ decimal: "," as const }, "0.5", undefined],
    [{ decimal: "," as const }, "-1,5e3", -1500],
    [{ decimal: "," as const, thousands: "." }, "1.234,5", 1234.5],
    [{ decimal: "," as const, thousands: "." }, "1.234", 1234],
    [{ decimal: "." as const, thousands: " " }, "1\u202f500", 1500],
    [{ decimal: "." as const, thousands: " " }, "1\u00a0500.5", 1500.5],
    [{ decimal: "." as const, thousands: "'" }, "1’500", 1500],
    [{ decimal: "." as const, strip: ["%"] }, "12 %", 12],
    [{ decimal: "." as const, thousands: ",", strip: ["$", "EUR"] }, "-$1,500", -1500],
    [{ decimal: "." as const, strip: ["EUR"] }, "EUR 5", 5],
    [{ decimal: "." as const, strip: ["%"] }, "%", undefined],
    [{ decimal: "." as const, missing: ["-9"] }, "-9.0", Number.NaN],
    [{ decimal: "." as const, missing: ["?"] }, " ? ", Number.NaN],
    [{ decimal: "." as const, missingIn: { b: ["-1"] } }, "-1", -1],
    [{ decimal: "." as const, missingIn: { a: ["-1"] } }, "-1", Number.NaN],
  ])("%j reads %j as %d", (format, text, value) => {
    expect(new CellReader(format, "a").number(text)).toBe(value);
  });
});
