import { describe, expect, it } from "vitest";
import { textKind } from "../../src/csv/file-kind.js";

const kindOf = (text: string) => textKind(text, "d.txt")?.message;

describe("tables in another writing", () => {
  it.each([
    ["an ARFF file (Weka)", "% iris\n\n@RELATION iris\n@attribute a numeric\n@data\n1\n"],
    ["a file of index:value pairs (libsvm)", "1 1:0.5 7:2\n-1 2:3\n"],
    ["a table as MySQL prints it", "+---+---+\n| a | b |\n+---+---+\n| 1 | 2 |\n"],
    ["a table as psql prints it", " a | b\n---+---\n 1 | 2\n(1 row)\n"],
    ["a table drawn for a terminal", "┌───┬───┐\n│ a │ b │\n"],
    ["a table in Markdown", "| a | b |\n|:--|--:|\n| 1 | 2 |\n"],
    ["a table in Markdown", "a | b\n--- | ---\n1 | 2\n"],
  ])("are named: %s", (name, text) => {
    expect(kindOf(text)).toContain(`this is ${name}, expected CSV`);
  });

  // With bars for delimiters, with times, with dashes for missing values, with a minus in the first row.
  it.each([
    "a|b\n1|2\n",
    "a|b\n-|-\n1|2\n",
    "when value\n10:30 1\n10:40 2\n",
    "|a|b|\n|1|2|\n",
    "a|b\n-1|-2\n",
  ])("%j may be CSV", (text) => expect(kindOf(text)).toBeUndefined());
});
