import type { Table } from "../csv/table.js";
import type { LinearModel } from "../linear/model/model.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { DrawPlan } from "../scan/row-draw.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import { LeaveOneOutJob, type LeaveOneOutPlan, type LeaveOneOutSums, merge } from "./leave-one-out-job.js";
import { ofFit } from "./robust-vcov.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";

class LeaveOneOutTotal {
  readonly sums: LeaveOneOutSums;

  constructor(sums: LeaveOneOutSums) {
    this.sums = sums;
  }

  absorb(later: LeaveOneOutTotal): this {
    merge(this.sums, later.sums);
    return this;
  }
}

/**
 * Leave-one-out cross-validation of least squares in one more pass: without row i its residual would be e_i/(1 − h_i), h its
 * leverage, exactly (Allen 1974, the PRESS identity). Rows of leverage 1 cannot be predicted by the others, and are counted.
 * The errors are weighted means, as those of folds.
 */
export async function leaveOneOutByLeverage(
  table: Table,
  layout: RowLayout,
  model: LinearModel,
  split: DrawPlan,
  control: ScanControl,
): Promise<CrossValidation> {
  const { testSize, seed, firstRow, foldBy } = split;
  const plan: LeaveOneOutPlan = {
    predictor: ofFit(model.predictorPlan(true)),
    whitening: await withPauses(model.whiteningSteps(), control),
    within: await withPauses(model.withinPlanSteps("leaving one row out"), control),
    testSize,
    seed,
    firstRow,
    foldBy,
  };
  const { total } = await scanTotal<TrainingPlan, LeaveOneOutSums, LeaveOneOutTotal>(
    table,
    layout,
    {
      plan: { leaveOneOut: plan },
      create: (view) => new LeaveOneOutJob(view, plan),
      entry: ENTRY,
      total: (sums) => new LeaveOneOutTotal(sums),
    },
    control,
  );
  const { n, unpredicted, sumW, target, square } = total!.sums;
  const [mse, spread] = square;
  return {
    folds: [],
    leftOut: 0,
    unpredicted,
    mse,
    rmse: Math.sqrt(mse),
    r2: 1 - (sumW * mse) / target[1],
    mseError: Math.sqrt(spread / sumW / (n - 1)),
  };
}
