import { workerData } from "node:worker_threads";
import { ChunkReader, type LaneSpec } from "../csv/chunk-reader.js";
import { type ChunkStart, LaneStop, type ResumePoint, startAfter } from "../csv/chunks.js";
import type { StreamChunk } from "../csv/stream-chunks.js";
import { threadKernels } from "../kernels/kernels.js";
import { answerJobs } from "../parallel/answer.js";
import type { ChunkJob, CreateJob } from "./chunk-job.js";
import { LookBack } from "./look-back.js";

/** What the workers of a scan are started with. */
export interface ScanSetup<Plan> {
  lane: LaneSpec;
  plan: Plan;
  /** The file's descriptor and what is shared about its chunks; undefined for a stream. */
  file: { fd: number; lookBack: SharedArrayBuffer } | undefined;
}

/** An order to a worker: chunks of the file below `limit`, at most `budget` of them, or one chunk of a stream. */
export type ScanOrder = { limit: number; budget: number } | { stream: StreamChunk };

/** What a worker answers. */
export interface ScanAnswer<Result> {
  results: { chunk: number; result: Result }[];
  /** Where the fast lane could not go on. */
  stop: { chunk: number; resume: ResumePoint } | undefined;
}

/** Makes this thread a worker of a scan: each chunk is read by the fast lane and handed to a job, block by block. */
export function answerScan<Plan, Result>(create: CreateJob<Plan, Result>): void {
  const { lane, plan, file } = workerData as ScanSetup<Plan>;
  const kernels = threadKernels();
  const reader = new ChunkReader(kernels, lane, file?.fd);
  const job = create(kernels, reader, plan);
  const lookBack = file && new LookBack(lane.plan.chunks, file.lookBack);
  answerJobs<ScanOrder, ScanAnswer<Result>>((order) => {
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    try {
      if ("stream" in order) {
        reader.loadStream(order.stream);
        answer.results.push({ chunk: order.stream.chunk, result: runJob(reader, job, order.stream.start) });
        return answer;
      }
      while (answer.results.length < order.budget) {
        const chunk = lookBack!.take(order.limit);
        if (chunk < 0) break;
        reader.load(chunk);
        const count = reader.count();
        const start = lookBack!.start(chunk);
        lookBack!.publish(chunk + 1, startAfter(start, count));
        answer.results.push({ chunk, result: runJob(reader, job, start) });
      }
    } catch (error) {
      if (!(error instanceof LaneStop)) {
        lookBack?.fail();
        throw error;
      }
      lookBack?.stopAt(error.chunk);
      answer.stop = { chunk: error.chunk, resume: error.resume };
    }
    return answer;
  });
}

/** Reads the loaded chunk and gives its rows to the job. */
export function runJob<Result>(reader: ChunkReader, job: ChunkJob<Result>, start: ChunkStart): Result {
  try {
    for (const rows of reader.blocks(start)) job.add(rows);
  } catch (error) {
    // What the job has of a chunk that stops half-way must not leak into the next.
    job.finish();
    throw error;
  }
  return job.finish();
}
