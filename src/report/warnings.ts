import type { LinearModel } from "../linear/model/model.js";
import { count, pValue, significant } from "../number-text.js";
import type { Diagnosis } from "../prediction/diagnose-csv.js";
import { tTwoSided } from "../stats/distributions.js";
import { bentFormula } from "./bend.js";

/** A remark, and the command that follows it up, where one does. */
export interface Remark {
  text: string;
  command?: string;
}

/** Below this p-value a test's finding is said. */
const FOUND = 0.01;

/** A condition number beyond which coefficients hang on each other. */
const ILL_CONDITIONED = 30;

/** A longer formula is no remark any more. */
const LONGEST_FORMULA = 300;

/** What the residuals of a fit give reason to say. */
export function residualRemarks(model: LinearModel, found: Diagnosis): Remark[] {
  const { breuschPagan, reset, jarqueBera, durbinWatson, outlier, counts, n, limits } = found;
  const remarks: Remark[] = [];
  if (!found.ofFit)
    remarks.push({
      text: "These are not the rows of the fit: leverage and influence are what they would have in it.",
    });
  if (breuschPagan !== undefined && breuschPagan.p < FOUND && model.vcov.type === "iid")
    remarks.push({
      text: `The spread of the residuals changes with the terms: Breusch–Pagan p ${pValue(breuschPagan.p)}. Standard errors that do not take it for constant:`,
      command: "goml train … --vcov hc3",
    });
  if (reset !== undefined && reset.p < FOUND) {
    const formula = bentFormula(model, found.plots);
    const known = formula !== undefined && formula.length <= LONGEST_FORMULA;
    remarks.push({
      text:
        `The residuals follow powers of the fitted values: RESET p ${pValue(reset.p)}. A term may be missing, or bent: look at the ` +
        `partial residuals${known ? ", and try the one that is bent most as a parabola:" : "."}`,
      ...(known ? { command: `goml train … --formula '${formula.replaceAll("'", "'\\''")}'` } : {}),
    });
  }
  if (jarqueBera.p < FOUND && n < 200)
    remarks.push({
      text: `The errors are not normal (Jarque–Bera p ${pValue(jarqueBera.p)}), and ${n} rows are few: t tests and intervals are approximate.`,
    });
  const bound = 1 / Math.sqrt(n);
  const { statistic, autocorrelation } = durbinWatson;
  if (n > 20 && tTwoSided(autocorrelation / bound, Number.POSITIVE_INFINITY) < FOUND / 10) {
    const [what, errors] =
      autocorrelation > 0 ? ["resembles", "too small"] : ["tends to be opposite to", "not to be trusted"];
    remarks.push({
      text:
        `Each residual ${what} the one before it (Durbin–Watson ${significant(statistic, 3)}, correlation ` +
        `${significant(autocorrelation, 2)}): where the rows are in order of time or place, standard errors are ${errors}. By groups of rows:`,
      command: "goml train … --vcov cluster --cluster column",
    });
  }
  if (outlier !== undefined && outlier.p < FOUND)
    remarks.push({
      text: `Row ${outlier.row.name || outlier.row.row} lies far off: |rstudent| ${significant(Math.abs(outlier.row.rstudent), 3)}, p ${pValue(outlier.p)} of ${count(n)} rows (Bonferroni).`,
    });
  if (counts.cooks > 0)
    remarks.push({
      text: `${count(counts.cooks)} of ${count(n)} rows move the coefficients by themselves: Cook’s distance beyond ${significant(limits.cooks, 3)}.`,
    });
  return remarks;
}

/** What a model gives reason to say by itself. */
export function modelRemarks(model: LinearModel): Remark[] {
  const { conditionNumber, aliased, dfResidual, parameters, n, penalty, terms } = model;
  const remarks: Remark[] = [];
  if (aliased.length > 0) {
    const named = aliased.slice(0, 5).join(", ");
    const more = aliased.length > 5 ? ` and ${aliased.length - 5} more` : "";
    remarks.push({ text: `Left out, for they follow from the terms before them: ${named}${more}.` });
  }
  if (penalty !== undefined)
    remarks.push({
      text: "A penalised fit is biased: it has no standard errors, tests and leverages. Its rows are measured by their residuals’ root mean square.",
    });
  else if (dfResidual <= 0)
    remarks.push({
      text: `${count(n)} rows on ${count(parameters)} coefficients leave no residuals: nothing tells how good this fit is.`,
    });
  else if (n < 10 * parameters && terms.length > 1)
    remarks.push({
      text: `${count(n)} rows are few for ${count(parameters)} coefficients: out-of-fold errors tell more than R².`,
    });
  if (penalty === undefined && conditionNumber > ILL_CONDITIONED)
    remarks.push({
      text: `Terms are hard to tell apart: the condition number is ${significant(conditionNumber, 3)}. See the variance inflation, and`,
      command: "goml refit … --lambda path",
    });
  return remarks;
}
