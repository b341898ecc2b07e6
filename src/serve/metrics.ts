import { type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Inference } from "./inference.js";
import type { Repository } from "./repository.js";

const NANO = 1e-9;
const DELAY_QUANTILES = [50, 90, 99];

/** What a request amounted to. */
export interface RequestOutcome {
  /** The route, not the URL: a bounded number of them. */
  readonly endpoint: string;
  /** The model's name where there is such a model, else empty. */
  readonly model: string;
  /** The HTTP status sent, or 499 where the client went away first. */
  readonly status: number;
  readonly seconds: number;
  readonly rows: number;
}

interface Children {
  readonly requests: Counter.Internal;
  readonly durations: Histogram.Internal<"endpoint" | "model">;
  readonly rows: Counter.Internal | undefined;
}

/** The numbers that `/metrics` gives, in a registry of their own; everything is counted on the main thread. */
export class Metrics {
  readonly registry = new Registry();
  private readonly requests = new Counter({
    name: "goml_requests_total",
    help: "Requests by route, model and HTTP status; 499 is a client that went away.",
    labelNames: ["endpoint", "model", "status"],
    registers: [this.registry],
  });
  private readonly durations = new Histogram({
    name: "goml_request_duration_seconds",
    help: "From a request's headers to the end of its answer.",
    labelNames: ["endpoint", "model"],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });
  private readonly rows = new Counter({
    name: "goml_rows_total",
    help: "Rows predicted.",
    labelNames: ["model"],
    registers: [this.registry],
  });
  private readonly reloads = new Counter({
    name: "goml_model_reloads_total",
    help: "Changes of model files after the start, by what became of them: loaded, refused, gone.",
    labelNames: ["model", "result"],
    registers: [this.registry],
  });
  // Labels are looked up by hashing an object; once is enough.
  private readonly children = new Map<string, Children>();
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  private utilization = performance.eventLoopUtilization();

  constructor(inference: Inference, repository: Repository) {
    this.delay.enable();
    this.gauge("goml_queue_requests", "Inference requests in the house.", () => inference.admission.requests);
    this.gauge("goml_queue_bytes", "Bytes of their bodies.", () => inference.admission.bytes);
    this.gauge(
      "goml_queue_limit",
      "Inference requests that may be in the house.",
      () => inference.admission.mostRequests,
    );
    this.gauge(
      "goml_pool_pending",
      "Jobs that worker threads have not answered.",
      () => inference.pool.pending,
    );
    this.gauge("goml_pool_threads", "Worker threads alive.", () => inference.pool.alive);
    this.gauge("process_resident_memory_bytes", "Resident memory.", () => process.memoryUsage.rss());
    this.gauge(
      "process_start_time_seconds",
      "When the process started.",
      () => performance.timeOrigin / 1000,
    );
    this.gauge(
      "goml_event_loop_utilization",
      "Share of time that the event loop was busy, since the last look.",
      () => {
        const now = performance.eventLoopUtilization();
        const { utilization } = performance.eventLoopUtilization(now, this.utilization);
        this.utilization = now;
        return utilization;
      },
    );
    const { delay } = this;
    new Gauge({
      name: "goml_event_loop_delay_seconds",
      help: "Delay of the event loop beyond a timer of 10 ms, since the last look.",
      labelNames: ["quantile"],
      registers: [this.registry],
      collect() {
        for (const q of DELAY_QUANTILES) this.set({ quantile: String(q / 100) }, beyond(delay.percentile(q)));
        this.set({ quantile: "1" }, beyond(delay.max));
        delay.reset();
      },
    });
    new Gauge({
      name: "goml_model_info",
      help: "1 for every model served.",
      labelNames: ["model", "version", "target"],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const { model } of repository.entries())
          this.set({ model: model.name, version: model.version, target: model.target }, 1);
      },
    });
    new Gauge({
      name: "goml_model_loaded_timestamp_seconds",
      help: "When the model served was loaded.",
      labelNames: ["model", "version"],
      registers: [this.registry],
      collect() {
        for (const { model, loadedAt } of repository.entries())
          this.set({ model: model.name, version: model.version }, loadedAt / 1000);
      },
    });
  }

  count({ endpoint, model, status, seconds, rows }: RequestOutcome): void {
    const key = `${status} ${endpoint} ${model}`;
    let children = this.children.get(key);
    if (children === undefined) {
      children = {
        requests: this.requests.labels({ endpoint, model, status }),
        durations: this.durations.labels({ endpoint, model }),
        rows: rows > 0 ? this.rows.labels({ model }) : undefined,
      };
      this.children.set(key, children);
    }
    children.requests.inc();
    children.durations.observe(seconds);
    children.rows?.inc(rows);
  }

  countReload(model: string, result: string): void {
    this.reloads.inc({ model, result });
  }

  close(): void {
    this.delay.disable();
  }

  private gauge(name: string, help: string, value: () => number): void {
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }
}

/** The histogram counts the timer's own 10 ms, in nanoseconds. */
function beyond(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds * NANO - 0.01) : 0;
}
