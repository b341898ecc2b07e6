import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { BlockPredictor } from "../linear/model/block-predictor.js";
import { levelShares } from "../linear/model/effects-of-model.js";
import type { LinearModel } from "../linear/model/model.js";

/** What a term adds to predictions; plain data, so that it can go to a worker. */
interface TermContribution {
  label: string;
  /** Its first column of X, and the coefficients of its columns, 0 for aliased ones. */
  from: number;
  coefficients: Float64Array;
  /** Its mean over the rows of the fit. */
  centre: number;
}

/** What an absorbed factor's levels add to predictions, by number, and their mean over the rows of the fit. */
interface EffectContribution {
  label: string;
  effects: Float64Array;
  centre: number;
}

/** What predictions are made of: ŷ = base + Σ contributions. */
export interface ContributionsPlan {
  /** The mean prediction of the rows of the fit, offset 0; 0 without an intercept. */
  base: number;
  terms: TermContribution[];
  absorbed: EffectContribution[];
  /** Whether there is an offset, which is a part of its own as it is: the rows' mean of it is not kept. */
  offset: boolean;
}

/**
 * How predictions split into terms, as R's `predict(type = "terms")` splits them: of each term Σ_j β_j (x_j − x̄_j), x̄ the
 * means of the rows of the fit, and the rest, the mean prediction. For a linear model these are the SHAP values of columns
 * taken to be independent (Štrumbelj & Kononenko 2014), a term of several columns counting as one. Without an intercept
 * nothing is taken off, as in R. Of a weighted fit the means are weighted. An offset is a part of its own, as it is, where R leaves it out.
 */
export function contributionsOf(model: LinearModel): ContributionsPlan {
  const { codedTerms, regression, weights, spec, intercept } = model;
  const centred = intercept || model.absorbed !== undefined;
  const moments = model.moments.over(regression.terms);
  const meanOf = (key: string) => {
    const at = moments.index(key);
    return at < 0 ? 0 : moments.mean[at]!;
  };
  let column = 0;
  const terms = codedTerms.map(({ label, columns }): TermContribution => {
    const from = column;
    column += columns.length;
    const coefficients = weights.slice(1 + from, 1 + column);
    const centre = centred
      ? coefficients.reduce(
          (sum, beta, i) => (beta === 0 ? sum : sum + beta * meanOf(regression.terms[from + i]!)),
          0,
        )
      : 0;
    return { label, from, coefficients, centre };
  });
  const shares = levelShares(model);
  const absorbed = (spec.absorbed ?? []).map((v, f): EffectContribution => {
    const effects = model.predictedEffects.values[f]!;
    const centre = effects.reduce((sum, effect, i) => sum + shares[f]![i]! * effect, 0);
    return { label: spec.variables[v]!.label, effects, centre };
  });
  const base = [...terms, ...absorbed].reduce((sum, { centre }) => sum + centre, weights[0]!);
  return { base, terms, absorbed, offset: spec.target.offset !== undefined };
}

/** The names of the columns: the base, the terms, the absorbed factors, the offset. */
export function contributionNames({ terms, absorbed, offset }: ContributionsPlan): string[] {
  return [
    "base",
    ...terms.map(({ label }) => label),
    ...absorbed.map(({ label }) => label),
    ...(offset ? ["offset"] : []),
  ];
}

/** The contributions of a block's rows. */
export class ContributionBlock {
  readonly columns: Float64Array[];
  readonly #plan: ContributionsPlan;
  readonly #predictor: BlockPredictor;

  constructor(plan: ContributionsPlan, predictor: BlockPredictor) {
    this.#plan = plan;
    this.#predictor = predictor;
    this.columns = contributionNames(plan).map(() => new Float64Array(BLOCK_ROWS));
    this.columns[0]!.fill(plan.base);
  }

  /** After each `predict`; a row without a prediction has no contributions. */
  fill(rows: number): void {
    const { terms, absorbed } = this.#plan;
    const { predictions } = this.#predictor;
    for (const [t, { from, coefficients, centre }] of terms.entries()) {
      const out = this.columns[1 + t]!.fill(-centre, 0, rows);
      for (const [i, beta] of coefficients.entries()) {
        const x = this.#predictor.column(from + i);
        for (let r = 0; r < rows; r++) out[r]! += beta * x[r]!;
      }
    }
    for (const [f, { effects, centre }] of absorbed.entries()) {
      const out = this.columns[1 + terms.length + f]!;
      const codes = this.#predictor.codes(f);
      for (let r = 0; r < rows; r++) out[r] = codes[r]! < 0 ? Number.NaN : effects[codes[r]!]! - centre;
    }
    if (this.#plan.offset) this.columns.at(-1)!.set(this.#predictor.offset!.subarray(0, rows));
    for (let r = 0; r < rows; r++)
      if (Number.isNaN(predictions[r]!)) for (const column of this.columns.slice(1)) column[r] = Number.NaN;
  }
}
