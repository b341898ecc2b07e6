import { ChunkReader, type LaneSpec } from "../csv/chunk-reader.js";
import type { ChunkStart } from "../csv/chunks.js";
import type { ColumnBlock } from "../csv/column-block.js";
import { type Levels, levelsOf } from "../csv/levels.js";
import type { StreamChunk } from "../csv/stream-chunks.js";
import type { Table } from "../csv/table.js";
import type { ChunkDecoder, TypedChunks } from "../csv/typed-rows.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { ChunkColumns } from "../kernels/chunk-columns.js";
import type { Kernels, RowCount } from "../kernels/kernels.js";
import type { RowSink } from "../kernels/row-sink.js";
import type { Xxh128 } from "../kernels/xxh128.js";
import { openChunks } from "../sources/open-chunks.js";
import type { BlockSource } from "./block-source.js";
import { blockOrder, type RowLayout } from "./row-layout.js";

/** What reads the chunks of a lane in one thread: of text, or of typed columns. */
export interface LaneReader extends BlockSource {
  /** How many rows of the chunk were not read, because the layout's condition can hold for none of them. */
  readonly pruned: number;
  load(chunk: number): void;
  loadStream(chunk: StreamChunk): void;
  /** Adds the chunk's own bytes to a hash, where it is of text. */
  hash?(hash: Xxh128): void;
  count(): RowCount;
  /** The rows of the chunk, a block at a time; text that `sink` takes goes to it, and typed columns do not. */
  blocks(start: ChunkStart, sink?: RowSink): Generator<number, void, undefined>;
}

/** The lane of a table whose chunks are typed columns. */
export function typedLane(table: Table, typed: TypedChunks, layout: RowLayout, firstRow: number): LaneSpec {
  const { source, columns, format, dialect } = table;
  const chunks = typed.rows.length;
  const chunkBytes = Math.ceil(typed.bytes / chunks);
  return {
    name: source.name,
    plan: { dataStart: 0, dataLine: 0, chunkBytes, size: typed.bytes, limit: typed.bytes, chunks, firstRow },
    columns,
    format,
    delimiter: dialect.delimiter,
    choice: blockOrder(layout).choice,
    typed,
  };
}

/** The reader of a lane; a promise where something has to be loaded first. */
export function openLane(
  kernels: Kernels,
  lane: LaneSpec,
  fd: number | undefined,
): LaneReader | Promise<LaneReader> {
  const { typed } = lane;
  if (typed === undefined) return new ChunkReader(kernels, lane, fd);
  return openChunks(typed).then((decoder) => new TypedReader(kernels, lane, typed, decoder));
}

/** Typed columns, a chunk at a time, as blocks in the kernels' memory. */
class TypedReader implements LaneReader {
  readonly block: number;
  readonly codes: readonly Int32Array[];
  readonly levels: readonly Levels[];
  readonly spans = 0;
  firstRow = 0;
  missing = false;
  pruned = 0;
  readonly #kernels: Kernels;
  readonly #lane: LaneSpec;
  readonly #typed: TypedChunks;
  readonly #decoder: ChunkDecoder;
  readonly #columns: ChunkColumns;
  #chunk = 0;
  #current: ColumnBlock | undefined;
  #from = 0;
  /** The places of the block's rows among the chunk's, less `#from`. */
  readonly #places = new Int32Array(BLOCK_ROWS);

  constructor(kernels: Kernels, lane: LaneSpec, typed: TypedChunks, decoder: ChunkDecoder) {
    const { numeric, factors } = lane.choice;
    this.#kernels = kernels;
    this.#lane = lane;
    this.#typed = typed;
    this.#decoder = decoder;
    this.block = kernels.allocBlock(numeric.length);
    const most = typed.rows.reduce((most, rows) => Math.max(most, rows), 0);
    this.#columns = new ChunkColumns(kernels, numeric.length, most);
    this.codes = factors.map(() => new Int32Array(BLOCK_ROWS));
    this.levels = levelsOf(lane, lane.choice);
  }

  load(chunk: number): void {
    this.#chunk = chunk;
  }

  loadStream(): void {
    throw new Error("typed columns do not come as text");
  }

  /** The rows of the chunk are known without reading it. */
  count(): RowCount {
    const rows = this.#typed.rows[this.#chunk]!;
    return { rowsIfOutside: rows, rowsIfInside: rows, lines: 0, quoteParity: 0, special: false };
  }

  *blocks(start: ChunkStart): Generator<number, void, undefined> {
    const rows = this.#typed.rows[this.#chunk]!;
    this.pruned = this.#typed.pruned[this.#chunk] ? rows : 0;
    if (this.pruned > 0) return;
    const { numeric, codes, filled } = this.#read();
    for (let from = 0; from < rows; from += BLOCK_ROWS) {
      const count = Math.min(BLOCK_ROWS, rows - from);
      this.#from = from;
      for (let r = 0; r < count; r++) this.#places[r] = r;
      this.firstRow = start.firstRow + from;
      this.#columns.copyTo(this.block, from, count);
      this.missing = false;
      for (let j = 0; j < numeric.length; j++)
        if (filled?.[j] !== true && this.#hasGap(j, count)) this.missing = true;
      for (let i = 0; i < codes.length; i++) {
        const [to, column] = [this.codes[i]!, codes[i]!];
        for (let r = 0; r < count; r++) to[r] = column[from + r]!;
      }
      yield count;
    }
  }

  /** Whether a column of the block lacks one of its first rows. */
  #hasGap(slot: number, count: number): boolean {
    const { doubles } = this.#kernels;
    const at = this.block / 8 + BLOCK_ROWS * slot;
    for (let r = 0; r < count; r++) if (Number.isNaN(doubles[at + r])) return true;
    return false;
  }

  #read(): ColumnBlock {
    this.#current = undefined;
    this.#current = this.#decoder.read(this.#chunk, this.#lane.choice, this.levels, this.#columns);
    return this.#current;
  }

  rowBytes(r: number): Uint8Array {
    const { bytes, ends } = this.#current!.text!;
    const row = this.#from + this.#places[r]!;
    return bytes.subarray(row === 0 ? 0 : ends[row - 1]!, ends[row]);
  }

  rowName(r: number): string | undefined {
    return this.#current!.rowNames?.[this.#from + this.#places[r]!];
  }

  select(rows: Int32Array, count: number): void {
    for (const j of this.#lane.choice.numeric.keys()) {
      const values = this.#kernels.doublesAt(this.block + 8 * BLOCK_ROWS * j, BLOCK_ROWS);
      for (let i = 0; i < count; i++) values[i] = values[rows[i]!]!;
    }
    for (const codes of [...this.codes, this.#places])
      for (let i = 0; i < count; i++) codes[i] = codes[rows[i]!]!;
  }
}
