import { ChunkReader, type LaneSpec, laneSpec } from "../csv/chunk-reader.js";
import type { ChunkPlan } from "../csv/chunks.js";
import { type StreamChunk, StreamChunks } from "../csv/stream-chunks.js";
import { Kernels } from "../kernels/kernels.js";
import { orderedMap } from "../parallel/ordered-map.js";
import { WorkerPool } from "../parallel/worker-pool.js";
import { BlockView } from "./block-view.js";
import type { CreateJob } from "./chunk-job.js";
import { resting } from "./resting.js";
import { blockOrder, type RowLayout } from "./row-layout.js";
import { type LaneEnd, resumeOf, type Scan, type Takeover } from "./scan-options.js";
import {
  answerChunkWithPauses,
  runJobWithPauses,
  type ScanAnswer,
  type ScanOrder,
  type ScanSetup,
} from "./worker-side.js";

/**
 * The chunks of a stream: cut and counted on this thread as they come, read on worker threads or here, a few of them
 * at a time, so that a slow collector slows the stream.
 */
export async function scanStream<Plan, Result>(
  { table, layout, create, entry, plan, collect, threads, apart, signal, onProgress }: Scan<Plan, Result>,
  chunkPlan: ChunkPlan,
): Promise<LaneEnd<Takeover>> {
  const { source } = table;
  const lane = laneSpec(table, blockOrder(layout).choice, chunkPlan);
  const chunks = new StreamChunks(source.chunks(), chunkPlan, new Kernels());
  const pool =
    threads > 1 || apart
      ? new WorkerPool<ScanOrder, ScanAnswer<Result>>(entry, {
          threads,
          setup: { lane, layout, plan, file: undefined } satisfies ScanSetup<Plan>,
        })
      : undefined;
  const work =
    pool === undefined
      ? inlineWork(lane, layout, create, plan, signal)
      : (chunk: StreamChunk) => pool.run({ stream: chunk });
  /** Chunks read and not collected yet: where the lane stops, the csv-parse lane needs their bytes again. */
  const underWay: StreamChunk[] = [];
  let stop: Takeover | undefined;
  let excluded = 0;
  let enough = false;
  async function* inputs(): AsyncGenerator<StreamChunk, void, undefined> {
    for (;;) {
      const chunk = await chunks.next();
      if (chunk === undefined) return;
      underWay.push(chunk);
      yield chunk;
    }
  }
  // A chunk of a wide design takes seconds: its thread is not waited for.
  const onAbort = () => void pool?.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    await orderedMap(
      inputs(),
      work,
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
        excluded += done!.excluded;
        const more = collect(done!.result, done!.chunk);
        enough ||= more === false;
        return more;
      },
      { window: 2 * threads, signal },
    );
    return { rowsEnd: enough ? Number.NaN : chunks.end.firstRow, excluded, stop };
  } finally {
    signal?.removeEventListener("abort", onAbort);
    await pool?.close();
    if (stop === undefined) await chunks.close();
  }
}

function inlineWork<Plan, Result>(
  lane: LaneSpec,
  layout: RowLayout,
  create: CreateJob<Plan, Result>,
  plan: Plan,
  signal: AbortSignal | undefined,
): (chunk: StreamChunk) => Promise<ScanAnswer<Result>> {
  const kernels = new Kernels();
  const reader = new ChunkReader(kernels, lane);
  const view = new BlockView(kernels, reader, layout);
  const job = create(view, plan);
  const rest = resting(() => signal?.throwIfAborted());
  /** One chunk after the other: the reader and the job have room for one. */
  let before: Promise<unknown> = Promise.resolve();
  const read = async (chunk: StreamChunk) => {
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    const run = () => runJobWithPauses(reader, view, job, chunk.start, rest);
    reader.loadStream(chunk);
    await answerChunkWithPauses(answer, chunk.chunk, run);
    return answer;
  };
  return (chunk) => {
    const answer = before.then(() => read(chunk));
    before = answer.catch(() => undefined);
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
