import type { ResumePoint } from "../csv/chunks.js";
import type { Table } from "../csv/table.js";
import { errorOf } from "../parallel/answer.js";
import type { CreateJob } from "./chunk-job.js";
import type { ReadingControl } from "./reading-control.js";
import type { RowLayout } from "./row-layout.js";
import type { ScanStop } from "./worker-side.js";

/** What is to be done with every chunk of a table. */
export interface ScanJob<Plan, Result> {
  /** What the jobs need to know; plain data. */
  plan: Plan;
  create: CreateJob<Plan, Result>;
  /** The built worker that answers with `create`'s jobs. */
  entry: URL;
  /**
   * Takes a chunk's result, in the order of the chunks; returns false to end the scan early. Where it returns
   * a promise, no more than a few chunks are read ahead. A result of a job that takes them back (`release`) is good until then.
   */
  collect: (result: Result, chunk: number) => undefined | boolean | Promise<boolean>;
}

/** How a scan is run. */
export interface ScanControl extends ReadingControl {
  /** Files up to this size are read on the calling thread. Default: 4 MiB, which takes less than a thread's start. */
  inlineBytes?: number | undefined;
  /** Bytes per chunk. */
  chunkBytes?: number | undefined;
  /**
   * Whether the job does so much at a stretch that the calling thread must not do it, whatever the file's size: it only
   * collects then. Default: false.
   */
  apart?: boolean | undefined;
  /** Chunks that may be read and not collected yet. Default: as many as there are. */
  window?: number | undefined;
}

/** A scan with all that it is made of, threads counted. */
export interface Scan<Plan, Result> extends ScanJob<Plan, Result>, ScanControl {
  table: Table;
  layout: RowLayout;
  threads: number;
  /** The number of the table's first row. */
  firstRow: number;
}

/** How a lane ended. */
export interface LaneEnd<Stop> {
  /** The number of the row after the last that it saw; NaN where the collector had enough before. */
  rowsEnd: number;
  /** How many rows the layout's condition left out. */
  excluded: number;
  /** Where it stopped, if it could not go on. */
  stop: Stop | undefined;
  /** When the threads that read have ended, which nobody needs to wait for but who starts others. */
  ended?: Promise<void> | undefined;
}

/** Where the csv-parse lane takes over, and the bytes from there. */
export type Takeover = ResumePoint & { bytes: AsyncIterable<Uint8Array> };

/** Where the csv-parse lane is to take over; throws where it is the job that cannot go on. */
export function resumeOf(stop: ScanStop): ResumePoint {
  if ("failure" in stop) throw errorOf(stop.failure);
  return stop.resume;
}
