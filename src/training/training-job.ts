import type { CreateJob } from "../scan/chunk-job.js";
import { ConformalJob, type ConformalResult, type ConformalScan } from "./conformal-job.js";
import { CvJob, type CvPlan, type FoldSums } from "./cv-job.js";
import { GroupCvJob, type GroupCvPlan, type GroupCvResult } from "./group-cv-job.js";
import { LagJob, type LagPlan, type LagResult } from "./lag-job.js";
import { LeaveOneOutJob, type LeaveOneOutPlan, type LeaveOneOutSums } from "./leave-one-out-job.js";
import { MomentsJob, type MomentsPlan } from "./moments-job.js";
import type { MomentsResult } from "./moments-result.js";
import { SummaryJob, type SummaryPlan, type SummaryResult } from "./summary-job.js";
import { VcovJob, type VcovPlan, type VcovResult } from "./vcov-job.js";

/** The jobs that the scan's workers know. */
export type TrainingPlan =
  | { moments: MomentsPlan }
  | { vcov: VcovPlan }
  | { cv: CvPlan }
  | { groupCv: GroupCvPlan }
  | { leaveOneOut: LeaveOneOutPlan }
  | { conformal: ConformalScan }
  | { summary: SummaryPlan }
  | { lags: LagPlan };

/** Makes the job that a plan asks for. */
export const createTrainingJob: CreateJob<
  TrainingPlan,
  | MomentsResult
  | VcovResult
  | FoldSums[]
  | GroupCvResult
  | LeaveOneOutSums
  | ConformalResult
  | SummaryResult
  | LagResult
> = (view, plan) => {
  if ("moments" in plan) return new MomentsJob(view, plan.moments);
  if ("cv" in plan) return new CvJob(view, plan.cv);
  if ("groupCv" in plan) return new GroupCvJob(view, plan.groupCv);
  if ("leaveOneOut" in plan) return new LeaveOneOutJob(view, plan.leaveOneOut);
  if ("conformal" in plan) return new ConformalJob(view, plan.conformal);
  if ("summary" in plan) return new SummaryJob(view, plan.summary);
  if ("lags" in plan) return new LagJob(view, plan.lags);
  return new VcovJob(view, plan.vcov);
};
