import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";
import { COLUMNS_AT, POINTERS_AT, pointer, readTotals, type Totals } from "./totals.js";

/** What `ExtendedAccumulator.read` gives: with the columns' names, the parts of an `ExtendedMoments`. */
export interface ExtendedParts extends Totals {
  /** The low part of Σ w. */
  sumWLow: number;
  /** Means, p, high and low parts. */
  mean: Float64Array;
  meanLow: Float64Array;
  /** Σ w (x − x̄)(x − x̄)ᵀ, packed lower triangle: entry (i, j), i >= j, at i(i + 1)/2 + j. */
  c: Float64Array;
  cLow: Float64Array;
}

/** The record's addresses: how many doubles each points to, and whether they are kept when columns are added. */
const FIELDS: readonly { doubles: (columns: number) => number; kept: boolean }[] = [
  { doubles: (p) => p, kept: true }, // mean
  { doubles: (p) => p, kept: true }, // mean, low
  { doubles: (p) => (p * (p + 1)) / 2, kept: true }, // products
  { doubles: (p) => (p * (p + 1)) / 2, kept: true }, // products, low
  { doubles: (p) => p, kept: false }, // delta
  { doubles: (p) => p, kept: false }, // delta, low
  { doubles: (p) => p * BLOCK_ROWS, kept: false }, // low parts of a block that has none
  { doubles: (p) => p * BLOCK_ROWS, kept: false }, // the block's upper halves
  { doubles: (p) => p * BLOCK_ROWS, kept: false }, // the block's lower halves
];
const RECORD_BYTES = POINTERS_AT + 4 * FIELDS.length;

/**
 * `MomentsAccumulator` in double-double arithmetic, about 106 bits; its twin in TypeScript is
 * `ExtendedMoments.updateBlock`. It takes some ten times as long, and memory of 8 (p² + 390 p) bytes.
 * Values must stay below 1e150 in magnitude, and products above 1e-290, for all the bits to be there.
 */
export class ExtendedAccumulator {
  readonly extended = true;
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
   * Adds `rows` <= 128 rows of a block, which is overwritten, and so is `low`: a block of the values' low parts,
   * or 0. `weights` as in `MomentsAccumulator.add`.
   */
  add(block: number, rows: number, weights = 0, low = 0): void {
    this.#kernels.exports.accumulateExtended(this.address, block, low, rows, weights);
  }

  /** Appends columns that were zero in every row so far; never fewer than there are. */
  widen(columns: number): void {
    if (columns > this.#capacity) this.#reserve(Math.max(columns, Math.ceil(this.#capacity * 1.5)));
    this.#columns = Math.max(columns, this.#columns);
    this.#kernels.ints[(this.address + COLUMNS_AT) / 4] = this.#columns;
  }

  /** Forgets all rows; the columns stay. */
  reset(): void {
    for (const [f, field] of FIELDS.entries()) if (field.kept) this.#doubles(f, this.#capacity).fill(0);
    this.#kernels.bytes.fill(0, this.address, this.address + COLUMNS_AT);
  }

  read(): ExtendedParts {
    const [mean, meanLow, c, cLow] = [0, 1, 2, 3].map((f) => this.#doubles(f, this.#columns).slice());
    const sumWLow = this.#kernels.doubles[this.address / 8 + 2]!;
    const totals = readTotals(this.#kernels, this.address);
    return { ...totals, sumWLow, mean: mean!, meanLow: meanLow!, c: c!, cLow: cLow! };
  }

  #doubles(field: number, columns: number): Float64Array {
    const address = pointer(this.#kernels, this.address, field);
    return this.#kernels.doublesAt(address, FIELDS[field]!.doubles(columns));
  }

  #reserve(capacity: number): void {
    const kernels = this.#kernels;
    for (const [f, { doubles, kept }] of FIELDS.entries()) {
      const at = kernels.allocZeroed(8 * doubles(capacity));
      if (kept) kernels.doubles.set(this.#doubles(f, this.#capacity), at / 8);
      kernels.ints[(this.address + POINTERS_AT) / 4 + f] = at;
    }
    this.#capacity = capacity;
  }
}
