import type { Attributes } from "./op.js";
import type { Shape } from "./shape.js";
import type { Data } from "./tensor.js";

/** A share of an op for a worker thread; all data lie in shared memory. */
export interface Shard {
  readonly op: string;
  readonly attributes: Attributes;
  readonly shapes: readonly Shape[];
  readonly shape: Shape;
  readonly inputs: readonly Data[];
  readonly output: Data;
  /** How many units of the output a worker takes at a time. */
  readonly grain: number;
  /** At `NEXT` the first unit that no worker has taken, at `STOP` 1 when the workers should take no more. */
  readonly control: Int32Array;
}

export const NEXT = 0;
export const STOP = 1;

/** When and by which thread a shard was computed; times as of `wallClock`. */
export interface ShardDone {
  readonly thread: number;
  readonly started: number;
  readonly ended: number;
}
