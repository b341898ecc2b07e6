import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { combinationOf, combinedRows } from "../../stats/combined-columns.js";
import { packedLength } from "../../stats/packed.js";
import type { KeptCells } from "./kept-kinds.js";
import type { FitSize } from "./leverage-discount.js";
import { discountPower } from "./leverage-discount.js";
import { FULL_LEVERAGE, type HeteroType } from "./meat.js";
import { WhitenedBlock, type Whitening } from "./whitening.js";

/** A table of distinct rows: of each how many there are, the mean of their y, and its squares about that. */
export class CellRows {
  readonly #columns: number;
  readonly #places = new Map<string, number>();
  readonly x: number[] = [];
  readonly weights: number[] = [];
  readonly rows: number[] = [];
  readonly means: number[] = [];
  readonly squares: number[] = [];

  constructor(columns: number) {
    this.#columns = columns;
  }

  get count(): number {
    return this.rows.length;
  }

  /** Adds n rows of the same x and weight, whose y have a mean and squares about it (Chan, Golub & LeVeque 1983). */
  add(x: ArrayLike<number>, from: number, weight: number, n: number, mean: number, squares: number): void {
    let key = String(weight);
    for (let j = 0; j < this.#columns; j++) key += `,${x[from + j]!}`;
    let at = this.#places.get(key);
    if (at === undefined) {
      at = this.count;
      this.#places.set(key, at);
      for (let j = 0; j < this.#columns; j++) this.x.push(x[from + j]!);
      this.weights.push(weight);
      this.rows.push(n);
      this.means.push(mean);
      this.squares.push(squares);
      return;
    }
    const all = this.rows[at]! + n;
    const apart = mean - this.means[at]!;
    this.squares[at]! += squares + (apart * apart * this.rows[at]! * n) / all;
    this.means[at]! += (apart * n) / all;
    this.rows[at] = all;
  }

  /** Takes rows out again; false where there are none such, or not as many. */
  take(
    x: ArrayLike<number>,
    from: number,
    weight: number,
    n: number,
    mean: number,
    squares: number,
  ): boolean {
    let key = String(weight);
    for (let j = 0; j < this.#columns; j++) key += `,${x[from + j]!}`;
    const at = this.#places.get(key);
    if (at === undefined || this.rows[at]! < n) return false;
    const left = this.rows[at]! - n;
    this.rows[at] = left;
    if (left === 0) return true;
    const before = this.means[at]!;
    this.means[at] = (before * (left + n) - mean * n) / left;
    const apart = mean - this.means[at]!;
    this.squares[at] = Math.max(0, this.squares[at]! - squares - (apart * apart * left * n) / (left + n));
    return true;
  }

  /** What a model keeps of them; cells without rows are gone. */
  kept(columns: readonly string[], target: string): KeptCells {
    const left = this.rows.flatMap((n, c) => (n > 0 ? [c] : []));
    const of = (list: readonly number[]) => left.map((c) => list[c]!);
    return {
      kind: "cells",
      target,
      columns: [...columns],
      x: left.flatMap((c) => this.x.slice(c * this.#columns, (c + 1) * this.#columns)),
      ...(this.weights.some((w) => w !== 1) ? { weights: of(this.weights) } : {}),
      rows: of(this.rows),
      means: of(this.means),
      squares: of(this.squares),
    };
  }
}

/** The rows of cells about other columns: those that they lack are zero. */
export function cellRowsOf(cells: KeptCells, columns: readonly string[]): CellRows {
  const table = new CellRows(columns.length);
  const places = columns.map((name) => cells.columns.indexOf(name));
  const p = cells.columns.length;
  eachCell(cells, columns.length, (x, c) => {
    places.forEach((at, j) => {
      x[j] = at < 0 ? 0 : cells.x[c * p + at]!;
    });
    table.add(x, 0, cells.weights?.[c] ?? 1, cells.rows[c]!, cells.means[c]!, cells.squares[c]!);
  });
  return table;
}

/** Cells with columns for those that are combinations of theirs. */
export function combinedCells(cells: KeptCells, keys: readonly string[]): KeptCells {
  const more = keys.filter((key) => combinationOf(key) !== undefined && !cells.columns.includes(key));
  if (more.length === 0) return cells;
  const columns = [...cells.columns, ...more];
  const rows = combinedRows(columns, (key) => cells.columns.indexOf(key))!;
  const p = cells.columns.length;
  const x = cells.rows.flatMap((_, c) =>
    rows.map((row) => row.reduce((sum, { at, weight }) => sum + weight * cells.x[c * p + at]!, 0)),
  );
  return { ...cells, columns, x };
}

function eachCell(cells: KeptCells, columns: number, call: (x: Float64Array, cell: number) => void): void {
  const x = new Float64Array(columns);
  for (let c = 0; c < cells.rows.length; c++) call(x, c);
}

/**
 * The meat of a covariance of rows from their cells, exact: rows of a cell have one leverage h, and their squares add up to
 * Σ e² = Σ (y − ȳ)² + n (ȳ − ŷ)².
 *
 * @param columns the place of each of X's columns among the cells', −1 for one that is zero throughout
 * @param target that of y, −1 where it is the cells' own
 * @returns undefined where a row has leverage 1, for which the type is not defined
 */
export function meatOfCells(
  cells: KeptCells,
  { columns, target }: { columns: readonly number[]; target: number },
  whitening: Whitening,
  type: HeteroType,
  size: FitSize,
): Float64Array | undefined {
  const p = cells.columns.length;
  const { rank } = whitening;
  const block = new WhitenedBlock(whitening);
  const deviations = new Float64Array(BLOCK_ROWS);
  const column = new Float64Array(BLOCK_ROWS);
  const sweep = (call: (cell: number, r: number, leverage: number) => void) => {
    for (let from = 0; from < cells.rows.length; from += BLOCK_ROWS) {
      const rows = Math.min(BLOCK_ROWS, cells.rows.length - from);
      block.fill((j) => {
        const at = columns[j]!;
        for (let r = 0; r < rows; r++) column[r] = at < 0 ? 0 : cells.x[(from + r) * p + at]!;
        return column;
      }, rows);
      block.deviations(deviations, rows);
      for (let r = 0; r < rows; r++) call(from + r, r, (cells.weights?.[from + r] ?? 1) * block.squares[r]!);
    }
  };
  let largest = 0;
  if (type === "hc5")
    sweep((_cell, _r, h) => {
      largest = Math.max(largest, h);
    });
  const power = discountPower(type, { ...size, largest });
  const meat = new Float64Array(packedLength(rank));
  let defined = true;
  sweep((c, r, h) => {
    const n = cells.rows[c]!;
    const weight = cells.weights?.[c] ?? 1;
    const [mean, squares] = target < 0 ? [cells.means[c]!, cells.squares[c]!] : [cells.x[c * p + target]!, 0];
    const residual = block.residual(mean, deviations[r]!);
    const own = power(h);
    if (own > 0 && 1 - h < FULL_LEVERAGE) defined = false;
    const sum = (weight * weight * (squares + n * residual * residual)) / (1 - h) ** own;
    for (let i = 0, at = 0; i < rank; i++)
      for (let j = 0; j <= i; j++, at++)
        meat[at]! += sum * block.values[i * BLOCK_ROWS + r]! * block.values[j * BLOCK_ROWS + r]!;
  });
  return defined ? meat : undefined;
}
