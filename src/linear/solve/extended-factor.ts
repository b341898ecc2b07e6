import type { Steps } from "../../parallel/steps.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import {
  type ExtendedVector,
  extendedBack,
  extendedCholesky,
  extendedForward,
  extendedInverse,
  extendedVector,
} from "./extended-cholesky.js";
import type { SolvedColumn, SpdFactor, SymmetricRows } from "./spd-factor.js";

/** The double-double factor of a small matrix, by plain loops. */
export class ExtendedFactor implements SpdFactor {
  readonly by = "loops";
  readonly extended = true;
  readonly kept: readonly number[];
  readonly aliased: readonly number[];
  readonly #rows: ExtendedVector[];

  constructor({ order, row }: SymmetricRows, tolerance: number, rounding?: Float64Array) {
    const packed = extendedVector(packedLength(order));
    for (let i = 0; i < order; i++) {
      const [from, to] = [packedIndex(i, 0), packedIndex(i, i) + 1];
      row(i, packed.hi.subarray(from, to), packed.lo.subarray(from, to));
    }
    const { kept, aliased, rows } = extendedCholesky(packed, order, tolerance, rounding);
    this.kept = kept;
    this.aliased = aliased;
    this.#rows = rows;
  }

  // biome-ignore lint/correctness/useYield: small enough to be done at once
  *solve(b: Float64Array, bLow = new Float64Array(b.length)): Steps<SolvedColumn> {
    const x: ExtendedVector = { hi: b.slice(), lo: bLow.slice() };
    extendedForward(this.#rows, x);
    const [half, halfLow] = [x.hi.slice(), x.lo.slice()];
    extendedBack(this.#rows, x);
    return { high: x.hi, low: x.lo, half, halfLow };
  }

  // biome-ignore lint/correctness/useYield: small enough to be done at once
  *inverse(): Steps<Float64Array> {
    return extendedInverse(this.#rows);
  }

  /** It has no memory of its own. */
  release(): void {}
}
