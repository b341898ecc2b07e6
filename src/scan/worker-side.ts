import { threadId } from "node:worker_threads";
import { ChainedHash } from "../csv/chained-hash.js";
import type { LaneSpec } from "../csv/chunk-reader.js";
import { type ChunkStart, LaneStop, type ResumePoint, startAfter } from "../csv/chunks.js";
import type { StreamChunk } from "../csv/stream-chunks.js";
import { threadKernels } from "../kernels/kernels.js";
import { answerJobs, type Failure, failureOf } from "../parallel/answer.js";
import { thisThread } from "../parallel/this-thread.js";
import { ended } from "../stats/pauses.js";
import { BlockView } from "./block-view.js";
import type { ChunkJob, CreateJob } from "./chunk-job.js";
import { type LaneReader, openLane } from "./lane-reader.js";
import { LookBack } from "./look-back.js";
import type { RowLayout } from "./row-layout.js";

/** What the workers of a scan hear before they are asked for chunks. */
export interface ScanSetup<Plan> {
  lane: LaneSpec;
  layout: RowLayout;
  plan: Plan;
  /** The file's descriptor and what is shared about its chunks; undefined for a stream. */
  file:
    | { fd: number | undefined; lookBack: SharedArrayBuffer; hash?: SharedArrayBuffer | undefined }
    | undefined;
}

/** An order to a worker: chunks of the file below `limit`, at most `budget` of them, or one chunk of a stream. */
export type ScanOrder = { limit: number; budget: number } | { stream: StreamChunk };

/** Why a chunk has no result: the fast lane could not go on, or its rows are not as the job needs them. */
export type ScanStop = { chunk: number } & ({ resume: ResumePoint } | { failure: Failure });

/** What a worker answers. */
export interface ScanAnswer<Result> {
  /** The chunks' results, and how many rows the layout's condition has left out of each. */
  results: { chunk: number; result: Result; excluded: number }[];
  stop: ScanStop | undefined;
}

/** What reads and computes in a worker. */
interface Ready<Result> {
  reader: LaneReader;
  view: BlockView;
  job: ChunkJob<Result>;
}

/** Makes this thread a worker of a scan: each chunk is read by the fast lane and handed to a job, block by block; `buffers` lists what of a result may be handed over instead of copied. */
export function answerScan<Plan, Result>(
  create: CreateJob<Plan, Result>,
  buffers: (result: Result) => ArrayBuffer[] = () => [],
): void {
  // Before there is a job: it is called by this number.
  thisThread.number = threadId;
  const kernels = threadKernels();
  let ready: Promise<Ready<Result>> | Ready<Result>;
  let lookBack: LookBack | undefined;
  let hash: ChainedHash | undefined;
  const begin = ({ lane, layout, plan, file }: ScanSetup<Plan>) => {
    const start = (reader: LaneReader) => {
      const view = new BlockView(kernels, reader, layout);
      return { reader, view, job: create(view, plan) };
    };
    const opened = openLane(kernels, lane, file?.fd);
    // Text needs nothing that is loaded later.
    ready = opened instanceof Promise ? opened.then(start) : start(opened);
    // Whoever asks for chunks hears of it.
    if (ready instanceof Promise) ready.catch(() => {});
    lookBack = file && new LookBack(lane.plan, file.lookBack);
    hash = file?.hash && new ChainedHash(file.hash);
  };
  answerJobs<ScanOrder, ScanAnswer<Result>>(
    async (order) => {
      const { reader, view, job } = ready instanceof Promise ? await ready : ready;
      const answer: ScanAnswer<Result> = { results: [], stop: undefined };
      if ("stream" in order) {
        reader.loadStream(order.stream);
        answerChunk(answer, order.stream.chunk, () => runJob(reader, view, job, order.stream.start));
        return answer;
      }
      while (answer.results.length < order.budget && answer.stop === undefined) {
        const chunk = lookBack!.take(order.limit);
        if (chunk < 0) break;
        let start: ChunkStart;
        try {
          reader.load(chunk);
          const count = reader.count();
          start = lookBack!.start(chunk);
          lookBack!.publish(chunk + 1, startAfter(start, count));
          while (hash?.add(chunk, kernels, reader) === false) hash.sleep(chunk, lookBack!);
        } catch (error) {
          lookBack!.fail();
          throw error;
        }
        answerChunk(answer, chunk, () => runJob(reader, view, job, start));
        if (answer.stop !== undefined) lookBack!.stopAt(chunk);
      }
      return answer;
    },
    ({ results }) => results.flatMap(({ result }) => buffers(result)),
    begin,
  );
}

/** Adds the result of a chunk to an answer, or why there is none. */
function answerChunk<Result>(
  answer: ScanAnswer<Result>,
  chunk: number,
  run: () => ChunkResult<Result>,
): void {
  try {
    answer.results.push({ chunk, ...run() });
  } catch (error) {
    answer.stop = stopOf(chunk, error);
  }
}

/** `answerChunk` on a thread that others want to use too. */
export async function answerChunkWithPauses<Result>(
  answer: ScanAnswer<Result>,
  chunk: number,
  run: () => Promise<ChunkResult<Result>>,
): Promise<void> {
  try {
    answer.results.push({ chunk, ...(await run()) });
  } catch (error) {
    answer.stop = stopOf(chunk, error);
  }
}

function stopOf(chunk: number, error: unknown): ScanStop {
  return error instanceof LaneStop ? { chunk, resume: error.resume } : { chunk, failure: failureOf(error) };
}

/** What a job made of a chunk, and how many of its rows it did not see. */
interface ChunkResult<Result> {
  result: Result;
  excluded: number;
}

/** Reads the loaded chunk and gives its rows to the job, but for those that the layout's condition leaves out. */
function runJob<Result>(
  reader: LaneReader,
  view: BlockView,
  job: ChunkJob<Result>,
  start: ChunkStart,
): ChunkResult<Result> {
  try {
    for (const rows of reader.blocks(start, job.sink)) {
      const kept = view.filter(rows);
      const steps = kept > 0 ? job.add(kept) : undefined;
      if (steps) ended(steps);
    }
  } catch (error) {
    // What the job has of a chunk that stops half-way must not leak into the next.
    job.finish();
    view.takeExcluded();
    throw error;
  }
  return { result: job.finish(), excluded: view.takeExcluded() + reader.pruned };
}

/** `runJob` that asks after every block whether it should make a pause. */
export async function runJobWithPauses<Result>(
  reader: LaneReader,
  view: BlockView,
  job: ChunkJob<Result>,
  start: ChunkStart,
  pause: () => Promise<void> | undefined,
): Promise<ChunkResult<Result>> {
  try {
    for (const rows of reader.blocks(start, job.sink)) {
      const kept = view.filter(rows);
      const steps = kept > 0 ? job.add(kept) : undefined;
      if (steps)
        for (const _ of steps) {
          const resting = pause();
          if (resting !== undefined) await resting;
        }
      const pausing = pause();
      if (pausing !== undefined) await pausing;
    }
  } catch (error) {
    job.finish();
    view.takeExcluded();
    throw error;
  }
  return { result: job.finish(), excluded: view.takeExcluded() + reader.pruned };
}
