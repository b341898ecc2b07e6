import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex } from "../../stats/packed.js";
import type { InstrumentCoordinates } from "./coordinates.js";

/**
 * The reduced form: the regressions of each endogenous column and of y on all instruments, the exogenous columns taken out
 * of both (Frisch, Waugh & Lovell). All statistics of the classical kind are functions of it.
 */
export interface ReducedForm {
  /** Rows of the fit. */
  n: number;
  /** How many exogenous columns there are, the intercept and absorbed effects among them. */
  exogenous: number;
  /** How many instruments, L, beyond them. */
  instruments: number;
  /** How many endogenous columns, m. */
  endogenous: number;
  /**
   * Z̃ᵀx of each endogenous column and, last, of y, Z̃ being the instruments about the exogenous columns, orthonormal:
   * their regression coefficients, too.
   */
  projected: readonly Float64Array[];
  /** xᵀMx, M taking out W and Z: the cross-products of the reduced form's residuals, a packed triangle of m + 1. */
  residual: Float64Array;
}

/** The reduced form of an equation in coordinates. */
export function reducedForm(
  { exogenous, excluded, columns, left }: InstrumentCoordinates,
  { n }: Pick<CrossProducts, "n">,
  constants: number,
): ReducedForm {
  return {
    n,
    exogenous: exogenous.length + constants,
    instruments: excluded.length,
    endogenous: columns.length - 1,
    projected: columns.map(({ hi }) => hi.slice(exogenous.length)),
    residual: left.hi.slice(),
  };
}

/** n − W − L, the degrees of freedom of the reduced form's residuals. */
export function reducedDf({ n, exogenous, instruments }: ReducedForm): number {
  return n - exogenous - instruments;
}

/** xᵀP_Z̃z of two of the columns: what the instruments explain of them. */
export function explained({ projected }: ReducedForm, i: number, j: number): number {
  const [a, b] = [projected[i]!, projected[j]!];
  return a.reduce((sum, value, t) => sum + value * b[t]!, 0);
}

/** xᵀMz of two of the columns. */
export function unexplained({ residual }: ReducedForm, i: number, j: number): number {
  return residual[packedIndex(Math.max(i, j), Math.min(i, j))]!;
}
