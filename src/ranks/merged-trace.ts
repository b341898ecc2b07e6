import { hostname } from "node:os";
import type { ChromeEvent, Trace } from "../machine/index.js";
import type { Ranks } from "./ranks.js";

/** A rank's timeline, for rank 0. */
interface Timeline {
  readonly host: string;
  readonly pid: number;
  /** When its run began, by rank 0's clock, in milliseconds. */
  readonly began: number;
  readonly events: readonly ChromeEvent[];
}

/**
 * The timelines of all ranks as one, a process each, for chrome://tracing or Perfetto; undefined at all but rank 0. Clocks of
 * several hosts are compared by heartbeats, to about half the time of a round trip.
 */
export async function mergedTrace(
  ranks: Ranks,
  trace: Trace,
): Promise<{ traceEvents: ChromeEvent[] } | undefined> {
  const own: Timeline = {
    host: hostname(),
    pid: process.pid,
    began: trace.began + ranks.clockOffset,
    events: trace.chrome().traceEvents,
  };
  const all = await ranks.gather(Buffer.from(JSON.stringify(own)));
  if (all.length === 0) return undefined;
  const timelines = all.map((bytes) => JSON.parse(Buffer.from(bytes).toString()) as Timeline);
  const began = Math.min(...timelines.map((each) => each.began));
  return {
    traceEvents: timelines.flatMap((each, rank): ChromeEvent[] => [
      {
        name: "process_name",
        cat: "__metadata",
        ph: "M",
        ts: 0,
        dur: 0,
        pid: rank + 1,
        tid: 0,
        args: { name: `rank ${rank} (${each.host}, process ${each.pid})` },
      },
      ...each.events.map((event) => ({
        ...event,
        pid: rank + 1,
        ts: event.ph === "M" ? 0 : event.ts + 1000 * (each.began - began),
      })),
    ]),
  };
}
