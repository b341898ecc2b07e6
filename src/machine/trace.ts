import type { Plan } from "./plan.js";
import { formatShape } from "./shape.js";

/** A stretch of work, in milliseconds from the start of the run. */
export interface Span {
  readonly label: string;
  readonly op: string;
  readonly shape: string;
  /** 0 for the main thread, else a worker's number, counted from 1. */
  readonly lane: number;
  /** When the node's task began to wait for its inputs, had them, and had sent its output. */
  readonly spawned: number;
  readonly ready: number;
  readonly ended: number;
  /** When the work itself began; after `ready` when it stood in line for a worker. */
  readonly started: number;
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

  constructor(spans: readonly Span[]) {
    this.spans = spans;
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
        const lane = span.lane === 0 ? "main  " : `work ${span.lane}`;
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
        tid: lane,
        args: { name: lane === 0 ? "main" : `worker ${lane}` },
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
        tid: span.lane,
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

/** Collects the times of one run. */
export class Recorder {
  private readonly plan: Plan;
  private readonly start = wallClock();
  private readonly spawned: Float64Array;
  private readonly ready: Float64Array;
  private readonly ended: Float64Array;
  private readonly shards = new Map<number, { lane: number; started: number; ended: number }[]>();

  constructor(plan: Plan) {
    this.plan = plan;
    const { length } = plan.steps;
    this.spawned = new Float64Array(length);
    this.ready = new Float64Array(length);
    this.ended = new Float64Array(length);
  }

  markSpawned(index: number): void {
    this.spawned[index] = this.ready[index] = wallClock();
  }

  markReady(index: number): void {
    this.ready[index] = wallClock();
  }

  markEnded(index: number): void {
    this.ended[index] = wallClock();
  }

  /** A part of the work of node `index`, done by a worker. */
  addShard(index: number, lane: number, started: number, ended: number): void {
    const shard = { lane, started, ended };
    const shards = this.shards.get(index);
    if (shards === undefined) this.shards.set(index, [shard]);
    else shards.push(shard);
  }

  finish(): Trace {
    const threads = [...this.shards.values()].flat().map((shard) => shard.lane);
    const lanes = [0, ...[...new Set(threads)].sort((a, b) => a - b)];
    const spans: Span[] = [];
    for (const { index, node } of this.plan.steps) {
      const spawned = this.spawned[index]! - this.start;
      const ready = this.ready[index]! - this.start;
      const base = {
        label: node.label,
        op: typeof node.op === "string" ? node.op : node.op.name,
        shape: formatShape(node.shape),
        spawned,
        ready,
      };
      const shards = this.shards.get(index);
      if (shards === undefined) {
        spans.push({ ...base, lane: 0, started: ready, ended: this.ended[index]! - this.start });
        continue;
      }
      for (const { lane, started, ended } of shards) {
        spans.push({
          ...base,
          lane: lanes.indexOf(lane),
          started: started - this.start,
          ended: ended - this.start,
        });
      }
    }
    return new Trace(spans);
  }
}
