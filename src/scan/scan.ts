import { availableParallelism } from "node:os";
import { ChunkReader, type LaneSpec, laneSpec } from "../csv/chunk-reader.js";
import { CHUNK_BYTES, FIRST_CHUNK, planChunks, type ResumePoint, startAfter } from "../csv/chunks.js";
import { withLine } from "../csv/locate.js";
import { noRowsError } from "../csv/records.js";
import { readReference } from "../csv/reference-lane.js";
import type { Table } from "../csv/table.js";
import { DataError, InterruptedError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { BlockFeeder } from "./block-feeder.js";
import { BlockView } from "./block-view.js";
import { resting } from "./resting.js";
import { blockOrder, type RowLayout } from "./row-layout.js";
import {
  type LaneEnd,
  resumeOf,
  type Scan,
  type ScanControl,
  type ScanJob,
  type Takeover,
} from "./scan-options.js";
import { scanStream } from "./scan-stream.js";
import { scanOnWorkers } from "./scan-workers.js";
import { answerChunkWithPauses, runJobWithPauses, type ScanAnswer } from "./worker-side.js";

/** More threads than this only take memory. */
const MOST_THREADS = 64;
const INLINE_BYTES = 4 << 20;

/**
 * Runs a job over every chunk of a table: by the fast lane, on worker threads or on this one, from a file or from
 * a stream; and by the csv-parse lane from where the fast lane cannot go on. Chunks and their results are the same
 * in each of these cases.
 *
 * @throws DataError for what is wrong with the data; InterruptedError when `signal` aborts
 */
export async function scan<Plan, Result>(
  table: Table,
  layout: RowLayout,
  job: ScanJob<Plan, Result>,
  control: ScanControl,
): Promise<{ threads: number }> {
  const wanted = Math.min(control.threads ?? availableParallelism(), MOST_THREADS);
  const options: Scan<Plan, Result> = { ...job, ...control, table, layout, threads: wanted };
  const { signal } = control;
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
      const lane = laneSpec(table, blockOrder(layout).choice, chunkPlan);
      const small = size <= (options.inlineBytes ?? INLINE_BYTES);
      threads = small && !options.apart ? 1 : Math.min(wanted, chunkPlan.chunks);
      const end =
        threads > 1 || options.apart
          ? await scanOnWorkers(options, lane, fd, threads)
          : await scanInline(options, lane, fd);
      hasRows = end.hasRows;
      if (end.stop !== undefined) takeover = { ...end.stop, bytes: source.chunks(end.stop.offset) };
      else source.checkUnchanged();
    } else {
      const chunkPlan = planChunks(table, Number.POSITIVE_INFINITY, chunkBytes);
      threads = wanted;
      const end = await scanStream({ ...options, threads }, chunkPlan);
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

/** The chunks of a file on this thread, which lets others run every few milliseconds. */
async function scanInline<Plan, Result>(
  { layout, create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number,
): Promise<LaneEnd<ResumePoint>> {
  const kernels = new Kernels();
  const reader = new ChunkReader(kernels, lane, fd);
  const job = create(new BlockView(kernels, reader, layout), plan);
  const { chunks, chunkBytes, size } = lane.plan;
  let start = FIRST_CHUNK;
  const rest = resting(() => signal?.throwIfAborted());
  for (let chunk = 0; chunk < chunks; chunk++) {
    reader.load(chunk);
    const next = startAfter(start, reader.count());
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    await answerChunkWithPauses(answer, chunk, () => runJobWithPauses(reader, job, start, rest));
    signal?.throwIfAborted();
    if (answer.stop !== undefined) return { hasRows: start.firstRow > 0, stop: resumeOf(answer.stop) };
    start = next;
    if ((await collect(answer.results[0]!.result, chunk)) === false) break;
    const pausing = rest();
    if (pausing === undefined) continue;
    onProgress?.({ read: Math.min(size, (chunk + 1) * chunkBytes), total: size });
    await pausing;
  }
  return { hasRows: start.firstRow > 0, stop: undefined };
}

/** The rest of the table through csv-parse, on this thread; whether there are rows in it. */
async function scanReference<Plan, Result>(
  { table, layout, create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  chunkBytes: number,
  takeover: Takeover,
): Promise<boolean> {
  const kernels = new Kernels();
  const { choice } = blockOrder(layout);
  const feeder = new BlockFeeder(kernels, choice);
  const job = create(new BlockView(kernels, feeder, layout), plan);
  const rest = resting(() => signal?.throwIfAborted());
  let hasRows = false;
  for await (const block of readReference(table, choice, feeder.levels, chunkBytes, takeover)) {
    signal?.throwIfAborted();
    for (const count of feeder.blocks(block)) {
      job.add(count);
      await rest();
    }
    hasRows = true;
    if ((await collect(job.finish(), block.chunk)) === false) break;
    onProgress?.(table.source.progress());
  }
  return hasRows;
}
