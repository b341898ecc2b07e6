import type { TruthOf } from "../../csv/json-lines.js";
import type { ReadingOptions } from "../../csv/reading-options.js";
import type { Source } from "../../csv/source.js";
import type { Table } from "../../csv/table.js";
import { CHUNK_ROWS, type FileChunk } from "../column-file.js";
import type { ColumnFormat } from "../column-format.js";
import { openedFile, readFileTable } from "../file-table.js";
import { type ArrowBatch, type BatchPart, buffersOf, partOf } from "./batch.js";
import { openArrowChunks } from "./chunks.js";
import { type ArrowFile, openArrow, type PlacedBatch } from "./open-arrow.js";
import type { ArrowColumn } from "./schema.js";

/** Batches of fewer rows are read together up to this many, for every chunk has sums of its own. */
const LEAST_ROWS = 1 << 14;

/** Whether bytes begin a file or a stream of Arrow's IPC format: the mark of a file, or that of a message and its length. */
export function isArrow(head: Uint8Array): boolean {
  const start = Buffer.from(head);
  if (start.toString("latin1", 0, 6) === "ARROW1") return true;
  return start.length >= 8 && start.readUInt32LE(0) === 0xffffffff && start[7] === 0;
}

/**
 * Looks at Arrow files and streams that are one table, in whatever order of columns, and at their first rows. Folders
 * called `name=value` are columns too, before those of the files.
 *
 * @param truth how true and false are written in a column
 * @throws DataError where a file is damaged, or files have other columns than the first
 */
export async function readArrowTable(
  sources: readonly Source[],
  options: ReadingOptions,
  truth?: TruthOf,
): Promise<Table> {
  const files: ArrowFile[] = [];
  for (const source of sources) files.push(await openArrow(await openedFile(source)));
  return readFileTable(sources[0]!, files, ARROW, options, truth);
}

/** Rows of one batch, or some batches one behind the other. */
interface BatchRows extends FileChunk {
  readonly batches: readonly PlacedBatch[];
}

const ARROW: ColumnFormat<ArrowFile, ArrowColumn, BatchRows, readonly BatchPart[]> = {
  name: "arrow",

  chunks({ batches }, f) {
    const chunks: BatchRows[] = [];
    let fileRow = 0;
    const add = (together: readonly PlacedBatch[], rows: number): void => {
      for (let from = 0; from < rows; from += CHUNK_ROWS) {
        const to = Math.min(rows, from + CHUNK_ROWS);
        chunks.push({ file: f, fileRow: fileRow + from, from, to, batches: together });
      }
      fileRow += rows;
    };
    let held: PlacedBatch[] = [];
    for (const batch of batches) {
      held.push(batch);
      const rows = rowsOf(held);
      if (rows < LEAST_ROWS) continue;
      add(held, rows);
      held = [];
    }
    add(held, rowsOf(held));
    return chunks;
  },

  isEmpty: ({ place, layout }, { batches }) =>
    layout.of === "nothing" || batches.every(({ nulls, rows }) => nulls[place.node] === rows),

  partOf: ({ batches }, leaf) => batches.map((batch) => partOf(batch, leaf, batch.dictionaries)),

  bounds: () => undefined,

  ranges: (parts) => parts.flatMap(buffersOf).map(({ at, length }) => [at, at + length]),

  async needFirst({ need }, parts) {
    await need(parts.flatMap((part) => ARROW.ranges(part)));
  },

  open: openArrowChunks,
};

function rowsOf(batches: readonly ArrowBatch[]): number {
  return batches.reduce((sum, { rows }) => sum + rows, 0);
}
