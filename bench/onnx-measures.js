// What networks cost beside their time: `node bench/onnx.js --measure abort,delay,fair,load,memory,speedup`.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { loadOnnx, OnnxMachine } from "../dist/onnx/index.js";
import { median } from "../dist/stats/quantile.js";

const RESOLUTION_MS = 1;
const MB = 1 << 20;
const WARM_MS = 1000;
const ms = (value) => `${value.toFixed(1)} ms`;

/** Milliseconds of `work`. */
async function timed(work) {
  const started = performance.now();
  await work();
  return performance.now() - started;
}

/**
 * The measures by name. Each is told how to get a network by name (`open`, which gives its bytes, model and inputs), how
 * many threads there are and how many rounds to go; gives numbers, and prints lines that say what they are.
 */
export const measures = {
  /** How long the event loop is held up while ResNet-50 runs on worker threads, the caller's thread doing other things. */
  async delay({ open, threads, rounds }) {
    const { model, inputs } = open("ResNet-50");
    const machine = new OnnxMachine(model, { machine: "go", workers: threads, callerWorks: false });
    await machine.run(inputs);
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    for (let i = 0; i < 2 * rounds; i++) await machine.run(inputs);
    histogram.disable();
    await machine.close();
    // The timer that measures is itself one millisecond long.
    const at = (share) => Math.max(0, histogram.percentile(share) / 1e6 - RESOLUTION_MS);
    const own = { p50: at(50), p99: at(99), most: at(100) };
    console.log(
      `event loop delay under ResNet-50 on ${threads} threads: p50 ${ms(own.p50)}, p99 ${ms(own.p99)}, most ${ms(own.most)}`,
    );
    return own;
  },

  /** How long after it is aborted a run of ResNet-50 ends, at any moment of it, on the caller's and another thread. */
  async abort({ open, threads, rounds }) {
    const { model, inputs } = open("ResNet-50");
    const machine = new OnnxMachine(model, { machine: "go", workers: threads - 1 });
    await machine.run(inputs);
    const whole = await timed(() => machine.run(inputs));
    const delays = await collect(6 * rounds, async (i) => {
      const controller = new AbortController();
      const run = machine.run(inputs, { signal: controller.signal });
      const ended = run.then(
        () => undefined,
        () => performance.now(),
      );
      await sleep((whole * (i + 0.5)) / (6 * rounds));
      const aborted = performance.now();
      controller.abort();
      const at = await ended;
      return at === undefined ? 0 : at - aborted;
    });
    await machine.close();
    const sorted = delays.toSorted((a, b) => a - b);
    const own = { p50: median(delays), most: sorted.at(-1) };
    console.log(`aborting ResNet-50: ends after ${ms(own.p50)} in the middle, ${ms(own.most)} at most`);
    return own;
  },

  /** Four requests side by side: when each is done, beside one alone; of one shape, and of four. */
  async fair({ open, threads, rounds }) {
    const { model, inputs } = open("ResNet-18");
    const sets = [["of one shape", model, [inputs, inputs, inputs, inputs]]];
    const recognition = open("PP-OCRv4 recognition");
    if (recognition !== undefined) {
      // Each shape is a plan of its own, all of which share the process' threads.
      const [[line, { constructor: Tensor }]] = recognition.inputs;
      const wide = (width) =>
        new Map([[line, new Tensor(new Float32Array(3 * 48 * width).fill(0.5), [1, 3, 48, width])]]);
      sets.push(["of four shapes", recognition.model, [160, 240, 320, 400].map(wide)]);
    }
    const own = {};
    for (const [what, network, requests] of sets) {
      const machine = new OnnxMachine(network, { machine: "go", workers: threads, callerWorks: false });
      const alone = [];
      for (const request of requests) {
        await machine.run(request);
        alone.push(median(await collect(rounds, () => timed(() => machine.run(request)))));
      }
      const total = alone.reduce((sum, own2) => sum + own2, 0);
      const ends = await collect(rounds, async () => {
        const started = performance.now();
        return Promise.all(
          requests.map(async (request) => {
            await machine.run(request);
            return performance.now() - started;
          }),
        );
      });
      // Each as a share of what all would take one after the other.
      const shares = requests.map((_, i) => median(ends.map((end) => end[i] / total)));
      own[what] = { alone, shares };
      console.log(
        `four requests ${what}: done after ${shares.map((share) => share.toFixed(2)).join(", ")} of what all take one after the other`,
      );
      await machine.close();
    }
    return own;
  },

  /** Reading a model's file, and making a model of it, beside reading its bytes alone. */
  async load({ open, rounds }) {
    const folder = mkdtempSync(join(tmpdir(), "goml-load-"));
    try {
      const file = join(folder, "model.onnx");
      writeFileSync(file, open("ResNet-50").bytes);
      const read = () => readFileSync(file);
      loadOnnx(new Uint8Array(read()));
      const ratios = [];
      const times = { read: [], load: [] };
      for (let i = 0; i < 2 * rounds; i++) {
        const alone = await timed(read);
        const whole = await timed(() => loadOnnx(read()));
        times.read.push(alone);
        times.load.push(whole);
        ratios.push(whole / alone);
      }
      const own = { read: median(times.read), load: median(times.load), ratio: median(ratios) };
      console.log(
        `a model of ${(readFileSync(file).length / 1e6).toFixed(0)} MB: read ${ms(own.read)}, read and loaded ${ms(own.load)}, ${own.ratio.toFixed(2)} times`,
      );
      return own;
    } finally {
      rmSync(folder, { recursive: true });
    }
  },

  /** What the process takes after 1,000 runs, and after 100 shapes, beside what it took after the first tenth of them. */
  async memory({ open }) {
    const resident = async () => {
      globalThis.gc?.();
      await sleep(50);
      globalThis.gc?.();
      return process.memoryUsage().rss / MB;
    };
    const own = {};
    {
      const { model, inputs } = open("PP-OCR classifier");
      const machine = new OnnxMachine(model, { machine: "go", workers: 1 });
      for (let i = 0; i < 100; i++) await machine.run(inputs);
      const [before, planned] = [await resident(), machine.memoryBytes];
      for (let i = 0; i < 900; i++) await machine.run(inputs);
      own.runs = { before, after: await resident(), grown: (machine.memoryBytes - planned) / MB };
      await machine.close();
    }
    {
      const { model, inputs } = open("PP-OCR classifier");
      const [[name, x]] = inputs;
      const machine = new OnnxMachine(model, { machine: "tape" });
      const run = (i) => {
        // All as large as each other within a few percent, in any order.
        const width = 160 + 2 * ((37 * i) % 100);
        const shape = [1, 3, 48, width];
        return machine.run(new Map([[name, new x.constructor(new Float32Array(3 * 48 * width), shape)]]));
      };
      for (let i = 0; i < 10; i++) await run(i);
      const [before, planned] = [await resident(), machine.memoryBytes];
      for (let i = 10; i < 100; i++) await run(i);
      own.shapes = { before, after: await resident(), grown: (machine.memoryBytes - planned) / MB };
      await machine.close();
    }
    for (const [what, { before, after, grown }] of Object.entries(own))
      console.log(
        `${what === "runs" ? "1,000 runs" : "100 shapes"}: ${before.toFixed(0)} MiB after a tenth, ${after.toFixed(0)} in the end; the machine's own ${grown.toFixed(1)} MiB more`,
      );
    if (globalThis.gc === undefined) console.log("(with node --expose-gc garbage is not counted)");
    return own;
  },

  /** The go machine with worker threads beside the tape: how many times as fast, round by round. */
  async speedup({ open, threads, rounds }) {
    const own = {};
    for (const name of ["ResNet-50", "ResNet-18", "PP-OCR classifier", "BlazeFace", "Silero VAD v5"]) {
      const opened = open(name);
      if (opened === undefined) continue;
      const { model, inputs } = opened;
      const tape = new OnnxMachine(model, { machine: "tape" });
      // The caller's thread and one more: two threads that work.
      const go = new OnnxMachine(model, { machine: "go", workers: threads - 1 });
      // Threads' code is compiled by what runs often, and short runs find out by trial whether threads help.
      for (const machine of [tape, go])
        for (const until = performance.now() + WARM_MS; performance.now() < until; )
          await machine.run(inputs);
      // Runs of a millisecond are timed by the dozen.
      const once = Math.min(...(await collect(5, () => timed(() => tape.run(inputs)))));
      const times = Math.max(1, Math.round(50 / once));
      const many = async (machine) => {
        for (let i = 0; i < times; i++) await machine.run(inputs);
      };
      const ratios = await collect(
        3 * rounds,
        async () => (await timed(() => many(tape))) / (await timed(() => many(go))),
      );
      own[name] = { tape: once, ratio: median(ratios) };
      console.log(
        `${name.padEnd(20)} go with ${threads} threads ${own[name].ratio.toFixed(2)} times as fast as the tape (${ms(once)})`,
      );
      await tape.close();
      await go.close();
    }
    return own;
  },
};

async function collect(count, one) {
  const all = [];
  for (let i = 0; i < count; i++) all.push(await one(i));
  return all;
}
