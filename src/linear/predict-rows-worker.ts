import { answerJobs } from "../parallel/answer.js";
import { type RowsJob, takeSteps } from "./predict-concurrent.js";

answerJobs<RowsJob, null>((job) => {
  takeSteps(job);
  return null;
});
