// Products of matrices, cut into blocks after Goto & van de Geijn (2008), "Anatomy of High-Performance Matrix
// Multiplication": a block of B is packed into panels as wide as a tile, a block of A into panels as high as a tile,
// and a tile of C is summed in registers over one pair of panels. A panel of B stays in the first-level cache while
// all panels of A's block pass, and those come from the second level.
//
// Every element of C is one sum over k in ascending order that begins with 0, each product and each sum rounded to the
// elements' type: a tile goes on where the block before has left it, so the bits depend neither on the blocks nor on
// the tile. T is f32 or f64; a row of a tile is two vectors, eight floats or four doubles.

import { multiplyNarrow, multiplyShort, multiplyVector, NARROW, packNarrow, packVector } from "./narrow";

/** Rows of a tile. Six would not fit into sixteen registers. */
const TILE_ROWS: usize = 4;
/** Bytes of a tile's row. */
const TILE_WIDTH: usize = 32;
const TILE_BYTES: usize = TILE_ROWS * TILE_WIDTH;
/** Terms of a sum between two stops in memory. */
export const BLOCK_TERMS: usize = 256;
/** Rows of A's block: 64 KiB of floats, 128 KiB of doubles. */
const BLOCK_ROWS: usize = 64;
const ROWS_BYTES: usize = BLOCK_ROWS * BLOCK_TERMS * 8;
/** Bytes of B's block, and of one of its rows. */
export const BLOCK_BYTES: usize = 512 * 1024;
const BLOCK_WIDTH: usize = BLOCK_BYTES / BLOCK_TERMS;
/** Bytes of the places of a panel's columns for a term, and of a block's: see `convolve.ts`. */
export const PLACES_BYTES: usize = 64;
/** A tile, a block of A and a block of B, and places. */
export const ROOM_BYTES: usize = TILE_BYTES + ROWS_BYTES + BLOCK_BYTES + BLOCK_TERMS * PLACES_BYTES;

/** Elements in a row of a tile. */
// @ts-ignore: decorator
@inline
export function tileColumns<T>(): usize {
  return TILE_WIDTH / sizeof<T>();
}

/** Columns of B's block. */
// @ts-ignore: decorator
@inline
export function blockColumns<T>(): usize {
  return BLOCK_WIDTH / sizeof<T>();
}

/** Where in `room` a block of B is packed. */
// @ts-ignore: decorator
@inline
export function packedAt(room: usize): usize {
  return room + TILE_BYTES + ROWS_BYTES;
}

/** Where in `room` places are written. */
// @ts-ignore: decorator
@inline
export function placesAt(room: usize): usize {
  return packedAt(room) + BLOCK_BYTES;
}

/**
 * C = A·B, A m × k, B k × n. Strides of rows and columns are in bytes; C's columns follow each other, and C must not
 * overlap the others.
 */
export function multiply<T>(
  a: usize, aRow: usize, aColumn: usize,
  b: usize, bRow: usize, bColumn: usize,
  c: usize, cRow: usize,
  m: usize, n: usize, k: usize,
  room: usize,
): void {
  if (sizeof<T>() == 4) {
    const fits = k <= BLOCK_BYTES / (4 * NARROW);
    if (fits && n <= NARROW && aColumn == 4) {
      multiplyFew(a, aRow, b, bRow, bColumn, c, cRow, 4, m, n, k, packedAt(room));
      return;
    }
    // The other way round, for factors change places without a bit changing.
    if (fits && m <= NARROW && bRow == 4) {
      multiplyFew(b, bColumn, a, aColumn, aRow, c, 4, cRow, n, m, k, packedAt(room));
      return;
    }
    if (m < NARROW && bColumn == 4) {
      multiplyShort(a, aRow, aColumn, b, bRow, c, cRow, m, n, k);
      return;
    }
  }
  for (let j: usize = 0; j < n; j += blockColumns<T>()) {
    const columns = min(blockColumns<T>(), n - j);
    // Also once where there are no terms: such a product is 0.
    for (let l: usize = 0; l < k || l == 0; l += BLOCK_TERMS) {
      const terms = min(BLOCK_TERMS, k - l);
      packColumns<T>(b + l * bRow + j * bColumn, bRow, bColumn, terms, columns, packedAt(room));
      multiplyBlock<T>(a + l * aColumn, aRow, aColumn, c + j * sizeof<T>(), cRow, m, columns, terms, l == 0, room);
    }
  }
}

function multiplyFew(
  a: usize, aRow: usize,
  b: usize, bRow: usize, bColumn: usize,
  c: usize, cRow: usize, cColumn: usize,
  m: usize, n: usize, k: usize,
  packed: usize,
): void {
  if (n == 1) {
    packVector(b, bRow, k, packed);
    multiplyVector(a, aRow, packed, c, cRow, m, k);
    return;
  }
  packNarrow(b, bRow, bColumn, n, k, packed);
  multiplyNarrow(a, aRow, packed, 4 * NARROW, c, cRow, cColumn, m, n, k, true);
}

/** Rows of A times the packed block of B, into C, or onto it where it is not the `first`. */
export function multiplyBlock<T>(
  a: usize, aRow: usize, aColumn: usize,
  c: usize, cRow: usize,
  m: usize, columns: usize, terms: usize,
  first: bool,
  room: usize,
): void {
  const tile = room;
  const packedRows = room + TILE_BYTES;
  for (let i: usize = 0; i < m; i += BLOCK_ROWS) {
    const rows = min(BLOCK_ROWS, m - i);
    packRows<T>(a + i * aRow, aRow, aColumn, rows, terms, packedRows);
    for (let j: usize = 0; j < columns; j += tileColumns<T>()) {
      const panel = packedAt(room) + j * terms * sizeof<T>();
      const width = min(tileColumns<T>(), columns - j);
      for (let r: usize = 0; r < rows; r += TILE_ROWS) {
        const at = c + (i + r) * cRow + j * sizeof<T>();
        const height = min(TILE_ROWS, rows - r);
        const rowsAt = packedRows + r * terms * sizeof<T>();
        if (width == tileColumns<T>() && height == TILE_ROWS) {
          multiplyTile<T>(terms, rowsAt, panel, at, cRow, first);
          continue;
        }
        // At the edge the tile is a whole one beside C, of which what C has is copied.
        if (!first) copyPart<T>(at, cRow, tile, TILE_WIDTH, height, width);
        multiplyTile<T>(terms, rowsAt, panel, tile, TILE_WIDTH, first);
        copyPart<T>(tile, TILE_WIDTH, at, cRow, height, width);
      }
    }
  }
}

function copyPart<T>(from: usize, fromRow: usize, to: usize, toRow: usize, rows: usize, columns: usize): void {
  for (let i: usize = 0; i < rows; i++, from += fromRow, to += toRow)
    memory.copy(to, from, columns * sizeof<T>());
}

/** Rows of A in panels of four, their terms one after the other; what is missing in the last panel is 0. */
function packRows<T>(a: usize, row: usize, column: usize, rows: usize, terms: usize, to: usize): void {
  for (let i: usize = 0; i < rows; i += TILE_ROWS, a += TILE_ROWS * row) {
    const height = min(TILE_ROWS, rows - i);
    let at = a;
    let l: usize = 0;
    if (height == TILE_ROWS && column == sizeof<T>()) {
      const step = 16 / sizeof<T>();
      for (; l + step <= terms; l += step, at += 16, to += 64) {
        const r0 = v128.load(at);
        const r1 = v128.load(at + row);
        const r2 = v128.load(at + 2 * row);
        const r3 = v128.load(at + 3 * row);
        // Transposed: four rows of four floats, or of two doubles.
        if (sizeof<T>() == 4) {
          const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
          const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
          const t2 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
          const t3 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
          v128.store(to, v128.shuffle<f64>(t0, t1, 0, 2));
          v128.store(to, v128.shuffle<f64>(t0, t1, 1, 3), 16);
          v128.store(to, v128.shuffle<f64>(t2, t3, 0, 2), 32);
          v128.store(to, v128.shuffle<f64>(t2, t3, 1, 3), 48);
        } else {
          v128.store(to, v128.shuffle<f64>(r0, r1, 0, 2));
          v128.store(to, v128.shuffle<f64>(r2, r3, 0, 2), 16);
          v128.store(to, v128.shuffle<f64>(r0, r1, 1, 3), 32);
          v128.store(to, v128.shuffle<f64>(r2, r3, 1, 3), 48);
        }
      }
    }
    for (; l < terms; l++, at += column)
      for (let r: usize = 0; r < TILE_ROWS; r++, to += sizeof<T>())
        store<T>(to, r < height ? load<T>(at + r * row) : <T>0);
  }
}

/** Columns of B in panels as wide as a tile, row after row; what is missing in the last panel is 0. */
function packColumns<T>(b: usize, row: usize, column: usize, terms: usize, columns: usize, to: usize): void {
  for (let j: usize = 0; j < columns; j += tileColumns<T>(), b += tileColumns<T>() * column) {
    const width = min(tileColumns<T>(), columns - j);
    let at = b;
    if (width == tileColumns<T>() && column == sizeof<T>()) {
      for (let l: usize = 0; l < terms; l++, at += row, to += TILE_WIDTH) {
        v128.store(to, v128.load(at));
        v128.store(to, v128.load(at, 16), 16);
      }
      continue;
    }
    for (let l: usize = 0; l < terms; l++, at += row)
      for (let r: usize = 0; r < tileColumns<T>(); r++, to += sizeof<T>())
        store<T>(to, r < width ? load<T>(at + r * column) : <T>0);
  }
}

/** A tile of C, into or onto: four rows of two vectors, the sums in registers. */
function multiplyTile<T>(terms: usize, a: usize, b: usize, c: usize, row: usize, first: bool): void {
  const zero = i32x4.splat(0);
  let c00 = zero, c01 = zero, c10 = zero, c11 = zero, c20 = zero, c21 = zero, c30 = zero, c31 = zero;
  const row1 = c + row;
  const row2 = row1 + row;
  const row3 = row2 + row;
  if (!first) {
    c00 = v128.load(c);
    c01 = v128.load(c, 16);
    c10 = v128.load(row1);
    c11 = v128.load(row1, 16);
    c20 = v128.load(row2);
    c21 = v128.load(row2, 16);
    c30 = v128.load(row3);
    c31 = v128.load(row3, 16);
  }
  const step = TILE_ROWS * sizeof<T>();
  for (const end = a + terms * step; a < end; a += step, b += TILE_WIDTH) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    let x = v128.load_splat<T>(a);
    c00 = v128.add<T>(c00, v128.mul<T>(x, b0));
    c01 = v128.add<T>(c01, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, sizeof<T>());
    c10 = v128.add<T>(c10, v128.mul<T>(x, b0));
    c11 = v128.add<T>(c11, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 2 * sizeof<T>());
    c20 = v128.add<T>(c20, v128.mul<T>(x, b0));
    c21 = v128.add<T>(c21, v128.mul<T>(x, b1));
    x = v128.load_splat<T>(a, 3 * sizeof<T>());
    c30 = v128.add<T>(c30, v128.mul<T>(x, b0));
    c31 = v128.add<T>(c31, v128.mul<T>(x, b1));
  }
  v128.store(c, c00);
  v128.store(c, c01, 16);
  v128.store(row1, c10);
  v128.store(row1, c11, 16);
  v128.store(row2, c20);
  v128.store(row2, c21, 16);
  v128.store(row3, c30);
  v128.store(row3, c31, 16);
}
