import { ModelError } from "../../errors.js";
import { inOneGo } from "../../parallel/steps.js";
import { atHand } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, verb, wording } from "../../wording.js";
import { refuseInstruments } from "../instruments/check-instruments.js";
import type { LinearModel } from "../model/model.js";
import { DOUBLE_TOLERANCE } from "../solve/solve.js";
import { afterOthersRows } from "./anova-types.js";
import { shapleyShares } from "./shapley-shares.js";

/** How much a term tells of the target. */
export interface TermImportance {
  term: string;
  df: number;
  /** What the term takes, after all but those that contain it, from what they leave: SS/(SS + RSS). */
  partialR2: number;
  /** The same as a share of the total: SS/TSS, by how much R² falls without the term. */
  semiPartialR2: number;
  /** The mean of what the term adds to R² over all orders of the terms; NaN where there are too many, or interactions. */
  share: number;
}

/** What `importanceOf` finds. */
export interface Importance {
  /** β sd(x)/sd(y) of each column of X: by how many standard deviations y changes with one of x. */
  standardized: { term: string; beta: number }[];
  /** In the order of the model; those that add no column are left out. */
  terms: TermImportance[];
  /** That of which the shares are: within absorbed effects where there are any. */
  r2: number;
  notes: string[];
}

/** Terms whose subsets are all looked at: 2²⁰ of them take about a second. */
const MOST_TERMS = 20;

/**
 * Standardised coefficients, partial and semi-partial R², and the shares in R² of Lindeman, Merenda & Gold (1980, page
 * 119), which are Shapley's values of R²: relaimpo's `lmg`, with factors and polynomials as one term each. All from the
 * moments; about 0 without an intercept, and within absorbed effects where there are any.
 *
 * @throws ModelError for a penalised fit
 * @example
 * ```js
 * import { fitCsv, importanceOf } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * for (const { term, share } of importanceOf(model).terms) console.log(term, share.toFixed(4));
 * // rm 0.2890
 * // lstat 0.3496
 * ```
 */
export function importanceOf(model: LinearModel): Importance {
  refuseInstruments(model, "shares in R²");
  if (model.penalty !== undefined)
    throw new ModelError("shares in R² are of least squares, and this is a penalised fit", {
      hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
    });
  const { absorption, codedTerms, regression, spec } = model;
  const whole = [...regression.terms, regression.target];
  const moments: CrossProducts = absorption?.moments ?? atHand(model.moments, whole);
  const centred = model.intercept || absorption !== undefined;
  const total = model.absorbed?.tss ?? model.tss;
  const rows = inOneGo(afterOthersRows(model));
  const y = moments.index(regression.target);
  const keys = codedTerms.flatMap(({ columns }) => columns.map(({ key }) => key));
  const at = keys.map((key) => moments.index(key));
  const first = model.intercept ? 1 : 0;
  const standardized = model.terms.map((term, j) => {
    const square = at[j]! < 0 ? 0 : moments.product(at[j]!, at[j]!, centred);
    return { term, beta: model.coefficients[j + first]! * Math.sqrt(square / total) };
  });
  const notes: string[] = [];
  const shares = new Map<string, number>();
  if (spec.terms.some(({ variables }) => variables.length > 1))
    notes.push("no shares in R²: with interactions among the terms these have no order of their own");
  else if (codedTerms.length > MOST_TERMS)
    notes.push(`no shares in R²: ${codedTerms.length} terms have too many orders (at most ${MOST_TERMS})`);
  else {
    let next = 0;
    const blocks = codedTerms.map(({ columns }) => columns.map(() => next++));
    const places = [...at, y];
    const product = (i: number, j: number) =>
      places[i]! < 0 || places[j]! < 0 ? 0 : moments.product(places[i]!, places[j]!, centred);
    shapleyShares(blocks, product, DOUBLE_TOLERANCE).forEach((share, t) => {
      shares.set(codedTerms[t]!.label, share);
    });
  }
  return {
    standardized,
    terms: rows.map(({ term, df, sumOfSquares }) => ({
      term,
      df,
      partialR2: sumOfSquares / (sumOfSquares + model.rss),
      semiPartialR2: sumOfSquares / total,
      share: shares.get(term) ?? Number.NaN,
    })),
    r2: 1 - model.rss / total,
    notes,
  };
}
