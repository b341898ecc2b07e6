import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { screen } from "../../../src/cli/render/colour.js";
import { cutNames } from "../../../src/cli/render/cut-names.js";
import { firstOf, moreLines, shownOf } from "../../../src/cli/render/long-list.js";
import { displayWidth, renderTable } from "../../../src/cli/render/table.js";
import { shorten } from "../../../src/display-width.js";

afterEach(() => {
  screen.all = false;
});

/** Tables as commands have them: a name, then numbers. */
const tables = fc.integer({ min: 1, max: 6 }).chain((columns) =>
  fc.record({
    titles: fc.array(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 }), {
      minLength: columns + 1,
      maxLength: columns + 1,
    }),
    rows: fc.array(
      fc.tuple(
        fc.string({ unit: "grapheme-composite", maxLength: 60 }),
        fc.array(
          fc.oneof(
            fc.double({ min: -1e5, max: 1e5, noNaN: true }).map((x) => x.toFixed(3)),
            fc.constantFrom("NA", "<1e-300", "1.5e-12", "1,234", ""),
          ),
          { minLength: columns, maxLength: columns },
        ),
      ),
      { minLength: 2, maxLength: 8 },
    ),
  }),
);

describe("a table", () => {
  test("fits any width that has room for a name and a number, and loses no number", () => {
    fc.assert(
      fc.property(tables, fc.integer({ min: 30, max: 120 }), ({ titles, rows }, room) => {
        const align = titles.map((_, j) => (j === 0 ? ("left" as const) : ("right" as const)));
        const text = renderTable(
          { titles, rows: rows.map(([name, cells]) => [name, ...cells]), align },
          room,
        );
        for (const line of text.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(room);
        for (const [, cells] of rows) for (const cell of cells) expect(text).toContain(cell);
      }),
    );
  });

  test("has the decimal points of a column below each other", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 2 }), (values) => {
        const cells = values.map((x, i) => x.toFixed(1 + (i % 4)));
        const lines = renderTable({ rows: cells.map((cell) => ["x", cell]), align: ["left", "right"] }).split(
          "\n",
        );
        expect(new Set(lines.map((line) => line.indexOf("."))).size).toBe(1);
      }),
    );
  });

  test("breaks in parts that name their rows, and keeps a column without a title beside the one before it", () => {
    const table = {
      titles: ["", "first", "second", ""],
      rows: [["name", "123456789.5", "0.25", "***"]],
      align: ["left", "right", "right", "left"],
    } as const;
    expect(renderTable(table, 20)).toBe(
      "            first\nname  123456789.5\n\n      second\nname    0.25  ***",
    );
  });
});

describe("names that are cut", () => {
  test("take the room that they are given, and no more, in terminal cells", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 2, max: 40 }), (name, most) => {
        const cut = shorten(name, most);
        expect(displayWidth(cut)).toBeLessThanOrEqual(most);
        if (displayWidth(name) <= most) expect(cut).toBe(name);
      }),
    );
  });

  test("can be told apart where they differ in their middle", () => {
    const names = Array.from({ length: 20 }, (_, i) => `length_of_the_side_number_${i + 1}_in_millimetres`);
    const cut = [...cutNames(names, 16).values()];
    expect(new Set(cut).size).toBe(20);
    for (const name of cut) expect(displayWidth(name)).toBeLessThanOrEqual(16);
    // The sign of a change of terms stays.
    expect(
      cutNames(["- length_of_the_one_side", "+ length_of_the_other_side"], 12).get(
        "- length_of_the_one_side",
      ),
    ).toMatch(/^- .*…/);
  });
});

test("long lists are short, and say what is left, unless all is asked for", () => {
  const items = Array.from({ length: 300 }, (_, i) => `x${i}`);
  expect(shownOf(items.slice(0, 60))).toHaveLength(60);
  expect(shownOf(items)).toEqual(items.slice(0, 30));
  expect(moreLines(270, "groups")).toEqual(["… 270 more groups, --all"]);
  expect(moreLines(0)).toEqual([]);
  expect(firstOf(items)).toBe("x0, x1, x2, x3, x4, x5, x6, x7, x8, x9 … 290 more, --all");
  screen.all = true;
  expect(shownOf(items)).toHaveLength(300);
  expect(firstOf(items)).toBe(items.join(", "));
});
