import { closeSync, openSync, statSync, truncateSync } from "node:fs";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ChunkReader, type LaneSpec } from "../../src/csv/chunk-reader.js";
import { type ChunkStart, firstChunk, LaneStop, planChunks, startAfter } from "../../src/csv/chunks.js";
import { StreamChunks } from "../../src/csv/stream-chunks.js";
import { PLAIN_FORMAT } from "../../src/dataset/number-format.js";
import { Kernels } from "../../src/kernels/kernels.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();
const open: number[] = [];
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
});

const FIRST = firstChunk({ firstRow: 0 });
const header = "x,name,y\n";
const columns = [
  { name: "x", kind: "numeric" },
  { name: "name", kind: "text" },
  { name: "y", kind: "numeric" },
] as const;
const choice = { numeric: [0, 2], factors: [1], text: true };

function fileReader(
  content: string,
  chunkBytes: number,
): { reader: ChunkReader; spec: LaneSpec; path: string } {
  const path = scratch.file("data.csv", content);
  const plan = planChunks({ dataStart: header.length, dataLine: 2 }, statSync(path).size, chunkBytes);
  const spec: LaneSpec = { name: "data.csv", plan, columns, format: PLAIN_FORMAT, delimiter: ",", choice };
  const fd = openSync(path, "r");
  open.push(fd);
  return { reader: new ChunkReader(new Kernels(), spec, fd), spec, path };
}

function rowsOf(reader: ChunkReader, start: ChunkStart): string[] {
  const rows: string[] = [];
  for (const count of reader.blocks(start)) {
    const [x, y] = reader.numeric(count);
    for (let r = 0; r < count; r++) {
      const name = reader.levels[0]!.names[reader.codes[0]![r]!];
      expect(Buffer.from(reader.rowBytes(r)).toString()).toContain(name);
      rows.push(`${reader.firstRow + r}: ${x![r]} ${name} ${y![r]}`);
    }
    expect(reader.missing).toBe([...x!, ...y!].some(Number.isNaN));
  }
  return rows;
}

const rows = fc.array(
  fc.tuple(
    fc.integer(),
    fc.stringMatching(/^[a-z][a-z,\n]{0,300}$/),
    fc.option(fc.nat(), { nil: "NA" as const }),
  ),
  { minLength: 1, maxLength: 300 },
);
const textOf = (data: [number, string, number | "NA"][]) =>
  header + data.map(([x, name, y]) => `${x},${/[,\n]/.test(name) ? `"${name}"` : name},${y}\n`).join("");
const expectedOf = (data: [number, string, number | "NA"][]) =>
  data.map(([x, name, y], i) => `${i}: ${x} ${name.trim()} ${Number(y)}`);

describe("ChunkReader", () => {
  it("reads every row of a file once, in any order of chunks, with no help from csv-parse", () => {
    fc.assert(
      fc.property(rows, fc.integer({ min: 1, max: 5000 }), (data, chunkBytes) => {
        const { reader, spec } = fileReader(textOf(data), chunkBytes);
        const starts = [FIRST];
        for (let chunk = 0; chunk < spec.plan.chunks; chunk++) {
          reader.load(chunk);
          starts.push(startAfter(starts[chunk]!, reader.count()));
        }
        expect(starts.at(-1)).toMatchObject({ firstRow: data.length, insideQuote: false });
        const found: string[][] = [];
        for (let chunk = spec.plan.chunks - 1; chunk >= 0; chunk--) {
          reader.load(chunk);
          found[chunk] = rowsOf(reader, starts[chunk]!);
          expect(found[chunk]!.length).toBe(starts[chunk + 1]!.firstRow - starts[chunk]!.firstRow);
        }
        expect(found.flat()).toEqual(expectedOf(data));
      }),
      { numRuns: 40 },
    );
  });

  it("reads the same from a stream, however it comes in pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        rows,
        fc.integer({ min: 1, max: 5000 }),
        fc.integer({ min: 1, max: 7000 }),
        async (data, chunkBytes, pieceBytes) => {
          const bytes = Buffer.from(textOf(data));
          const pieces = async function* () {
            for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
          };
          const kernels = new Kernels();
          const plan = planChunks({ dataStart: header.length, dataLine: 2 }, undefined, chunkBytes);
          const spec: LaneSpec = {
            name: "stream",
            plan,
            columns,
            format: PLAIN_FORMAT,
            delimiter: ",",
            choice,
          };
          const chunks = new StreamChunks(pieces(), plan, kernels);
          const reader = new ChunkReader(kernels, spec);
          const found: string[] = [];
          for (let chunk = await chunks.next(); chunk; chunk = await chunks.next()) {
            reader.loadStream(chunk);
            found.push(...rowsOf(reader, chunk.start));
          }
          expect(found).toEqual(expectedOf(data));
        },
      ),
      { numRuns: 40 },
    );
  });

  it("stops with the place from which csv-parse goes on", () => {
    const { reader } = fileReader(`${header}1,a,2\n3,"b\nc",4\n\n5,d,x\n`, 10);
    reader.load(0);
    const start = startAfter(FIRST, reader.count());
    expect(rowsOf(reader, FIRST)).toEqual(["0: 1 a 2", "1: 3 b\nc 4"]);
    reader.load(1);
    let stop: unknown;
    try {
      rowsOf(reader, start);
    } catch (error) {
      stop = error;
    }
    expect(stop).toBeInstanceOf(LaneStop);
    expect(stop).toMatchObject({ chunk: 1, resume: { firstRow: 2, offset: header.length + 17, line: 6 } });
  });

  it("says that the file has become shorter", () => {
    const { reader, path } = fileReader(`${header}${"1,a,2\n".repeat(1000)}`, 1024);
    truncateSync(path, 3000);
    expect(() => reader.load(4)).toThrow(
      "data.csv: the file changed while it was being read (6009 bytes at first,",
    );
  });
});
