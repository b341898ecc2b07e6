import { setImmediate as nextTick } from "node:timers/promises";
import type { ChainedHash } from "../csv/chained-hash.js";
import type { LaneSpec } from "../csv/chunk-reader.js";
import { type ResumePoint, startAfter } from "../csv/chunks.js";
import { InterruptedError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { Channel } from "../parallel/channel.js";
import { TaskGroup } from "../parallel/task-group.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { BlockView } from "./block-view.js";
import { type LaneReader, openLane } from "./lane-reader.js";
import { LookBack } from "./look-back.js";
import { resting } from "./resting.js";
import { type LaneEnd, resumeOf, type Scan } from "./scan-options.js";
import {
  answerChunkWithPauses,
  runJobWithPauses,
  type ScanAnswer,
  type ScanOrder,
  type ScanSetup,
  type ScanStop,
} from "./worker-side.js";

/** Chunks that a worker reads before it answers: enough to make the messages cheap, few enough to stop soon. */
const BUDGET = 8;

/**
 * The chunks of a file on worker threads, which take them from a shared counter; the calling thread may be one of
 * the threads. Results are collected in the order of the chunks, `window` of them at most ahead of that.
 */
export async function scanOnWorkers<Plan, Result>(
  options: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number | undefined,
  threads: number,
  hash?: ChainedHash,
): Promise<LaneEnd<ResumePoint>> {
  const {
    entry,
    table,
    layout,
    plan,
    collect,
    signal,
    onProgress,
    window = Number.POSITIVE_INFINITY,
  } = options;
  const { chunkBytes, size } = lane.plan;
  const workers = options.callerWorks && !options.apart ? threads - 1 : threads;
  const lookBack = new LookBack(lane.plan);
  const setup: ScanSetup<Plan> = {
    lane,
    layout,
    plan,
    file: { fd, lookBack: lookBack.buffer, hash: hash?.buffer },
  };
  const pool = new WorkerPool<ScanOrder, ScanAnswer<Result>>(entry, { threads: workers, setup });
  const answers = new Channel<ScanAnswer<Result>>(threads);
  let collected = 0;
  let stop: ScanStop | undefined;
  let wakers: (() => void)[] = [];
  const wake = () => {
    const sleeping = wakers;
    wakers = [];
    for (const waker of sleeping) waker();
  };
  const group = new TaskGroup({
    signal,
    onCancel: (reason) => {
      lookBack.fail();
      answers.abort(reason);
      wake();
      // A chunk of a wide design takes seconds: its thread is not waited for.
      void pool.close();
    },
  });
  // Answers that hold half a thread's share of the window: the other half is read while they are collected.
  const budget = Math.max(1, Math.min(BUDGET, Math.floor(window / (2 * threads))));
  let working = threads;
  const work = async (run: (order: { limit: number; budget: number }) => Promise<ScanAnswer<Result>>) => {
    while (!lookBack.done && !group.cancelled) {
      const limit = collected + window;
      const answer = await run({ limit, budget });
      if (answer.results.length > 0 || answer.stop !== undefined) await answers.send(answer);
      else if (!lookBack.done && collected + window <= limit)
        await new Promise<void>((resolve) => wakers.push(resolve));
    }
    if (--working === 0) answers.close();
  };
  const ready = new Map<number, { result: Result; excluded: number }>();
  let excluded = 0;
  const gather = async () => {
    for await (const answer of answers) {
      for (const { chunk, ...rest } of answer.results) ready.set(chunk, rest);
      if (answer.stop !== undefined) {
        if (stop === undefined || answer.stop.chunk < stop.chunk) stop = answer.stop;
        // Whoever waits for the window to move on may wait in vain: nothing is collected from there.
        wake();
      }
      while (ready.has(collected) && !(stop !== undefined && collected >= stop.chunk)) {
        const { result, excluded: out } = ready.get(collected)!;
        ready.delete(collected);
        excluded += out;
        if ((await collect(result, collected)) === false) {
          lookBack.stopAt(0);
          group.cancel(ENOUGH);
          return;
        }
        collected++;
        wake();
      }
      onProgress?.({ read: Math.min(size, collected * chunkBytes), total: size });
    }
  };
  for (let t = 0; t < workers; t++) group.go(() => work((order) => pool.run(order)));
  if (hash === undefined) table.source.hashBeside();
  if (workers < threads)
    group.go(async () => {
      const kernels = new Kernels();
      await work(scanOnCaller(options, kernels, await openLane(kernels, lane, fd), lookBack, hash));
    });
  group.go(gather);
  try {
    await group.wait();
  } catch (error) {
    await pool.close();
    if (error !== ENOUGH) throw error;
    return { rowsEnd: Number.NaN, excluded, stop: undefined };
  }
  // Its threads have nothing left to do, and take some milliseconds to end: nobody waits for that.
  const ended = pool.close();
  // Where the chunk after the last would start says how many rows there are.
  const rowsEnd = lookBack.start(collected).firstRow;
  return { rowsEnd, excluded, stop: stop && resumeOf(stop), ended };
}

/** The calling thread as a worker of the scan: one chunk at a time, and others run in between. */
function scanOnCaller<Plan, Result>(
  { create, layout, plan }: Scan<Plan, Result>,
  kernels: Kernels,
  reader: LaneReader,
  lookBack: LookBack,
  hash: ChainedHash | undefined,
): (order: { limit: number }) => Promise<ScanAnswer<Result>> {
  const view = new BlockView(kernels, reader, layout);
  const job = create(view, plan);
  const rest = resting(() => {
    if (lookBack.failed) throw new InterruptedError("the scan has failed elsewhere");
  });
  return async ({ limit }) => {
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    const chunk = lookBack.take(limit);
    if (chunk < 0) return answer;
    reader.load(chunk);
    const count = reader.count();
    let start = lookBack.peek(chunk);
    while (start === undefined) {
      // Blocking here would keep the news of a worker's death from arriving.
      await nextTick();
      if (lookBack.failed) return answer;
      start = lookBack.peek(chunk);
    }
    lookBack.publish(chunk + 1, startAfter(start, count));
    while (hash?.add(chunk, kernels, reader) === false) {
      await nextTick();
      if (lookBack.failed) return answer;
    }
    const known = start;
    await answerChunkWithPauses(answer, chunk, () => runJobWithPauses(reader, view, job, known, rest));
    if (answer.stop !== undefined) lookBack.stopAt(chunk);
    await nextTick();
    return answer;
  };
}

/** Cancels the tasks of a scan whose collector has had enough. */
const ENOUGH = Symbol("enough");
