import { answerScan } from "../scan/worker-side.js";
import { createTrainingJob } from "./training-job.js";

/** What of a chunk's result is handed over: the sums and rows of its groups, of which there may be very many. */
answerScan(createTrainingJob, (result) => {
  if (!("dictionary" in result) || result.groups === undefined) return [];
  const { records, rows } = result.groups;
  return [
    records.keys.buffer,
    records.records.buffer,
    ...(rows ? [rows.values.buffer, rows.targets.buffer] : []),
  ];
});
