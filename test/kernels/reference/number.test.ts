import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isDecimal, isMissing, parseNumber } from "../../../src/kernels/number.js";

describe("parseNumber", () => {
  it.each(["1", "-1", "+1", "1.", ".5", "1.5", "1e3", "1E-3", "-.5e+2", "  7\t", "00012", "-0", "5e-324"])(
    "reads %j as Number does",
    (cell) => expect(parseNumber(cell)).toBe(Number(cell)),
  );

  it.each(["", "   ", "NA", "N/A", "NaN", "nan", "null", "NULL", " NA "])("takes %j as missing", (cell) => {
    expect(isMissing(cell)).toBe(true);
    expect(parseNumber(cell)).toBeNaN();
  });

  it.each([
    "abc",
    "1,5",
    "1e",
    "e5",
    ".",
    "+",
    "0x10",
    "Infinity",
    "1_000",
    "1 2",
    "na",
    "Null",
    "1e400",
    "-1e400",
  ])("refuses %j", (cell) => expect(parseNumber(cell)).toBeUndefined());

  it("reads back every finite double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) =>
        Object.is(parseNumber(` ${x === 0 && 1 / x < 0 ? "-0" : x} `), x),
      ),
    );
  });

  it("tells a decimal that is too large from text", () => {
    expect([" 1e400 ", "1e", "NA"].map(isDecimal)).toEqual([true, false, false]);
  });
});
