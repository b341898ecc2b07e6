import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { fQuantile } from "../../stats/distributions.js";
import type { LinearModel } from "../model/model.js";

/** What the influence of rows depends on besides them; plain data, so that it can go to a worker. */
export interface FitScale {
  n: number;
  /** The rank p. */
  rank: number;
  /** Σ w e². */
  rss: number;
}

/** From where on a row stands out: the rules of R's `influence.measures`, and |rstudent| > 3. */
export interface InfluenceLimits {
  rstudent: number;
  /** 3p/n. */
  leverage: number;
  /** The median of F on p and n − p. */
  cooks: number;
  /** 3 √(p/(n − p)). */
  dffits: number;
}

/** The limits of a fit; `median` is that of F on p and n − p, where it is known. */
export function influenceLimits(
  { n, parameters: rank, dfResidual }: Pick<LinearModel, "n" | "parameters" | "dfResidual">,
  median = dfResidual > 0 ? fQuantile(0.5, rank, dfResidual) : Number.NaN,
): InfluenceLimits {
  return {
    rstudent: 3,
    leverage: (3 * rank) / n,
    cooks: median,
    dffits: 3 * Math.sqrt(rank / dfResidual),
  };
}

/** 1 − h below this is rounding: the fit goes through the point whatever y is there, and the measures are 0/0. */
const FULL_LEVERAGE = 1e-10;

/**
 * Measures of what up to 128 rows do to a fit, with e = y − ŷ, weight w, leverage h, s² = RSS/(n − p):
 *
 * - rstandard, the internally studentised residual: √w e/(s √(1 − h));
 * - rstudent, the externally studentised one: the same with s₍ᵢ₎² = (RSS − we²/(1 − h))/(n − p − 1), the variance of a
 *   fit without the row;
 * - cooks: rstandard² h/((1 − h)p); dffits: rstudent √(h/(1 − h)).
 *
 * NaN where h = 1. Source: Belsley, Kuh & Welsch 1980, chapter 2; R's `influence.measures`.
 */
export class InfluenceBlock {
  readonly residual = new Float64Array(BLOCK_ROWS);
  readonly leverage = new Float64Array(BLOCK_ROWS);
  readonly rstandard = new Float64Array(BLOCK_ROWS);
  readonly rstudent = new Float64Array(BLOCK_ROWS);
  readonly cooks = new Float64Array(BLOCK_ROWS);
  readonly dffits = new Float64Array(BLOCK_ROWS);
  /** s₍ᵢ₎. */
  readonly sigma = new Float64Array(BLOCK_ROWS);
  #scale: FitScale;

  constructor(scale: FitScale) {
    this.#scale = scale;
  }

  /** Measures by another fit from now on. */
  use(scale: FitScale): void {
    this.#scale = scale;
  }

  /** Measures row r of residual y − ŷ, or, with NaN for that, takes it for missing. */
  measure(r: number, residual: number, square: number, weight: number): void {
    const { n, rank, rss } = this.#scale;
    const leverage = residual * 0 + weight * square;
    const rest = 1 - leverage < FULL_LEVERAGE ? Number.NaN : 1 - leverage;
    const scaled = (Math.sqrt(weight) * residual) / Math.sqrt(rest);
    const rstandard = scaled / Math.sqrt(rss / (n - rank));
    // Where the row explains all that is left, rounding may take the variance below 0.
    const sigma = Math.sqrt(Math.max(0, rss - scaled * scaled) / (n - rank - 1));
    const rstudent = scaled / sigma;
    this.residual[r] = residual;
    this.leverage[r] = leverage;
    this.rstandard[r] = rstandard;
    this.rstudent[r] = rstudent;
    this.sigma[r] = sigma;
    this.cooks[r] = (rstandard * rstandard * leverage) / rest / rank;
    this.dffits[r] = rstudent * Math.sqrt(leverage / rest);
  }
}
