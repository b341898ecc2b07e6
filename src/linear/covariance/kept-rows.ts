import { rowHash } from "../../dataset/row-hash.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { addProducts, productCount } from "../../stats/symmetric-products.js";
import { CellRows } from "./kept-cells.js";
import type { KeptKind, KeptMeat } from "./kept-kinds.js";
import { BUCKETS } from "./kept-products.js";

/** What of rows is to be kept; plain data. */
export interface KeptPlan {
  /** The keys of the columns, without the target's, and that. */
  columns: readonly string[];
  target: string;
  /** What products are about: a number for each column, and for the target behind them. */
  centre: readonly number[];
  /** The most distinct rows; 0 where cells are not asked for. */
  cells: number;
  /** Sums of products, where they are asked for. */
  products: Exclude<KeptKind, "cells"> | undefined;
  /** The seed by which rows are drawn into buckets. */
  seed: number;
  /**
   * One number that is not 0 once a chunk has more distinct rows than asked for: then all rows have, and other threads need not count
   * theirs. Whoever sees it, and when, changes nothing of what is kept.
   */
  tooMany: Int32Array;
}

/** A fresh flag of a plan, that threads share. */
export function tooManyFlag(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** A salt that folds, signs and draws do not have. */
const SALT = 4;

/** What chunks of rows say, to be merged in order; plain data. */
export interface KeptSums {
  /** Undefined where there are more distinct rows than asked for. */
  cells: Pick<CellRows, "x" | "weights" | "rows" | "means" | "squares"> | undefined;
  products: Float64Array;
}

/** Keeps of rows what robust errors at any coefficients need. */
export class KeptRows {
  readonly #plan: KeptPlan;
  #cells: CellRows | undefined;
  readonly #products: Float64Array;
  readonly #z: Float64Array;

  readonly #frequencies: boolean;

  /** @param frequencies whether weights say how many rows each stands for */
  constructor(plan: KeptPlan, frequencies = false) {
    this.#plan = plan;
    this.#frequencies = frequencies;
    const m = plan.columns.length + 2;
    this.#cells = plan.cells > 0 ? new CellRows(plan.columns.length) : undefined;
    this.#products = new Float64Array(productsLength(plan, m));
    this.#z = new Float64Array(m);
    this.#z[0] = 1;
  }

  /** Whether there is anything left to keep of rows. */
  get wanted(): boolean {
    if (this.#cells !== undefined && Atomics.load(this.#plan.tooMany, 0) !== 0) this.#cells = undefined;
    return this.#cells !== undefined || this.#plan.products !== undefined;
  }

  /**
   * Adds rows of a block.
   *
   * @param values the columns, column-major, 128 rows each
   * @param target y; NaN for a row that is not of the fit
   * @param rowOf the number of a row, by which it is drawn into its bucket
   */
  add(
    rows: number,
    values: Float64Array,
    target: ArrayLike<number>,
    weights: ArrayLike<number> | undefined,
    rowOf: (r: number) => number,
  ): void {
    const { columns, centre, products, cells, seed } = this.#plan;
    const p = columns.length;
    const x = new Float64Array(p);
    const each = productCount(p + 2, 2);
    for (let r = 0; r < rows; r++) {
      const y = target[r]!;
      if (Number.isNaN(y)) continue;
      const weight = weights?.[r] ?? 1;
      // −0 is 0.
      for (let j = 0; j < p; j++) x[j] = values[j * BLOCK_ROWS + r]! + 0;
      if (this.#cells !== undefined) {
        if (this.#frequencies) this.#cells.add(x, 0, 1, weight, y, 0);
        else this.#cells.add(x, 0, weight, 1, y, 0);
        if (this.#cells.count > cells) {
          this.#cells = undefined;
          Atomics.store(this.#plan.tooMany, 0, 1);
        }
      }
      if (products === undefined) continue;
      for (let j = 0; j < p; j++) this.#z[j + 1] = x[j]! - centre[j]!;
      this.#z[p + 1] = y - centre[p]!;
      if (products === "quartic")
        addProducts(this.#products, 0, this.#z, this.#frequencies ? weight : weight * weight, 4);
      else {
        const bucket = Math.floor((rowHash(rowOf(r), seed, SALT) / 2 ** 32) * BUCKETS);
        addProducts(this.#products, bucket * each, this.#z, weight, 2);
      }
    }
  }

  /** The sums of the rows since the last call. */
  take(): KeptSums {
    const taken = { cells: this.#cells && { ...this.#cells }, products: this.#products.slice() };
    const { cells, columns } = this.#plan;
    const counted = cells > 0 && Atomics.load(this.#plan.tooMany, 0) === 0;
    this.#cells = counted ? new CellRows(columns.length) : undefined;
    this.#products.fill(0);
    return taken;
  }
}

function productsLength({ products }: KeptPlan, m: number): number {
  if (products === undefined) return 0;
  return products === "quartic" ? productCount(m, 4) : BUCKETS * productCount(m, 2);
}

/** What the chunks so far say. */
export class KeptTotal {
  readonly #plan: KeptPlan;
  #cells: CellRows | undefined;
  readonly #products: Float64Array;

  constructor(plan: KeptPlan, sums: KeptSums) {
    this.#plan = plan;
    this.#products = sums.products;
    if (sums.cells === undefined) return;
    this.#cells = new CellRows(plan.columns.length);
    this.#addCells(sums.cells);
  }

  #addCells({ x, weights, rows, means, squares }: NonNullable<KeptSums["cells"]>): void {
    const p = this.#plan.columns.length;
    rows.forEach((n, c) => {
      this.#cells?.add(x, c * p, weights[c]!, n, means[c]!, squares[c]!);
    });
    if ((this.#cells?.count ?? 0) <= this.#plan.cells) return;
    this.#cells = undefined;
    Atomics.store(this.#plan.tooMany, 0, 1);
  }

  /** Merges later chunks into these. */
  absorb(later: KeptTotal): void {
    if (later.#cells === undefined) this.#cells = undefined;
    else this.#addCells(later.#cells);
    for (let i = 0; i < this.#products.length; i++) this.#products[i]! += later.#products[i]!;
  }

  /** What there is: cells where there are few enough, else sums of products. */
  kept(few: (cells: number) => boolean): KeptMeat | undefined {
    const { columns, target, centre, products } = this.#plan;
    if (this.#cells !== undefined && few(this.#cells.count)) return this.#cells.kept(columns, target);
    if (products === undefined) return undefined;
    return {
      kind: products,
      columns: [...columns, target],
      centre: [...centre],
      products: Array.from(this.#products),
    };
  }
}
