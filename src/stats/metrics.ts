/** What a fit left over, and of what: the numbers that every criterion is made of. */
export interface FitSums {
  /** Rows of positive weight. */
  n: number;
  /** Estimated coefficients, the intercept among them: the rank. */
  p: number;
  intercept: boolean;
  /** The residual sum of squares, Σ w (y − ŷ)². */
  rss: number;
  /** The total: Σ w (y − ȳ)² with an intercept, Σ w y² without. */
  tss: number;
  /** Σ ln w; 0 without weights. */
  sumLogW?: number;
}

/** How good a fit is, as R's `summary.lm`, `logLik`, `AIC`, `extractAIC` and `BIC` have it. */
export interface FitMetrics {
  n: number;
  /** n − p. */
  dfResidual: number;
  rss: number;
  /** RSS/n. */
  mse: number;
  /** √mse. */
  rmse: number;
  /** √(RSS/(n − p)), R's residual standard error. */
  sigma: number;
  /** 1 − RSS/TSS. */
  r2: number;
  /** 1 − (1 − R²)(n − intercept)/(n − p). */
  adjR2: number;
  /** ((TSS − RSS)/(p − intercept)) / σ²; NaN for a model of the intercept alone. */
  f: number;
  /** The degrees of freedom of `f`'s numerator, p − intercept; those of its denominator are `dfResidual`. */
  fDf: number;
  /** ½(Σ ln w − n(ln 2π + 1 + ln(RSS/n))). */
  logLik: number;
  /** −2ℓ + 2(p + 1): σ counts as a parameter, as in R's `AIC`. */
  aic: number;
  /** n ln(RSS/n) + 2p, as in R's `extractAIC`. */
  aicExtract: number;
  /** −2ℓ + (p + 1) ln n, as R's `BIC`. */
  bic: number;
}

/** The metrics of a fit from its sums. Where n = p, and so no residual freedom is left, σ, F and adjusted R² are NaN. */
export function fitMetrics({ n, p, intercept, rss, tss, sumLogW = 0 }: FitSums): FitMetrics {
  const dfResidual = n - p;
  const constant = intercept ? 1 : 0;
  const fDf = p - constant;
  const mse = rss / n;
  const variance = dfResidual > 0 ? rss / dfResidual : Number.NaN;
  const r2 = 1 - rss / tss;
  const logLik = 0.5 * (sumLogW - n * (Math.log(2 * Math.PI) + 1 + Math.log(mse)));
  return {
    n,
    dfResidual,
    rss,
    mse,
    rmse: Math.sqrt(mse),
    sigma: Math.sqrt(variance),
    r2,
    adjR2: dfResidual > 0 ? 1 - (1 - r2) * ((n - constant) / dfResidual) : Number.NaN,
    f: fDf > 0 ? (tss - rss) / fDf / variance : Number.NaN,
    fDf,
    logLik,
    aic: -2 * logLik + 2 * (p + 1),
    aicExtract: aicExtract(n, rss, p),
    bic: -2 * logLik + Math.log(n) * (p + 1),
  };
}

/** R's `extractAIC`: n ln(RSS/n) + 2p, p counting the intercept. */
export function aicExtract(n: number, rss: number, p: number): number {
  return n * Math.log(rss / n) + 2 * p;
}

/** How far predictions are from the targets. */
export interface PredictionMetrics {
  n: number;
  /** Σ w (y − ŷ)² / n, as `mse` of {@link FitMetrics} is, so that both are on one scale with weights, too. */
  mse: number;
  rmse: number;
  /** Σ w |y − ŷ| / Σ w, the mean absolute error. */
  mae: number;
  /** 1 − Σ w (y − ŷ)² / Σ w (y − ȳ)², ȳ the mean of these rows; negative where ȳ would predict better. */
  r2: number;
  /** n ln(mse) + 2p. */
  aicExtract: number;
}

/**
 * The sums behind {@link PredictionMetrics}, collected row by row and mergeable, so that an evaluation streams and
 * its chunks run in parallel.
 */
export class PredictionErrors {
  n = 0;
  #sumW = 0;
  #squares = 0;
  #absolutes = 0;
  #mean = 0;
  #spread = 0;

  /** Adds one row: the target `y`, its prediction, and its weight; rows of weight 0 are not counted. */
  add(y: number, prediction: number, weight = 1): void {
    if (weight === 0) return;
    this.n++;
    this.#sumW += weight;
    const error = y - prediction;
    this.#squares += weight * error * error;
    this.#absolutes += weight * Math.abs(error);
    const delta = y - this.#mean;
    this.#mean += (delta * weight) / this.#sumW;
    this.#spread += weight * delta * (y - this.#mean);
  }

  /** Merges the rows of `other` into these. */
  absorb(other: PredictionErrors): this {
    if (other.n === 0) return this;
    const total = this.#sumW + other.#sumW;
    const delta = other.#mean - this.#mean;
    this.#spread += other.#spread + delta * delta * ((this.#sumW * other.#sumW) / total);
    this.#mean += (delta * other.#sumW) / total;
    this.n += other.n;
    this.#sumW = total;
    this.#squares += other.#squares;
    this.#absolutes += other.#absolutes;
    return this;
  }

  /** The sums as plain numbers, which can go to another thread; `PredictionErrors.of` takes them. */
  get sums(): readonly number[] {
    return [this.n, this.#sumW, this.#squares, this.#absolutes, this.#mean, this.#spread];
  }

  /** The errors whose `sums` these are. */
  static of(sums: readonly number[]): PredictionErrors {
    const errors = new PredictionErrors();
    errors.n = sums[0]!;
    errors.#sumW = sums[1]!;
    errors.#squares = sums[2]!;
    errors.#absolutes = sums[3]!;
    errors.#mean = sums[4]!;
    errors.#spread = sums[5]!;
    return errors;
  }

  /**
   * The metrics of all rows so far, for a model of `p` coefficients; NaN where there were none.
   *
   * @param weights what weights say: frequencies count rows, of named kinds squares are a weighted mean
   */
  metrics(p: number, weights?: "analytic" | "frequency" | "probability"): PredictionMetrics {
    const n = weights === "frequency" ? this.#sumW : this.n;
    const mse = this.#squares / (weights === undefined ? this.n : this.#sumW);
    return {
      n,
      mse,
      rmse: Math.sqrt(mse),
      mae: this.#absolutes / this.#sumW,
      r2: 1 - this.#squares / this.#spread,
      aicExtract: weights === "probability" ? Number.NaN : n * Math.log(mse) + 2 * p,
    };
  }
}
