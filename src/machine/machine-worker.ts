// A worker thread of a GoMachine: computes its share of heavy ops in shared memory.
import { threadId } from "node:worker_threads";
import { answerJobs } from "../parallel/answer.js";
import { rebuildOp } from "./ops/registry.js";
import { NEXT, type Shard, type ShardDone, STOP } from "./shard.js";
import { wallClock } from "./trace.js";

answerJobs(async (shard: Shard): Promise<ShardDone> => {
  const started = wallClock();
  const { inputs, output, grain, control } = shard;
  const kernel = rebuildOp(shard.op, shard.attributes).prepare(shard.shapes, shard.shape);
  while (Atomics.load(control, STOP) === 0) {
    const from = Atomics.add(control, NEXT, grain);
    if (from >= kernel.units) break;
    await kernel.run(inputs, output, from, Math.min(from + grain, kernel.units));
  }
  return { thread: threadId, started, ended: wallClock() };
});
