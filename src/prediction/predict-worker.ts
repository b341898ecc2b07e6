import { answerScan } from "../scan/worker-side.js";
import { PredictJob, type PredictPlan } from "./predict-job.js";

answerScan(
  (view, plan: PredictPlan) => new PredictJob(view, plan),
  ({ text }) => [text.buffer],
);
