import { withSources } from "../sources/tables.js";
import { fitTargetsOf } from "./fit-csv.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { CsvFit } from "./fit-target.js";

/** The fits of several targets to the same rows. */
export interface CsvTargetsFit {
  /** One for each target, in the order in which they were named. */
  fits: CsvFit[];
  /** Remarks on the data and the rows, which the notes of each fit begin with. */
  notes: string[];
}

/**
 * Fits each of several targets on the same terms, in one pass: `targets: ["a", "b"]`, or a formula `cbind(a, log(b)) ~ x`. The Gram
 * matrix XᵀX is summed and factored once, and gets a right side for each target, so that each model is, to the last bit, the one
 * that `fitCsv` gives of these rows. A row is complete where all targets are. What needs the rows once more (robust errors,
 * cross-validation by rows, conformal intervals) reads them once more for each target.
 *
 * The moments of each model have the columns of all targets: `jointTests` tests terms on all of them at once, and `refit` goes
 * from one to another.
 *
 * @throws as `fitCsv`; UsageError for solvers that need all rows at once, and windows
 *
 * @example
 * ```js
 * import { fitTargetsCsv } from "goml";
 *
 * const { fits } = await fitTargetsCsv("data/boston.csv", { targets: ["medv", "nox"], features: ["rm", "dis"] });
 * for (const { model } of fits) console.log(model.target, model.coefficients[1].toFixed(4));
 * // medv 8.8014
 * // nox -0.0248
 * ```
 */
export async function fitTargetsCsv(
  data: string | readonly string[],
  options: FitCsvOptions = {},
): Promise<CsvTargetsFit> {
  return withSources(data, options.signal, (sources) => fitTargetsOf(sources, options, { several: true }));
}
