// A worker thread of a GoMachine: takes tasks from the machine's shared memory until it is told to end.
import { parentPort, workerData } from "node:worker_threads";
import { failureOf } from "../parallel/answer.js";
import { BoundFrame, type FrameSource } from "./engine/bound-frame.js";
import { controlOf, frameOf } from "./engine/control.js";
import { MOVED, RUN } from "./engine/frame.js";
import { viewOf } from "./engine/memory.js";
import type { Program } from "./engine/program.js";
import { Scheduler } from "./engine/scheduler.js";
import type { WorkerFailure } from "./engine/worker-failure.js";
import { workerRound } from "./engine/worker-loop.js";
import { allowKernels, ROOM_BYTES } from "./kernels/tensor-kernels.js";
import type { Kernel } from "./op.js";
import { rebuildOp } from "./ops/registry.js";
import type { Data } from "./tensor.js";
import { markTime, wallClock } from "./trace.js";

/** How long to look for tasks before sleeping, in milliseconds: twice what it takes to wake a thread. */
const SPIN_MS = 0.1;
/** Looks between two looks at the clock. */
const LOOKS = 32;

const program = workerData as Program;
const { pages, network, lanes, lane } = program;
const control = controlOf(
  pages,
  program.control,
  network,
  program.capacity,
  program.leaves,
  program.callerWorks,
);
const { shared, words } = control;
if (program.rooms >= 0) allowKernels(pages, program.rooms + (lane - 1) * ROOM_BYTES);

const leafSteps = new Int32Array(program.leaves);
for (const [step, { leaf }] of program.values.entries()) if (leaf >= 0) leafSteps[leaf] = step;
/** Made when first needed, the same for all frames. */
const kernels = new Array<Kernel | undefined>(network.steps).fill(undefined);

function kernelOf(index: number): Kernel {
  const step = program.steps[index]!;
  kernels[index] ??= rebuildOp(step.op, step.attributes).make(step.inputs, step.results);
  return kernels[index];
}

/** A frame as this thread sees it. */
interface OwnFrame {
  readonly words: Int32Array;
  readonly times: Data | undefined;
  readonly bound: BoundFrame;
  /** The frame's `MOVED` when this thread last looked where the leaves lie. */
  moved: number;
}

const frames = new Array<OwnFrame | undefined>(program.capacity).fill(undefined);

function openFrame(frame: number): OwnFrame {
  const parts = frameOf(pages, control, frame, lanes);
  const places = new Float64Array(program.leaves).fill(-1);
  const leaves = new Array<Data>(program.leaves);
  const source: FrameSource = {
    inputs: program.inputs,
    leafOf: (step) => program.values[step]!.leaf,
    leaf(leaf) {
      const place = (parts.words[shared.layout.leaves + leaf]! >>> 0) * 16;
      if (places[leaf] !== place) {
        const { dtype, size } = program.values[leafSteps[leaf]!]!;
        leaves[leaf] = viewOf(pages, dtype, place, size);
        places[leaf] = place;
      }
      return leaves[leaf]!;
    },
    value(step) {
      const { dtype, size, offset } = program.values[step]!;
      return viewOf(pages, dtype, parts.values + offset, size);
    },
    kernel: kernelOf,
    resultsOf: (step) => program.steps[step]?.results.length ?? 1,
    moves: (step) => program.values[step]!.leaf >= 0,
  };
  const own: OwnFrame = {
    words: parts.words,
    times: parts.times,
    bound: new BoundFrame(source, leafSteps),
    moved: Atomics.load(parts.words, MOVED),
  };
  frames[frame] = own;
  return own;
}

const scheduler = new Scheduler(
  shared,
  {
    words: (frame) => (frames[frame] ?? openFrame(frame)).words,
    compute(frame, step, from, to) {
      const own = frames[frame]!;
      const moved = Atomics.load(own.words, MOVED);
      if (moved !== own.moved) {
        own.bound.moveLeaves();
        own.moved = moved;
      }
      const { kernel, inputs, output, results } = own.bound.step(step);
      if (own.times === undefined) {
        kernel.run(inputs, output, from, to, results);
        return;
      }
      const started = wallClock();
      kernel.run(inputs, output, from, to, results);
      markTime(own.times, lanes, step, lane, started, wallClock());
    },
    mayStay: () => true,
    failed(frame, step, error) {
      const run = Atomics.load(frames[frame]!.words, RUN);
      parentPort!.postMessage({ run, step, failure: failureOf(error) } satisfies WorkerFailure);
    },
  },
  true,
);

function looks(): boolean {
  const end = performance.now() + SPIN_MS;
  do {
    for (let look = 0; look < LOOKS; look++) if (shared.ready.ready()) return true;
  } while (performance.now() < end);
  return false;
}

while (workerRound(words, shared, scheduler, looks));
