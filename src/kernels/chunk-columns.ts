import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";

/**
 * Columns of doubles in the kernels' memory, as many rows of each as a chunk has, from which blocks are taken; the next
 * chunk takes their place.
 */
export class ChunkColumns {
  readonly #kernels: Kernels;
  readonly #address: number;
  readonly #columns: number;
  readonly #rows: number;

  /** @param rows the most that a chunk has */
  constructor(kernels: Kernels, columns: number, rows: number) {
    this.#kernels = kernels;
    this.#columns = columns;
    this.#rows = rows;
    this.#address = kernels.alloc(8 * rows * columns);
  }

  /** The first `rows` rows of a column: a view, good until memory is allocated. */
  column(j: number, rows: number): Float64Array {
    return this.#kernels.doublesAt(this.#at(j, 0), rows);
  }

  /** Whether none of a column's first `rows` rows is NaN or infinite. */
  allFinite(j: number, rows: number): boolean {
    return this.#kernels.exports.allFinite(this.#at(j, 0), rows) === 1;
  }

  /** Copies rows of all columns to a block. */
  copyTo(block: number, from: number, rows: number): void {
    const { exports } = this.#kernels;
    exports.copyColumns(this.#at(0, from), 8 * this.#rows, this.#columns, block, 8 * BLOCK_ROWS, 8 * rows);
  }

  #at(j: number, row: number): number {
    return this.#address + 8 * (this.#rows * j + row);
  }
}
