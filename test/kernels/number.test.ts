import fc from "fast-check";
import { expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { areDecimals, isDecimal, parseNumber } from "../../src/kernels/number.js";
import { RowParser, Stop } from "../../src/kernels/rows.js";
import { encode, PATIENCE, place, runs } from "./bytes.js";
import { exactDecimal, fromBits } from "./doubles.js";

const kernels = new Kernels();

/** Powers of five as the kernels hold them, against BigInt. */
test("the table of powers of five is exact", () => {
  const view = new DataView(kernels.bytes.buffer);
  for (let q = -342; q <= 324; q++) {
    const at = kernels.exports.powerOfFive(q);
    const got = (view.getBigUint64(at, true) << 64n) | view.getBigUint64(at + 8, true);
    const power = 5n ** BigInt(Math.abs(q));
    const bits = power.toString(2).length;
    if (q >= 0) expect(got).toBe(bits > 128 ? power >> BigInt(bits - 128) : power << BigInt(128 - bits));
    else expect(got).toBe((1n << BigInt(127 + bits)) / power + (q >= -27 ? 1n : 0n));
  }
});

/** The doubles that a file with one number per line reads as; undefined where the parser stops at one. */
function readAll(texts: string[]): (number | undefined)[] {
  const mark = kernels.mark();
  const parser = new RowParser(kernels, { columns: [{ read: "number", slot: 0 }] });
  const data = encode(`${texts.map((text) => text || '""').join("\n")}\n`);
  const at = place(kernels, data);
  const block = kernels.alloc(8 * 128);
  const values: (number | undefined)[] = [];
  const end = at + data.length;
  for (let from = at; from < end; ) {
    const stop = parser.parse(block, from, end, end, true);
    values.push(...kernels.doublesAt(block, parser.rows));
    from = parser.next;
    if (stop === Stop.BadNumber) {
      values.push(undefined);
      from = kernels.bytes.indexOf(0x0a, from) + 1;
    } else expect(stop === Stop.Full || stop === Stop.Limit).toBe(true);
  }
  kernels.release(mark);
  return values;
}

const digits = (min: number, max: number) =>
  fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: min, maxLength: max });
const bits = fc.bigInt({ min: 0n, max: 0x7fefffffffffffffn });
const double = bits.map(fromBits);

/** Decimals that are hard to round, or written as few would. */
const decimal = fc.oneof(
  { weight: 3, arbitrary: fc.tuple(digits(1, 12), digits(0, 12)).map(([a, b]) => `${a}.${b}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(digits(16, 21), fc.integer({ min: -345, max: 310 })).map(([d, e]) => `${d}e${e}`),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(digits(1, 30), digits(1, 30), fc.integer({ min: -40, max: 40 }))
      .map(([a, b, e]) => `${a}.${b}E${e}`),
  },
  { weight: 2, arbitrary: double.map(String) },
  {
    weight: 2,
    arbitrary: fc.tuple(double, fc.integer({ min: 15, max: 25 })).map(([x, n]) => x.toPrecision(n)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(digits(0, 25), fc.nat(40)).map(([d, n]) => `${"0".repeat(n)}.${"0".repeat(n)}${d}1`),
  },
  // Halfway between two doubles, and just off it.
  {
    weight: 2,
    arbitrary: fc.tuple(bits, fc.constantFrom("", "0", "1", "00000000000000000001")).map(([b, tail]) => {
      const text = exactDecimal(b, true);
      return text.includes(".") ? text + tail : `${text}.${tail}`;
    }),
  },
  // Halfway with few digits: small integers times powers of two and ten.
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.bigInt({ min: 1n << 52n, max: (1n << 53n) - 1n }),
        fc.nat(10),
        fc.integer({ min: -23, max: 23 }),
      )
      .map(([m, shift, e]) => `${(2n * m + 1n) << BigInt(shift)}e${e}`),
  },
  // Subnormal, and around the smallest and the largest.
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 0xfffffffffffffn }).map((b) => String(fromBits(b))) },
  {
    weight: 1,
    arbitrary: fc.tuple(digits(1, 20), fc.integer({ min: -345, max: -300 })).map(([d, e]) => `.${d}e${e}`),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "1.7976931348623158e308",
      "1.7976931348623159e308",
      "2.2250738585072011e-308",
      "2.4703282292062327e-324",
      "2.4703282292062328e-324",
      "0e999999999999",
      "1e-999999999999",
      "1e999999999999",
      "9007199254740993",
      "9007199254740992.9999999999999999",
    ),
  },
);
const signed = fc.tuple(fc.constantFrom("", "", "-", "+"), decimal).map(([sign, text]) => sign + text);

test(
  "numbers read as Number(text), bit for bit",
  () => {
    fc.assert(
      fc.property(fc.array(signed, { minLength: 200, maxLength: 200 }), (texts) => {
        const got = readAll(texts);
        const want = texts.map((text) => (Number.isFinite(Number(text)) ? Number(text) : undefined));
        // toEqual tells −0 from 0, and equal doubles that are not NaN have equal bits otherwise.
        expect(got).toEqual(want);
        expect(texts.map(parseNumber)).toEqual(want);
      }),
      runs(500),
    );
  },
  PATIENCE,
);

test(
  "what is a number, what is missing and what is neither is the twin's",
  () => {
    const text = fc
      .array(fc.constantFrom(..."0159+-..eE \tNANnaulL/x", "NA", "null"), { maxLength: 7 })
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.array(text, { minLength: 50, maxLength: 50 }), (texts) => {
        expect(readAll(texts)).toEqual(texts.map(parseNumber));
      }),
      runs(400),
    );
  },
  PATIENCE,
);

test("many cells at once are decimals where each is, without anything around it", () => {
  const cell = fc.oneof(
    { weight: 30, arbitrary: decimal },
    {
      weight: 1,
      arbitrary: fc.constantFrom("", "NA", " 1", "1 ", "1\n2", "x", "1e", "+", ".", "--1", "1,5", "\n"),
    },
  );
  fc.assert(
    fc.property(fc.array(cell, { minLength: 1, maxLength: 40 }), (cells) => {
      expect(areDecimals(cells)).toBe(cells.every((text) => isDecimal(text) && !/^[ \t]|[ \t]$/.test(text)));
    }),
    runs(300),
  );
});
