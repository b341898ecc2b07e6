// A worker thread of a process' machines: takes tasks from their shared memory until it is told to end.
import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { failureOf } from "../parallel/answer.js";
import { BoundFrame, type FrameSource } from "./engine/bound-frame.js";
import { controlOf, frameOf } from "./engine/control.js";
import { bellFor, type CrewMessage, ROSTER, STOP } from "./engine/crew-words.js";
import { MOVED, RUN } from "./engine/frame.js";
import { viewOf } from "./engine/memory.js";
import type { Program } from "./engine/program.js";
import { Scheduler } from "./engine/scheduler.js";
import type { WorkerFailure } from "./engine/worker-failure.js";
import { foundBy, type Member, type Roster, workerRound } from "./engine/worker-loop.js";
import { allowKernels, ROOM_BYTES } from "./kernels/tensor-kernels.js";
import type { Kernel } from "./op.js";
import { rebuildOp } from "./ops/registry.js";
import type { Data } from "./tensor.js";
import { markTime, wallClock } from "./trace.js";

/** How long to look for tasks before sleeping, in milliseconds: twice what it takes to wake a thread. */
const SPIN_MS = 0.1;
/** Looks between two looks at the clock. */
const LOOKS = 32;

/** A frame as this thread sees it. */
interface OwnFrame {
  readonly words: Int32Array;
  readonly times: Data | undefined;
  readonly bound: BoundFrame;
  /** The frame's `MOVED` when this thread last looked where the leaves lie. */
  moved: number;
}

/** A machine, made ready for this thread. */
function memberOf(program: Program, crew: Int32Array): Member {
  const { pages, network, lanes, lane } = program;
  const control = controlOf(
    pages,
    program.control,
    network,
    program.capacity,
    program.leaves,
    program.callerWorks,
    bellFor(crew, program.workers),
  );
  const { shared } = control;
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
        const failure = { program: program.id, run, step, failure: failureOf(error) };
        parentPort!.postMessage(failure satisfies WorkerFailure);
      },
    },
    true,
  );

  return { shared, scheduler };
}

const words = workerData as Int32Array;
const members = new Map<number, Member>();
// It only sleeps there; who rings for one machine has a bell of its own.
const roster: Roster & { members: Member[] } = {
  words,
  bell: bellFor(words, 0),
  members: [],
  next: 0,
  seen: 0,
};

/** Hears which machines have come or go. */
function hear(): void {
  roster.seen = Atomics.load(words, ROSTER);
  for (
    let got = receiveMessageOnPort(parentPort!);
    got !== undefined;
    got = receiveMessageOnPort(parentPort!)
  ) {
    const message = got.message as CrewMessage;
    if ("join" in message) members.set(message.join.id, memberOf(message.join, words));
    else {
      members.delete(message.leave);
      parentPort!.postMessage({ left: message.leave });
    }
  }
  roster.members = [...members.values()];
  roster.next = 0;
}

function looks(): boolean {
  const end = performance.now() + SPIN_MS;
  do {
    for (let look = 0; look < LOOKS; look++) if (foundBy(roster.members)) return true;
  } while (performance.now() < end);
  return false;
}

while (Atomics.load(words, STOP) === 0) {
  hear();
  while (workerRound(roster, looks));
}
