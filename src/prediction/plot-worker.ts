import { answerScan } from "../scan/worker-side.js";
import { PlotJob, type PlotPlan } from "./plot-job.js";

answerScan((view, plan: PlotPlan) => new PlotJob(view, plan));
