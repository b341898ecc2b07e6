import { BLOCK_ROWS } from "./block-rows.js";
import type { Kernels } from "./kernels.js";

/** Doubles of X that go into the kernels' memory at a time: 128 KB, which a second-level cache holds. */
const CHUNK = 16384;

/**
 * out = intercept + X θ. However X is laid out, each sum starts with the intercept and takes θⱼxⱼ in order of j, so
 * that the bits are those of the plain loop.
 */
export class LinearPredictor {
  readonly #kernels: Kernels;
  readonly #p: number;
  readonly #intercept: number;
  readonly #theta: number;
  readonly #chunkRows: number;
  readonly #x: number;
  readonly #out: number;

  /** Takes a copy of `theta`, p values; `intercept` is 0 for none. */
  constructor(kernels: Kernels, theta: ArrayLike<number>, intercept: number) {
    this.#kernels = kernels;
    this.#p = theta.length;
    this.#intercept = intercept;
    this.#theta = kernels.alloc(8 * theta.length);
    this.#chunkRows = Math.max(BLOCK_ROWS, Math.floor(CHUNK / Math.max(1, theta.length)));
    this.#x = kernels.alloc(8 * this.#chunkRows * theta.length);
    this.#out = kernels.alloc(8 * this.#chunkRows);
    kernels.doubles.set(theta, this.#theta / 8);
  }

  /**
   * Predicts `out.length` rows of X (n × p, row-major) from its row `firstRow` on; X may lie in shared memory.
   * Throws a RangeError if X has no such rows.
   */
  rows(X: Float64Array, out: Float64Array, firstRow = 0): void {
    const p = this.#p;
    const n = out.length;
    if ((firstRow + n) * p > X.length)
      throw new RangeError(`X has ${X.length} values, rows ${firstRow} to ${firstRow + n} of ${p} need more`);
    const { exports, doubles } = this.#kernels;
    for (let done = 0; done < n; done += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, n - done);
      const from = (firstRow + done) * p;
      doubles.set(X.subarray(from, from + rows * p), this.#x / 8);
      exports.gemvRows(this.#x, rows, p, this.#theta, this.#intercept, this.#out);
      out.set(doubles.subarray(this.#out / 8, this.#out / 8 + rows), done);
    }
  }

  /** Predicts up to 128 rows of a column-major block (`Kernels.allocBlock`) to 128 doubles at address `out`. */
  block(block: number, rows: number, out: number): void {
    this.#kernels.exports.gemvColumns(block, rows, this.#p, this.#theta, this.#intercept, out);
  }
}
