import { answerScan } from "../scan/worker-side.js";
import { DiagnoseJob, type DiagnosePlan } from "./diagnose-job.js";

answerScan((view, plan: DiagnosePlan) => new DiagnoseJob(view, plan));
