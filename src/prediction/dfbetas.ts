import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { FitScale, InfluenceBlock } from "../linear/covariance/influence.js";

/** What changes of coefficients follow from; plain data. */
export interface DfbetasPlan {
  /** The coefficients that were estimated. */
  names: readonly string[];
  /** R⁻¹, rank × rank, see `inverseRoot`. */
  root: Float64Array;
}

/** 1 − h below this is rounding. */
const FULL_LEVERAGE = 1e-10;

/**
 * How each row moves each coefficient, in its standard errors without the row: DFBETAS_j = (θ̂_j − θ̂_j₍ᵢ₎)/(s₍ᵢ₎ √(XᵀWX)⁻¹_jj), where
 * θ̂ − θ̂₍ᵢ₎ = R⁻¹u w e/(1 − h); and COVRATIO, (s₍ᵢ₎²/s²)^p/(1 − h), what it does to the covariance's determinant. Belsley, Kuh & Welsch 1980,
 * chapter 2; R's `dfbetas` and `covratio`.
 */
export class DfbetasBlock {
  readonly columns: Float64Array[];
  readonly covratio = new Float64Array(BLOCK_ROWS);
  readonly #plan: DfbetasPlan;
  readonly #scale: FitScale;
  readonly #norms: number[];

  constructor(plan: DfbetasPlan, scale: FitScale) {
    this.#plan = plan;
    this.#scale = scale;
    const { names, root } = plan;
    const rank = names.length;
    this.columns = names.map(() => new Float64Array(BLOCK_ROWS));
    this.#norms = names.map((_, i) =>
      Math.sqrt(root.subarray(i * rank, (i + 1) * rank).reduce((sum, value) => sum + value * value, 0)),
    );
  }

  /** Fills `columns` and `covratio` from the whitened coordinates of rows that were measured. */
  fill(
    whitened: Float64Array,
    influence: InfluenceBlock,
    weightOf: (r: number) => number,
    rows: number,
  ): void {
    const { root } = this.#plan;
    const { n, rank: p, rss } = this.#scale;
    const rank = this.columns.length;
    for (let r = 0; r < rows; r++) {
      const rest = 1 - influence.leverage[r]!;
      const sigma = influence.sigma[r]!;
      const full = !(rest >= FULL_LEVERAGE);
      const share = full ? Number.NaN : (weightOf(r) * influence.residual[r]!) / rest / sigma;
      this.covratio[r] = full ? Number.NaN : ((sigma * sigma * (n - p)) / rss) ** p / rest;
      for (let i = 0; i < rank; i++) {
        let moved = 0;
        for (let j = 0; j < rank; j++) moved += root[i * rank + j]! * whitened[j * BLOCK_ROWS + r]!;
        this.columns[i]![r] = (moved * share) / this.#norms[i]!;
      }
    }
  }
}
