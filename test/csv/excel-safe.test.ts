import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excelSafeField, excelSafeRow } from "../../src/csv/excel-safe.js";

describe("rows for spreadsheets", () => {
  test.each([
    // OWASP's own examples of what must not be computed.
    ["=1+2", `"'=1+2"`],
    [`=1+2";=1+2`, `"'=1+2"";=1+2"`],
    ["=1+2'\" ;,=1+2", `"'=1+2'"" ;,=1+2"`],
    ["+1+2", `"'+1+2"`],
    ["-2+3+cmd|' /C calc'!A0", `"'-2+3+cmd|' /C calc'!A0"`],
    ["@SUM(1+1)", `"'@SUM(1+1)"`],
    ["\t=1", `"'\t=1"`],
    ["\r=1", `"'\r=1"`],
    ["  =1", `"'  =1"`],
    ["＝1", `"'＝1"`],
    // Numbers are read as what they are.
    ["-1.5e-3", "-1.5e-3"],
    ["+7", "+7"],
    ["-12 %", "-12 %"],
    ["a=b", "a=b"],
    ["", ""],
  ])("%j is written as %s", (cell, written) => {
    expect(excelSafeField(cell, ",")).toBe(written);
  });

  test("keep every other byte, quotes, blanks and line ends in cells included", () => {
    const row = ` a ,"b ""c"", d",-1,"line\nend",5" pipe,,"x" `;
    expect(excelSafeRow(row, ",")).toBe(row);
    expect(excelSafeRow(`a,"=HYPERLINK(""x"")",-1,=2`, ",")).toBe(`a,"'=HYPERLINK(""x"")",-1,"'=2"`);
    expect(excelSafeRow("a;=1,5;b", ";")).toBe(`a;"'=1,5";b`);
  });

  test("are read again as they were, but for the apostrophes", () => {
    const cell = fc.oneof(
      fc.string({ unit: fc.constantFrom("=", "+", "-", "@", "\t", '"', ",", "\n", "a", "1", " ") }),
      fc.double({ noNaN: true }).map(String),
    );
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), (cells) => {
        const row = cells.map((text) => `"${text.replaceAll('"', '""')}"`).join(",");
        const [found] = parse(excelSafeRow(row, ","), { relax_column_count: true }) as string[][];
        expect(found?.length).toBe(cells.length);
        found!.forEach((text, j) => {
          const before = cells[j]!;
          const dangerous = /^ *[=+\-@\t\r]/.test(before) && !Number.isFinite(Number(before.trim() || "x"));
          if (text !== before) expect(text).toBe(`'${before}`);
          else if (dangerous) expect(before).toMatch(/^ *[+-]/);
        });
      }),
    );
  });
});
