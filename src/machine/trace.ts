import type { Plan } from "./plan.js";
import { formatShape } from "./shape.js";
import type { Data } from "./tensor.js";

/** A stretch of work, in milliseconds from the start of the run. */
export interface Span {
  readonly label: string;
  readonly op: string;
  readonly shape: string;
  /** 0 for the main thread, else a worker's number, counted from 1; of a device one of `DEVICE_LANES`. */
  readonly lane: number;
  /** When the node's task began to wait for its inputs, had them, and had sent its output. */
  readonly spawned: number;
  readonly ready: number;
  readonly ended: number;
  /** When the work itself began; after `ready` when it stood in line for a worker. */
  readonly started: number;
}

/** The lanes of copies to a device, of what it computes, and of copies from it. */
export const DEVICE_LANES = { upload: -1, run: -2, download: -3 } as const;

/** Tracks of a device stand below those of threads: no viewer takes numbers less than 0. */
const DEVICE_TRACKS = 10_000;

function trackOf(lane: number): number {
  return lane < 0 ? DEVICE_TRACKS - lane : lane;
}

/** A lane's name; `short` in six characters, for a timeline. */
function laneName(lane: number, short: boolean): string {
  if (lane === DEVICE_LANES.upload) return short ? "to gpu" : "copies to the gpu";
  if (lane === DEVICE_LANES.run) return short ? "gpu   " : "gpu";
  if (lane === DEVICE_LANES.download) return short ? "of gpu" : "copies from the gpu";
  if (short) return lane === 0 ? "main  " : `work ${lane}`;
  return lane === 0 ? "main" : `worker ${lane}`;
}

/** An event of the Chrome trace format. */
export interface ChromeEvent {
  readonly name: string;
  readonly cat: string;
  readonly ph: "X" | "M";
  readonly ts: number;
  readonly dur: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The time of day in milliseconds, the same in all threads. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

/** When each node of one run waited and ran. */
export class Trace {
  readonly spans: readonly Span[];
  /** When the run began, the time of day in milliseconds. */
  readonly began: number;

  constructor(spans: readonly Span[], began: number) {
    this.spans = spans;
    this.began = began;
  }

  /** One line per span: label, thread, a bar (`·` waiting, `█` running) and the running time. */
  timeline(width = 60): string {
    const { spans } = this;
    const end = Math.max(1e-6, ...spans.map((span) => span.ended));
    const labels = spans.map((span) => `${span.label} ${span.shape}`);
    const pad = Math.max(0, ...labels.map((label) => label.length));
    const column = (time: number) => Math.min(width, Math.floor((time / end) * width));
    return spans
      .map((span, i) => {
        const from = column(span.spawned);
        const start = Math.min(column(span.started), width - 1);
        const stop = Math.max(column(span.ended), start + 1);
        const bar = `${" ".repeat(Math.min(from, start))}${"·".repeat(Math.max(0, start - from))}${"█".repeat(stop - start)}`;
        const lane = laneName(span.lane, true);
        return `${labels[i]!.padEnd(pad)}  ${lane}  ${bar.padEnd(width)}  ${formatMs(span.ended - span.started)}\n`;
      })
      .join("");
  }

  /** The trace as chrome://tracing and Perfetto read it: `JSON.stringify` it into a file. */
  chrome(): { traceEvents: ChromeEvent[] } {
    const lanes = [...new Set(this.spans.map((span) => span.lane))].sort((a, b) => a - b);
    const names = lanes.map(
      (lane): ChromeEvent => ({
        name: "thread_name",
        cat: "__metadata",
        ph: "M",
        ts: 0,
        dur: 0,
        pid: 1,
        tid: trackOf(lane),
        args: { name: laneName(lane, false) },
      }),
    );
    const events = this.spans.map(
      (span): ChromeEvent => ({
        name: span.label,
        cat: span.op,
        ph: "X",
        ts: span.started * 1000,
        dur: (span.ended - span.started) * 1000,
        pid: 1,
        tid: trackOf(span.lane),
        args: {
          shape: span.shape,
          waitedForInputsUs: (span.ready - span.spawned) * 1000,
          waitedForThreadUs: (span.started - span.ready) * 1000,
        },
      }),
    );
    return { traceEvents: [...names, ...events] };
  }
}

function formatMs(ms: number): string {
  return ms < 1 ? `${(ms * 1000).toFixed(1)} µs` : `${ms.toFixed(2)} ms`;
}

/**
 * Notes that a thread has worked at a step from `started` to `ended`, times as of `wallClock`. A thread that took
 * several pieces of an output was at it from the first to the last.
 *
 * @param times for each step and lane two values, 0 at first
 */
export function markTime(
  times: Data,
  lanes: number,
  step: number,
  lane: number,
  started: number,
  ended: number,
): void {
  const at = 2 * (step * lanes + lane);
  if (times[at] === 0) times[at] = started;
  times[at + 1] = ended;
}

/** Collects the times of one run. */
export class Recorder {
  private readonly plan: Plan;
  private readonly start = wallClock();
  private readonly lanes: number;
  private readonly times: Data;

  /** @param times 2 · lanes values for each step, in memory that all threads share where there are several */
  constructor(plan: Plan, lanes = 1, times: Data = new Float64Array(2 * lanes * plan.steps.length)) {
    this.plan = plan;
    this.lanes = lanes;
    this.times = times.fill(0);
  }

  /** This thread has worked at a step. */
  mark(step: number, started: number, ended: number): void {
    markTime(this.times, this.lanes, step, 0, started, ended);
  }

  /** The trace: every task is there from the start of the run and waits for its inputs. */
  finish(): Trace {
    const { plan, lanes, times, start } = this;
    const spans: Span[] = [];
    const ends = new Float64Array(plan.steps.length);
    for (const { index, node, inputs } of plan.steps) {
      const base = {
        label: node.label,
        op: typeof node.op === "string" ? node.op : node.op.name,
        shape: formatShape(node.shape),
        spawned: 0,
      };
      const ready = inputs.reduce((latest, input) => Math.max(latest, ends[input]!), 0);
      let parts = 0;
      for (let lane = 0; lane < lanes; lane++) {
        const at = 2 * (index * lanes + lane);
        if (times[at] === 0) continue;
        // Threads' clocks differ by some microseconds.
        const started = Math.max(ready, times[at]! - start);
        const ended = Math.max(started, times[at + 1]! - start);
        spans.push({ ...base, lane, ready, started, ended });
        ends[index] = Math.max(ends[index]!, ended);
        parts++;
      }
      // A leaf's value is there from the start.
      if (parts === 0) spans.push({ ...base, lane: 0, ready, started: ready, ended: ready });
    }
    return new Trace(spans, start);
  }
}
