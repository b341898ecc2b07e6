import type { DenseSystem } from "../../kernels/dense.js";

/** What a thread does with a system: its factor, its inverse from the factor, or a column from the factor. */
export type TileTask =
  | { do: "factor"; tolerance: number; rounding?: Float64Array | undefined }
  | { do: "invert" }
  | { do: "solve" };

/** Among `DenseSystem.state`: the number of the next piece of work, 1 to stop, and tiles of L⁻¹ that are ready. */
const NEXT = 0;
const STOP = 1;
const INVERTED = 2;

/** What is said of a tile: L is there, L⁻¹ is there. */
const FACTORED = 1;
const TRANSPOSED = 2;

/** How long a thread sleeps before it looks whether it should stop, in milliseconds. */
const NAP_MS = 20;

/** A pivot above this is no rounding error, however magnified: that takes weights of 10¹⁰. */
const SUSPICIOUS_PIVOT = 1e-8;

/** Prepares a system for a task, before any thread takes it up. */
export function prepareTask({ state }: DenseSystem): void {
  Atomics.store(state, NEXT, 0);
  Atomics.store(state, INVERTED, 0);
}

/** Makes all threads leave a system soon. */
export function stopTask({ state }: DenseSystem): void {
  Atomics.store(state, STOP, 1);
}

/**
 * A thread's part of a task; once all threads have come back, it is done.
 *
 * Threads take tiles in one order from a shared counter. A tile waits for those that it is made of, and they were taken
 * before it, so somebody works on them and nobody waits for ever. A tile is always the same operations in the same
 * order, whoever does it: the bits do not depend on the number of threads. Cutting a sum among threads was refused,
 * because then they would.
 */
export function runTask(system: DenseSystem, task: TileTask, thread: number): void {
  try {
    if (task.do === "factor") factor(system, task, thread);
    else if (task.do === "invert") invert(system, thread);
    else solveColumn(system);
  } catch (error) {
    stopTask(system);
    throw error;
  }
}

/**
 * L Lᵀ = A, in place, by tiles from the left (Golub & Van Loan, 4th ed., section 4.2.5): the tile (I, J) becomes
 * (A_IJ − Σ_{K<J} L_IK L_JKᵀ) L_JJ⁻ᵀ. A column whose pivot is not above the tolerance has +∞ on its diagonal and 0 below.
 */
function factor(
  system: DenseSystem,
  { tolerance, rounding }: TileTask & { do: "factor" },
  thread: number,
): void {
  const { kernels, size, tiles, state, low } = system;
  let column = 0;
  let before = 0;
  for (;;) {
    const taken = Atomics.add(state, NEXT, 1);
    while (column < tiles && taken >= before + tiles - column) {
      before += tiles - column;
      column++;
    }
    if (column === tiles) return;
    const row = column + taken - before;
    const at = system.tile(row, column);
    for (let k = 0; k < column; k++) {
      if (!ready(system, row, k, FACTORED) || !ready(system, column, k, FACTORED)) return;
      subtract(system, at, system.tile(row, k), system.tile(column, k), thread);
    }
    if (row !== column) {
      if (!ready(system, column, column, FACTORED)) return;
      const l = system.tile(column, column);
      if (system.extended) kernels.solveRightExtended(at, l, low, size);
      else kernels.solveRight(at, l, size);
    } else if (system.extended) factorExtended(system, column, tolerance, rounding);
    else kernels.factorDiagonal(at, size, tolerance);
    tell(system, row, column, FACTORED);
  }
}

/** The diagonal tile in double-double: a small pivot may be nothing but the rounding of the columns. */
function factorExtended(
  system: DenseSystem,
  tile: number,
  tolerance: number,
  rounding: Float64Array | undefined,
): void {
  const { kernels, size, low, doubles } = system;
  const at = system.tile(tile, tile);
  for (let j = 0; ; j++) {
    j = kernels.factorDiagonalExtended(
      at,
      low,
      size,
      j,
      tolerance,
      rounding === undefined ? 0 : SUSPICIOUS_PIVOT,
    );
    if (j === size) return;
    const row = tile * size + j;
    const pivot = doubles[system.entry(row, row)]!;
    const address = 8 * system.entry(row, row);
    // Unless the columns' rounding is given, the kernel stops nowhere.
    const error = rounding![row]! + errorOf(system, row, rounding!);
    if (pivot > error ** 2) kernels.keepColumn(address, low);
    else kernels.leaveOut(address, low);
  }
}

/** Σ |zᵢ| ρᵢ of a column's regression on the columns before it, Lᵀz = l; roughly, which is enough to judge by. */
function errorOf(system: DenseSystem, row: number, rounding: Float64Array): number {
  const { doubles, size } = system;
  const rowOf = (i: number, length: number) => {
    const values = new Float64Array(length);
    for (let from = 0; from < length; from += size) {
      const at = system.entry(i, from);
      values.set(doubles.subarray(at, at + Math.min(size, length - from)), from);
    }
    return values;
  };
  const z = rowOf(row, row);
  let sum = 0;
  for (let i = row - 1; i >= 0; i--) {
    const l = rowOf(i, i + 1);
    z[i]! /= l[i]!;
    sum += Math.abs(z[i]!) * rounding[i]!;
    for (let t = 0; t < i; t++) z[t]! -= l[t]! * z[i]!;
  }
  return sum;
}

/**
 * −A⁻¹ in the place of L. First M = L⁻¹, transposed tile by tile, W_IJ = M_IJᵀ, in the second matrix:
 * W_IJ = −(Σ_{J≤K<I} W_KJ L_IKᵀ) L_II⁻ᵀ; then A⁻¹_IJ = Σ_{K≥I} W_KI W_KJᵀ. What belongs to a column that was left out
 * is 0.
 */
function invert(system: DenseSystem, thread: number): void {
  const { kernels, size, tiles, state, low, doubles } = system;
  const count = (tiles * (tiles + 1)) / 2;
  let row = 0;
  for (;;) {
    const taken = Atomics.add(state, NEXT, 1);
    if (taken >= 2 * count) return;
    const [second, number] = taken < count ? [false, taken] : [true, taken - count];
    if (number < (row * (row + 1)) / 2) row = 0;
    while (number >= ((row + 1) * (row + 2)) / 2) row++;
    const column = number - (row * (row + 1)) / 2;
    if (second) {
      if (!allInverted(system, count)) return;
      const at = system.tile(row, column);
      clear(system, at);
      for (let k = row; k < tiles; k++) {
        if (Atomics.load(state, STOP) !== 0) return;
        subtract(system, at, system.secondTile(k, row), system.secondTile(k, column), thread);
      }
      continue;
    }
    const at = system.secondTile(row, column);
    clear(system, at);
    if (row === column) for (let i = 0; i < size; i++) doubles[at / 8 + i * (size + 1)] = 1;
    for (let k = column; k < row; k++) {
      if (!ready(system, k, column, TRANSPOSED)) return;
      subtract(system, at, system.secondTile(k, column), system.tile(row, k), thread);
    }
    if (system.extended) kernels.solveRightExtended(at, system.tile(row, row), low, size);
    else kernels.solveRight(at, system.tile(row, row), size);
    tell(system, row, column, TRANSPOSED);
    Atomics.add(state, INVERTED, 1);
    Atomics.notify(state, INVERTED);
  }
}

/** The first column: b ← A⁻¹ b, with 0 for a column that was left out; the second: L⁻¹ b. By one thread. */
function solveColumn(system: DenseSystem): void {
  const { kernels, size, tiles, low, extended, doubles } = system;
  for (let i = 0; i < tiles; i++) {
    for (let k = 0; k < i; k++)
      if (extended)
        kernels.subtractColumnExtended(system.column(i), system.tile(i, k), system.column(k), low, size);
      else kernels.subtractColumn(system.column(i), system.tile(i, k), system.column(k), size);
    if (extended) kernels.forwardTileExtended(system.tile(i, i), system.column(i), low, size);
    else kernels.forwardTile(system.tile(i, i), system.column(i), size);
  }
  for (const offset of extended ? [0, low / 8] : [0]) {
    const from = system.column(0, 0) / 8 + offset;
    doubles.copyWithin(system.column(0, 1) / 8 + offset, from, from + tiles * size);
  }
  for (let i = tiles - 1; i >= 0; i--) {
    for (let k = i + 1; k < tiles; k++)
      if (extended)
        kernels.subtractTransposedExtended(system.column(i), system.tile(k, i), system.column(k), low, size);
      else kernels.subtractTransposed(system.column(i), system.tile(k, i), system.column(k), size);
    if (extended) kernels.backTileExtended(system.tile(i, i), system.column(i), low, size);
    else kernels.backTile(system.tile(i, i), system.column(i), size);
  }
}

/** C −= A Bᵀ. */
function subtract(system: DenseSystem, c: number, a: number, b: number, thread: number): void {
  const { kernels, size, low } = system;
  if (!system.extended) {
    kernels.subtractProduct(c, a, b, size);
    return;
  }
  const [left, right] = [system.split(thread, 0), system.split(thread, 1)];
  const tail = size * size * 8;
  kernels.splitTile(a, left, left + tail, size);
  kernels.splitTile(b, right, right + tail, size);
  kernels.subtractProductExtended(c, a, b, left, right, low, size);
}

function clear({ doubles, size, low, extended }: DenseSystem, at: number): void {
  doubles.fill(0, at / 8, at / 8 + size * size);
  if (extended) doubles.fill(0, (at + low) / 8, (at + low) / 8 + size * size);
}

/** Waits until a tile is so far; false where there is no point in it any more. */
function ready(system: DenseSystem, row: number, column: number, stage: number): boolean {
  const { state } = system;
  const flag = system.flag(row, column);
  for (let seen = Atomics.load(state, flag); seen < stage; seen = Atomics.load(state, flag)) {
    if (Atomics.load(state, STOP) !== 0) return false;
    Atomics.wait(state, flag, seen, NAP_MS);
  }
  return Atomics.load(state, STOP) === 0;
}

function tell(system: DenseSystem, row: number, column: number, stage: number): void {
  const flag = system.flag(row, column);
  Atomics.store(system.state, flag, stage);
  Atomics.notify(system.state, flag);
}

function allInverted({ state }: DenseSystem, count: number): boolean {
  for (let seen = Atomics.load(state, INVERTED); seen < count; seen = Atomics.load(state, INVERTED)) {
    if (Atomics.load(state, STOP) !== 0) return false;
    Atomics.wait(state, INVERTED, seen, NAP_MS);
  }
  return true;
}
