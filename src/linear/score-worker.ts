import { answerScan } from "../scan/worker-side.js";
import { createScoreJob } from "./score-job.js";

answerScan(createScoreJob);
