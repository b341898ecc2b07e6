import type { Steps } from "../../parallel/steps.js";
import { ExtendedFactor } from "./extended-factor.js";
import { MlFactor } from "./ml-factor.js";
import type { SpdFactor, SymmetricRows } from "./spd-factor.js";
import { TiledFactor } from "./tiled-factor.js";

/**
 * The order from which on the blocked kernels pay beside ml-matrix. Measured (EPYC, Node 20), a factor, a solution and
 * the inverse take 12 and 11 µs for 13 columns, 69 and 34 for 32, 374 and 136 for 64; but the kernels have to be loaded
 * first, some 2 ms, which a fit of its own and its folds earn back from about 32 columns on.
 */
const BLOCKS_PAY = 32;
/** The same beside plain loops in double-double: 112 and 76 µs for 13 columns, 448 and 172 for 24. */
const EXTENDED_BLOCKS_PAY = 24;

/**
 * The Cholesky factor of a symmetric positive semidefinite matrix with unit diagonal, in double: by ml-matrix where it is
 * small, else by blocked kernels, which may run on many threads with the same bits.
 *
 * Columns are taken in order; one whose pivot, 1 − R² of its regression on the columns kept before it, is not above
 * `tolerance` is left out as aliased, which is the rule of R's `lm` (there by the norms of a Householder QR, whose ratio
 * is the root of this pivot).
 */
export function* factorSpd(rows: SymmetricRows, tolerance: number): Steps<SpdFactor> {
  return rows.order < BLOCKS_PAY ? MlFactor.of(rows, tolerance) : yield* TiledFactor.of(rows, { tolerance });
}

/**
 * The same in double-double arithmetic.
 *
 * @param rounding the relative rounding error that each column may carry; see `extendedCholesky`
 */
export function* factorExtended(
  rows: SymmetricRows,
  tolerance: number,
  rounding?: Float64Array,
): Steps<SpdFactor> {
  return rows.order < EXTENDED_BLOCKS_PAY
    ? new ExtendedFactor(rows, tolerance, rounding)
    : yield* TiledFactor.of(rows, { tolerance, extended: true, rounding });
}
