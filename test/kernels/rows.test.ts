import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Kernels } from "../../src/kernels/kernels.js";
import { readRows } from "../../src/kernels/reference/rows.js";
import { type ColumnUse, RowParser, Stop } from "../../src/kernels/rows.js";
import { encode, PATIENCE, place, runs } from "./bytes.js";

const kernels = new Kernels();
const number = (slot: number): ColumnUse => ({ read: "number", slot });
const text = (slot: number): ColumnUse => ({ read: "text", slot });
const skip: ColumnUse = { read: "skip" };

interface Parsed {
  rows: (number | string)[][];
  stop: Stop;
  parser: RowParser;
  at: number;
}

/** Parses all of `data`, in blocks of `maxRows`, as a reader that gets `piece` bytes at a time would. */
function parseAll(
  data: Uint8Array,
  columns: ColumnUse[],
  delimiter = 0x2c,
  maxRows = 3,
  piece = data.length,
): Parsed {
  const at = place(kernels, data);
  const parser = new RowParser(kernels, { columns, delimiter, maxRows, stride: maxRows + 1, spans: true });
  const slots = columns.filter((c) => c.read !== "skip").length;
  const block = kernels.alloc(8 * parser.stride * slots);
  const rows: (number | string)[][] = [];
  let from = at;
  let end = Math.min(at + piece, at + data.length);
  for (;;) {
    const last = end === at + data.length;
    const before = kernels.bytes.slice(at, at + data.length + 64);
    const stop = parser.parse(block, from, end, end, last);
    expect(kernels.bytes.slice(at, at + data.length + 64)).toEqual(before);
    for (let row = 0; row < parser.rows; row++) {
      rows.push(
        columns.flatMap((use): (number | string)[] => {
          if (use.read === "skip") return [];
          const cell = block / 8 + use.slot * parser.stride + row;
          if (use.read === "number") return [kernels.doubles[cell]!];
          const length = kernels.ints[2 * cell + 1]!;
          const raw = parser.text(kernels.ints[2 * cell]! >>> 0, length & 0x7fffffff);
          return [length < 0 ? raw.replaceAll('""', '"') : raw];
        }),
      );
    }
    from = parser.next;
    if (stop === Stop.Full) continue;
    if (!last && (stop === Stop.NeedMore || stop === Stop.Limit)) {
      end = Math.min(end + piece, at + data.length);
      continue;
    }
    return { rows, stop, parser, at };
  }
}

describe("what a row reads as", () => {
  const cases: [string, ColumnUse[], (number | string)[][]][] = [
    [
      "1,2\n3,4\n",
      [number(0), number(1)],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "1,2\r\n3,4",
      [number(0), number(1)],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [
      "\n\r\n1,2\n\n\n3,4\r",
      [number(0), number(1)],
      [
        [1, 2],
        [3, 4],
      ],
    ],
    [" 1 ,\t-2.5e3\t\n", [number(0), number(1)], [[1, -2500]]],
    [
      '"1","-0"\n" .5 ",5.\n',
      [number(0), number(1)],
      [
        [1, -0],
        [0.5, 5],
      ],
    ],
    [",NA\nN/A,NaN\nnan,null\nNULL,   \n", [number(0), number(1)], Array(4).fill([Number.NaN, Number.NaN])],
    [
      'a,1,"x,y"\n"b\nc",2,"say ""hi"""\n',
      [text(1), number(0), text(2)],
      [
        ["a", 1, "x,y"],
        ["b\nc", 2, 'say "hi"'],
      ],
    ],
    ['long text that is skipped,1\n"also, quoted",2\n', [skip, number(0)], [[1], [2]]],
    ["grüße,1\n", [text(0), number(1)], [["grüße", 1]]],
    ["5e-324,1.7976931348623157e308\n", [number(0), number(1)], [[5e-324, Number.MAX_VALUE]]],
  ];
  test.each(cases)("%j", (data, columns, rows) => {
    const bytes = encode(data);
    for (let piece = 1; piece <= bytes.length; piece++) {
      const parsed = parseAll(bytes, columns, 0x2c, 3, piece);
      expect(parsed.stop).toBe(Stop.Limit);
      expect(parsed.rows).toEqual(rows);
    }
  });
});

describe("what stops it", () => {
  const two = [number(0), number(1)];
  const cases: [string, Stop, { column?: number; cell?: string; found?: number; rowAt: number }][] = [
    ["1,2\n3,x y \n", Stop.BadNumber, { column: 1, cell: "x y", rowAt: 4 }],
    ["1,1e400\n", Stop.BadNumber, { column: 1, cell: "1e400", rowAt: 0 }],
    ["1,2\n-1e309,x\n", Stop.BadNumber, { column: 0, cell: "-1e309", rowAt: 4 }],
    ["1,Infinity\n", Stop.BadNumber, { column: 1, cell: "Infinity", rowAt: 0 }],
    ["1,.\n", Stop.BadNumber, { column: 1, cell: ".", rowAt: 0 }],
    ["1,2e\n", Stop.BadNumber, { column: 1, cell: "2e", rowAt: 0 }],
    ["1,2,3\n", Stop.Ragged, { found: 3, rowAt: 0 }],
    ['1,2,3,"4,\n",5\n', Stop.Ragged, { found: 5, rowAt: 0 }],
    ["1,2\n3\n", Stop.Ragged, { found: 1, rowAt: 4 }],
    ["1,2\n3", Stop.Ragged, { found: 1, rowAt: 4 }],
    ['1,5"\n', Stop.StrayQuote, { column: 1, rowAt: 0 }],
    ['1, "5"\n', Stop.StrayQuote, { column: 1, rowAt: 0 }],
    ['1,"5" \n', Stop.StrayQuote, { column: 1, rowAt: 0 }],
    ['1,"5', Stop.StrayQuote, { column: 1, rowAt: 0 }],
    ["1,2\r3,4\n", Stop.StrayQuote, { column: 1, rowAt: 0 }],
  ];
  test.each(cases)("%j", (data, stop, { column, cell, found, rowAt }) => {
    for (let piece = 1; piece <= data.length; piece++) {
      const { parser, at, ...parsed } = parseAll(encode(data), two, 0x2c, 3, piece);
      expect(parsed.stop).toBe(stop);
      expect(parser.rowStart - at).toBe(rowAt);
      if (column !== undefined) expect(parser.column).toBe(column);
      if (found !== undefined) expect(parser.found).toBe(found);
      if (cell !== undefined) expect(parser.text(parser.cell, parser.cellLength)).toBe(cell);
    }
  });
});

test(
  "rows, values and stops are the twin's on generated files, however they arrive",
  () => {
    const cell = fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom("1", "-2.5", "1e3", "NA", "", " 7 ", "9007199254740993", "0.1e-310"),
      },
      { weight: 4, arbitrary: fc.constantFrom('"3"', '"4\n"', '"a ""b"""', '","', '""', '"\r\n"', "word") },
      { weight: 1, arbitrary: fc.constantFrom('x"', '"y"z', "\r", "1e999", '"') },
    );
    const row = fc.array(cell, { minLength: 3, maxLength: 3 }).map((cells) => cells.join(";"));
    const file = fc
      .tuple(fc.array(row, { maxLength: 9 }), fc.constantFrom("\n", "\r\n", "\n\n"), fc.boolean())
      .map(([rows, newline, open]) => rows.join(newline) + (open ? "" : newline));
    fc.assert(
      fc.property(
        file,
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (data, piece, maxRows) => {
          const mark = kernels.mark();
          const columns = [number(1), text(0), skip];
          const got = parseAll(encode(data), columns, 0x3b, maxRows, piece);
          const want: (number | string)[][] = [];
          let stop: Stop = Stop.Limit;
          for (const row of readRows(data, ";")) {
            if ("stop" in row) {
              // The twin looks no further than the quote; the parser may meet a bad number on its way there.
              stop = Stop.StrayQuote;
              break;
            }
            const value = row.cells[0]!.value;
            if (value === undefined || row.cells.length !== 3) {
              stop = value === undefined ? Stop.BadNumber : Stop.Ragged;
              break;
            }
            want.push([value, row.cells[1]!.text]);
          }
          expect(got.rows).toEqual(want);
          if (stop === Stop.StrayQuote)
            expect([Stop.StrayQuote, Stop.BadNumber, Stop.Ragged]).toContain(got.stop);
          else expect(got.stop).toBe(stop);
          kernels.release(mark);
        },
      ),
      runs(1000),
    );
  },
  PATIENCE,
);

test("spans are the rows' text without line ends", () => {
  const data = 'a,1\r\n\n"b\n",2\nc,3';
  const { parser, rows, at } = parseAll(encode(data), [text(0), number(1)], 0x2c, 9);
  const spans = rows.map((_, row) => {
    const [start, end] = kernels.ints.subarray(parser.spans / 4 + 2 * row, parser.spans / 4 + 2 * row + 2);
    return data.slice(start! - at, end! - at);
  });
  expect(spans).toEqual(["a,1", '"b\n",2', "c,3"]);
});

test("more undecided numbers than one call lists", () => {
  const columns = Array.from({ length: 7 }, (_, slot) => number(slot));
  const cells = Array.from({ length: 7 * 500 }, (_, i) => `${i + 1}e-320`);
  const lines = Array.from({ length: 500 }, (_, row) => cells.slice(7 * row, 7 * row + 7).join(","));
  const { rows } = parseAll(encode(lines.join("\n")), columns, 0x2c, 128);
  expect(rows.flat()).toEqual(cells.map(Number));
});
