import { describe, expect, test } from "vitest";
import { Bell } from "../../../src/machine/engine/bell.js";
import { STOP } from "../../../src/machine/engine/crew-words.js";
import {
  ABORTED,
  clearFrame,
  ENDED,
  type FrameLayout,
  frameLayout,
  LEFT,
  RUNNING,
  STATUS,
} from "../../../src/machine/engine/frame.js";
import type { Network } from "../../../src/machine/engine/network.js";
import { NOTHING, ReadyRing, ringSize } from "../../../src/machine/engine/ready-ring.js";
import { Scheduler, type Shared } from "../../../src/machine/engine/scheduler.js";
import { workerRound } from "../../../src/machine/engine/worker-loop.js";
import { explore, type Model, type ModelThread } from "./interleavings.js";

const THRESHOLD = 10;

/** A small graph: which tasks read which, what they cost, and how many threads share each. */
interface Small {
  readonly name: string;
  readonly tasks: number;
  /** Producer and consumer. */
  readonly edges: readonly (readonly [number, number])[];
  readonly costs?: readonly number[];
  /** Threads that share a task, whose output then has as many pieces. */
  readonly shares?: readonly number[];
}

function networkOf({ tasks, edges, costs, shares }: Small): Network {
  const consumersOf = (task: number) => edges.filter(([from]) => from === task).map(([, to]) => to);
  const all = Array.from({ length: tasks }, (_, task) => task);
  const consumerStart = new Int32Array(tasks + 1);
  for (const task of all) consumerStart[task + 1] = consumerStart[task]! + consumersOf(task).length;
  const missing = Int32Array.from(all, (task) => edges.filter(([, to]) => to === task).length);
  const entries = Int32Array.from(all, (task) => shares?.[task] ?? 1);
  let cuts = 0;
  return {
    steps: tasks,
    consumerStart,
    consumers: Int32Array.from(all.flatMap(consumersOf)),
    missing,
    starters: Int32Array.from(all.filter((task) => missing[task] === 0)),
    sinks: all.filter((task) => consumersOf(task).length === 0).length,
    owner: new Uint8Array(tasks),
    cost: Float64Array.from(all, (task) => costs?.[task] ?? THRESHOLD),
    threshold: THRESHOLD,
    cutOf: Int32Array.from(entries, (share) => (share > 1 ? cuts++ : -1)),
    cuts,
    units: Float64Array.from(entries),
    grain: new Float64Array(tasks).fill(1),
    entries,
    allEntries: entries.reduce((sum, share) => sum + share, 0),
  };
}

const READY_HEAD = 1;
const READY_TAIL = 2;
const SLEEPERS = 3;
const BELL = 4;
const CALLER_SLEEPERS = 5;
const CALLER_BELL = 6;
const CALLER_HEAD = 7;
const CALLER_TAIL = 8;

interface MachineOptions {
  readonly runs?: number;
  /** Whether the caller computes too; else there are two workers. */
  readonly callerWorks?: boolean;
  /** Whether a further thread aborts the run at any moment. */
  readonly aborts?: boolean;
}

/** A machine of one frame with two computing threads, all code its own but that of the event loop. */
function machineOf(small: Small, { runs = 1, callerWorks = true, aborts = false }: MachineOptions): Model {
  const network = networkOf(small);
  const layout: FrameLayout = frameLayout(network, 0);
  // The roster stands at 16, and never changes.
  const words = new Int32Array(17);
  const cells = new Int32Array(ringSize(network.allEntries));
  const callerCells = new Int32Array(ringSize(network.steps));
  const frame = new Int32Array(layout.words);
  clearFrame(frame, network, layout);
  // How often each task's pieces were computed in all runs; each is an atomic step too.
  const computed = new Int32Array(network.steps);
  const shared: Shared = {
    network,
    layout,
    ready: new ReadyRing(words, READY_HEAD, READY_TAIL, cells),
    forCaller: new ReadyRing(words, CALLER_HEAD, CALLER_TAIL, callerCells),
    bell: new Bell(words, SLEEPERS, BELL),
    callerBell: new Bell(words, CALLER_SLEEPERS, CALLER_BELL),
    callerWorks,
  };
  const scheduler = (keeps: boolean) =>
    new Scheduler(
      shared,
      {
        words: () => frame,
        compute(_frame, step) {
          const done = Atomics.add(computed, step, 1) + 1;
          for (const [from, to] of small.edges) {
            if (to !== step || aborts) continue;
            const whole = network.units[from]! * Math.ceil(done / network.units[step]!);
            if (Atomics.load(computed, from) < whole)
              throw new Error(`task ${step} ran before ${from} had ended`);
          }
        },
        failed(_frame, _step, error) {
          throw error;
        },
        mayStay: () => true,
      },
      keeps,
    );
  const stateOf = (own: Scheduler) => ({ local: own.local, localCost: own.localCost, kept: own.kept });
  const worker = (name: string): ModelThread => {
    const own = scheduler(true);
    const roster = { words, bell: shared.bell, members: [{ shared, scheduler: own }], next: 0, seen: 0 };
    return {
      name,
      save: () => structuredClone(stateOf(own)),
      restore: (state) => void Object.assign(own, state),
      round: () => workerRound(roster, () => false),
    };
  };
  const ownOfCaller = scheduler(callerWorks);
  let left = runs;
  let underWay = false;
  const over = () => Atomics.load(frame, ENDED) === 1;
  const caller: ModelThread = {
    name: "caller",
    save: () => structuredClone({ ...stateOf(ownOfCaller), left, underWay }),
    restore(state) {
      const { left: l, underWay: u, ...own } = state as { left: number; underWay: boolean };
      Object.assign(ownOfCaller, own);
      left = l;
      underWay = u;
    },
    // As CallerLoop does it, but blocking: submit, compute or sleep, settle, and in the end stop the workers.
    round() {
      if (!underWay && left === 0) {
        Atomics.store(words, STOP, 1);
        shared.bell.ringAll();
        return false;
      }
      if (!underWay) {
        Atomics.store(frame, ENDED, 0);
        Atomics.store(frame, STATUS, RUNNING);
        left--;
        underWay = true;
        ownOfCaller.start(0);
        return true;
      }
      if (over()) {
        underWay = false;
        return true;
      }
      if (callerWorks && ownOfCaller.turn()) return true;
      shared.callerBell.sleep(() => over() || (callerWorks && ownOfCaller.hasTask()));
      return true;
    },
  };
  const aborter: ModelThread = {
    name: "abort",
    save: () => undefined,
    restore: () => undefined,
    round() {
      Atomics.compareExchange(frame, STATUS, RUNNING, ABORTED);
      return false;
    },
  };
  return {
    memory: [words, cells, callerCells, frame, computed],
    threads: [
      caller,
      worker("worker 1"),
      ...(callerWorks ? [] : [worker("worker 2")]),
      ...(aborts ? [aborter] : []),
    ],
    atEnd() {
      const want = Array.from(network.units, (units) => units * runs);
      if (aborts)
        for (const [task, times] of computed.entries()) expect(times).toBeLessThanOrEqual(want[task]!);
      else expect([...computed]).toEqual(want);
      // All is as before the run: counts, ring, sleepers.
      const clean = new Int32Array(layout.words);
      clearFrame(clean, network, layout);
      clean[ENDED] = 1;
      clean[STATUS] = frame[STATUS]!;
      clean[LEFT] = 0;
      expect([...frame]).toEqual([...clean]);
      expect(shared.ready.pop()).toBe(NOTHING);
      expect(words[READY_HEAD]).toBe(words[READY_TAIL]);
      expect([words[SLEEPERS], words[CALLER_SLEEPERS]]).toEqual([0, 0]);
    },
  };
}

/** All graphs of four tasks without circles, one of each form. */
function formsOfFour(): Small[] {
  const pairs: [number, number][] = [];
  for (let from = 0; from < 4; from++) for (let to = from + 1; to < 4; to++) pairs.push([from, to]);
  const orders = permutations([0, 1, 2, 3]);
  const forms = new Map<string, Small>();
  for (let chosen = 0; chosen < 2 ** pairs.length; chosen++) {
    const edges = pairs.filter((_, i) => (chosen >> i) & 1);
    const names = orders.map((order) =>
      edges
        .map(([from, to]) => `${order[from]}${order[to]}`)
        .sort()
        .join(" "),
    );
    const name = names.sort()[0]!;
    if (!forms.has(name)) forms.set(name, { name: name || "no edges", tasks: 4, edges });
  }
  return [...forms.values()];
}

function permutations(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) =>
    permutations(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}

const diamond: Small = {
  name: "diamond",
  tasks: 4,
  edges: [
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 3],
  ],
};
const square: Small = {
  name: "x · x",
  tasks: 2,
  edges: [
    [0, 1],
    [0, 1],
  ],
};
const pair: Small = { name: "two alone", tasks: 2, edges: [] };

describe("in all interleavings every task is computed once, after its inputs, and no thread sleeps for ever", () => {
  test("there are 31 forms of graphs without circles on four nodes", () => {
    expect(formsOfFour().length).toBe(31);
  });

  test.each(formsOfFour())("caller and worker, four tasks: $name", (small) => {
    expect(explore(machineOf(small, {}))).toBeGreaterThan(300);
  });

  // With three threads there are too many states for every test run: GOML_LONG=1 takes some minutes.
  const long: Small[] = [
    diamond,
    { ...diamond, name: "a diamond with a cheap side", costs: [THRESHOLD, 1, THRESHOLD, 1] },
    { ...diamond, name: "a cheap diamond", costs: [1, 1, 1, 1] },
    {
      name: "a fork",
      tasks: 3,
      edges: [
        [0, 1],
        [0, 2],
      ],
    },
    square,
  ];
  test.each([
    { name: "one task", tasks: 1, edges: [] },
    ...(process.env.GOML_LONG === undefined ? [] : long),
  ])(
    "two workers, the caller waits: $name",
    (small) => {
      explore(machineOf(small, { callerWorks: false }));
    },
    600_000,
  );

  test.each([
    { name: "one task, cut in two", tasks: 1, edges: [], shares: [2] },
    { ...pair, name: "two tasks, one cut", shares: [2, 1] },
    { name: "cut after cut", tasks: 2, edges: [[0, 1] as const], shares: [2, 2] },
    { ...diamond, name: "a diamond, one side cut", shares: [1, 2, 1, 1] },
  ])("tasks that threads share: $name", (small) => {
    explore(machineOf(small, {}));
  });

  test.each([pair, square])("three runs in one frame, the ring in its laps: $name", (small) => {
    explore(machineOf(small, { runs: 3 }));
  });

  test.each([diamond, { name: "one task, cut in two", tasks: 1, edges: [], shares: [2] }])(
    "an abort at any moment leaves the frame clean: $name",
    (small) => {
      explore(machineOf(small, { aborts: true }));
    },
  );
});

describe("the search finds", () => {
  test("a sleeper that does not look again", () => {
    const { sleep } = Bell.prototype;
    Bell.prototype.sleep = function (this: Bell) {
      sleep.call(this, () => false);
    };
    try {
      expect(() => explore(machineOf(pair, {}))).toThrow("all threads wait");
    } finally {
      Bell.prototype.sleep = sleep;
    }
  });

  test("a task taken without an exchange", () => {
    const { pop } = ReadyRing.prototype;
    ReadyRing.prototype.pop = function (this: ReadyRing) {
      const ring = this as unknown as { words: Int32Array; head: number; cells: Int32Array; mask: number };
      const ticket = Atomics.load(ring.words, ring.head);
      if (!this.ready()) return NOTHING;
      Atomics.store(ring.words, ring.head, ticket + 1);
      return Atomics.load(ring.cells, ticket & ring.mask) >>> 1;
    };
    try {
      expect(() => explore(machineOf({ ...pair, tasks: 3 }, {}))).toThrow();
    } finally {
      ReadyRing.prototype.pop = pop;
    }
  });

  test("a count set back after the value is sent", () => {
    const { send } = Scheduler.prototype;
    Scheduler.prototype.send = function (this: Scheduler, task: number) {
      const shared = (this as unknown as { shared: Shared }).shared;
      const words = (this as unknown as { hands: { words(frame: number): Int32Array } }).hands.words(0);
      send.call(this, task);
      Atomics.store(words, shared.layout.missing + task, shared.network.missing[task]!);
    };
    try {
      const join: Small = {
        ...diamond,
        tasks: 3,
        edges: diamond.edges.slice(2).map(([from, to]) => [from - 1, to - 1]),
      };
      expect(() => explore(machineOf(join, { runs: 2 }))).toThrow("all threads wait");
    } finally {
      Scheduler.prototype.send = send;
    }
  });
});
