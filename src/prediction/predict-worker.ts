import { answerScan } from "../scan/worker-side.js";
import { PredictJob, type PredictPlan } from "./predict-job.js";

answerScan(
  (kernels, source, plan: PredictPlan) => new PredictJob(kernels, source, plan),
  ({ text }) => [text.buffer],
);
