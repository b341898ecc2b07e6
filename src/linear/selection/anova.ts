import { ModelError } from "../../errors.js";
import { fSurvival } from "../../stats/distributions.js";
import { option, verb, wording } from "../../wording.js";
import type { LinearModel } from "../model/model.js";
import { solve } from "../solve/solve.js";

/** A row of a table of sequential sums of squares; the residuals' has NaN for f and p. */
export interface TermRow {
  term: string;
  df: number;
  sumOfSquares: number;
  meanSquare: number;
  f: number;
  /** P(F ≥ f). */
  p: number;
}

/**
 * The sequential (type I) sums of squares of a model's terms: what each takes from the residual sum of squares of
 * the terms before it, F against the residual variance; R's `anova(lm)`. From the moments, without the data. Terms
 * that add no column of their own are left out.
 *
 * @throws ModelError for a penalised fit
 */
export function anovaTerms(model: LinearModel): TermRow[] {
  checkUnpenalised("the model", model);
  const { target, intercept } = model.regression;
  const keys = model.codedTerms.map((term) => term.columns.map(({ key }) => key));
  const df = model.dfResidual;
  const variance = model.rss / df;
  const rows: TermRow[] = [];
  let before = solve(model.moments, { target, terms: [], intercept }, { inverse: false });
  model.codedTerms.forEach(({ label }, t) => {
    const terms = keys.slice(0, t + 1).flat();
    const after = solve(model.moments, { target, terms, intercept }, { inverse: false });
    const degrees = after.rank - before.rank;
    if (degrees > 0) {
      const sumOfSquares = before.rss - after.rss;
      const meanSquare = sumOfSquares / degrees;
      const f = meanSquare / variance;
      rows.push({ term: label, df: degrees, sumOfSquares, meanSquare, f, p: tail(f, degrees, df) });
    }
    before = after;
  });
  const rest = { f: Number.NaN, p: Number.NaN };
  rows.push({ term: "Residuals", df, sumOfSquares: model.rss, meanSquare: variance, ...rest });
  return rows;
}

/** A model in a comparison; what compares it with the one before is NaN for the first. */
export interface ModelRow {
  name: string;
  dfResidual: number;
  rss: number;
  /** How many coefficients it has more than the one before, and what they take from its RSS. */
  df: number;
  sumOfSquares: number;
  /** (sumOfSquares/df)/σ², with σ² of the largest of the models: the partial F. */
  f: number;
  p: number;
}

/**
 * Compares models of the same rows, each with the one before: partial F tests, R's `anova` of several models.
 *
 * They should be nested, which is not checked, as in R: F then is what it says.
 *
 * @throws ModelError where the models are not of the same rows, and says in what they differ; for a penalised fit
 */
export function anovaModels(models: readonly { name: string; model: LinearModel }[]): ModelRow[] {
  for (const { name, model } of models) checkUnpenalised(name, model);
  for (const other of models.slice(1)) checkSameRows(models[0]!, other);
  const largest = models.reduce((a, b) => (b.model.dfResidual < a.model.dfResidual ? b : a)).model;
  const variance = largest.dfResidual > 0 ? largest.rss / largest.dfResidual : Number.NaN;
  return models.map(({ name, model }, i) => {
    const own = { name, dfResidual: model.dfResidual, rss: model.rss };
    const before = models[i - 1]?.model;
    if (before === undefined)
      return { ...own, df: Number.NaN, sumOfSquares: Number.NaN, f: Number.NaN, p: Number.NaN };
    const df = before.dfResidual - model.dfResidual;
    const sumOfSquares = before.rss - model.rss;
    const f = df === 0 ? Number.NaN : sumOfSquares / df / variance;
    return { ...own, df, sumOfSquares, f, p: tail(f, Math.abs(df), largest.dfResidual) };
  });
}

function tail(f: number, df: number, dfResidual: number): number {
  return f >= 0 && dfResidual > 0 ? fSurvival(f, df, dfResidual) : Number.NaN;
}

function checkUnpenalised(name: string, model: LinearModel): void {
  if (model.penalty === undefined) return;
  throw new ModelError(`${name} is a penalised fit, whose sums of squares have no F distribution`, {
    hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
  });
}

/** Means of the same rows, summed in another order or precision, agree to this. */
const SAME = 1e-9;

function checkSameRows(
  a: { name: string; model: LinearModel },
  b: { name: string; model: LinearModel },
): void {
  const differ = (what: string, x: unknown, y: unknown) =>
    new ModelError(`${a.name} and ${b.name} do not compare: ${what} ${x} in one and ${y} in the other`, {
      hint: "anova compares models of one target on the same rows",
    });
  const [one, two] = [a.model, b.model];
  if (one.target !== two.target) throw differ("the target is", one.target, two.target);
  if (one.weightsColumn !== two.weightsColumn)
    throw differ("the weights are", one.weightsColumn ?? "1", two.weightsColumn ?? "1");
  if (one.n !== two.n) throw differ("the rows are", one.n, two.n);
  const [y, z] = [targetMoments(one), targetMoments(two)];
  if (!close(y.mean, z.mean, Math.sqrt(y.variance)))
    throw differ(`the mean of ${one.target} is`, y.mean, z.mean);
  if (!close(y.variance, z.variance, y.variance))
    throw differ(`the variance of ${one.target} is`, y.variance, z.variance);
}

function close(a: number, b: number, scale: number): boolean {
  return Math.abs(a - b) <= SAME * Math.max(Math.abs(a), scale);
}

/** The mean and the variance of y over the rows of the fit. */
function targetMoments({ moments, regression }: LinearModel): { mean: number; variance: number } {
  const at = moments.index(regression.target);
  return { mean: moments.mean[at]!, variance: moments.product(at, at) / moments.sumW };
}
