import { answerScan } from "../scan/worker-side.js";
import { DiagnoseGroupsJob, type DiagnoseGroupsPlan } from "./diagnose-groups-job.js";

answerScan((view, plan: DiagnoseGroupsPlan) => new DiagnoseGroupsJob(view, plan));
