import { gzipSync } from "node:zlib";
import type { ColumnBlock, ColumnChoice } from "../../src/csv/column-block.js";
import type { DialectOptions } from "../../src/csv/dialect.js";
import { Levels } from "../../src/csv/levels.js";
import { openSource } from "../../src/csv/open-source.js";
import { type ReadOptions, readColumns } from "../../src/csv/read-columns.js";
import { readTable } from "../../src/csv/table.js";
import { DataError } from "../../src/errors.js";
import { scratchFolder } from "./scratch.js";

const scratch = scratchFolder();

/** A way to read a file that must not change what is read. */
export interface Way extends ReadOptions {
  name: string;
  gzip?: boolean;
}

/** Every lane and every kind of input, with chunks so small that rows meet their boundaries. */
export const WAYS: Way[] = [
  { name: "csv-parse", lane: "reference" },
  { name: "fast lane, file" },
  { name: "fast lane, stream", gzip: true },
  { name: "fast lane, file, chunks of 16 bytes", chunkBytes: 16 },
  { name: "fast lane, stream, chunks of 7 bytes", chunkBytes: 7, gzip: true },
];

/** All that a file gives. */
export interface Read {
  names: string[];
  kinds: string[];
  numeric: number[][];
  factors: (string | null)[][];
  chunks: [chunk: number, firstRow: number, rows: number][];
  text: string[];
}

/** Reads a file's numeric columns as numbers and its text columns as factors; it is called data.csv in errors. */
export async function readAll(
  content: string | Uint8Array,
  way: Way = WAYS[0]!,
  options: DialectOptions = {},
): Promise<Read> {
  const path = scratch.file("data.csv", way.gzip ? gzipSync(content) : content);
  const source = await openSource(path);
  try {
    const table = await readTable(source, options);
    const of = (...kinds: string[]) =>
      table.columns.flatMap((column, j) => (kinds.includes(column.kind) ? [j] : []));
    const choice: ColumnChoice = { numeric: of("numeric", "empty"), factors: of("text"), text: true };
    const levels = choice.factors.map(() => new Levels());
    const blocks: ColumnBlock[] = [];
    for await (const block of readColumns(table, choice, { ...way, levels })) blocks.push(block);
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

/** An error in the data, without the scratch folder's path. */
export interface Refusal {
  message: string;
  hint: string | undefined;
}

/** What a file gives, or the error that reading it ends with. */
export async function readOutcome(
  content: string | Uint8Array,
  way: Way = WAYS[0]!,
  options: DialectOptions = {},
): Promise<Read | Refusal> {
  try {
    return await readAll(content, way, options);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    return { message: error.message.replace(`${scratch.path}/`, ""), hint: error.hint };
  }
}
