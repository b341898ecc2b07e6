import { basicKeys } from "../../stats/combined-columns.js";
import { combinedCells, meatOfCells } from "../covariance/kept-cells.js";
import type { KeptMeat } from "../covariance/kept-kinds.js";
import { meatOfProducts } from "../covariance/kept-products.js";
import { type HeteroType, robustVcov } from "../covariance/meat.js";
import { type RobustVcov, vcovName } from "../covariance/vcov.js";
import type { LinearModel } from "../model/model.js";
import type { Estimate } from "../model/solve-spec.js";
import { conformalNotes, vcovNotes } from "./compatible.js";

/** The covariances that follow from what a model keeps of its rows. */
const OF_CELLS: readonly string[] = ["hc0", "hc1", "hc2", "hc3", "hc4", "hc4m", "hc5", "jackknife"];

/** What is to be said where errors would have to be classical, and cannot be. */
const NO_ERRORS =
  "there are no standard errors: with probability weights they are robust, which needs all rows at once (goml meat, of shards)";

/** Digits of a meat below which it is not to be had from sums of four columns each. */
const LEAST_DIGITS = 4;

/**
 * A model that was solved without its rows, with the robust errors of those that it is made of where what they keep tells
 * them: as they were, or HC1 where leverages would be needed, which is said; else a note says that they are lost.
 *
 * @param before the covariances of the models that it is made of
 * @param kept what is kept of the rows; undefined where nothing is, or not of all
 */
export function withKeptVcov(
  solved: Estimate,
  before: readonly LinearModel[],
  kept: KeptMeat | undefined,
): Estimate {
  const found = { ...solved, notes: [...conformalNotes(before), ...solved.notes] };
  const robust = before.map(({ vcov }) => vcov).find((vcov): vcov is RobustVcov => vcov.type !== "iid");
  const model = kept === undefined ? found.model : found.model.withKeptMeat(kept);
  const sampled = model.weightsKind === "probability" && model.penalty === undefined;
  const lost = sampled
    ? { ...found, model: model.withoutErrors(), notes: [NO_ERRORS, ...found.notes] }
    : { ...found, model, notes: [...vcovNotes(before), ...found.notes] };
  if (robust === undefined) return sampled ? lost : { ...found, model };
  if (kept === undefined || model.penalty !== undefined || (model.aliased.length > 0 && model.rank === 0))
    return lost;
  const made = keptVcov(model, kept, robust);
  if (made === undefined) return lost;
  return { ...found, model: model.withVcov(made.vcov), notes: [made.note, ...found.notes] };
}

/** The covariance of a model's rows by what it keeps of them, and how exact it is; undefined where it does not follow. */
function keptVcov(
  model: LinearModel,
  kept: KeptMeat,
  asked: RobustVcov,
): { vcov: RobustVcov; note: string } | undefined {
  const { type, ssc, cluster } = asked;
  if (cluster !== undefined || !OF_CELLS.includes(type)) return undefined;
  const { regression, whitening } = model;
  // All columns of a scan are kept, of levels and combinations that no row had too: what is not there is not known to be zero.
  const known = new Set(kept.kind === "cells" ? [...kept.columns, kept.target] : kept.columns);
  if ((basicKeys(regression.terms) ?? regression.terms).some((key) => !known.has(key))) return undefined;
  const fit = { n: model.n, parameters: model.parameters, whitening };
  if (kept.kind === "cells") {
    const cells = combinedCells(kept, regression.terms);
    const columns = regression.terms.map((key) => cells.columns.indexOf(key));
    const own = kept.target === regression.target;
    const target = own ? -1 : kept.columns.indexOf(regression.target);
    if (!own && target < 0) return undefined;
    const meat = meatOfCells(cells, { columns, target }, whitening, type as HeteroType, fit);
    if (meat === undefined) return undefined;
    const vcov = robustVcov(type as HeteroType, meat, fit, ssc);
    return {
      vcov,
      note: `errors are ${vcovName(vcov)} still, exact: from ${kept.rows.length} distinct rows that the model keeps`,
    };
  }
  const kind = type === "hc0" ? "hc0" : "hc1";
  const { meat, lost } = meatOfProducts(kept, regression, whitening);
  const digits = Math.floor(16 - lost);
  if (kept.kind === "quartic" && digits < LEAST_DIGITS) return undefined;
  const vcov = robustVcov(kind, meat, fit, kind === "hc1" ? ssc : undefined);
  const name = vcovName(vcov);
  const instead = type === kind ? `${name} still` : `${name}, for ${type} needs each row's leverage`;
  return {
    vcov,
    note:
      kept.kind === "quartic"
        ? `errors are ${instead}, exact to ${digits < 9 ? `${digits} digits` : "rounding"}: from sums of four columns each that the model keeps`
        : `errors are ${instead}, approximately: standard errors from 1,000 buckets of rows are within 2.2 % of the rows' ` +
          "own two times in three",
  };
}
