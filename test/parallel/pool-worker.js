// The worker of worker-pool.test.ts and early-threads.test.ts.
import { UsageError } from "../../dist/errors.js";
import { answerJobs } from "../../dist/parallel/answer.js";

let turn;

const answer = (job) => {
  if (job.count !== undefined) {
    const active = Atomics.add(turn, 0, 1) + 1;
    for (let most = Atomics.load(turn, 1); active > most; most = Atomics.load(turn, 1)) {
      Atomics.compareExchange(turn, 1, most, active);
    }
    Atomics.wait(turn, 2, 0, 1);
    Atomics.sub(turn, 0, 1);
    return job.count * 2;
  }
  if (job.block) {
    Atomics.store(turn, 3, 1);
    Atomics.notify(turn, 3);
    Atomics.wait(turn, 2, 0);
    return "unblocked";
  }
  if (job.fail === "usage") throw new UsageError("no such job", { hint: "give another" });
  if (job.fail === "plain") throw new RangeError("out of range");
  if (job.exit !== undefined) process.exit(job.exit);
  return job;
};

answerJobs(
  answer,
  () => [],
  (setup) => {
    turn = new Int32Array(setup);
  },
);
