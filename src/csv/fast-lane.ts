import { BLOCK_ROWS, Kernels } from "../kernels/kernels.js";
import { ChunkReader, laneSpec } from "./chunk-reader.js";
import { CHUNK_BYTES, type ChunkStart, FIRST_CHUNK, LaneStop, planChunks, startAfter } from "./chunks.js";
import type { ColumnBlock, ColumnChoice, RowText } from "./columns.js";
import type { Levels } from "./levels.js";
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
): AsyncGenerator<ColumnBlock, void, undefined> {
  // Kernels of its own, not the thread's: what the caller allocates between two blocks must not be in the way.
  const lane = table.source.plain ? fileLane : streamLane;
  yield* lane(table, choice, levels, chunkBytes, new Kernels());
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
  let start = FIRST_CHUNK;
  try {
    for (let chunk = 0; chunk < plan.chunks; chunk++) {
      reader.load(chunk);
      const next = startAfter(start, reader.count());
      const block = readBlock(reader, chunk, start, choice);
      if (block) yield block;
      start = next;
    }
  } catch (error) {
    if (!(error instanceof LaneStop)) throw error;
    const bytes = source.chunks(error.resume.offset);
    yield* readReference(table, choice, levels, chunkBytes, { ...error.resume, bytes });
    return;
  }
  source.checkUnchanged();
  if (start.firstRow === 0) throw noRowsError(table);
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
      const block = readBlock(reader, current.chunk, current.start, choice);
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

/** All of a chunk's rows, copied out of the kernels' memory; undefined if no row starts in it. */
function readBlock(
  reader: ChunkReader,
  chunk: number,
  start: ChunkStart,
  choice: ColumnChoice,
): ColumnBlock | undefined {
  const numeric = choice.numeric.map(() => new Growing<Float64Array>(Float64Array));
  const codes = choice.factors.map(() => new Growing<Int32Array>(Int32Array));
  const ends = new Growing<Int32Array>(Int32Array);
  const text = new Growing<Uint8Array>(Uint8Array);
  let total = 0;
  for (const rows of reader.blocks(start)) {
    reader.numeric(rows).forEach((column, j) => {
      numeric[j]!.push(column);
    });
    reader.codes.forEach((column, i) => {
      codes[i]!.push(column.subarray(0, rows));
    });
    if (choice.text) {
      const lengths = new Int32Array(rows);
      for (let r = 0; r < rows; r++) {
        text.push(reader.rowBytes(r));
        lengths[r] = text.length;
      }
      ends.push(lengths);
    }
    total += rows;
  }
  if (total === 0) return undefined;
  const rowText: RowText | undefined = choice.text
    ? { bytes: text.values(), ends: ends.values() }
    : undefined;
  return {
    chunk,
    firstRow: start.firstRow,
    rows: total,
    numeric: numeric.map((column) => column.values()),
    codes: codes.map((column) => column.values()),
    text: rowText,
  };
}

type Column = Float64Array | Int32Array | Uint8Array;

/** A typed array that grows at its end. */
class Growing<T extends Column> {
  length = 0;
  readonly #make: new (
    length: number,
  ) => T;
  #array: T;

  constructor(make: new (length: number) => T) {
    this.#make = make;
    this.#array = new make(BLOCK_ROWS);
  }

  push(values: T): void {
    const length = this.length + values.length;
    if (length > this.#array.length) {
      const larger = new this.#make(Math.max(length, 2 * this.#array.length));
      larger.set(this.#array.subarray(0, this.length));
      this.#array = larger;
    }
    this.#array.set(values, this.length);
    this.length = length;
  }

  values(): T {
    return this.#array.subarray(0, this.length) as T;
  }
}
