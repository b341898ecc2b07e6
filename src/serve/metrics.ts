import { type IntervalHistogram, monitorEventLoopDelay, performance } from "node:perf_hooks";
import { Counter, Gauge, Registry } from "prom-client";
import type { Inference } from "./inference.js";
import type { Repository } from "./repository.js";
import { RequestCounts, type RequestOutcome } from "./request-counts.js";

const NANO = 1e-9;
const DELAY_QUANTILES = [50, 90, 99];

/** The numbers that `/metrics` gives, in a registry of their own; everything is counted on the main thread. */
export class Metrics {
  readonly registry = new Registry();
  private readonly requests = new RequestCounts(this.registry);
  private readonly reloads = new Counter({
    name: "goml_model_reloads_total",
    help: "Changes of model files after the start, by what became of them: loaded, refused, gone.",
    labelNames: ["model", "result"],
    registers: [this.registry],
  });
  private readonly delay: IntervalHistogram = monitorEventLoopDelay({ resolution: 10 });
  private utilization = performance.eventLoopUtilization();

  constructor(inference: Inference, repository: Repository, droppedLines: () => number) {
    this.delay.enable();
    this.gauge("goml_queue_requests", "Inference requests in the house.", () => inference.admission.requests);
    this.gauge(
      "goml_queue_bytes",
      "Bytes of their bodies, the work on them, and answers that are not sent yet.",
      () => inference.admission.bytes,
    );
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
    new Counter({
      name: "goml_log_lines_dropped_total",
      help: "Lines of log that were not written, because its reader did not keep up or went away.",
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(droppedLines());
      },
    });
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

  count(outcome: RequestOutcome): void {
    this.requests.add(outcome);
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
