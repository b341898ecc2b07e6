import type { Table } from "../csv/table.js";
import { placesOf } from "../dataset/column-places.js";
import { DataError, UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import {
  crossValidateForwardSteps,
  crossValidateWithSteps,
  type Penalty,
} from "../linear/penalty/penalty.js";
import { type CrossValidation, meanOfDraws } from "../linear/solve/cross-validation.js";
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
import { countedByWeights } from "../stats/frequencies.js";
import { packedLength } from "../stats/packed.js";
import { option, wording } from "../wording.js";
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
  const counted = (moments: CrossProducts) => (plan.frequencies ? countedByWeights(moments) : moments);
  const parts: Part[] = total
    .groups!.names.map((name) => ({ name, moments: counted(total.groups!.foldsOf(name)[0]!) }))
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

/** Numbers that the folds of several draws may hold together: 1 GB. */
const MOST_NUMBERS = 1 << 27;

/** The folds of one more draw of many: one pass. */
async function drawFolds(
  { table, layout, plan, control }: ScannedRows,
  extended: boolean,
  time: number,
): Promise<readonly CrossProducts[]> {
  const again = { ...plan, extended, foldSeed: plan.seed + time };
  return (await scanMoments(table, layout, again, control)).total.folds;
}

/**
 * The folds of all draws but the first, to choose a λ by: each needs all of them.
 *
 * @throws UsageError where they are too many to hold
 */
export async function drawFoldsAgain(
  rows: ScannedRows,
  { extended, columns }: Pick<CrossProducts, "extended" | "columns">,
  times: number,
): Promise<(readonly CrossProducts[])[]> {
  const numbers = times * rows.plan.folds * packedLength(columns.length) * (extended ? 2 : 1);
  if (numbers > MOST_NUMBERS)
    throw new UsageError(
      `to choose a λ, ${times} draws of ${rows.plan.folds} folds of ${columns.length} columns are held at once, and are too many`,
      { hint: wording`ask for fewer draws, or give a number to ${option("lambda")}` },
    );
  const draws: (readonly CrossProducts[])[] = [];
  for (let time = 1; time < times; time++) draws.push(await drawFolds(rows, extended, time));
  return draws;
}

/**
 * Cross-validates in random folds drawn several times, each in a pass of its own; see `meanOfDraws`.
 *
 * @param first the folds of the first draw
 * @param again those of the others, where they have been drawn
 */
export async function crossValidateRepeatedly(
  rows: ScannedRows,
  model: LinearModel,
  first: readonly CrossProducts[],
  times: number,
  again: readonly (readonly CrossProducts[])[] | undefined,
): Promise<{ cv: CrossValidation; repetitions: CrossValidation[] }> {
  const { regression, penalty } = model;
  const repetitions: CrossValidation[] = [];
  for (let time = 0; time < times; time++) {
    const folds =
      time === 0 ? first : (again?.[time - 1] ?? (await drawFolds(rows, model.moments.extended, time)));
    repetitions.push(await withPauses(crossValidateWithSteps(folds, regression, penalty), rows.control));
  }
  return { cv: meanOfDraws(repetitions), repetitions };
}
