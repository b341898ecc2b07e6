import type { Kernels } from "./kernels.js";
import { COLUMNS_AT, POINTERS_AT, pointer, readTotals, type Totals } from "./totals.js";

/** What `MomentsAccumulator.read` gives: with the columns' names, the parts of a `Moments`. */
export interface MomentsParts extends Totals {
  /** Means, p. */
  mean: Float64Array;
  /** Σ w (x − x̄)(x − x̄)ᵀ, packed lower triangle: entry (i, j), i >= j, at i(i + 1)/2 + j. */
  c: Float64Array;
}

const RECORD_BYTES = POINTERS_AT + 3 * 4;
const MEAN = 0;
const GRAM = 1;
const DELTA = 2;
const TILE = 16;

const tilesOf = (columns: number) => Math.ceil(columns / 4);
const triangle = (tiles: number) => (tiles * (tiles + 1)) / 2;

/**
 * Means and centred cross-products of rows that arrive in column-major blocks, in the kernels' memory; its twin in
 * TypeScript is `Moments.updateBlock`.
 *
 * Blocks merge one after the other (Chan, Golub & LeVeque 1983). An entry's bits depend on its two columns' values
 * and on how rows are cut into blocks, not on where the columns stand nor on how many others there are. Memory is
 * 8 (p²/2 + 2p) bytes, time is rows · p² floating-point operations; past 32 columns it goes by panels of 32.
 */
export class MomentsAccumulator {
  readonly extended = false;
  /** Where its record lies. */
  readonly address: number;
  readonly #kernels: Kernels;
  #columns = 0;
  #capacity = 0;

  /** Moments of `columns` columns; up to `capacity` of them can be had later without moving. */
  constructor(kernels: Kernels, columns: number, capacity = columns) {
    this.#kernels = kernels;
    this.address = kernels.allocZeroed(RECORD_BYTES);
    this.#reserve(Math.max(capacity, columns));
    this.widen(columns);
  }

  get columns(): number {
    return this.#columns;
  }

  /**
   * Adds `rows` <= 128 rows of a block (`Kernels.allocBlock`), which is overwritten. `weights` is the address
   * of 128 doubles, as many as rows of them the rows' weights (>= 0); 0 for none.
   */
  add(block: number, rows: number, weights = 0): void {
    this.#kernels.exports.accumulate(this.address, block, rows, weights);
  }

  /** Appends columns that were zero in every row so far; never fewer than there are. */
  widen(columns: number): void {
    if (columns > this.#capacity) this.#reserve(Math.max(columns, Math.ceil(this.#capacity * 1.5)));
    this.#columns = Math.max(columns, this.#columns);
    this.#kernels.ints[(this.address + COLUMNS_AT) / 4] = this.#columns;
  }

  /** Forgets all rows; the columns stay. */
  reset(): void {
    const tiles = tilesOf(this.#capacity);
    this.#doubles(MEAN, 4 * tiles).fill(0);
    this.#doubles(GRAM, TILE * triangle(tiles)).fill(0);
    this.#kernels.bytes.fill(0, this.address, this.address + COLUMNS_AT);
  }

  read(): MomentsParts {
    const p = this.#columns;
    const gram = this.#doubles(GRAM, TILE * triangle(tilesOf(p)));
    const c = new Float64Array((p * (p + 1)) / 2);
    for (let i = 0, out = 0; i < p; i++) {
      const row = TILE * triangle(i >> 2) + 4 * (i & 3);
      for (let j = 0; j <= i; j++) c[out++] = gram[row + TILE * (j >> 2) + (j & 3)]!;
    }
    return { ...readTotals(this.#kernels, this.address), mean: this.#doubles(MEAN, p).slice(), c };
  }

  #doubles(field: number, length: number): Float64Array {
    return this.#kernels.doublesAt(pointer(this.#kernels, this.address, field), length);
  }

  #reserve(capacity: number): void {
    const kernels = this.#kernels;
    const tiles = tilesOf(capacity);
    const before = tilesOf(this.#capacity);
    const mean = kernels.allocZeroed(8 * 4 * tiles);
    const gram = kernels.allocZeroed(8 * TILE * triangle(tiles));
    const delta = kernels.allocZeroed(8 * 4 * tiles);
    kernels.doubles.set(this.#doubles(MEAN, 4 * before), mean / 8);
    kernels.doubles.set(this.#doubles(GRAM, TILE * triangle(before)), gram / 8);
    const at = (this.address + POINTERS_AT) / 4;
    kernels.ints[at + MEAN] = mean;
    kernels.ints[at + GRAM] = gram;
    kernels.ints[at + DELTA] = delta;
    this.#capacity = 4 * tiles;
  }
}
