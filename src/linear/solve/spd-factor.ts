import type { Steps } from "../../parallel/steps.js";

/** Rows of a symmetric matrix: `row` writes entries (i, 0) to (i, i), and their low parts where those are wanted. */
export interface SymmetricRows {
  order: number;
  row(i: number, high: Float64Array, low: Float64Array | undefined): void;
}

/** A column's solution, as high and low parts; the low ones are 0 where the factor is in double. */
export interface SolvedColumn {
  /** A⁻¹b over the columns kept. */
  high: Float64Array;
  low: Float64Array;
  /** L⁻¹b over the columns kept. */
  half: Float64Array;
  halfLow: Float64Array;
}

/** A Cholesky factor L Lᵀ = A of a symmetric positive semidefinite matrix with unit diagonal, whatever made it. */
export interface SpdFactor {
  /** What made it: ml-matrix, the blocked kernels, or plain loops. */
  readonly by: "ml-matrix" | "blocks" | "loops";
  /** Whether its numbers are double-double. */
  readonly extended: boolean;
  /** Indices of the columns that were kept, ascending; r of them. */
  readonly kept: readonly number[];
  /** Indices of the columns that depend on columns before them, by their pivots. */
  readonly aliased: readonly number[];
  /** Solves A x = b for b over the columns kept; low parts count where the factor has them. */
  solve(b: Float64Array, bLow?: Float64Array): Steps<SolvedColumn>;
  /** A⁻¹ over the columns kept, packed, rounded to doubles. Nothing can be solved after it: it may take L's place. */
  inverse(): Steps<Float64Array>;
  /** Gives its memory back; nothing can be asked of it after that. */
  release(): void;
}
