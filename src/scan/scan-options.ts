import type { ResumePoint } from "../csv/chunks.js";
import type { ColumnChoice } from "../csv/column-block.js";
import type { Table } from "../csv/table.js";
import { errorOf } from "../parallel/answer.js";
import type { CreateJob } from "./chunk-job.js";
import type { ScanStop } from "./worker-side.js";

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

/** How a scan is run: threads, abort, progress. */
export type ScanControl = Pick<
  Scan<never, never>,
  "threads" | "callerWorks" | "signal" | "onProgress" | "chunkBytes" | "inlineBytes"
>;

/** How a lane ended: whether it saw a row, and where it stopped if it could not go on. */
export interface LaneEnd<Stop> {
  hasRows: boolean;
  stop: Stop | undefined;
}

/** Where the csv-parse lane takes over, and the bytes from there. */
export type Takeover = ResumePoint & { bytes: AsyncIterable<Uint8Array> };

/** Where the csv-parse lane is to take over; throws where it is the job that cannot go on. */
export function resumeOf(stop: ScanStop): ResumePoint {
  if ("failure" in stop) throw errorOf(stop.failure);
  return stop.resume;
}
