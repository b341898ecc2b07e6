import type { Table } from "../csv/table.js";
import { placesOf } from "../dataset/column-places.js";
import { DataError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import {
  crossValidateForwardSteps,
  crossValidateWithSteps,
  type Penalty,
} from "../linear/penalty/penalty.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import {
  groupFoldsSteps,
  type Part,
  type PartedFolds,
  timeFoldsSteps,
} from "../linear/solve/parted-folds.js";
import type { Regression } from "../linear/solve/regression.js";
import { withPauses } from "../parallel/with-pauses.js";
import { type RowLayout, withGroup } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { unknownColumn } from "./choose-columns.js";
import type { CvKind } from "./cv-kind.js";
import type { MomentsPlan } from "./moments-job.js";
import { scanMoments } from "./scan-moments.js";

/** Splits along time unless it is said how many, as in scikit-learn. */
const TIME_SPLITS = 5;

/** A table's rows as they are scanned for moments. */
interface ScannedRows {
  table: Table;
  layout: RowLayout;
  plan: MomentsPlan;
  control: ScanControl;
}

/** Throws UsageError where the table lacks the column by whose values rows are folded. */
export function checkCvColumn(kind: CvKind, { columns, source }: Table): void {
  if (!("column" in kind)) return;
  const places = placesOf(columns);
  if (!places.has(kind.column)) throw unknownColumn(kind.column, [...places.keys()], source.name);
}

/**
 * The moments of the rows of each value of a column, put into folds: one pass.
 *
 * @param fit the rows of the fit, of which none may lack the value
 * @param count how many folds are asked for
 */
export async function foldsByColumn(
  { table, layout, plan, control }: ScannedRows,
  kind: Extract<CvKind, { column: string }>,
  fit: CrossProducts,
  count: number | undefined,
): Promise<PartedFolds> {
  const group = placesOf(table.columns).get(kind.column)!;
  const what = { ...plan, folds: 1, extended: fit.extended, clusters: undefined };
  const { total } = await scanMoments(table, withGroup(layout, group), what, control);
  const parts: Part[] = total
    .groups!.names.map((name) => ({ name, moments: total.groups!.foldsOf(name)[0]! }))
    .filter(({ moments }) => moments.n > 0);
  const found = parts.reduce((sum, { moments }) => sum + moments.n, 0);
  if (found < fit.n)
    throw new DataError(
      `${fit.n - found} ${fit.n - found === 1 ? "row" : "rows"} of the fit have no value in ${kind.column}, by which rows are folded`,
      {
        place: { file: table.source.name, column: kind.column },
        hint: "fill them in, or leave such rows out",
      },
    );
  return kind.kind === "group"
    ? withPauses(groupFoldsSteps(parts, count), control)
    : withPauses(timeFoldsSteps(parts, count ?? TIME_SPLITS, kind.column), control);
}

/** Cross-validates by folds of a column's values: each group by the others, or each stretch of time by those before. */
export function crossValidateParted(
  kind: CvKind["kind"],
  { folds }: PartedFolds,
  regression: Regression,
  penalty: Penalty | undefined,
  control: ScanControl,
): Promise<CrossValidation> {
  const steps = kind === "time" ? crossValidateForwardSteps : crossValidateWithSteps;
  return withPauses(steps(folds, regression, penalty), control);
}

/**
 * Cross-validates in random folds drawn several times, each in a pass of its own. Errors are means over the repetitions, and
 * their standard errors the means of those over folds: repetitions share their rows, and tell nothing more of other rows.
 *
 * @param first the folds of the first repetition
 */
export async function crossValidateRepeatedly(
  { table, layout, plan, control }: ScannedRows,
  model: LinearModel,
  first: readonly CrossProducts[],
  times: number,
): Promise<{ cv: CrossValidation; repetitions: CrossValidation[] }> {
  const { regression, penalty } = model;
  const repetitions: CrossValidation[] = [];
  for (let time = 0; time < times; time++) {
    const again = { ...plan, extended: model.moments.extended, foldSeed: plan.seed + time };
    const folds = time === 0 ? first : (await scanMoments(table, layout, again, control)).total.folds;
    repetitions.push(await withPauses(crossValidateWithSteps(folds, regression, penalty), control));
  }
  const mean = (of: (cv: CrossValidation) => number) =>
    repetitions.reduce((sum, cv) => sum + of(cv), 0) / times;
  const mse = mean((cv) => cv.mse);
  const cv: CrossValidation = {
    folds: repetitions.flatMap(({ folds }) => folds),
    leftOut: repetitions.reduce((sum, { leftOut }) => sum + leftOut, 0),
    mse,
    rmse: Math.sqrt(mse),
    r2: mean((one) => one.r2),
    mseError: mean((one) => one.mseError),
  };
  return { cv, repetitions };
}
