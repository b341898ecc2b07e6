import type { CreateJob } from "./chunk-job.js";
import { MomentsJob, type MomentsPlan } from "./moments-job.js";
import type { MomentsResult } from "./moments-result.js";
import { ScoreJob, type ScorePlan, type ScoreResult } from "./score-job.js";

/** The jobs that the scan's workers know. */
export type TrainingPlan = { moments: MomentsPlan } | { score: ScorePlan };

/** Makes the job that a plan asks for. */
export const createTrainingJob: CreateJob<TrainingPlan, MomentsResult | ScoreResult> = (
  kernels,
  source,
  plan,
) =>
  "moments" in plan
    ? new MomentsJob(kernels, source, plan.moments)
    : new ScoreJob(kernels, source, plan.score);
