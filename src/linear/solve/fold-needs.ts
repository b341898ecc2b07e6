import type { Steps } from "../../parallel/steps.js";
import { atHand } from "../../stats/combined-columns.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { relationsOf } from "./aliased-relations.js";
import { predictionSquares } from "./prediction-squares.js";
import type { Regression } from "./regression.js";

/** How far, in standard deviations, an aliased column may be from what it is elsewhere; as in predictions. */
const TOLERANCE = 1e-6;

/** The rounding of squares that cancel, as a share of those that are added. */
const ROUNDING = 1e-13;

/**
 * Which coefficients that a fit could not estimate are needed to predict a fold: indices into the terms of aliased
 * columns that are not, on the fold's rows, what they are on the rows of the fit. From the moments alone, for with the
 * relation x_j = c + Σ a_i x_i of the fit Σ w (x_j − c − Σ a_i x_i)² over the fold is 0 where its rows lie in the row
 * space.
 *
 * @param others the moments of the fit, `aliased` what its solution left out
 */
export function* foldNeeds(
  ofOthers: CrossProducts,
  ofFold: CrossProducts,
  regression: Regression,
  aliased: readonly number[],
): Steps<number[]> {
  const { terms, intercept, target } = regression;
  const [others, fold] = [ofOthers, ofFold].map((own) => atHand(own, [...terms, target])) as [
    CrossProducts,
    CrossProducts,
  ];
  // A column that the others do not have at all is the usual case, and needs no relation.
  const unknown = aliased.filter((j) => squareOf(others, terms[j]!) === 0);
  const needed = unknown.filter((j) => squareOf(fold, terms[j]!) > 0);
  if (needed.length > 0) return needed;
  const open = aliased.filter((j) => !unknown.includes(j));
  for (const { column, constant, at, values, spread } of yield* relationsOf(others, regression, aliased)) {
    if (!open.includes(column)) continue;
    const related = { target: terms[column]!, terms: at.map((j) => terms[j]!), intercept };
    const squares = predictionSquares(
      fold,
      related,
      Float64Array.from(intercept ? [constant, ...values] : values),
    );
    const size = at.reduce((sum, j, i) => sum + values[i]! ** 2 * squareOf(fold, terms[j]!), 0);
    const added = size + squareOf(fold, terms[column]!) + fold.sumW * constant ** 2;
    if (squares > fold.sumW * (TOLERANCE * spread) ** 2 && squares > ROUNDING * added) needed.push(column);
  }
  return needed;
}

/** Σ w x² of a column; 0 where there is none. */
function squareOf(moments: CrossProducts, name: string): number {
  const at = moments.index(name);
  return at < 0 || moments.n === 0 ? 0 : moments.product(at, at, false);
}
