import { DenseSystem } from "../../kernels/dense.js";
import type { Steps } from "../../parallel/steps.js";
import { packedLength } from "../../stats/packed.js";
import { MOST_TILE_THREADS, tileTask } from "../tile-threads.js";
import type { SolvedColumn, SpdFactor, SymmetricRows } from "./spd-factor.js";

/** Numbers that are moved at a stretch, between two places where others may run. */
const STRETCH = 1 << 18;

/**
 * The Cholesky factor of a symmetric positive semidefinite matrix with unit diagonal by blocked kernels, on one thread or
 * on many with the same bits; in double or in double-double arithmetic. Columns whose pivot is not above the tolerance
 * are left out, in order, as `cholesky` and `extendedCholesky` do.
 */
export class TiledFactor implements SpdFactor {
  readonly by = "blocks";
  readonly kept: number[];
  readonly aliased: number[];
  readonly extended: boolean;
  readonly #system: DenseSystem;
  #spent = false;

  private constructor(system: DenseSystem) {
    this.#system = system;
    this.extended = system.extended;
    this.kept = [];
    this.aliased = [];
    for (let i = 0; i < system.order; i++)
      (system.doubles[system.entry(i, i)] === Number.POSITIVE_INFINITY ? this.aliased : this.kept).push(i);
  }

  /**
   * Factors a matrix.
   *
   * @param rounding in double-double, the relative rounding error that each column may carry; see `extendedCholesky`
   */
  static *of(
    rows: SymmetricRows,
    options: { tolerance: number; extended?: boolean; rounding?: Float64Array | undefined },
  ): Steps<TiledFactor> {
    const { tolerance, extended = false, rounding } = options;
    const { order } = rows;
    const system = DenseSystem.of(order, { extended, threads: MOST_TILE_THREADS });
    const { doubles, size, low } = system;
    const high = new Float64Array(order);
    const rest = extended ? new Float64Array(order) : undefined;
    let moved = 0;
    for (let i = 0; i < order; i++) {
      rows.row(i, high, rest);
      for (let j = 0; j <= i; j += size) {
        const at = system.entry(i, j);
        const end = Math.min(i + 1, j + size);
        doubles.set(high.subarray(j, end), at);
        if (rest !== undefined) doubles.set(rest.subarray(j, end), at + low / 8);
      }
      moved += i;
      if (moved > STRETCH) {
        moved = 0;
        yield;
      }
    }
    yield tileTask(system, { do: "factor", tolerance, rounding });
    return new TiledFactor(system);
  }

  /** Solves A x = b for b over the columns kept, as high and low parts. */
  *solve(b: Float64Array, bLow?: Float64Array): Steps<SolvedColumn> {
    if (this.#spent) throw new Error("a factor is spent on its inverse");
    const { doubles, low, size } = this.#system;
    const at = this.#system.column(0) / 8;
    const second = this.#system.column(0, 1) / 8;
    doubles.fill(0, at, at + this.#system.tiles * size);
    for (const [i, j] of this.kept.entries()) doubles[at + j] = b[i]!;
    if (this.extended) {
      doubles.fill(0, at + low / 8, at + low / 8 + this.#system.tiles * size);
      if (bLow !== undefined) for (const [i, j] of this.kept.entries()) doubles[at + low / 8 + j] = bLow[i]!;
    }
    yield tileTask(this.#system, { do: "solve" });
    const read = (from: number) => Float64Array.from(this.kept, (j) => doubles[from + j]!);
    const none = () => new Float64Array(this.kept.length);
    return {
      high: read(at),
      low: this.extended ? read(at + low / 8) : none(),
      half: read(second),
      halfLow: this.extended ? read(second + low / 8) : none(),
    };
  }

  /** A⁻¹ over the columns kept, packed, rounded to doubles. It takes the factor's place: nothing can be solved after it. */
  *inverse(): Steps<Float64Array> {
    if (this.#spent) throw new Error("a factor is spent on its inverse");
    this.#spent = true;
    yield tileTask(this.#system, { do: "invert" });
    const { doubles, size } = this.#system;
    const inverse = new Float64Array(packedLength(this.kept.length));
    const all = this.aliased.length === 0;
    let out = 0;
    let moved = 0;
    for (const [r, i] of this.kept.entries()) {
      if (all)
        for (let j = 0; j <= i; j += size) {
          const at = this.#system.entry(i, j);
          for (let t = at, end = at + Math.min(size, i + 1 - j); t < end; t++) inverse[out++] = -doubles[t]!;
        }
      else for (let s = 0; s <= r; s++) inverse[out++] = -doubles[this.#system.entry(i, this.kept[s]!)]!;
      moved += r;
      if (moved > STRETCH) {
        moved = 0;
        yield;
      }
    }
    return inverse;
  }

  /** Gives its memory back for the next factor. */
  release(): void {
    this.#spent = true;
    this.#system.release();
  }
}
