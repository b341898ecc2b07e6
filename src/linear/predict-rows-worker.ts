import { answerJobs } from "../parallel/answer.js";
import type { RowsJob } from "./predict-concurrent.js";
import { predictRows } from "./predict-rows.js";

answerJobs<RowsJob, null>(({ X, weights, out, from, to }) => {
  predictRows(X, weights, out, from, to);
  return null;
});
