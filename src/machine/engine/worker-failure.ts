import type { Failure } from "../../parallel/answer.js";

/** What a worker posts when a step failed there: the machine's number in its crew, the run's, the step's, and the error. */
export interface WorkerFailure {
  readonly program: number;
  readonly run: number;
  readonly step: number;
  readonly failure: Failure;
}
