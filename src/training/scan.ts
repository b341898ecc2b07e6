import { setImmediate as nextTick } from "node:timers/promises";
import { ChunkReader, type LaneSpec, laneSpec } from "../csv/chunk-reader.js";
import {
  CHUNK_BYTES,
  type ChunkPlan,
  FIRST_CHUNK,
  planChunks,
  type ResumePoint,
  startAfter,
} from "../csv/chunks.js";
import type { ColumnChoice } from "../csv/columns.js";
import { withLine } from "../csv/locate.js";
import { noRowsError } from "../csv/records.js";
import { readReference } from "../csv/reference-lane.js";
import { type StreamChunk, StreamChunks } from "../csv/stream-chunks.js";
import type { Table } from "../csv/table.js";
import { DataError, InterruptedError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { errorOf } from "../parallel/answer.js";
import { Channel } from "../parallel/channel.js";
import { orderedMap } from "../parallel/ordered-map.js";
import { TaskGroup } from "../parallel/task-group.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { BlockFeeder } from "./block-feeder.js";
import type { CreateJob } from "./chunk-job.js";
import { LookBack } from "./look-back.js";
import {
  answerChunk,
  runJob,
  type ScanAnswer,
  type ScanOrder,
  type ScanSetup,
  type ScanStop,
} from "./scan-worker-side.js";

/** What is to be done with every chunk of a table, and how. */
export interface Scan<Plan, Result> {
  table: Table;
  choice: ColumnChoice;
  /** What the jobs need to know; plain data. */
  plan: Plan;
  create: CreateJob<Plan, Result>;
  /** The built worker that answers with `create`'s jobs. */
  entry: URL;
  /**
   * Takes a chunk's result, in the order of the chunks; returns false to end the scan early. Where it returns
   * a promise, no more than a few chunks are read ahead.
   */
  collect: (result: Result, chunk: number) => undefined | boolean | Promise<boolean>;
  /** Worker threads; with 1, or for a small file, the work is done on the calling thread. */
  threads: number;
  /**
   * Whether the calling thread is one of the threads: right for a command, which then starts one worker less and
   * works while the others start; wrong for a server, whose event loop would wait some milliseconds at a time.
   */
  callerWorks?: boolean | undefined;
  /** Files up to this size are read on the calling thread. Default: 4 MiB, which takes less than a thread's start. */
  inlineBytes?: number | undefined;
  /** Bytes per chunk. */
  chunkBytes?: number | undefined;
  /** Chunks that may be read and not collected yet. Default: as many as there are. */
  window?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: { read: number; total: number | undefined }) => void) | undefined;
}

const INLINE_BYTES = 4 << 20;
/** How long the calling thread works at a stretch before it lets others run, in milliseconds. */
const STRETCH_MS = 10;
/** Chunks that a worker reads before it answers: enough to make the messages cheap, few enough to stop soon. */
const BUDGET = 8;

/** Where the csv-parse lane is to take over; throws where it is the job that cannot go on. */
function resumeOf(stop: ScanStop): ResumePoint {
  if ("failure" in stop) throw errorOf(stop.failure);
  return stop.resume;
}

/** Where the csv-parse lane takes over, and the bytes from there. */
type Takeover = ResumePoint & { bytes: AsyncIterable<Uint8Array> };

/**
 * Runs a job over every chunk of a table: by the fast lane, on worker threads or on this one, from a file or from
 * a stream; and by the csv-parse lane from where the fast lane cannot go on. Chunks and their results are the same
 * in each of these cases.
 *
 * @throws DataError for what is wrong with the data; InterruptedError when `signal` aborts
 */
export async function scan<Plan, Result>(options: Scan<Plan, Result>): Promise<{ threads: number }> {
  const { table, signal } = options;
  const { source, dialect } = table;
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  let hasRows = false;
  let threads = 1;
  try {
    signal?.throwIfAborted();
    let takeover: Takeover | undefined;
    if (dialect.odd)
      takeover = {
        firstRow: 0,
        offset: table.dataStart,
        line: table.dataLine,
        bytes: source.chunks(table.dataStart),
      };
    else if (source.plain !== undefined) {
      const { fd, size } = source.plain;
      const chunkPlan = planChunks(table, size, chunkBytes);
      const lane = laneSpec(table, options.choice, chunkPlan);
      threads =
        size <= (options.inlineBytes ?? INLINE_BYTES) ? 1 : Math.min(options.threads, chunkPlan.chunks);
      const end =
        threads > 1
          ? await scanFileOnWorkers(options, lane, fd, threads)
          : await scanFileInline(options, lane, fd);
      hasRows = end.hasRows;
      if (end.stop !== undefined) takeover = { ...end.stop, bytes: source.chunks(end.stop.offset) };
      else source.checkUnchanged();
    } else {
      const chunkPlan = planChunks(table, Number.POSITIVE_INFINITY, chunkBytes);
      threads = options.threads;
      const end = await scanStream(options, chunkPlan);
      hasRows = end.hasRows;
      takeover = end.stop;
    }
    if (takeover !== undefined) hasRows = (await scanReference(options, chunkBytes, takeover)) || hasRows;
    if (!hasRows) throw noRowsError(table);
    return { threads };
  } catch (error) {
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error instanceof DataError ? await withLine(table, error) : error;
  }
}

/** How a lane ended: whether it saw a row, and where it stopped if it could not go on. */
interface LaneEnd<Stop> {
  hasRows: boolean;
  stop: Stop | undefined;
}

async function scanFileInline<Plan, Result>(
  { create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number,
): Promise<LaneEnd<ResumePoint>> {
  const kernels = new Kernels();
  const reader = new ChunkReader(kernels, lane, fd);
  const job = create(kernels, reader, plan);
  const { chunks, chunkBytes, size } = lane.plan;
  let start = FIRST_CHUNK;
  let since = performance.now();
  for (let chunk = 0; chunk < chunks; chunk++) {
    reader.load(chunk);
    const next = startAfter(start, reader.count());
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    answerChunk(answer, chunk, () => runJob(reader, job, start));
    if (answer.stop !== undefined) return { hasRows: start.firstRow > 0, stop: resumeOf(answer.stop) };
    start = next;
    if ((await collect(answer.results[0]!.result, chunk)) === false) break;
    if (performance.now() - since < STRETCH_MS) continue;
    onProgress?.({ read: Math.min(size, (chunk + 1) * chunkBytes), total: size });
    await nextTick();
    signal?.throwIfAborted();
    since = performance.now();
  }
  return { hasRows: start.firstRow > 0, stop: undefined };
}

async function scanFileOnWorkers<Plan, Result>(
  options: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number,
  threads: number,
): Promise<LaneEnd<ResumePoint>> {
  const { entry, plan, collect, signal, onProgress, window = Number.POSITIVE_INFINITY } = options;
  const { chunks, chunkBytes, size } = lane.plan;
  const workers = options.callerWorks ? threads - 1 : threads;
  const lookBack = new LookBack(chunks);
  const workerData: ScanSetup<Plan> = { lane, plan, file: { fd, lookBack: lookBack.buffer } };
  const pool = new WorkerPool<ScanOrder, ScanAnswer<Result>>(entry, { threads: workers, workerData });
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
  const ready = new Map<number, Result>();
  const gather = async () => {
    for await (const answer of answers) {
      for (const { chunk, result } of answer.results) ready.set(chunk, result);
      if (answer.stop !== undefined && (stop === undefined || answer.stop.chunk < stop.chunk))
        stop = answer.stop;
      while (ready.has(collected) && !(stop !== undefined && collected >= stop.chunk)) {
        const result = ready.get(collected)!;
        ready.delete(collected);
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
  if (workers < threads) group.go(() => work(scanOnCaller(options, lane, fd, lookBack)));
  group.go(gather);
  try {
    await group.wait();
  } catch (error) {
    if (error !== ENOUGH) throw error;
    return { hasRows: true, stop: undefined };
  } finally {
    await pool.close();
  }
  // Where the chunk after the last would start says how many rows there are.
  const hasRows = lookBack.start(collected).firstRow > 0;
  return { hasRows, stop: stop && resumeOf(stop) };
}

/** The calling thread as a worker of the scan: one chunk at a time, and others run in between. */
function scanOnCaller<Plan, Result>(
  { create, plan }: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number,
  lookBack: LookBack,
): (order: { limit: number }) => Promise<ScanAnswer<Result>> {
  const kernels = new Kernels();
  const reader = new ChunkReader(kernels, lane, fd);
  const job = create(kernels, reader, plan);
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
    const known = start;
    answerChunk(answer, chunk, () => runJob(reader, job, known));
    if (answer.stop !== undefined) lookBack.stopAt(chunk);
    await nextTick();
    return answer;
  };
}

/** Cancels the tasks of a scan whose collector has had enough. */
const ENOUGH = Symbol("enough");

async function scanStream<Plan, Result>(
  { table, choice, create, entry, plan, collect, threads, signal, onProgress }: Scan<Plan, Result>,
  chunkPlan: ChunkPlan,
): Promise<LaneEnd<Takeover>> {
  const { source } = table;
  const lane = laneSpec(table, choice, chunkPlan);
  const chunks = new StreamChunks(source.chunks(), chunkPlan, new Kernels());
  const pool =
    threads > 1
      ? new WorkerPool<ScanOrder, ScanAnswer<Result>>(entry, {
          threads,
          workerData: { lane, plan, file: undefined } satisfies ScanSetup<Plan>,
        })
      : undefined;
  const work =
    pool === undefined ? inlineWork(lane, create, plan) : (chunk: StreamChunk) => pool.run({ stream: chunk });
  /** Chunks read and not collected yet: where the lane stops, the csv-parse lane needs their bytes again. */
  const underWay: StreamChunk[] = [];
  let stop: Takeover | undefined;
  async function* inputs(): AsyncGenerator<StreamChunk, void, undefined> {
    for (;;) {
      const chunk = await chunks.next();
      if (chunk === undefined) return;
      underWay.push(chunk);
      yield chunk;
    }
  }
  try {
    await orderedMap(
      inputs(),
      async (chunk) => work(chunk),
      (answer) => {
        if (answer.stop !== undefined) {
          const { chunk } = answer.stop;
          const resume = resumeOf(answer.stop);
          const skip = resume.offset - (chunkPlan.dataStart + chunk * chunkPlan.chunkBytes);
          stop = { ...resume, bytes: remaining(skip, underWay, chunks) };
          return false;
        }
        underWay.shift();
        onProgress?.(source.progress());
        const [done] = answer.results;
        return collect(done!.result, done!.chunk);
      },
      { window: 2 * threads, signal },
    );
    return { hasRows: chunks.end.firstRow > 0, stop };
  } finally {
    await pool?.close();
    if (stop === undefined) await chunks.close();
  }
}

function inlineWork<Plan, Result>(
  lane: LaneSpec,
  create: CreateJob<Plan, Result>,
  plan: Plan,
): (chunk: StreamChunk) => ScanAnswer<Result> {
  const kernels = new Kernels();
  const reader = new ChunkReader(kernels, lane);
  const job = create(kernels, reader, plan);
  return (chunk) => {
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    reader.loadStream(chunk);
    answerChunk(answer, chunk.chunk, () => runJob(reader, job, chunk.start));
    return answer;
  };
}

async function* remaining(
  skip: number,
  underWay: readonly StreamChunk[],
  chunks: StreamChunks,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let from = skip;
    for (const { bytes, own } of underWay) {
      yield bytes.subarray(from, own);
      from = 0;
    }
    yield* chunks.rest();
  } finally {
    await chunks.close();
  }
}

/** The rest of the table through csv-parse, on this thread; whether there are rows in it. */
async function scanReference<Plan, Result>(
  { table, choice, create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  chunkBytes: number,
  takeover: Takeover,
): Promise<boolean> {
  const kernels = new Kernels();
  const feeder = new BlockFeeder(kernels, choice);
  const job = create(kernels, feeder, plan);
  let hasRows = false;
  for await (const block of readReference(table, choice, feeder.levels, chunkBytes, takeover)) {
    signal?.throwIfAborted();
    for (const count of feeder.blocks(block)) job.add(count);
    hasRows = true;
    if ((await collect(job.finish(), block.chunk)) === false) break;
    onProgress?.(table.source.progress());
  }
  return hasRows;
}
