import { readSync } from "node:fs";
import { DataError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { option, wording } from "../wording.js";
import { type ChunkStart, startAfter, type TablePart } from "./chunks.js";
import { changedError } from "./read-error.js";
import type { Source } from "./source.js";

/** What a part is cut from. */
interface PartedTable {
  readonly source: Source;
  readonly dataStart: number;
  readonly part?: TablePart | undefined;
  readonly next?: PartedTable | undefined;
}

/** Bytes counted between two looks at the signal. */
const PIECE = 1 << 22;
/** Bytes of a file elsewhere that are fetched at a time, a multiple of those. */
const FETCHED = 1 << 25;
/** Bytes that are looked through for a line's end at a time. */
const LINES = 1 << 16;

/**
 * Counts rows, line feeds and quotes of a plain file from its first row to byte `to`, at about the speed of memory; what
 * `startAfter` adds up.
 */
export async function countBefore(
  table: Pick<PartedTable, "source" | "dataStart">,
  to: number,
): Promise<ChunkStart> {
  return countFrom(table, table.dataStart, { firstRow: 0, lines: 0, insideQuote: false }, to);
}

/** The same from a byte on, given what was counted before it. */
async function countFrom(
  { source, dataStart }: Pick<PartedTable, "source" | "dataStart">,
  first: number,
  before: ChunkStart,
  to: number,
): Promise<ChunkStart> {
  const kernels = new Kernels();
  const { fd, size } = source.plain!;
  // The kernel reads a byte before and up to 64 behind.
  const data = kernels.alloc(PIECE + 144) + 16;
  let start = before;
  for (let from = first; from < to; from += PIECE) {
    if (source.signal?.aborted) source.signal.throwIfAborted();
    if ((from - first) % FETCHED === 0)
      await source.need(Math.max(dataStart, from - 1), Math.min(to, from + FETCHED) + 2);
    const own = Math.min(PIECE, to - from);
    const length = Math.min(own + 2, size - from);
    if (from === dataStart) kernels.bytes[data - 1] = 0x0a;
    else if (from > first) kernels.bytes[data - 1] = kernels.bytes[data + PIECE - 1]!;
    else readSync(fd, kernels.bytes, data - 1, 1, from - 1);
    for (let done = 0; done < length; ) {
      const got = readSync(fd, kernels.bytes, data + done, length - done, from + done);
      if (got === 0) throw changedError(source.name, size, from + done);
      done += got;
    }
    kernels.bytes.fill(0, data + length, data + length + 2);
    start = startAfter(start, kernels.countRows(data, own));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return start;
}

/** The first byte from `at` on at which a line of a plain file starts. */
export async function lineStart(
  { source, dataStart }: Pick<PartedTable, "source" | "dataStart">,
  at: number,
): Promise<number> {
  const { fd, size } = source.plain!;
  if (at <= dataStart) return dataStart;
  const buffer = Buffer.alloc(LINES);
  for (let from = at - 1; from < size; from += LINES) {
    await source.need(from, from + LINES);
    const feed = buffer.subarray(0, readSync(fd, buffer, 0, LINES, from)).indexOf(0x0a);
    if (feed >= 0) return from + feed + 1;
  }
  return size;
}

/** Fetches what a part is read from where its file lies elsewhere, the end of its last row among it. */
export async function fetchPart(
  table: Pick<PartedTable, "source" | "dataStart">,
  part: TablePart,
): Promise<void> {
  const { source, dataStart } = table;
  const { start, end, before, linewise } = part;
  if (start === end) return;
  await source.need(Math.max(dataStart, start - 1), end);
  if (linewise) return;
  // A row that starts before `end` may end far behind it.
  const { fd, size } = source.plain!;
  let { insideQuote } = await countFrom(table, start, before, end);
  const buffer = Buffer.alloc(LINES);
  for (let from = end; from < size; from += LINES) {
    await source.need(from, from + LINES);
    for (const byte of buffer.subarray(0, readSync(fd, buffer, 0, LINES, from)))
      if (byte === 0x22) insideQuote = !insideQuote;
      else if (byte === 0x0a && !insideQuote) return;
  }
}

/** What lies before a part's first row, counted where it was not: for messages. */
export async function linesBefore(table: PartedTable): Promise<{ rows: number; lines: number }> {
  const { part } = table;
  if (!part?.linewise) return { rows: 0, lines: 0 };
  const { firstRow, lines } = await countBefore(table, part.start);
  return { rows: firstRow, lines };
}

/** The number that a row has in its whole, given the one that it has in a part of it: for messages. */
export async function numberInWhole(table: PartedTable, number: number): Promise<number> {
  let before = 0;
  for (let at: PartedTable | undefined = table; at !== undefined; at = at.next) {
    const { part } = at;
    if (!part?.linewise) return number;
    if (part.start === part.end && part.end === at.dataStart) continue;
    const to = part.start === part.end ? part.end : part.start;
    before += (await countBefore(at, to)).firstRow;
    if (part.start < part.end) break;
  }
  return before + number;
}

/** The error of a part in which not every line is a row, though it was read so. */
export function spanningError(file: string): DataError {
  return new DataError("a quoted cell spans lines, and what stands before this shard was not read", {
    place: { file },
    hint: wording`${option("quotedLines", true)} reads it, to know which of the bytes are within quotes`,
  });
}

/** The error of a part that only csv-parse can read. */
export function oddPartError(file: string, line: number): DataError {
  return new DataError(
    "from here on quotes stand within cells, or lines hold nothing but blanks: where rows begin in a part of the file " +
      "cannot be told",
    { place: { file, line }, hint: "write the file anew with such cells in quotes, or cut it into files" },
  );
}
