import { answerScan } from "../scan/worker-side.js";
import { createTrainingJob } from "./training-job.js";

answerScan(createTrainingJob);
