import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isMissing, looksNumeric, parseCell } from "../../src/dataset/cell.js";
import { inferColumns } from "../../src/dataset/schema.js";

describe("parseCell", () => {
  it.each(["1", "-1", "+1", "1.", ".5", "1.5", "1e3", "1E-3", "-.5e+2", "  7\t", "00012", "-0", "5e-324"])(
    "reads %j as Number does",
    (cell) => expect(parseCell(cell)).toBe(Number(cell)),
  );

  it.each(["", "   ", "NA", "N/A", "NaN", "nan", "null", "NULL", " NA "])("takes %j as missing", (cell) => {
    expect(isMissing(cell)).toBe(true);
    expect(parseCell(cell)).toBeNaN();
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
  ])("refuses %j", (cell) => expect(parseCell(cell)).toBeUndefined());

  it("reads back every finite double", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) =>
        Object.is(parseCell(` ${x === 0 && 1 / x < 0 ? "-0" : x} `), x),
      ),
    );
  });
});

describe("inferColumns", () => {
  it("judges each column by its cells that are not missing", () => {
    const rows = [
      ["1", "NA", "a", "", "1e400"],
      ["NA", "2.5", "3", "NA", "1"],
      ["3", "", "", "null"],
    ];
    expect(inferColumns(["a", "b", "c", "d", "e"], rows).map((column) => column.kind)).toEqual([
      "numeric",
      "numeric",
      "text",
      "empty",
      "numeric",
    ]);
    expect(looksNumeric("1e400")).toBe(true);
  });
});
