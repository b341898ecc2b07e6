import fc from "fast-check";
import { expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { NumberWriter } from "../../src/kernels/number-writer.js";
import { encode, PATIENCE, place, runs } from "./bytes.js";
import { fromBits } from "./doubles.js";

const kernels = new Kernels();
const writer = new NumberWriter(kernels);

function write(numbers: number[]): string[] {
  const mark = kernels.mark();
  const at = kernels.alloc(8 * numbers.length);
  kernels.doubles.set(numbers, at / 8);
  const lines = Buffer.from(new NumberWriter(kernels).rows(at, numbers.length)).toString().split("\n");
  kernels.release(mark);
  expect(lines.pop()).toBe("");
  return lines;
}

test(
  "numbers are written as String(x)",
  () => {
    const bits = fc.bigInt({ min: 0n, max: 0xffffffffffffffffn });
    const power = fc
      .tuple(fc.nat(2046), fc.constantFrom(-1n, 0n, 1n))
      .map(([e, d]) => (BigInt(e) << 52n) + (e > 0 ? d : 0n));
    const number = fc.oneof(
      { weight: 4, arbitrary: bits.map(fromBits) },
      { weight: 1, arbitrary: power.map(fromBits) },
      { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 0xfffffffffffffn }).map(fromBits) },
      {
        weight: 2,
        arbitrary: fc
          .tuple(fc.integer(), fc.integer({ min: -30, max: 30 }))
          .map(([m, e]) => Number(`${m}e${e}`)),
      },
      { weight: 2, arbitrary: fc.maxSafeInteger() },
      { weight: 1, arbitrary: fc.nat(2000).map((i) => i / 100) },
      { weight: 1, arbitrary: fc.integer({ min: -324, max: 308 }).map((e) => Number(`1e${e}`)) },
      {
        weight: 1,
        arbitrary: fc
          .tuple(fc.nat(1000), fc.integer({ min: 0, max: 1023 }))
          .map(([m, e]) => m * 2 ** (e - 60)),
      },
      { weight: 2, arbitrary: fc.double({ min: -1e7, max: 1e7 }) },
    );
    fc.assert(
      fc.property(fc.array(number, { minLength: 200, maxLength: 200 }), (numbers) => {
        expect(write(numbers)).toEqual(numbers.map(String));
      }),
      runs(400),
    );
  },
  PATIENCE,
);

test("numbers at the bounds of their notations", () => {
  const numbers = [
    0, -0, 1, -1, 10, 1e20, 1e21, 123456789012345680000, 1e-6, 1e-7, 1.5e-7, 5e-324, 1.5e300, 9.5e-10,
  ];
  const more = [
    2 ** 53,
    2 ** 53 - 1,
    2 ** 53 + 2,
    9.88e-324,
    1.7976931348623157e308,
    2.2250738585072014e-308,
  ];
  const all = [
    ...numbers,
    ...more,
    NaN,
    Infinity,
    -Infinity,
    0.1 + 0.2,
    4.35,
    2.0 ** -1074,
    1e23,
    9.007199254740992e15,
  ];
  expect(write(all)).toEqual(all.map(String));
});

test("rows have delimiters between their numbers, and may begin with text", () => {
  const values = kernels.alloc(8 * 10);
  kernels.doubles.set([1, 2, 3, Number.NaN, Number.NaN, 0.5, -0.25, 1e100], values / 8);
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();
  expect(text(writer.rows(values, 3, 2, { stride: 5 }))).toBe("1,0.5\n2,-0.25\n3,1e+100\n");
  const at = place(kernels, encode('a,"b\nc"\r\n\nd,e\nf'));
  const spans = kernels.alloc(24);
  kernels.ints.set([at, at + 7, at + 10, at + 13, at + 14, at + 15], spans / 4);
  expect(text(new NumberWriter(kernels, 0x3b).rows(values, 3, 2, { stride: 5, spans }))).toBe(
    'a,"b\nc";1;0.5\nd,e;2;-0.25\nf;3;1e+100\n',
  );
});
