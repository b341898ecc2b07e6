import { Kernels } from "../kernels/kernels.js";
import { ChunkReader, laneSpec } from "./chunk-reader.js";
import { CHUNK_BYTES, type ChunkStart, firstChunk, LaneStop, planChunks, startAfter } from "./chunks.js";
import type { ColumnBlock, ColumnChoice, RowText } from "./column-block.js";
import type { Levels } from "./levels.js";
import { oddPart } from "./odd-part.js";
import { noRowsError } from "./records.js";
import { readReference } from "./reference-lane.js";
import { type StreamChunk, StreamChunks } from "./stream-chunks.js";
import type { Table } from "./table.js";

/**
 * The chosen columns of a table through the kernels, in the calling thread. From the first chunk that they cannot
 * read on, the csv-parse lane takes over.
 */
export async function* readFast(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[],
  chunkBytes = CHUNK_BYTES,
  // Kernels of its own, not the thread's: what the caller allocates between two blocks must not be in the way.
  kernels = new Kernels(),
): AsyncGenerator<ColumnBlock, void, undefined> {
  const lane = table.source.plain ? fileLane : streamLane;
  yield* lane(table, choice, levels, chunkBytes, kernels);
}

async function* fileLane(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[],
  chunkBytes: number,
  kernels: Kernels,
): AsyncGenerator<ColumnBlock, void, undefined> {
  const { source } = table;
  const { fd, size } = source.plain!;
  const plan = planChunks(table, size, chunkBytes);
  const reader = new ChunkReader(kernels, laneSpec(table, choice, plan), fd, levels);
  let start = firstChunk(plan);
  try {
    for (let chunk = 0; chunk < plan.chunks; chunk++) {
      reader.load(chunk);
      const next = startAfter(start, reader.count());
      const block = readBlock(reader, chunk, start, next.firstRow - start.firstRow, choice);
      if (block) yield block;
      start = next;
    }
  } catch (error) {
    if (!(error instanceof LaneStop)) throw error;
    if (table.part !== undefined) throw await oddPart(table, choice, error.resume);
    const bytes = source.chunks(error.resume.offset);
    yield* readReference(table, choice, levels, chunkBytes, { ...error.resume, bytes });
    return;
  }
  source.checkUnchanged();
  if (start.firstRow === 0 && table.part === undefined) throw noRowsError(table);
}

async function* streamLane(
  table: Table,
  choice: ColumnChoice,
  levels: readonly Levels[],
  chunkBytes: number,
  kernels: Kernels,
): AsyncGenerator<ColumnBlock, void, undefined> {
  const plan = planChunks(table, Number.POSITIVE_INFINITY, chunkBytes);
  const chunks = new StreamChunks(table.source.chunks(), plan, kernels);
  const reader = new ChunkReader(kernels, laneSpec(table, choice, plan), undefined, levels);
  let any = false;
  let current: StreamChunk | undefined;
  try {
    for (;;) {
      current = await chunks.next();
      if (!current) break;
      reader.loadStream(current);
      const block = readBlock(reader, current.chunk, current.start, current.rows, choice);
      if (block) yield block;
      any ||= block !== undefined;
    }
    if (!any) throw noRowsError(table);
  } catch (error) {
    if (!(error instanceof LaneStop)) throw error;
    const skip = error.resume.offset - (plan.dataStart + current!.chunk * chunkBytes);
    const bytes = joined(current!.bytes.subarray(skip, current!.own), chunks.rest());
    yield* readReference(table, choice, levels, chunkBytes, { ...error.resume, bytes });
  } finally {
    await chunks.close();
  }
}

async function* joined(
  first: Uint8Array,
  rest: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  yield first;
  yield* rest;
}

/**
 * All of a chunk's rows, copied out of the kernels' memory; undefined if no row starts in it.
 *
 * @param count how many rows were counted in it
 * @throws LaneStop as `blocks` does
 */
function readBlock(
  reader: ChunkReader,
  chunk: number,
  start: ChunkStart,
  count: number,
  choice: ColumnChoice,
): ColumnBlock | undefined {
  const numeric = choice.numeric.map(() => new Float64Array(count));
  const codes = choice.factors.map(() => new Int32Array(count));
  const text = choice.text ? new TextBuilder(count) : undefined;
  const rowNames: string[] | undefined = choice.name === undefined ? undefined : [];
  let done = 0;
  for (const rows of reader.blocks(start)) {
    if (done + rows > count) throw reader.stopAt(start);
    reader.numeric(rows).forEach((column, j) => {
      numeric[j]!.set(column, done);
    });
    reader.codes.forEach((column, i) => {
      codes[i]!.set(column.subarray(0, rows), done);
    });
    if (rowNames) for (let r = 0; r < rows; r++) rowNames.push(reader.rowName(r)!);
    if (text) for (let r = 0; r < rows; r++) text.add(reader.rowBytes(r));
    done += rows;
  }
  if (count === 0) return undefined;
  return { chunk, firstRow: start.firstRow, rows: count, numeric, codes, text: text?.finish(), rowNames };
}

/** Rows' bytes, one after the other. */
class TextBuilder {
  readonly #ends: Int32Array;
  #bytes = new Uint8Array(1 << 16);
  #length = 0;
  #rows = 0;

  constructor(rows: number) {
    this.#ends = new Int32Array(rows);
  }

  add(row: Uint8Array): void {
    const length = this.#length + row.length;
    if (length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#bytes.set(row, this.#length);
    this.#length = length;
    this.#ends[this.#rows++] = length;
  }

  finish(): RowText {
    // A copy of just these bytes: a view would take the whole buffer along to another thread.
    return { bytes: this.#bytes.slice(0, this.#length), ends: this.#ends };
  }
}
