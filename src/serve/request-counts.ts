import type { MetricFamily, Sample } from "./exposition.js";

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

/** Upper ends of the histogram's buckets, in seconds. */
const BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Requests of one status, endpoint and model. */
class Count {
  requests = 0;
  rows = 0;
  seconds = 0;
  /** Requests by the first bucket that they fit in; those beyond the last come last. */
  readonly buckets = new Float64Array(BUCKETS.length + 1);

  constructor(
    readonly endpoint: string,
    readonly model: string,
    readonly status: number,
  ) {}
}

/**
 * Counts requests, their rows and how long they took. A request adds to a few numbers, which are made samples of when
 * somebody asks for them.
 */
export class RequestCounts {
  private readonly counts = new Map<string, Count>();

  readonly families: readonly MetricFamily[] = [
    {
      name: "goml_requests_total",
      help: "Requests by route, model and HTTP status; 499 is a client that went away.",
      type: "counter",
      samples: () =>
        this.all.map(({ endpoint, model, status, requests }) => ({
          labels: { endpoint, model, status },
          value: requests,
        })),
    },
    {
      name: "goml_request_duration_seconds",
      help: "From a request's headers to the end of its answer.",
      type: "histogram",
      samples: () => this.durations(),
    },
    {
      name: "goml_rows_total",
      help: "Rows predicted.",
      type: "counter",
      samples: () =>
        [
          ...sums(
            this.all,
            ({ model }) => model,
            ({ rows }) => rows,
          ),
        ]
          .filter(([, value]) => value > 0)
          .map(([model, value]) => ({ labels: { model }, value })),
    },
  ];

  add({ endpoint, model, status, seconds, rows }: RequestOutcome): void {
    const key = `${status} ${endpoint} ${model}`;
    let count = this.counts.get(key);
    if (count === undefined) {
      count = new Count(endpoint, model, status);
      this.counts.set(key, count);
    }
    count.requests++;
    count.rows += rows;
    count.seconds += seconds;
    let bucket = 0;
    while (bucket < BUCKETS.length && seconds > BUCKETS[bucket]!) bucket++;
    count.buckets[bucket]!++;
  }

  private get all(): Count[] {
    return [...this.counts.values()];
  }

  /** Cumulative, as Prometheus has histograms; statuses taken together. */
  private durations(): Sample[] {
    const groups = new Map<string, Count[]>();
    for (const count of this.all) {
      const key = `${count.endpoint} ${count.model}`;
      groups.set(key, [...(groups.get(key) ?? []), count]);
    }
    return [...groups.values()].flatMap((group) => {
      const { endpoint, model } = group[0]!;
      const labels = { endpoint, model };
      let value = 0;
      const rows = [...BUCKETS, "+Inf"].map((le, i): Sample => {
        for (const { buckets } of group) value += buckets[i]!;
        return { suffix: "_bucket", labels: { le, ...labels }, value };
      });
      const seconds = group.reduce((sum, count) => sum + count.seconds, 0);
      return [...rows, { suffix: "_sum", labels, value: seconds }, { suffix: "_count", labels, value }];
    });
  }
}

function sums<T>(
  list: readonly T[],
  key: (one: T) => string,
  value: (one: T) => number,
): Map<string, number> {
  const totals = new Map<string, number>();
  for (const one of list) totals.set(key(one), (totals.get(key(one)) ?? 0) + value(one));
  return totals;
}
