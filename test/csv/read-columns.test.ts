import { describe, expect, it } from "vitest";
import type { DialectOptions } from "../../src/csv/dialect.js";
import { readAll, readOutcome, WAYS } from "./read-all.js";

describe.each(WAYS)("readColumns: $name", (way) => {
  const read = (content: string | Uint8Array, options: DialectOptions = {}) => readAll(content, way, options);

  const plain = "x,name,y\n1,a,10\n2,b,\n3,NA,30\n";
  const rows = {
    names: ["x", "name", "y"],
    numeric: [
      [1, 2, 3],
      [10, Number.NaN, 30],
    ],
    factors: [["a", "b", null]],
  };

  it.each([
    ["plain", plain],
    ["without a line end at the end", plain.trimEnd()],
    ["CRLF", plain.replaceAll("\n", "\r\n")],
    ["CR", plain.replaceAll("\n", "\r")],
    ["byte order mark", `\ufeff${plain}`],
    ["semicolons", plain.replaceAll(",", ";")],
    ["tabs", plain.replaceAll(",", "\t")],
    ["bars", plain.replaceAll(",", "|")],
    ["blank lines", `\n${plain.replaceAll("\n", "\n\n")}\n`],
    ["lines of spaces", plain.replaceAll("\n", "\n  \n")],
    ["spaces", plain.replaceAll(",", " , ")],
    ["quotes", plain.replace(/[^,\n]+/g, (cell) => `"${cell}"`)],
    ["spaces around quotes", plain.replace(/[^,\n]+/g, (cell) => ` "${cell}" `)],
  ])("reads %s", async (_, content) => expect(await read(content)).toMatchObject(rows));

  it("reads quoted cells with delimiters, quotes and line ends", async () => {
    const found = await read('"the ""x""",t\n1,"a,b"\n2,"c\r\nd"\n3,"say ""yes"""\n4,5" pipe\n');
    expect(found.names).toEqual(['the "x"', "t"]);
    expect(found.factors).toEqual([["a,b", "c\r\nd", 'say "yes"', '5" pipe']]);
    expect(found.text).toEqual(['1,"a,b"', '2,"c\r\nd"', '3,"say ""yes"""', '4,5" pipe']);
  });

  it("names columns that have no name", async () => {
    expect((await read(",b\n1,2\n")).names).toEqual(["V1", "b"]);
    expect(await read("1,2\n3,4\n", { header: false })).toMatchObject({
      names: ["V1", "V2"],
      numeric: [
        [1, 3],
        [2, 4],
      ],
    });
  });

  it("takes a line of spaces as missing where there is but one column", async () => {
    expect((await read("a\n1\n \n\n3\n")).numeric).toEqual([[1, Number.NaN, 3]]);
  });

  const errors: [name: string, content: string, message: string, options?: DialectOptions][] = [
    ["header only", "a,b\n", "data.csv: the file has a header of 2 columns and no rows"],
    ["header and blank lines", "a,b\n\n\r\n", "data.csv: the file has a header of 2 columns and no rows"],
    ["blank lines only", "\n\n", "data.csv: the file holds nothing but blank lines"],
    ["a row too short", "a,b,c\n1,2,3\n\n1,2\n", "data.csv:4: expected 3 cells, as in the header, found 2"],
    ["a row too long", "a,b\n1,2\n1,2,3\n", "data.csv:3: expected 2 cells, as in the header, found 3"],
    [
      "ragged without header",
      "1,2\n1\n",
      "data.csv:2: expected 2 cells, as in the first row, found 1",
      { header: false },
    ],
    ["one column", 'a\n1\n"2",\n', "data.csv:3: expected 1 cell, as in the header, found 2"],
    [
      "two names",
      "a,b,a\n1,2,3\n",
      'data.csv:1: column "a": two columns have this name, the 1st and the 3rd',
    ],
    ["1e400", "a,b\n1,2\n1e400,3\n", 'data.csv:3: column "a": expected a finite number, found "1e400"'],
    ["an open quote", 'a,b\n1,"x\n2,3\n', 'data.csv:2: column "b": a quoted cell is never closed: "\\"x"'],
    [
      "an open quote, further",
      'a,b\n1,x\n2,"y\r\n3"\n\n4,"z',
      'data.csv:6: column "b": a quoted cell is never closed: "\\"z"',
    ],
    ["an open quote in the header", '"a,b\n1,2\n', "data.csv:1: a quoted cell is never closed"],
    ["text after a quote", 'a,b\n1,"x"y\n', 'data.csv:2: column "b": text after a closing quote: "\\"x\\"y"'],
  ];
  it.each(errors)("says what is wrong: %s", async (_, content, message, options) => {
    expect(await readOutcome(content, way, options)).toEqual({ message, hint: expect.stringMatching(/./) });
  });

  it("cuts blocks where rows start, chunk by chunk", async () => {
    const found = await readAll("a\n1\n2\n333\n4\n55555\n6\n", { ...way, chunkBytes: 4 });
    expect(found.chunks).toEqual([
      [0, 0, 2],
      [1, 2, 1],
      [2, 3, 2],
      [4, 5, 1],
    ]);
    expect(found.numeric).toEqual([[1, 2, 333, 4, 55555, 6]]);
  });
});

// Not with tiny chunks: these files are large.
describe.each(WAYS.filter((way) => way.chunkBytes === undefined))(
  "readColumns of a large file: $name",
  (way) => {
    it("says what is wrong far behind the sample, and the first thing first", async () => {
      const head = `a,b\n${"1,2\n".repeat(70_000)}`;
      for (const [tail, message] of [
        ["3,abc\n4\n", 'data.csv:70002: column "b": expected a number, found "abc"'],
        ["3\n4,abc\n", "data.csv:70002: expected 2 cells, as in the header, found 1"],
        ['3,4\n\n5,"\n', 'data.csv:70004: column "b": a quoted cell is never closed: "\\""'],
      ]) {
        expect(await readOutcome(head + tail, way)).toMatchObject({ message });
      }
    });
  },
);
