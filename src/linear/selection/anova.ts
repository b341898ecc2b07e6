import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, verb, wording } from "../../wording.js";
import { refuseInstruments } from "../instruments/check-instruments.js";
import { LinearModel } from "../model/model.js";
import type { ModelGroup } from "../model/model-group.js";
import { solveSteps } from "../solve/solve.js";
import { afterOthersRows, robustAfterOthersRows, sumContrastRows } from "./anova-types.js";
import { type TermRow, tail } from "./term-row.js";

export type { TermRow };

/**
 * Which sums of squares: 1 in sequence; 2 of a term after all others but those that contain it; 3 of a term after all
 * others, with factors coded by sum contrasts (Fox 2016, section 8.2.6).
 */
export type AnovaType = 1 | 2 | 3;

/**
 * The sums of squares of a model's terms, F against the residual variance, from the moments, without the data. Terms
 * that add no column of their own are left out; absorbed effects are before the first.
 *
 * Type 1: what each takes from the residual sum of squares of the terms before it; R's `anova(lm)`. Types 2 and 3:
 * `car::Anova(lm, type)`, the latter of a fit with `contr.sum`; under a robust covariance Wald's F of the same
 * hypotheses, and no sums of squares.
 *
 * @throws ModelError for a penalised fit; for type 3 also where terms are aliased, or there is no intercept
 * @example
 * ```js
 * import { anovaTerms, fitCsv } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * for (const { term, df, f } of anovaTerms(model)) console.log(term, df, f.toFixed(2));
 * // rm 1 672.90
 * // lstat 1 215.76
 * // Residuals 503 NaN
 * ```
 */
export function anovaTerms(model: LinearModel, type: AnovaType = 1): TermRow[] {
  return inOneGo(anovaTermsSteps(model, type));
}

/** `anovaTerms` in steps: hundreds of terms are as many fits. */
export function* anovaTermsSteps(model: LinearModel, type: AnovaType = 1): Steps<TermRow[]> {
  checkUnpenalised("the model", model);
  if (type === 3) return withResiduals(model, yield* sumContrastRows(model));
  if (type === 2)
    return withResiduals(
      model,
      yield* model.vcov.type === "iid" ? afterOthersRows(model) : robustAfterOthersRows(model),
    );
  checkSquares("the model", model);
  const { target } = model.regression;
  // Absorbed effects come before all terms: what they leave of the columns has means of zero.
  const absorption = yield* model.absorptionSteps();
  const moments = absorption?.moments ?? model.moments;
  const intercept = model.intercept || absorption !== undefined;
  const keys = model.codedTerms.map((term) => term.columns.map(({ key }) => key));
  const df = model.dfResidual;
  const variance = model.rss / df;
  const rows: TermRow[] = [];
  let before = yield* solveSteps(moments, { target, terms: [], intercept }, { inverse: false });
  for (const [t, { label }] of model.codedTerms.entries()) {
    const terms = keys.slice(0, t + 1).flat();
    const after = yield* solveSteps(moments, { target, terms, intercept }, { inverse: false });
    const degrees = after.rank - before.rank;
    if (degrees > 0) {
      const sumOfSquares = before.rss - after.rss;
      const meanSquare = sumOfSquares / degrees;
      const f = meanSquare / variance;
      rows.push({ term: label, df: degrees, sumOfSquares, meanSquare, f, p: tail(f, degrees, df) });
    }
    before = after;
    yield;
  }
  return withResiduals(model, rows);
}

/** Throws ModelError where sums of squares make no F: of rows that were drawn with unequal probabilities. */
function checkSquares(name: string, { weightsKind }: LinearModel): void {
  if (weightsKind !== "probability") return;
  throw new ModelError(`${name} has probability weights, under which sums of squares make no F`, {
    hint: "anova of type 2 or 3, and hypotheses, are tested by Wald's F",
  });
}

/** A table with the row of the residuals at its end, squares on the scale of the weights' kind. */
function withResiduals(model: LinearModel, given: TermRow[]): TermRow[] {
  const unit = model.weightUnit;
  const scaled = <Row extends { sumOfSquares: number; meanSquare: number }>(row: Row): Row =>
    unit === 1 ? row : { ...row, sumOfSquares: row.sumOfSquares * unit, meanSquare: row.meanSquare * unit };
  const rows = given.map(scaled);
  const { dfResidual, dfInference, rss, vcov } = model;
  // Where F is Wald's, residual sums of squares have no part in it.
  const own = rows.some(({ sumOfSquares }) => Number.isNaN(sumOfSquares)) && vcov.type !== "iid";
  const df = own ? dfInference : dfResidual;
  const rest = own
    ? { sumOfSquares: Number.NaN, meanSquare: Number.NaN }
    : scaled({ sumOfSquares: rss, meanSquare: rss / df });
  return [...rows, { term: "Residuals", df, ...rest, f: Number.NaN, p: Number.NaN }];
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
 * The same of models by group: the sums of squares and degrees of freedom of all groups, F against the residual variance of
 * all, which is the table of the one model in which every group has coefficients of its own. A term is left out where it adds
 * no column in any group.
 *
 * @throws ModelError for a penalised fit
 */
export function* anovaGroupsSteps(models: ModelGroup, type: AnovaType = 1): Steps<GroupsAnova> {
  const groups = new Map<string, TermRow[]>();
  const sums = new Map(models.spec.terms.map(({ label }) => [label, { df: 0, sumOfSquares: 0 }]));
  let [df, rss] = [0, 0];
  for (const [group, model] of models.models) {
    yield;
    const rows = yield* anovaTermsSteps(model, type);
    groups.set(group, rows);
    for (const row of rows.slice(0, -1)) {
      const sum = sums.get(row.term)!;
      sum.df += row.df;
      sum.sumOfSquares += row.sumOfSquares;
    }
    df += model.dfResidual;
    rss += model.rss;
  }
  const variance = rss / df;
  const table = [...sums].flatMap(([term, sum]): TermRow[] => {
    if (sum.df === 0) return [];
    const meanSquare = sum.sumOfSquares / sum.df;
    const f = meanSquare / variance;
    return [{ term, ...sum, meanSquare, f, p: tail(f, sum.df, df) }];
  });
  const rest = { f: Number.NaN, p: Number.NaN };
  table.push({ term: "Residuals", df, sumOfSquares: rss, meanSquare: variance, ...rest });
  return { table, groups };
}

/**
 * `anovaGroupsSteps` in one go.
 *
 * @example
 * ```js
 * import { anovaGroups, fitGroupsCsv } from "goml";
 *
 * const { models } = await fitGroupsCsv("data/cps-wages.csv", {
 *   target: "wage",
 *   features: ["education"],
 *   groupBy: "gender",
 * });
 * const [{ term, df, f }] = anovaGroups(models).table;
 * console.log(term, df, f.toFixed(2)); // education 2 48.44
 * ```
 */
export function anovaGroups(models: ModelGroup, type: AnovaType = 1): GroupsAnova {
  return inOneGo(anovaGroupsSteps(models, type));
}

/** Sums of squares of models by group: of all groups together, and of each. */
export interface GroupsAnova {
  table: TermRow[];
  groups: Map<string, TermRow[]>;
}

/** A model, or models by group, and what to call it in messages. */
export interface ComparedModel {
  name: string;
  model: LinearModel | ModelGroup;
}

/**
 * Compares models of the same rows, each with the one before: partial F tests, R's `anova` of several models. Models by
 * group are one model there, the sums of all groups; beside the model of all rows that is Chow's test.
 *
 * They should be nested, which is not checked, as in R: F then is what it says.
 *
 * @throws ModelError where the models are not of the same rows, and says in what they differ; for a penalised fit
 * @example
 * ```js
 * import { anovaModels, fitCsv, refit } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv", { features: ["rm", "lstat"] });
 * const { model: smaller } = refit(model, { features: ["lstat"] });
 * const [, row] = anovaModels([
 *   { name: "lstat", model: smaller },
 *   { name: "rm + lstat", model },
 * ]);
 * console.log(row.df, row.f.toFixed(2)); // 1 131.39
 * ```
 */
export function anovaModels(models: readonly ComparedModel[]): ModelRow[] {
  const fits = models.map(comparedFit);
  for (const other of fits.slice(1)) checkSameRows(fits[0]!, other);
  const largest = fits.reduce((a, b) => (b.dfResidual < a.dfResidual ? b : a));
  const variance = largest.dfResidual > 0 ? largest.rss / largest.dfResidual : Number.NaN;
  return fits.map(({ name, dfResidual, rss }, i) => {
    const own = { name, dfResidual, rss };
    const before = fits[i - 1];
    if (before === undefined)
      return { ...own, df: Number.NaN, sumOfSquares: Number.NaN, f: Number.NaN, p: Number.NaN };
    const df = before.dfResidual - dfResidual;
    const sumOfSquares = before.rss - rss;
    const f = df === 0 ? Number.NaN : sumOfSquares / df / variance;
    return { ...own, df, sumOfSquares, f, p: tail(f, Math.abs(df), largest.dfResidual) };
  });
}

/** What of a fit, or of the fits of all groups together, is compared. */
interface ComparedFit {
  name: string;
  target: string;
  weights: string;
  n: number;
  dfResidual: number;
  rss: number;
  /** The moments of y over the rows of the fit. */
  y: CrossProducts;
}

function comparedFit({ name, model }: ComparedModel): ComparedFit {
  const all = model instanceof LinearModel ? [model] : model.models.values();
  const fit = {
    name,
    target: model.target,
    weights: model.weightsColumn ?? "1",
    n: 0,
    dfResidual: 0,
    rss: 0,
  };
  let y: CrossProducts | undefined;
  for (const one of all) {
    checkUnpenalised(name, one);
    checkSquares(name, one);
    fit.n += one.n;
    fit.dfResidual += one.dfResidual;
    fit.rss += one.rss * one.weightUnit;
    const own = one.moments.select([one.moments.index(one.regression.target)]);
    y = y === undefined ? own : y.merge(own);
  }
  return { ...fit, y: y! };
}

function checkUnpenalised(name: string, model: LinearModel): void {
  refuseInstruments(model, "tests by sums of squares");
  if (model.penalty === undefined) return;
  throw new ModelError(`${name} is a penalised fit, whose sums of squares have no F distribution`, {
    hint: wording`${verb("refit", option("lambda", 0))} gives the fit without the penalty`,
  });
}

/** Means of the same rows, summed in another order or precision, agree to this. */
const SAME = 1e-9;

function checkSameRows(one: ComparedFit, two: ComparedFit): void {
  const differ = (what: string, x: unknown, y: unknown) =>
    new ModelError(`${one.name} and ${two.name} do not compare: ${what} ${x} in one and ${y} in the other`, {
      hint: "anova compares models of one target on the same rows",
    });
  if (one.target !== two.target) throw differ("the target is", one.target, two.target);
  if (one.weights !== two.weights) throw differ("the weights are", one.weights, two.weights);
  if (one.n !== two.n) throw differ("the rows are", one.n, two.n);
  const [y, z] = [targetMoments(one.y), targetMoments(two.y)];
  if (!close(y.mean, z.mean, Math.sqrt(y.variance)))
    throw differ(`the mean of ${one.target} is`, y.mean, z.mean);
  if (!close(y.variance, z.variance, y.variance))
    throw differ(`the variance of ${one.target} is`, y.variance, z.variance);
}

function close(a: number, b: number, scale: number): boolean {
  return Math.abs(a - b) <= SAME * Math.max(Math.abs(a), scale);
}

/** The mean and the variance of y. */
function targetMoments(y: CrossProducts): { mean: number; variance: number } {
  return { mean: y.mean[0]!, variance: y.product(0, 0) / y.sumW };
}
