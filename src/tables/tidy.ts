import { quoteField } from "../csv/write.js";
import { vcovShortName } from "../linear/covariance/vcov.js";
import type { RegressionTable, TableModel } from "./regression-table.js";

/** A line of CSV; every number is the shortest decimal that reads back, what there is not is NA. */
function line(cells: readonly (string | number)[]): string {
  return `${cells.map((cell) => (typeof cell === "string" ? quoteField(cell) : Number.isNaN(cell) ? "NA" : String(cell))).join(",")}\n`;
}

/** The coefficients of models one below another, with the columns of R's `broom::tidy`, and the model's name first. */
export function* tidyCsv(models: readonly TableModel[], level: number): Generator<string, void, void> {
  yield "model,term,estimate,std.error,statistic,p.value,conf.low,conf.high\n";
  for (const { name, model } of models)
    for (const { term, estimate, stdError, t, p, lower, upper } of model.summary(level).coefficients)
      yield line([name, term, estimate, stdError, t, p, lower, upper]);
}

/**
 * A row for each model, with the columns of R's `broom::glance`; its within R² is that of fixest. `statistic` is F, under a
 * robust covariance the Wald test's, `df` and `p.value` its own.
 */
export function* glanceCsv(models: readonly TableModel[]): Generator<string, void, void> {
  yield "model,target,r.squared,adj.r.squared,within.r.squared,sigma,statistic,p.value,df,logLik,AIC,BIC,deviance,df.residual,nobs,vcov\n";
  for (const { name, model } of models) {
    const { fit, wald } = model.summary();
    const { absorbed, rss } = model;
    yield line([
      name,
      model.target,
      fit.r2,
      fit.adjR2,
      absorbed === undefined ? Number.NaN : 1 - rss / absorbed.tss,
      fit.sigma,
      wald?.f ?? fit.f,
      wald?.p ?? fit.fP,
      wald?.df1 ?? fit.fDf,
      fit.logLik,
      fit.aic,
      fit.bic,
      rss,
      fit.dfResidual,
      fit.n,
      model.penalty === undefined ? vcovShortName(model.vcov) : "NA",
    ]);
  }
}

/** A table as CSV with its numbers in full: a line for each term and each of its numbers, a column for each model. */
export function* tableCsv({
  names,
  targets,
  coefficients,
  effects,
  about,
  statistics,
}: RegressionTable): Generator<string, void, void> {
  yield line(["part", "term", "statistic", ...names]);
  yield line(["about", "target", "", ...targets]);
  for (const { label, of } of coefficients)
    for (const [statistic, name] of NUMBERS)
      yield line([
        "coefficients",
        label,
        name,
        ...of.map((row) => (row === undefined ? "" : row[statistic])),
      ]);
  for (const { label, of } of [...effects, ...about]) yield line(["about", label, "", ...of]);
  for (const { name, of } of statistics) yield line(["statistics", name, "", ...of]);
}

const NUMBERS = [
  ["estimate", "estimate"],
  ["stdError", "std.error"],
  ["t", "statistic"],
  ["p", "p.value"],
  ["lower", "conf.low"],
  ["upper", "conf.high"],
] as const;
