import type { Failure } from "../../parallel/answer.js";

/** What a worker posts when a step failed there: the run's number, the step's, and the error. */
export interface WorkerFailure {
  readonly run: number;
  readonly step: number;
  readonly failure: Failure;
}
