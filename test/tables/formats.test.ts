import fc from "fast-check";
import { expect, test } from "vitest";
import { tableHtml } from "../../src/tables/html.js";
import { escapeLatex, tableLatex } from "../../src/tables/latex.js";
import { tableMarkdown } from "../../src/tables/markdown.js";
import type { SetTable } from "../../src/tables/set-table.js";

const TRICKY = [
  "|",
  "\\",
  "&",
  "%",
  "$",
  "_",
  "{",
  "}",
  "^",
  "~",
  "<b>",
  "\n",
  "*",
  "`",
  "#",
  "é",
  "x",
  '"',
  "-1.5",
  "²",
];
const text = fc.array(fc.constantFrom(...TRICKY), { maxLength: 8 }).map((parts) => parts.join(""));

const tables: fc.Arbitrary<SetTable> = fc.integer({ min: 1, max: 4 }).chain((count) => {
  const texts = fc.array(text, { minLength: count, maxLength: count });
  const cells = fc.array(fc.record({ text, stars: fc.constantFrom("", "*", "***", "+") }), {
    minLength: count,
    maxLength: count,
  });
  const row = fc.record({ label: text, cells, beneath: texts }, { requiredKeys: ["label", "cells"] });
  return fc.record({
    names: texts,
    targets: texts,
    parts: fc.array(fc.array(row, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
    notes: fc.array(text, { maxLength: 2 }),
  });
});

/** Rows of a table: its coefficients' own and those beneath. */
const rowsOf = (table: SetTable) =>
  table.parts.flat().reduce((sum, { beneath }) => sum + (beneath === undefined ? 1 : 2), 0);

/** Counts a sign that no backslash stands before. */
const unescaped = (line: string, sign: string) =>
  [...line.matchAll(/\\.|[^\\]/gs)].filter(([token]) => token === sign).length;

test("whatever names are, every row of Markdown has as many cells as the table has columns", () =>
  fc.assert(
    fc.property(tables, (table) => {
      const lines = tableMarkdown(table).split("\n");
      const grid = lines.slice(0, lines.indexOf(""));
      // Names, rule, targets.
      expect(grid).toHaveLength(3 + rowsOf(table));
      for (const line of grid) expect(unescaped(line, "|")).toBe(table.names.length + 2);
      expect(lines.join("\n")).not.toMatch(/(?<!\\)</);
    }),
  ));

test("whatever names are, every row of LaTeX has as many cells, and braces and dollars are paired", () =>
  fc.assert(
    fc.property(tables, fc.option(text, { nil: undefined }), (table, title) => {
      const latex = tableLatex(table, title);
      const rows = latex
        .split("\n")
        .filter((line) => line.endsWith("\\\\") && !line.startsWith("\\multicolumn"));
      expect(rows).toHaveLength(2 + rowsOf(table));
      for (const row of rows) expect(unescaped(row, "&")).toBe(table.names.length);
      expect(unescaped(latex, "{")).toBe(unescaped(latex, "}"));
      expect(unescaped(latex, "$") % 2).toBe(0);
      expect(unescaped(latex, "#") + unescaped(latex, "~") + unescaped(latex, "_")).toBe(0);
      // The remark on the package is the one comment.
      expect(unescaped(latex, "%")).toBe(1);
    }),
  ));

test("whatever names are, HTML has the table's own elements only", () =>
  fc.assert(
    fc.property(tables, text, (table, title) => {
      const html = tableHtml(table, title).replace(/<style>[^<]*<\/style>/, "");
      const names = new Set([...html.matchAll(/<\/?([a-z]+)/g)].map(([, name]) => name));
      for (const name of names)
        expect(["table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "sup", "br"]).toContain(
          name,
        );
      expect(html.match(/<tr>/g)).toHaveLength(
        2 + table.parts.flat().length + (table.notes.length > 0 ? 1 : 0),
      );
    }),
  ));

test("LaTeX has its own signs for what its fonts lack", () => {
  expect(escapeLatex("R² of σ_x × 5 % {a}\\b")).toBe(
    "R\\textsuperscript{2} of $\\sigma$\\_x $\\times$ 5 \\% \\{a\\}\\textbackslash{}b",
  );
});
