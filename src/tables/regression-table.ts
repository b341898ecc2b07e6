import { vcovShortName } from "../linear/covariance/vcov.js";
import { ESTIMATOR_NAMES } from "../linear/instruments/check-instruments.js";
import type { LinearModel } from "../linear/model/model.js";
import type { CoefficientRow, Summary } from "../linear/model/summary.js";

/** A model that is a column of a table, and what it is called there. */
export interface TableModel {
  name: string;
  model: LinearModel;
}

/** A coefficient in all models; undefined where a model has no such term, NaN where it is aliased there. */
export interface CoefficientLine {
  term: string;
  label: string;
  of: readonly (CoefficientRow | undefined)[];
}

/** A text in all models; empty where there is nothing to say. */
interface TextLine {
  label: string;
  of: readonly string[];
}

/** A statistic in all models; NaN where a model has none. */
export interface StatisticLine {
  name: StatisticName;
  label: string;
  of: readonly number[];
}

/** Models side by side: what a table of them says, before anything is rounded or set. */
export interface RegressionTable {
  names: readonly string[];
  targets: readonly string[];
  coefficients: readonly CoefficientLine[];
  /** Terms that `keep` and `drop` left out. */
  hidden: number;
  /** Whether a level of effects was absorbed, per factor. */
  effects: readonly TextLine[];
  /** Weights, penalty, covariance: how the models were fitted. */
  about: readonly TextLine[];
  statistics: readonly StatisticLine[];
  /** The level of the intervals. */
  level: number;
  /** Remarks that stand below the table. */
  notes: readonly string[];
}

/** What may stand below the coefficients, in this order. */
const STATISTICS = {
  n: ["N", ({ fit }) => fit.n],
  r2: ["R²", ({ fit }) => fit.r2],
  "adj-r2": ["adjusted R²", ({ fit }) => fit.adjR2],
  "within-r2": [
    "within R²",
    (_, { absorbed, rss }) => (absorbed === undefined ? Number.NaN : 1 - rss / absorbed.tss),
  ],
  sigma: ["σ", ({ fit }) => fit.sigma],
  rmse: ["RMSE", ({ fit }) => fit.rmse],
  // Where the errors are robust, the F of the classical ones would belie them.
  f: ["F", ({ fit, wald }) => (wald === undefined ? fit.f : wald.f)],
  loglik: ["log-likelihood", ({ fit }) => fit.logLik],
  aic: ["AIC", ({ fit }) => fit.aic],
  bic: ["BIC", ({ fit }) => fit.bic],
  "first-stage-f": [
    "first-stage F",
    (_, model) => leastOf(model.instrumentTests()?.firstStages.map(({ f }) => f)),
  ],
} as const satisfies Record<
  string,
  readonly [label: string, read: (summary: Summary, model: LinearModel) => number]
>;

/** The least of some numbers; NaN of none. */
function leastOf(values: readonly number[] = []): number {
  return values.length === 0 ? Number.NaN : Math.min(...values);
}

export type StatisticName = keyof typeof STATISTICS;

export const STATISTIC_NAMES = Object.keys(STATISTICS) as StatisticName[];

/** What stands below the coefficients unless told otherwise. */
export const USUAL_STATISTICS: readonly StatisticName[] = [
  "n",
  "r2",
  "adj-r2",
  "within-r2",
  "f",
  "first-stage-f",
  "aic",
];

/** What a table shows, and under which names. */
export interface RegressionTableOptions {
  /** Only terms that one of these matches. */
  keep?: readonly RegExp[] | undefined;
  /** No terms that one of these matches. */
  drop?: readonly RegExp[] | undefined;
  /** What terms, targets and absorbed factors are called, by their own names. */
  labels?: Readonly<Record<string, string>>;
  statistics?: readonly StatisticName[] | undefined;
  /** The level of the intervals. */
  level?: number;
}

/** Puts models side by side; terms stand in the order in which the models, one after another, have them. */
export function regressionTable(
  models: readonly TableModel[],
  { keep, drop, labels = {}, statistics = USUAL_STATISTICS, level = 0.95 }: RegressionTableOptions = {},
): RegressionTable {
  const summaries = models.map(({ model }) => model.summary(level));
  const label = (name: string) => (Object.hasOwn(labels, name) ? labels[name]! : name);
  const all = coefficientLines(summaries, label);
  const shown = all.filter(
    ({ term }) => (keep?.some((one) => one.test(term)) ?? true) && !drop?.some((one) => one.test(term)),
  );
  const lines = statistics.map((name): StatisticLine => {
    const [title, read] = STATISTICS[name];
    return { name, label: title, of: summaries.map((summary, i) => read(summary, models[i]!.model)) };
  });
  // Of what is shown unless told otherwise, a line that no model has is left out.
  const told = lines.filter(
    (line) => statistics !== USUAL_STATISTICS || line.of.some((value) => !Number.isNaN(value)),
  );
  return {
    names: models.map(({ name }) => name),
    targets: models.map(({ model }) => label(model.target)),
    coefficients: shown,
    hidden: all.length - shown.length,
    effects: effectLines(models, label),
    about: aboutLines(models, label),
    statistics: told,
    level,
    notes: [
      ...hiddenNotes(all.length - shown.length),
      ...aliasedNotes(shown),
      ...comparabilityNotes(models, told),
    ],
  };
}

function coefficientLines(summaries: readonly Summary[], label: (name: string) => string): CoefficientLine[] {
  const lines = new Map<string, (CoefficientRow | undefined)[]>();
  for (const [i, { coefficients }] of summaries.entries())
    for (const row of coefficients) {
      const line: (CoefficientRow | undefined)[] = lines.get(row.term) ?? summaries.map(() => undefined);
      line[i] = row;
      lines.set(row.term, line);
    }
  return [...lines].map(([term, of]) => ({ term, label: label(term), of }));
}

/** Which models absorbed which effects, by factor. */
function effectLines(models: readonly TableModel[], label: (name: string) => string): TextLine[] {
  const of = models.map(({ model: { spec } }) => (spec.absorbed ?? []).map((v) => spec.variables[v]!.label));
  const factors = [...new Set(of.flat())];
  return factors.map((factor) => ({
    label: `${label(factor)} effects`,
    of: of.map((own) => (own.includes(factor) ? "yes" : "no")),
  }));
}

/** How the models were fitted, of what at least one of them has. */
function aboutLines(models: readonly TableModel[], label: (name: string) => string): TextLine[] {
  const weights = models.map(({ model: { weightsColumn } }) =>
    weightsColumn === undefined ? "" : label(weightsColumn),
  );
  const penalties = models.map(({ model: { penalty } }) => {
    if (penalty === undefined) return "";
    const { lambda, alpha } = penalty;
    if (lambda === 0) return "bounds";
    return alpha === 0 ? "ridge" : alpha === 1 ? "lasso" : "elastic net";
  });
  const covariances = models.map(({ model: { penalty, vcov } }) =>
    penalty === undefined ? vcovShortName(vcov) : "",
  );
  const estimators = models.map(({ model: { instruments } }) =>
    instruments === undefined ? "" : ESTIMATOR_NAMES[instruments.estimator],
  );
  return [
    { label: "estimator", of: estimators },
    { label: "weights", of: weights },
    { label: "penalty", of: penalties },
    { label: "covariance", of: covariances },
  ].filter(({ of }) => of.some((text) => text !== ""));
}

function hiddenNotes(hidden: number): string[] {
  return hidden === 0
    ? []
    : [hidden === 1 ? "1 more term is not shown." : `${hidden} more terms are not shown.`];
}

function aliasedNotes(lines: readonly CoefficientLine[]): string[] {
  const aliased = lines.some(({ of }) => of.some((row) => row !== undefined && Number.isNaN(row.estimate)));
  return aliased ? ["NA: depends linearly on terms before it, and was left out."] : [];
}

/** Criteria that rest on the likelihood compare only fits of the same rows of one target. */
function comparabilityNotes(models: readonly TableModel[], shown: readonly StatisticLine[]): string[] {
  const criteria = shown.filter(({ name }) => name === "loglik" || name === "aic" || name === "bic");
  const same = new Set(models.map(({ model }) => JSON.stringify([model.target, model.n]))).size === 1;
  if (same || criteria.length === 0) return [];
  const names = criteria.map(({ label }) => label).join(" and ");
  return [
    `${names} ${criteria.length === 1 ? "compares" : "compare"} only models of one target on the same rows.`,
  ];
}
