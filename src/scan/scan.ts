import { availableParallelism } from "node:os";
import type { ChainedHash } from "../csv/chained-hash.js";
import { type LaneSpec, laneSpec } from "../csv/chunk-reader.js";
import { CHUNK_BYTES, firstChunk, planChunks, type ResumePoint, startAfter } from "../csv/chunks.js";
import type { ColumnBlock } from "../csv/column-block.js";
import type { Levels } from "../csv/levels.js";
import { withLine } from "../csv/locate.js";
import { oddPart } from "../csv/odd-part.js";
import { noRowsError } from "../csv/records.js";
import { readReference } from "../csv/reference-lane.js";
import { type Table, tablesOf } from "../csv/table.js";
import type { TypedRows } from "../csv/typed-rows.js";
import { DataError, InterruptedError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { BlockFeeder } from "./block-feeder.js";
import { BlockView } from "./block-view.js";
import { openLane, typedLane } from "./lane-reader.js";
import { resting } from "./resting.js";
import { blockOrder, layoutIn, type RowLayout } from "./row-layout.js";
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
import { INLINE_BYTES, MOST_THREADS } from "./thread-limits.js";
import { answerChunkWithPauses, runJobWithPauses, type ScanAnswer } from "./worker-side.js";

/** Whether threads may read what this one has opened: in Deno each has descriptors of its own, and files are read on one thread. */
const SHARED = !("Deno" in globalThis);

/** How a scan went. */
export interface ScanEnd {
  threads: number;
  /** How many rows the layout's condition left out. */
  excluded: number;
}

/**
 * Runs a job over every chunk of a table and of those that it goes on in: by the fast lane, on worker threads or on this
 * one, from a file or from a stream; and by the csv-parse lane from where the fast lane cannot go on. Chunks and their
 * results are the same in each of these cases; rows and chunks are numbered through.
 *
 * @throws DataError for what is wrong with the data; InterruptedError when `signal` aborts
 */
export async function scan<Plan, Result>(
  table: Table,
  layout: RowLayout,
  job: ScanJob<Plan, Result>,
  control: ScanControl,
): Promise<ScanEnd> {
  const wanted = SHARED ? Math.min(control.threads ?? availableParallelism(), MOST_THREADS) : 1;
  const end: ScanEnd = { threads: 1, excluded: 0 };
  let [firstRow, chunks, enough] = [0, 0, false];
  let ended: Promise<void> | undefined;
  try {
    for (const own of partsOf(table, layout)) {
      const firstOfPart = chunks;
      const collect: typeof job.collect = (result, chunk) => {
        chunks = firstOfPart + chunk + 1;
        const more = job.collect(result, firstOfPart + chunk);
        if (more instanceof Promise)
          return more.then((open) => {
            enough ||= !open;
            return open;
          });
        enough ||= more === false;
        return more;
      };
      const options = { ...job, ...control, ...own, collect, threads: wanted, firstRow };
      // What the threads of one part hold is let go before others start.
      await ended;
      const part = await scanPart<Plan, Result>(options);
      const { rowsEnd, threads, excluded } = part;
      ended = part.ended;
      end.excluded += excluded;
      end.threads = Math.max(end.threads, threads);
      if (enough) break;
      firstRow = rowsEnd;
    }
    return end;
  } catch (error) {
    if (control.signal?.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error instanceof DataError ? await withLine(table, error) : error;
  }
}

/** The tables of a chain, each with the layout by its own order of columns. */
function partsOf(table: Table, layout: RowLayout): { table: Table; layout: RowLayout }[] {
  return tablesOf(table).map((part) => ({
    table: part,
    layout: part === table ? layout : layoutIn(part, table, layout),
  }));
}

async function scanPart<Plan, Result>(
  options: Scan<Plan, Result>,
): Promise<{ rowsEnd: number; threads: number; excluded: number; ended?: Promise<void> | undefined }> {
  const { table, layout, signal, firstRow, threads: wanted } = options;
  const apart = SHARED && options.apart === true;
  const { source, dialect } = table;
  const chunkBytes = options.chunkBytes ?? CHUNK_BYTES;
  signal?.throwIfAborted();
  const { part } = table;
  if (part !== undefined && part.start === part.end)
    return { rowsEnd: firstRow + part.before.firstRow, threads: 1, excluded: 0 };
  let threads = 1;
  let end: LaneEnd<Takeover> = { rowsEnd: firstRow, excluded: 0, stop: undefined };
  if (table.typed?.chunks !== undefined) {
    const asked = [blockOrder(layout).choice, layout.where?.condition] as const;
    await table.typed.ready?.(...asked);
    const lane = typedLane(table, table.typed.chunks(...asked), layout, firstRow);
    const small = lane.plan.size <= (options.inlineBytes ?? INLINE_BYTES);
    threads = small && !apart ? 1 : Math.min(wanted, lane.plan.chunks);
    if (threads === 1 && !apart) source.hashBeside();
    const { rowsEnd, excluded, ended } =
      threads > 1 || apart
        ? await scanOnWorkers(options, lane, undefined, threads)
        : await scanInline(options, lane, undefined);
    source.checkUnchanged();
    return { rowsEnd, threads, excluded, ended };
  }
  if (table.typed !== undefined) return { ...(await scanInOrder(options, table.typed)), threads };
  if (dialect.odd)
    end.stop = {
      firstRow,
      offset: table.dataStart,
      line: table.dataLine,
      bytes: source.chunks(table.dataStart),
    };
  else if (source.plain !== undefined) {
    const { fd, size } = source.plain;
    const chunkPlan = planChunks(table, size, chunkBytes, firstRow);
    const lane = laneSpec(table, blockOrder(layout).choice, chunkPlan);
    const hash = part === undefined ? source.chainedHash(chunkPlan.dataStart) : undefined;
    const small = chunkPlan.limit - chunkPlan.dataStart <= (options.inlineBytes ?? INLINE_BYTES);
    threads = small && !apart ? 1 : Math.min(wanted, chunkPlan.chunks);
    const onThreads = threads > 1 || apart;
    if (hash === undefined && !onThreads) source.hashBeside();
    const { stop, ...read } = onThreads
      ? await scanOnWorkers(options, lane, fd, threads, hash)
      : await scanInline(options, lane, fd, hash);
    if (hash?.has(chunkPlan.chunks)) source.hashed(hash);
    if (stop !== undefined && part !== undefined) throw await oddPart(table, blockOrder(layout).choice, stop);
    end = { ...read, stop: stop && { ...stop, bytes: source.chunks(stop.offset) } };
    if (stop === undefined) source.checkUnchanged();
  } else {
    threads = wanted;
    source.hashBeside();
    end = await scanStream(options, planChunks(table, Number.POSITIVE_INFINITY, chunkBytes, firstRow));
  }
  if (end.stop !== undefined) {
    source.hashBeside();
    const rest = await scanReference(options, chunkBytes, end.stop);
    end = { rowsEnd: rest.rowsEnd, excluded: end.excluded + rest.excluded, stop: undefined };
  }
  if (end.rowsEnd === firstRow && part === undefined) throw noRowsError(table);
  return { rowsEnd: end.rowsEnd, threads, excluded: end.excluded, ended: end.ended };
}

/** The chunks of a file on this thread, which lets others run every few milliseconds. */
async function scanInline<Plan, Result>(
  { layout, create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  lane: LaneSpec,
  fd: number | undefined,
  hash?: ChainedHash,
): Promise<LaneEnd<ResumePoint>> {
  const kernels = new Kernels();
  const reader = await openLane(kernels, lane, fd);
  const view = new BlockView(kernels, reader, layout);
  const job = create(view, plan);
  const { chunks, chunkBytes, size } = lane.plan;
  let start = firstChunk(lane.plan);
  let excluded = 0;
  const rest = resting(() => signal?.throwIfAborted());
  for (let chunk = 0; chunk < chunks; chunk++) {
    reader.load(chunk);
    const next = startAfter(start, reader.count());
    hash?.add(chunk, kernels, reader);
    const answer: ScanAnswer<Result> = { results: [], stop: undefined };
    await answerChunkWithPauses(answer, chunk, () => runJobWithPauses(reader, view, job, start, rest));
    signal?.throwIfAborted();
    if (answer.stop !== undefined) return { rowsEnd: start.firstRow, excluded, stop: resumeOf(answer.stop) };
    start = next;
    const [done] = answer.results;
    excluded += done!.excluded;
    if ((await collect(done!.result, chunk)) === false)
      return { rowsEnd: Number.NaN, excluded, stop: undefined };
    job.release?.(done!.result);
    const pausing = rest();
    if (pausing === undefined) continue;
    onProgress?.({ read: Math.min(size, (chunk + 1) * chunkBytes), total: size });
    await pausing;
  }
  return { rowsEnd: start.firstRow, excluded, stop: undefined };
}

/** The rest of the table through csv-parse, on this thread. */
async function scanReference<Plan, Result>(
  scan: Scan<Plan, Result>,
  chunkBytes: number,
  takeover: Takeover,
): Promise<{ rowsEnd: number; excluded: number }> {
  const { table, layout } = scan;
  const { choice } = blockOrder(layout);
  return scanBlocks(scan, takeover.firstRow, (levels) =>
    readReference(table, choice, levels, chunkBytes, takeover),
  );
}

/** Typed rows that come in order, on this thread. */
async function scanInOrder<Plan, Result>(
  scan: Scan<Plan, Result>,
  typed: TypedRows,
): Promise<{ rowsEnd: number; excluded: number }> {
  const { choice } = blockOrder(scan.layout);
  const end = await scanBlocks(scan, scan.firstRow, (levels) => typed.blocks(choice, levels));
  if (end.rowsEnd === scan.firstRow) throw noRowsError(scan.table);
  return end;
}

async function scanBlocks<Plan, Result>(
  { table, layout, create, plan, collect, signal, onProgress }: Scan<Plan, Result>,
  firstRow: number,
  blocks: (levels: readonly Levels[]) => AsyncIterable<ColumnBlock>,
): Promise<{ rowsEnd: number; excluded: number }> {
  const kernels = new Kernels();
  const { choice } = blockOrder(layout);
  const feeder = new BlockFeeder(kernels, choice, table);
  const view = new BlockView(kernels, feeder, layout);
  const job = create(view, plan);
  const rest = resting(() => signal?.throwIfAborted());
  let rowsEnd = firstRow;
  let excluded = 0;
  for await (const block of blocks(feeder.levels)) {
    signal?.throwIfAborted();
    // Typed rows are numbered from 0 in each table.
    const numbered = table.typed === undefined ? block : { ...block, firstRow: rowsEnd };
    for (const count of feeder.blocks(numbered)) {
      const kept = view.filter(count);
      const steps = kept > 0 ? job.add(kept) : undefined;
      if (steps) for (const _ of steps) await rest();
      await rest();
    }
    rowsEnd += block.rows;
    excluded += view.takeExcluded();
    if ((await collect(job.finish(), block.chunk)) === false) return { rowsEnd: Number.NaN, excluded };
    onProgress?.(table.source.progress());
  }
  return { rowsEnd, excluded };
}
