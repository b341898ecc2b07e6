import type { ColumnBlock, ColumnChoice } from "../csv/column-block.js";
import { type Levels, levelsOf } from "../csv/levels.js";
import type { Table } from "../csv/table.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import type { BlockSource } from "./block-source.js";

/** Gives a job the rows of the csv-parse lane as the fast lane would: 128 at a time, in the kernels' memory. */
export class BlockFeeder implements BlockSource {
  readonly block: number;
  firstRow = 0;
  missing = false;
  readonly spans = 0;
  readonly codes: readonly Int32Array[];
  readonly levels: readonly Levels[];
  readonly #kernels: Kernels;
  #current: ColumnBlock | undefined;
  #from = 0;
  /** The places of the block's rows among the chunk's, less `#from`. */
  readonly #places = new Int32Array(BLOCK_ROWS);

  constructor(kernels: Kernels, choice: ColumnChoice, table: Pick<Table, "columns" | "format">) {
    this.#kernels = kernels;
    this.block = kernels.allocBlock(choice.numeric.length);
    this.codes = choice.factors.map(() => new Int32Array(BLOCK_ROWS));
    this.levels = levelsOf(table, choice);
  }

  /** Goes through the rows of a chunk; yields how many are in the block each time. */
  *blocks(chunk: ColumnBlock): Generator<number, void, undefined> {
    this.#current = chunk;
    for (let from = 0; from < chunk.rows; from += BLOCK_ROWS) {
      const to = Math.min(chunk.rows, from + BLOCK_ROWS);
      this.#from = from;
      for (let r = 0; r < to - from; r++) this.#places[r] = r;
      this.firstRow = chunk.firstRow + from;
      this.missing = false;
      chunk.numeric.forEach((column, j) => {
        const values = column.subarray(from, to);
        this.#kernels.doublesAt(this.block + 8 * BLOCK_ROWS * j, to - from).set(values);
        this.missing ||= values.some(Number.isNaN);
      });
      chunk.codes.forEach((codes, i) => {
        this.codes[i]!.set(codes.subarray(from, to));
      });
      yield to - from;
    }
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
    this.#current!.numeric.forEach((_, j) => {
      const values = this.#kernels.doublesAt(this.block + 8 * BLOCK_ROWS * j, BLOCK_ROWS);
      for (let i = 0; i < count; i++) values[i] = values[rows[i]!]!;
    });
    for (const codes of [...this.codes, this.#places])
      for (let i = 0; i < count; i++) codes[i] = codes[rows[i]!]!;
  }
}
