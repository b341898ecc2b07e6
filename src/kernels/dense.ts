import { type DenseExports, instantiateDense, type SharedMemory, sharedMemory } from "./wasm.js";

/** The largest tile: 64 × 64 doubles are 32 KB, a first-level cache. */
const LARGEST_TILE = 64;
/** The first bytes stay free, so that no address is 0. */
const BASE = 1024;
/** Numbers that threads agree by, 32 bits each, before those of the tiles. */
const STATE = 16;

/** A memory that a system has given back, with the kernels on it. */
interface Spare {
  memory: SharedMemory;
  kernels: DenseExports;
}

/**
 * Memories for the next systems. Each reserves gigabytes of addresses, whatever its size, and goes with the garbage: a
 * search that solves a thousand small systems would run out of them.
 */
const spares: Spare[] = [];
const MOST_SPARES = 2;
/** Larger memories are not kept. */
const SPARE_BYTES = 64 << 20;
/** No memory is smaller than this, so that it fits the next system too. */
const LEAST_BYTES = 1 << 20;

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

  constructor(layout: DenseLayout, kernels = instantiateDense(layout.memory)) {
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
    this.kernels = kernels;
    this.state = new Int32Array(buffer, BASE, STATE + triangle(places.tiles));
    this.doubles = new Float64Array(buffer);
  }

  /** Room for a matrix of order k; its entries are those of the identity beyond k, and 0. */
  static of(order: number, options: { extended?: boolean; threads?: number } = {}): DenseSystem {
    const { extended = false, threads = 1 } = options;
    const shape = { order, extended, threads };
    const { memory, kernels } = takeMemory(placesOf(shape).bytes);
    const system = new DenseSystem({ ...shape, memory }, kernels);
    system.#clear();
    for (let i = order; i < system.tiles * system.size; i++) system.doubles[system.entry(i, i)] = 1;
    return system;
  }

  /** Gives the memory back, for the next system: this one must not be used any more, by any thread. */
  release(): void {
    const { memory } = this.layout;
    if (spares.length === MOST_SPARES || memory.buffer.byteLength > SPARE_BYTES) return;
    if (spares.some((spare) => spare.memory === memory)) return;
    spares.push({ memory, kernels: this.kernels });
  }

  /** Clears what another system may have left, but for the second matrix, which is cleared tile by tile. */
  #clear(): void {
    this.state.fill(0);
    const [from, to] = [this.#columns / 8, this.#second / 8];
    this.doubles.fill(0, from, to);
    if (this.extended) this.doubles.fill(0, from + this.low / 8, to + this.low / 8);
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

function takeMemory(bytes: number): Spare {
  // The smallest that is large enough.
  let best = -1;
  for (const [i, { memory }] of spares.entries()) {
    const size = memory.buffer.byteLength;
    if (size >= bytes && (best < 0 || size < spares[best]!.memory.buffer.byteLength)) best = i;
  }
  if (best >= 0) return spares.splice(best, 1)[0]!;
  if (bytes < SPARE_BYTES) spares.shift();
  const memory = sharedMemory(Math.max(LEAST_BYTES, bytes));
  return { memory, kernels: instantiateDense(memory) };
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
