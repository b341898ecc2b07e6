import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openSource } from "../../src/csv/open-source.js";
import { readColumns } from "../../src/csv/read-columns.js";
import { readTable, type Table } from "../../src/csv/table.js";
import { countBefore, lineStart } from "../../src/csv/table-part.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
let files = 0;

/** A row's cells, as text, by its number. */
type Rows = Map<number, string>;

async function rowsOf(table: Table, chunkBytes: number): Promise<Rows> {
  const found: Rows = new Map();
  const choice = { numeric: [0], factors: [], name: 1 };
  for await (const { rows, firstRow, numeric, rowNames } of readColumns(table, choice, { chunkBytes }))
    for (let r = 0; r < rows; r++) found.set(firstRow + r, `${numeric[0]![r]} ${rowNames![r]}`);
  return found;
}

/** The two parts that a cut at a byte makes, and their rows; undefined where one is refused. */
async function cutAt(table: Table, at: number, linewise: boolean, chunkBytes: number) {
  const { size } = table.source.plain!;
  const nothing = { firstRow: 0, lines: 0, insideQuote: false };
  const before = linewise ? nothing : await countBefore(table, at);
  const cut = linewise ? await lineStart(table, at) : at;
  const first = { ...table, part: { start: table.dataStart, end: cut, before: nothing, linewise } };
  const second = { ...table, part: { start: cut, end: size, before, linewise } };
  try {
    return [await rowsOf(first, chunkBytes), await rowsOf(second, chunkBytes)] as const;
  } catch (error) {
    return String(error);
  }
}

async function checkCuts(text: string, chunkBytes: number) {
  const path = scratch.file(`${files++}.csv`, text);
  const source = await openSource(path);
  try {
    const table = await readTable(source, { delimiter: ",", text: ["b"] });
    const whole = await rowsOf(table, 1 << 20);
    let refused = 0;
    if (source.plain === undefined || table.dialect.odd) return { refused: 1, cuts: 1, rows: whole.size };
    const from = table.dataStart;
    const { size } = source.plain;
    for (let at = from + 1; at < size; at++)
      for (const linewise of [false, true]) {
        const parts = await cutAt(table, at, linewise, chunkBytes);
        if (typeof parts === "string") {
          refused++;
          continue;
        }
        const [a, b] = parts;
        const cells = [...a.values(), ...b.values()];
        expect(cells, `cut at ${at} of ${JSON.stringify(text)}, linewise ${linewise}`).toEqual([
          ...whole.values(),
        ]);
        if (!linewise) expect([...a.keys(), ...b.keys()]).toEqual([...whole.keys()]);
      }
    return { refused, cuts: 2 * (size - from - 1), rows: whole.size };
  } finally {
    await source.close();
  }
}

describe("two parts of a file, cut at every byte", () => {
  test.each([
    ["plain rows", "a,b\n1,x\n2,y\n33,zz\n", 0],
    ["no line end at the end", "a,b\n1,x\n2,y\n33,zz", 0],
    ["CRLF and blank lines", "a,b\r\n1,x\r\n\r\n2,y\r\n\r\n\r\n33,zz\r\n\r\n", 0],
    ["a byte order mark", "\ufeffa,b\n1,é\n2,ü\n", 0],
    [
      "quotes, delimiters in them, and quotes written twice",
      'a,b\n1,"x,1"\n2,"a ""b"" c"\n3,""""\n"4",""\n',
      0,
    ],
  ])("%s: all rows, each once, with the numbers of the whole", async (_what, text, refusals) => {
    for (const chunkBytes of [1 << 20, 5]) expect((await checkCuts(text, chunkBytes)).refused).toBe(refusals);
  });

  test.each([
    ["a cell of two lines", 'a,b\n1,x\n2,"y\ny"\n3,z\n4,w\n'],
    ["cells that look like rows within quotes", 'a,b\n1,"x\n7,u\n8,v\n"\n2,"y\r\n\n9,w"\n3,z\n'],
    ["a line end first and last in a cell", 'a,b\n1,"\nx"\n2,"y\n"\n3,"\n"\n4,"""\n"""\n'],
  ])("%s: all rows where what is before is counted, and else those, or a refusal", async (_what, text) => {
    for (const chunkBytes of [1 << 20, 5]) {
      const { refused, cuts } = await checkCuts(text, chunkBytes);
      // Never with counting; without, there is a part that begins at the start, and reads to the cell.
      expect(refused).toBe(cuts / 2);
    }
  });

  test("anything: the rows of the whole, or a refusal", async () => {
    const cell = fc
      .array(fc.constantFrom("x", '"', ",", "\n", "\r\n", " ", "é", "7"), { maxLength: 4 })
      .map((parts) => parts.join(""));
    const written = fc.tuple(cell, fc.constantFrom("always", "needed", "never")).map(([text, quotes]) => {
      if (quotes === "always" || (quotes === "needed" && /[",\r\n]/.test(text)))
        return `"${text.replaceAll('"', '""')}"`;
      // A quote that nobody doubled, and blanks.
      return text.replaceAll(/[,\r\n]/g, "");
    });
    const line = fc.oneof(
      { weight: 8, arbitrary: fc.tuple(fc.nat(99), written).map(([a, b]) => `${a},${b}`) },
      { weight: 1, arbitrary: fc.constantFrom("", " ", ",") },
    );
    let [read, all] = [0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { minLength: 1, maxLength: 6 }),
        fc.constantFrom("\n", "\r\n"),
        fc.constantFrom(4, 1 << 20),
        async (lines, newline, chunkBytes) => {
          const text = `a,b${newline}5,z${newline}${lines.join(newline)}${newline}`;
          const found = await checkCuts(text, chunkBytes).catch((error: Error) => {
            // What one pass refuses too.
            if (error.name === "DataError" || error.name === "UsageError") return undefined;
            throw error;
          });
          if (found === undefined) return;
          read += found.cuts - found.refused;
          all += found.cuts;
        },
      ),
      { numRuns: 50 },
    );
    expect(read / all).toBeGreaterThan(0.3);
  }, 60_000);
});
