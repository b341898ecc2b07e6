import { type DenseExports, instantiateDense, type SharedMemory, sharedMemory } from "./wasm.js";

/** The largest tile: 64 × 64 doubles are 32 KB, a first-level cache. */
const LARGEST_TILE = 64;
/** The first bytes stay free, so that no address is 0. */
const BASE = 1024;
/** Numbers that threads agree by, 32 bits each, before those of the tiles. */
const STATE = 16;

/** What there is to know of a system in shared memory; plain data, which crosses to worker threads. */
export interface DenseLayout {
  memory: SharedMemory;
  /** The order k of the matrix. */
  order: number;
  /** Whether its numbers are double-double. */
  extended: boolean;
  /** The most threads that may work on it at a time. */
  threads: number;
}

/**
 * A symmetric k × k matrix in tiles, in memory that threads share, with room for a second one and two columns.
 *
 * Tile (I, J), I ≥ J, holds rows 64 I … and columns 64 J …, row by row; the tiles of a row of tiles follow each other.
 * Tiles are up to 64 × 64, smaller where that fits k better; what is beyond k is the identity. The second matrix has
 * the same shape and is that of L⁻¹, transposed tile by tile. Low parts of double-double numbers lie `low` bytes behind
 * their high parts. Memory is 8 k² bytes for both matrices, twice that in double-double.
 */
export class DenseSystem {
  readonly layout: DenseLayout;
  readonly kernels: DenseExports;
  readonly order: number;
  readonly extended: boolean;
  /** Rows of a tile. */
  readonly size: number;
  /** Tiles in a column of tiles. */
  readonly tiles: number;
  /** Bytes from a high part to its low part. */
  readonly low: number;
  /** What threads agree by: see `tiled-cholesky.ts`. */
  readonly state: Int32Array<SharedArrayBuffer>;
  /** All of the memory. */
  readonly doubles: Float64Array<SharedArrayBuffer>;
  readonly #splits: number;
  readonly #columns: number;
  readonly #first: number;
  readonly #second: number;

  constructor(layout: DenseLayout) {
    this.layout = layout;
    const places = placesOf(layout);
    this.order = layout.order;
    this.extended = layout.extended;
    this.size = places.size;
    this.tiles = places.tiles;
    this.low = places.low;
    this.#splits = places.splits;
    this.#columns = places.columns;
    this.#first = places.first;
    this.#second = places.second;
    const { buffer } = layout.memory;
    this.kernels = instantiateDense(layout.memory);
    this.state = new Int32Array(buffer, BASE, STATE + triangle(places.tiles));
    this.doubles = new Float64Array(buffer);
  }

  /** Room for a matrix of order k; its entries are those of the identity beyond k, and 0. */
  static of(order: number, options: { extended?: boolean; threads?: number } = {}): DenseSystem {
    const { extended = false, threads = 1 } = options;
    const shape = { order, extended, threads };
    const memory = sharedMemory(placesOf(shape).bytes);
    const system = new DenseSystem({ ...shape, memory });
    for (let i = order; i < system.tiles * system.size; i++) system.doubles[system.entry(i, i)] = 1;
    return system;
  }

  /** The bytes that a system takes. */
  static bytes(order: number, extended: boolean): number {
    return placesOf({ order, extended, threads: 1 }).bytes;
  }

  /** Where the number of a tile's state is, among `state`. */
  flag(i: number, j: number): number {
    return STATE + triangle(i) + j;
  }

  /** The address of tile (I, J), I ≥ J. */
  tile(i: number, j: number): number {
    return this.#first + (triangle(i) + j) * this.size * this.size * 8;
  }

  /** The address of tile (I, J) of the second matrix. */
  secondTile(i: number, j: number): number {
    return this.#second + (triangle(i) + j) * this.size * this.size * 8;
  }

  /** The address of part I of the first or second column. */
  column(i: number, which: 0 | 1 = 0): number {
    return this.#columns + (which * this.tiles + i) * this.size * 8;
  }

  /** The address of a thread's room for two tiles split in two. */
  split(thread: number, which: 0 | 1): number {
    return this.#splits + (2 * thread + which) * 2 * this.size * this.size * 8;
  }

  /**
   * Where entry (i, j), i ≥ j, stands among `doubles`. The entries of row i up to the end of the tile follow, and the
   * low part is `low / 8` behind.
   */
  entry(i: number, j: number): number {
    const { size } = this;
    const [row, column] = [Math.floor(i / size), Math.floor(j / size)];
    return this.tile(row, column) / 8 + (i - row * size) * size + (j - column * size);
  }
}

function triangle(n: number): number {
  return (n * (n + 1)) / 2;
}

function placesOf({ order, extended, threads }: Omit<DenseLayout, "memory">) {
  const tiles = Math.max(1, Math.ceil(order / LARGEST_TILE));
  const size = Math.max(4, Math.ceil(order / tiles / 4) * 4);
  const align = (at: number) => Math.ceil(at / 64) * 64;
  const splits = align(BASE + 4 * (STATE + triangle(tiles)));
  const columns = align(splits + (extended ? threads * 4 * size * size * 8 : 0));
  const first = align(columns + 2 * tiles * size * 8);
  const second = first + triangle(tiles) * size * size * 8;
  const end = second + triangle(tiles) * size * size * 8;
  const low = end - columns;
  return { size, tiles, splits, columns, first, second, low, bytes: extended ? end + low : end };
}
