import { answerScan } from "../scan/worker-side.js";
import { DiagnoseJob, type DiagnosePlan } from "./diagnose-job.js";

answerScan((kernels, source, plan: DiagnosePlan) => new DiagnoseJob(kernels, source, plan));
