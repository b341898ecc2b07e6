import { answerScan } from "../scan/worker-side.js";
import { createScoreJob } from "./model/score-job.js";

answerScan(createScoreJob);
