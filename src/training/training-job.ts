import type { CreateJob } from "../scan/chunk-job.js";
import { MomentsJob, type MomentsPlan } from "./moments-job.js";
import type { MomentsResult } from "./moments-result.js";
import { VcovJob, type VcovPlan, type VcovResult } from "./vcov-job.js";

/** The jobs that the scan's workers know. */
export type TrainingPlan = { moments: MomentsPlan } | { vcov: VcovPlan };

/** Makes the job that a plan asks for. */
export const createTrainingJob: CreateJob<TrainingPlan, MomentsResult | VcovResult> = (view, plan) => {
  if ("moments" in plan) return new MomentsJob(view, plan.moments);
  return new VcovJob(view, plan.vcov);
};
