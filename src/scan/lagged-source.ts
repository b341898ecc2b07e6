import type { Levels } from "../csv/levels.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import type { BlockSource } from "./block-source.js";

/** A source's blocks with columns that other rows give, put among its own, in a block of its own. */
export class LaggedSource implements BlockSource {
  readonly block: number;
  missing = false;
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #slots: readonly number[];
  readonly #lagged: readonly Float64Array[];

  /**
   * @param slots for each column of the block, where it is among the source's, or −1 − i for column i of `lagged`
   * @param lagged the columns by the numbers of all rows
   */
  constructor(
    kernels: Kernels,
    source: BlockSource,
    slots: readonly number[],
    lagged: readonly Float64Array[],
  ) {
    this.#kernels = kernels;
    this.#source = source;
    this.#slots = slots;
    this.#lagged = lagged;
    this.block = kernels.allocBlock(slots.length);
  }

  /** Puts the source's next block, of so many rows, together; before anything is asked of it. */
  fill(rows: number): void {
    const { firstRow, block, missing } = this.#source;
    this.missing = missing;
    this.#slots.forEach((slot, j) => {
      const own = this.#column(this.block, j);
      if (slot >= 0) {
        own.set(this.#column(block, slot));
        return;
      }
      const values = this.#lagged[-1 - slot]!.subarray(firstRow, firstRow + rows);
      own.set(values);
      this.missing ||= values.some(Number.isNaN);
    });
  }

  get firstRow(): number {
    return this.#source.firstRow;
  }

  get codes(): readonly Int32Array[] {
    return this.#source.codes;
  }

  get levels(): readonly Levels[] {
    return this.#source.levels;
  }

  get spans(): number {
    return this.#source.spans;
  }

  rowBytes(r: number): Uint8Array {
    return this.#source.rowBytes(r);
  }

  rowName(r: number): string | undefined {
    return this.#source.rowName(r);
  }

  select(rows: Int32Array, count: number): void {
    this.#source.select(rows, count);
    for (const j of this.#slots.keys()) {
      const values = this.#column(this.block, j);
      for (let i = 0; i < count; i++) values[i] = values[rows[i]!]!;
    }
  }

  #column(block: number, j: number): Float64Array {
    return this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, BLOCK_ROWS);
  }
}
