import { setImmediate as nextTick } from "node:timers/promises";
import { Bench } from "tinybench";
import { InterruptedError } from "../../errors.js";
import { median, quantilesOf } from "../../stats/quantile.js";
import type { CaseResult } from "./results.js";
import type { BenchCase, OpenGroup } from "./suite.js";

/** How long to measure. */
export interface Effort {
  rounds: number;
  /** Milliseconds per case and round. */
  timeMs: number;
}

/** A sample lasts about this long at least: the clock's own cost and grain stay below a percent. */
const SAMPLE_MS = 0.02;
/** Time for the compiler, before calls are counted. */
const COMPILE_MS = 10;
/**
 * The same for calls that do a thing many times, in those times: what is between two of them (promises, listeners,
 * generators) is compiled only after some thousands, while the compiler's own threads keep a core busy.
 */
const COMPILE_TIMES = 4000;

/**
 * Times the cases of a group by tinybench, in rounds, so that all cases see fast and slow moments of the machine
 * alike; figures are of the samples of all rounds.
 *
 * @throws InterruptedError when `signal` aborts
 */
export async function measure(group: OpenGroup, effort: Effort, signal: AbortSignal): Promise<CaseResult[]> {
  const samples = new Map<string, number[]>(group.cases.map((one) => [one.name, []]));
  const calls = new Map<string, number>();
  for (const one of group.cases) calls.set(one.name, await callsPerSample(one, signal));
  for (let round = 0; round < effort.rounds; round++) {
    const bench = new Bench({
      time: effort.timeMs,
      iterations: 1,
      warmup: round === 0,
      warmupTime: effort.timeMs,
      warmupIterations: 1,
      retainSamples: true,
      throws: true,
    });
    for (const one of group.cases)
      bench.add(one.name, withTurns(repeated(one, calls.get(one.name)!, signal)), { async: true });
    await bench.run();
    for (const task of bench.tasks)
      if ("latency" in task.result)
        for (const sample of task.result.latency.samples ?? []) samples.get(task.name)!.push(sample);
  }
  return withRatios(group.cases, samples);
}

/** How many calls to time together. */
async function callsPerSample(one: BenchCase, signal: AbortSignal): Promise<number> {
  const started = performance.now();
  if (one.times !== undefined)
    for (let done = 0; done < COMPILE_TIMES; done += one.times) await repeated(one, 1, signal)();
  for (let calls = 1; ; ) {
    await nextTick();
    const { overriddenIterationCost: cost } = await repeated(one, calls, signal)();
    if (cost < SAMPLE_MS) calls *= 2;
    else if (calls === 1 || performance.now() - started > COMPILE_MS) return calls;
  }
}

/** A task of several calls in a row, which reports the mean time of one. */
function repeated(one: BenchCase, calls: number, signal: AbortSignal) {
  const start = () => {
    if (signal.aborted) throw new InterruptedError();
    return performance.now();
  };
  const timed = (started: number) => {
    const cost = performance.now() - started;
    return { overriddenDuration: cost / (calls * (one.times ?? 1)), overriddenIterationCost: cost };
  };
  if (!one.async)
    return () => {
      const started = start();
      for (let i = 0; i < calls; i++) one.run();
      return timed(started);
    };
  return async () => {
    const started = start();
    for (let i = 0; i < calls; i++) await one.run();
    return timed(started);
  };
}

/** How long samples follow one another before signals are heard, in milliseconds. */
const STRETCH_MS = 20;

/** A task that lets the event loop turn between samples: what it reports is measured within. */
function withTurns<Sample>(task: () => Sample | Promise<Sample>): () => Promise<Sample> {
  let since = performance.now();
  return async () => {
    const sample = await task();
    if (performance.now() - since < STRETCH_MS) return sample;
    await nextTick();
    since = performance.now();
    return sample;
  };
}

function withRatios(cases: readonly BenchCase[], samples: Map<string, number[]>): CaseResult[] {
  const medians = new Map(cases.map(({ name }) => [name, median(samples.get(name)!)]));
  return cases.map(({ name, against, threads }) => {
    const own = samples.get(name)!;
    const at = quantilesOf(own);
    const medianMs = medians.get(name)!;
    return {
      name,
      against: against ?? null,
      threads: threads ?? null,
      medianMs,
      p75Ms: at(0.75),
      p99Ms: at(0.99),
      opsPerSecond: 1000 / medianMs,
      samples: own.length,
      ratio: against === undefined ? 1 : medianMs / medians.get(against)!,
    };
  });
}
