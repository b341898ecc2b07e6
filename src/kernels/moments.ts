import { BLOCK_ROWS, type Kernels } from "./kernels.js";

/** Moments as plain numbers: what `MomentsAccumulator.read` gives. */
export interface RawMoments {
  /** Rows, those of weight zero left out. */
  n: number;
  /** Σ w; n without weights. */
  weight: number;
  /** Means, p. */
  mean: Float64Array;
  /** Σ w (x − x̄)(x − x̄)ᵀ, packed lower triangle: entry (i, j), i >= j, at i(i + 1)/2 + j. */
  products: Float64Array;
}

const STRUCT_BYTES = 32;
const TILE = 16;

const tilesOf = (columns: number) => Math.ceil(columns / 4);
const triangle = (tiles: number) => (tiles * (tiles + 1)) / 2;

/**
 * Means and centred cross-products of rows that arrive in column-major blocks, in the kernels' memory.
 *
 * Blocks merge one after the other (Chan, Golub & LeVeque 1983). An entry's bits depend on its two columns' values
 * and on how rows are cut into blocks, not on where the columns stand nor on how many others there are. Memory is
 * 8 (p²/2 + 2p) bytes, time is rows · p² floating-point operations; past 32 columns it goes by panels of 32.
 */
export class MomentsAccumulator {
  readonly #kernels: Kernels;
  readonly address: number;
  #columns = 0;
  #capacity = 0;

  /** Moments of `columns` columns; `capacity` of them can be had later without moving. */
  constructor(kernels: Kernels, columns: number, capacity = columns) {
    this.#kernels = kernels;
    this.address = kernels.allocZeroed(STRUCT_BYTES);
    this.#reserve(Math.max(capacity, columns));
    this.#setColumns(columns);
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

  /** Appends columns that were zero in every row so far. */
  widen(columns: number): void {
    if (columns > this.#capacity) this.#reserve(Math.max(columns, Math.ceil(this.#capacity * 1.5)));
    this.#setColumns(Math.max(columns, this.#columns));
  }

  /** Forgets all rows; the columns stay. */
  reset(): void {
    const { doubles, ints } = this.#kernels;
    const tiles = tilesOf(this.#capacity);
    const [mean, gram] = [ints[this.address / 4 + 5]!, ints[this.address / 4 + 6]!].map((a) => (a >>> 0) / 8);
    doubles.fill(0, mean, mean! + 4 * tiles);
    doubles.fill(0, gram, gram! + TILE * triangle(tiles));
    doubles.fill(0, this.address / 8, this.address / 8 + 2);
  }

  read(): RawMoments {
    const { doubles, ints } = this.#kernels;
    const at = this.address / 8;
    const p = this.#columns;
    const mean = (ints[this.address / 4 + 5]! >>> 0) / 8;
    const gram = (ints[this.address / 4 + 6]! >>> 0) / 8;
    const products = new Float64Array((p * (p + 1)) / 2);
    for (let i = 0, out = 0; i < p; i++) {
      const row = gram + TILE * triangle(i >> 2) + 4 * (i & 3);
      for (let j = 0; j <= i; j++) products[out++] = doubles[row + TILE * (j >> 2) + (j & 3)]!;
    }
    return { n: doubles[at]!, weight: doubles[at + 1]!, mean: doubles.slice(mean, mean + p), products };
  }

  #setColumns(columns: number): void {
    this.#columns = columns;
    this.#kernels.ints[this.address / 4 + 4] = columns;
  }

  #reserve(capacity: number): void {
    const kernels = this.#kernels;
    const tiles = tilesOf(capacity);
    const mean = kernels.allocZeroed(8 * 4 * tiles);
    const gram = kernels.allocZeroed(8 * TILE * triangle(tiles));
    const delta = kernels.allocZeroed(8 * 4 * tiles);
    const { ints, doubles } = kernels;
    const at = this.address / 4;
    if (this.#capacity > 0) {
      const before = tilesOf(this.#capacity);
      const copy = (to: number, from: number, length: number) =>
        doubles.copyWithin(to / 8, from / 8, from / 8 + length);
      copy(mean, ints[at + 5]! >>> 0, 4 * before);
      copy(gram, ints[at + 6]! >>> 0, TILE * triangle(before));
    }
    ints[at + 5] = mean;
    ints[at + 6] = gram;
    ints[at + 7] = delta;
    this.#capacity = 4 * tiles;
  }
}

/**
 * Moments of several groups (folds, or a hold-out) filled in one pass: each row goes to its group's own block, and
 * a block that is full is added to its group's moments.
 */
export class GroupedMoments {
  readonly groups: readonly MomentsAccumulator[];
  readonly #kernels: Kernels;
  readonly #weighted: boolean;
  readonly #table: number;
  #columns: number;
  #capacity: number;

  constructor(kernels: Kernels, groups: number, columns: number, options: { weighted?: boolean } = {}) {
    this.#kernels = kernels;
    this.#weighted = options.weighted ?? false;
    this.#columns = columns;
    this.#capacity = 4 * tilesOf(columns);
    this.groups = Array.from({ length: groups }, () => new MomentsAccumulator(kernels, columns));
    this.#table = kernels.alloc(16 * groups);
    for (const [g, group] of this.groups.entries()) {
      const block = kernels.allocBlock(columns);
      const weights = this.#weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
      kernels.ints.set([group.address, block, weights, 0], this.#table / 4 + 4 * g);
    }
  }

  /**
   * Adds each row r of a block to group `targets[r]`, −1 for none; `targets` is the address of an i32 per row,
   * `weights` that of a double per row where the groups are weighted. The block is only read.
   */
  add(block: number, rows: number, targets: number, weights = 0): void {
    this.#kernels.exports.scatterRows(block, rows, weights, targets, this.#table, this.#columns);
  }

  /** Appends columns that were zero in every row so far. */
  widen(columns: number): void {
    const kernels = this.#kernels;
    const grow = columns > this.#capacity;
    const kept = this.#columns * BLOCK_ROWS;
    if (grow) this.#capacity = 4 * tilesOf(Math.max(columns, Math.ceil(this.#capacity * 1.5)));
    for (const [g, group] of this.groups.entries()) {
      group.widen(columns);
      const at = this.#table / 4 + 4 * g + 1;
      const before = (kernels.ints[at]! >>> 0) / 8;
      if (grow) {
        const block = kernels.allocBlock(this.#capacity);
        kernels.doubles.copyWithin(block / 8, before, before + kept);
        kernels.ints[at] = block;
      }
      const block = (kernels.ints[at]! >>> 0) / 8;
      kernels.doubles.fill(0, block + kept, block + columns * BLOCK_ROWS);
    }
    this.#columns = columns;
  }

  /** Adds the blocks that are not full yet; after it the groups' moments hold every row. */
  flush(): void {
    const { ints } = this.#kernels;
    for (const [g, group] of this.groups.entries()) {
      const at = this.#table / 4 + 4 * g;
      const rows = ints[at + 3]!;
      if (rows > 0) group.add(ints[at + 1]! >>> 0, rows, ints[at + 2]! >>> 0);
      ints[at + 3] = 0;
    }
  }

  /** Forgets all rows. */
  reset(): void {
    for (const [g, group] of this.groups.entries()) {
      group.reset();
      this.#kernels.ints[this.#table / 4 + 4 * g + 3] = 0;
    }
  }
}
