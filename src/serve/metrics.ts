import { type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { exposition, type MetricFamily, type Sample } from "./exposition.js";
import type { Inference } from "./inference.js";
import type { Repository } from "./repository.js";
import { RequestCounts, type RequestOutcome } from "./request-counts.js";

const NANO = 1e-9;
const DELAY_QUANTILES = [50, 90, 99];

/** What the numbers are taken from. */
interface Measured {
  readonly inference: Inference;
  readonly repository: Repository;
  /** Lines of log that were not written so far. */
  readonly droppedLines: () => number;
  /** Clients that were given up because they did not read their answers so far. */
  readonly slowReaders: () => number;
}

/** The numbers that `/metrics` gives; everything is counted on the main thread. */
export class Metrics {
  private readonly requests = new RequestCounts();
  private readonly reloads = new Map<string, { model: string; result: string; count: number }>();
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  private readonly delays = { count: 0, seconds: 0 };
  private utilization = performance.eventLoopUtilization();
  private readonly families: readonly MetricFamily[];

  constructor(measured: Measured) {
    this.delay.enable();
    const { inference, repository } = measured;
    this.families = [
      ...this.requests.families,
      {
        name: "goml_model_reloads_total",
        help: "Changes of model files after the start, by what became of them: loaded, refused, gone.",
        type: "counter",
        samples: () =>
          [...this.reloads.values()].map(({ model, result, count }) => ({
            labels: { model, result },
            value: count,
          })),
      },
      gauge("goml_queue_requests", "Inference requests in the house.", () => inference.admission.requests),
      gauge(
        "goml_queue_bytes",
        "Bytes of their bodies, the work on them, and answers that are not sent yet.",
        () => inference.admission.bytes,
      ),
      gauge(
        "goml_queue_limit",
        "Inference requests that may be in the house.",
        () => inference.admission.mostRequests,
      ),
      gauge("goml_pool_pending", "Jobs that worker threads have not answered.", () => inference.pool.pending),
      gauge("goml_pool_threads", "Worker threads alive.", () => inference.pool.alive),
      gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss()),
      gauge("process_start_time_seconds", "When the process started.", () => performance.timeOrigin / 1000),
      gauge(
        "goml_event_loop_utilization",
        "Share of time that the event loop was busy, since the last look.",
        () => this.busy(),
      ),
      {
        name: "goml_event_loop_delay_seconds",
        help: "Delay of the event loop beyond a timer of 10 ms; quantiles since the last look.",
        type: "summary",
        samples: () => this.delaySamples(),
      },
      counter(
        "goml_log_lines_dropped_total",
        "Lines of log that were not written, because its reader did not keep up or went away.",
        measured.droppedLines,
      ),
      counter(
        "goml_slow_readers_total",
        "Connections ended because their client did not read its answers fast enough.",
        measured.slowReaders,
      ),
      {
        name: "goml_model_info",
        help: "1 for every model served.",
        type: "gauge",
        samples: () =>
          Array.from(repository.entries(), ({ model }) => ({
            // What an ONNX model is about it does not say.
            labels: {
              model: model.name,
              version: model.version,
              target: model.kind === "regression" ? model.target : "",
            },
            value: 1,
          })),
      },
      {
        name: "goml_model_loaded_timestamp_seconds",
        help: "When the model served was loaded.",
        type: "gauge",
        samples: () =>
          Array.from(repository.entries(), ({ model, loadedAt }) => ({
            labels: { model: model.name, version: model.version },
            value: loadedAt / 1000,
          })),
      },
    ];
  }

  /** All of them as text, see `exposition`. */
  text(): string {
    return exposition(this.families);
  }

  count(outcome: RequestOutcome): void {
    this.requests.add(outcome);
  }

  countReload(model: string, result: string): void {
    const key = JSON.stringify([model, result]);
    const known = this.reloads.get(key);
    if (known === undefined) this.reloads.set(key, { model, result, count: 1 });
    else known.count++;
  }

  close(): void {
    this.delay.disable();
  }

  private busy(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.utilization);
    this.utilization = now;
    return utilization;
  }

  private delaySamples(): Sample[] {
    const { delay, delays } = this;
    const quantiles = [...DELAY_QUANTILES, 100].map((q) => ({
      labels: { quantile: q / 100 },
      value: beyond(q === 100 ? delay.max : delay.percentile(q)),
    }));
    // Sum and count are those since the start, as of all summaries.
    if (delay.count > 0) {
      delays.count += delay.count;
      delays.seconds += delay.count * beyond(delay.mean);
    }
    delay.reset();
    return [
      ...quantiles,
      { suffix: "_sum", value: delays.seconds },
      { suffix: "_count", value: delays.count },
    ];
  }
}

function gauge(name: string, help: string, value: () => number): MetricFamily {
  return { name, help, type: "gauge", samples: () => [{ value: value() }] };
}

function counter(name: string, help: string, value: () => number): MetricFamily {
  return { name, help, type: "counter", samples: () => [{ value: value() }] };
}

/** The histogram counts the timer's own 10 ms, in nanoseconds. */
function beyond(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds * NANO - 0.01) : 0;
}
