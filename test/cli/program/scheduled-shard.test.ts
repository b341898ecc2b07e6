import { expect, test } from "vitest";
import { scheduledShard } from "../../../src/cli/program/scheduled-shard.js";

const slurm = (id: number, min: number, max: number, step = 1) => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_MIN: `${min}`,
  SLURM_ARRAY_TASK_MAX: `${max}`,
  SLURM_ARRAY_TASK_STEP: `${step}`,
  SLURM_ARRAY_TASK_COUNT: `${Math.floor((max - min) / step) + 1}`,
});

test.each([
  ["--array=1-8", slurm(3, 1, 8), undefined, { number: 3, of: 8 }],
  ["--array=0-7", slurm(0, 0, 7), undefined, { number: 1, of: 8 }],
  ["--array=10-30:10", slurm(20, 10, 30, 10), undefined, { number: 2, of: 3 }],
  ["--array=3 of 8, run again", slurm(3, 3, 3), 8, { number: 3, of: 8 }],
  ["an indexed job", { JOB_COMPLETION_INDEX: "0", JOB_COMPLETIONS: "4" }, undefined, { number: 1, of: 4 }],
  ["an indexed job that does not say", { JOB_COMPLETION_INDEX: "3" }, 4, { number: 4, of: 4 }],
  [
    "AWS Batch",
    { AWS_BATCH_JOB_ARRAY_INDEX: "7", AWS_BATCH_JOB_ARRAY_SIZE: "8" },
    undefined,
    { number: 8, of: 8 },
  ],
  ["PBS -J 1-8", { PBS_ARRAY_INDEX: "5" }, 8, { number: 5, of: 8 }],
  ["GNU parallel", { PARALLEL_SEQ: "2" }, 8, { number: 2, of: 8 }],
  [
    "an array's task that runs GNU parallel",
    { ...slurm(2, 1, 2), PARALLEL_SEQ: "7" },
    undefined,
    { number: 2, of: 2 },
  ],
])("%s", (_what, environment, of, found) => {
  expect(scheduledShard(environment, of)).toEqual(found);
});

test.each([
  ["no scheduler", {}, undefined, "needs a scheduler's variable: SLURM_ARRAY_TASK_ID"],
  ["a count that nobody tells", { PBS_ARRAY_INDEX: "5" }, undefined, "PBS does not say how many"],
  [
    "an array with gaps, --array=1,5,9",
    slurm(9, 1, 3),
    undefined,
    "SLURM_ARRAY_TASK_ID is 9, of 3 tasks from 1 on",
  ],
  ["a task from 0 that runs again", slurm(0, 0, 0), 8, "SLURM_ARRAY_TASK_ID is 0, of 8 tasks from 1 on"],
  ["no number", { JOB_COMPLETION_INDEX: "x" }, 3, 'JOB_COMPLETION_INDEX is "x", no number'],
])("%s is refused", (_what, environment, of, message) => {
  expect(scheduledShard(environment, of)).toContain(message);
});
