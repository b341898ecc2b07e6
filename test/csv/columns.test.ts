import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { type ColumnBlock, type ColumnChoice, readColumns } from "../../src/csv/columns.js";
import type { DialectOptions } from "../../src/csv/dialect.js";
import { Levels } from "../../src/csv/levels.js";
import { openSource } from "../../src/csv/source.js";
import { readTable } from "../../src/csv/table.js";
import { DataError } from "../../src/errors.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

interface Read {
  names: string[];
  kinds: string[];
  numeric: number[][];
  factors: (string | null)[][];
  chunks: [chunk: number, firstRow: number, rows: number][];
  text: string[];
}

/** Reads a file's numeric columns as numbers and its text columns as factors; `data.csv` in errors. */
async function readAll(
  content: string | Uint8Array,
  options: DialectOptions & { chunkBytes?: number } = {},
): Promise<Read> {
  const source = await openSource(scratch.file("data.csv", content));
  try {
    const table = await readTable(source, options);
    const of = (...kinds: string[]) =>
      table.columns.flatMap((column, j) => (kinds.includes(column.kind) ? [j] : []));
    const choice: ColumnChoice = { numeric: of("numeric", "empty"), factors: of("text"), text: true };
    const levels = choice.factors.map(() => new Levels());
    const blocks: ColumnBlock[] = [];
    for await (const block of readColumns(table, choice, levels, options)) blocks.push(block);
    return {
      names: table.columns.map((column) => column.name),
      kinds: table.columns.map((column) => column.kind),
      numeric: choice.numeric.map((_, j) => blocks.flatMap((block) => [...block.numeric[j]!])),
      factors: choice.factors.map((_, j) =>
        blocks.flatMap((block) => [...block.codes[j]!].map((code) => levels[j]!.names[code] ?? null)),
      ),
      chunks: blocks.map((block) => [block.chunk, block.firstRow, block.rows]),
      text: blocks.flatMap(({ text, rows }) =>
        Array.from({ length: rows }, (_, i) =>
          Buffer.from(text!.bytes.subarray(i === 0 ? 0 : text!.ends[i - 1], text!.ends[i])).toString(),
        ),
      ),
    };
  } finally {
    await source.close();
  }
}

describe("readColumns", () => {
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
    ["gzip", gzipSync(plain)],
  ])("reads %s", async (_, content) => expect(await readAll(content)).toMatchObject(rows));

  it("reads quoted cells with delimiters, quotes and line ends", async () => {
    const read = await readAll('"the ""x""",t\n1,"a,b"\n2,"c\r\nd"\n3,"say ""yes"""\n4,5" pipe\n');
    expect(read.names).toEqual(['the "x"', "t"]);
    expect(read.factors).toEqual([["a,b", "c\r\nd", 'say "yes"', '5" pipe']]);
    expect(read.text).toEqual(['1,"a,b"', '2,"c\r\nd"', '3,"say ""yes"""', '4,5" pipe']);
  });

  it("names columns that have no name", async () => {
    expect((await readAll(",b\n1,2\n")).names).toEqual(["V1", "b"]);
    expect(await readAll("1,2\n3,4\n", { header: false })).toMatchObject({
      names: ["V1", "V2"],
      numeric: [
        [1, 3],
        [2, 4],
      ],
    });
  });

  it("cuts blocks where rows start, chunk by chunk", async () => {
    const read = await readAll("a\n1\n2\n333\n4\n55555\n6\n", { chunkBytes: 4 });
    expect(read.chunks).toEqual([
      [0, 0, 2],
      [1, 2, 1],
      [2, 3, 2],
      [4, 5, 1],
    ]);
    expect(read.numeric).toEqual([[1, 2, 333, 4, 55555, 6]]);
  });

  it("takes a line of spaces as missing where there is but one column", async () => {
    expect((await readAll("a\n1\n \n\n3\n")).numeric).toEqual([[1, Number.NaN, 3]]);
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
      'a,b\n1,x\n"2\r\n3",y\n\n4,"z',
      'data.csv:6: column "b": a quoted cell is never closed: "\\"z"',
    ],
    ["an open quote in the header", '"a,b\n1,2\n', "data.csv:1: a quoted cell is never closed"],
    ["text after a quote", 'a,b\n1,"x"y\n', 'data.csv:2: column "b": text after a closing quote: "\\"x\\"y"'],
  ];
  it.each(errors)("says what is wrong: %s", async (_, content, message, options) => {
    const error = await readAll(content, options).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message.replace(`${scratch.path}/`, "")).toBe(message);
    expect((error as DataError).hint).toBeTruthy();
  });

  it("says what is wrong far behind the sample, and the first thing first", async () => {
    const head = `a,b\n${"1,2\n".repeat(70_000)}`;
    for (const [tail, message] of [
      ["3,abc\n4\n", 'data.csv:70002: column "b": expected a number, found "abc"'],
      ["3\n4,abc\n", "data.csv:70002: expected 2 cells, as in the header, found 1"],
      ['"3\n",4\n5,"\n', 'data.csv:70004: column "b": a quoted cell is never closed: "\\""'],
    ]) {
      const error = await readAll(head + tail).catch((caught: unknown) => caught);
      expect((error as DataError).message.replace(`${scratch.path}/`, "")).toBe(message);
    }
  });
});
