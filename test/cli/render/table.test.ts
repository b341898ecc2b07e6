import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytes, progressLine } from "../../../src/cli/program/progress.js";
import {
  alignedDecimals,
  count,
  milliseconds,
  pValue,
  significant,
  stars,
} from "../../../src/cli/render/numbers.js";
import { displayWidth, renderTable, wrap } from "../../../src/cli/render/table.js";

describe("text for the terminal", () => {
  test("a table's columns line up by what is seen, not by characters", () => {
    const table = renderTable({
      rows: [
        ["\u001b[1mname\u001b[22m", "n"],
        ["naïve", "1"],
        ["東京", "10"],
      ],
      align: ["left", "right"],
    });
    expect(table).toBe("\u001b[1mname\u001b[22m    n\nnaïve   1\n東京   10");
  });

  test("wrap keeps to the width, keeps the words, and keeps groups together", () => {
    fc.assert(
      fc.property(
        fc.array(fc.stringMatching(/^[a-z]{1,8}$/), { minLength: 1 }),
        fc.integer({ min: 8, max: 40 }),
        (words, width) => {
          const lines = wrap(words.join(" "), width).split("\n");
          for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
          expect(lines.join(" ").split(" ")).toEqual(words);
        },
      ),
    );
    expect(wrap("MSE 1   RMSE 2   R² 3", 14)).toBe("MSE 1   RMSE 2\nR² 3");
    expect(wrap("as it is", 80)).toBe("as it is");
  });
});

describe("numbers for reading", () => {
  test("counts have their thousands apart, as Intl has them", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (n) => {
        expect(count(n)).toBe(n.toLocaleString("en-US"));
      }),
    );
  });

  test.each([
    [21.8948311817292, "21.8948"],
    [1e-12, "1e-12"],
    [123456789.4, "123456789"],
    [1234567890123, "1.23457e+12"],
    [1.5e300, "1.5e+300"],
    [0, "0"],
    [Number.NaN, "NA"],
    [-Infinity, "-Inf"],
  ])("%d to six digits is %s", (value, text) => {
    expect(significant(value)).toBe(text);
  });

  test("a column has one count of decimals, and no number prints as zeros only", () => {
    expect(alignedDecimals([36.4594883850899, -0.00069222, 2.68])).toEqual([
      "36.4594884",
      "-0.0006922",
      "2.6800000",
    ]);
    expect(alignedDecimals([1, 1e-12, Number.NaN])).toEqual(["1.00000000", "1.000e-12", "NA"]);
    expect(alignedDecimals([])).toEqual([]);
  });

  test("p-values and their stars, durations, bytes", () => {
    expect([0.04999, 0.001, 0.00099, 1e-300, 0].map((p) => pValue(p))).toEqual([
      "0.0500",
      "0.0010",
      "9.9e-4",
      "1.0e-300",
      "<1e-300",
    ]);
    expect([0.0005, 0.005, 0.03, 0.07, 0.5, Number.NaN].map((p) => stars(p))).toEqual([
      "***",
      "**",
      "*",
      ".",
      "",
      "",
    ]);
    expect([0.4167, 12.34, 1234.5].map(milliseconds)).toEqual(["0.42 ms", "12 ms", "1.23 s"]);
    expect([999, 1000, 12_345_678].map(bytes)).toEqual(["999 B", "1.00 kB", "12.3 MB"]);
  });
});

describe("the progress line", () => {
  test("tells share, bytes, rate and time left, within the width", () => {
    const progress = { read: 50e6, total: 200e6 };
    expect(progressLine("reading", progress, 2000, 100)).toBe(
      `reading  ${"█".repeat(8)}${"░".repeat(22)}  25%  50.0 MB of 200 MB  25.0 MB/s  6 s left`,
    );
    for (const width of [20, 40, 60, 80])
      expect(displayWidth(progressLine("reading", progress, 2000, width))).toBeLessThan(width);
    expect(progressLine("reading", { read: 5e6, total: undefined }, 1000, 80)).toBe(
      "reading  5.00 MB  5.00 MB/s",
    );
  });
});
