import {
  GoMachine,
  type GoMachineOptions,
  Graph,
  type Machine,
  type Node,
  TapeMachine,
  work,
} from "../../machine/index.js";
import { count } from "../render/numbers.js";
import { cutEdge } from "./cut-edges.js";
import { type BenchedGraph, chain, diamonds, fanOut, network, neurons, pair } from "./machine-graphs.js";
import type { BenchCase, BenchGroup, BenchSuite } from "./suite.js";

/** Sizes of two ops that share nothing, in nanoseconds each. */
const PAIRS = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 200_000];
const QUICK_PAIRS = [1_000, 5_000, 50_000];
/** Runs that a streamed case makes in one call. */
const STREAMED = 100;

/**
 * The tape machine against the go machine, on one thread and on several, the caller's counted: the article's equation
 * bare and with 50 µs of work per op, one run at a time and streamed; two ops that share nothing, from the size of
 * which on threads pay; graphs of many small nodes; a network of matrices; edges that lead from one site to another.
 */
export const machineSuite: BenchSuite = ({ threads, quick }) => {
  const several = threads.filter((n) => n > 1);
  // One core may be better than none, for those who want to see what threads cost there.
  const counts = several.length > 0 ? several : [2];
  const most = counts[counts.length - 1]!;
  const go: MachineCase = { label: "go", options: {} };
  const all: MachineCase = { label: `go, ${most} threads`, options: { workers: most - 1 } };
  const sizes = quick ? [10, 1000] : [10, 100, 1000, 10_000, 100_000];
  const shapes: [string, (nodes: number) => BenchedGraph][] = [
    ["chain", chain],
    ["fan-out", fanOut],
    ["diamonds", diamonds],
  ];
  const loaded = async (count: number) => neurons(count, await roundsFor(50_000));
  return [
    group("σ(w·x + b), bare", 1, () => neurons(1, 0), [go, all], equation),
    group("σ(w·x + b), 50 µs per op", 1, () => loaded(1), [
      go,
      all,
      { ...all, label: `go, ${most} threads, streamed`, streamed: true },
    ]),
    group("16 × σ(w·x + b), 50 µs per op", 16, () => loaded(16), [go, all]),
    ...(quick ? QUICK_PAIRS : PAIRS).map((ns) =>
      group(`two ops of ${ns / 1000} µs`, ns, async () => pair(await roundsFor(ns)), [
        go,
        // Only these count in the search for the size from which threads pay.
        ...counts.map((n) => ({ label: `${n} threads`, options: { workers: n - 1 }, threads: n })),
      ]),
    ),
    ...sizes.flatMap((nodes) =>
      shapes.map(([name, make]) => group(`${name} of ${count(nodes)} nodes`, nodes, () => make(nodes), [go])),
    ),
    ...(quick ? [8, 64, 256] : [8, 16, 32, 64, 128, 256, 512, 1024]).map((n) =>
      group(`network, ${n} × ${n}`, n, () => network(n), [
        go,
        ...counts.map((n) => ({ label: `go, ${n} threads`, options: { workers: n - 1 } })),
      ]),
    ),
    cutEdge("1 KB", 1024),
    cutEdge("8 MB", 8 << 20),
  ];
};

/** A go machine to be timed. */
interface MachineCase {
  readonly label: string;
  readonly options: GoMachineOptions;
  /** Whether runs overlap in a stream; else one is awaited before the next. */
  readonly streamed?: boolean;
  readonly threads?: number;
}

/** Cases of one graph: the tape, and go machines with options; `plain` is a yardstick in plain JavaScript. */
function group(
  name: string,
  size: number,
  make: () => BenchedGraph | Promise<BenchedGraph>,
  machines: readonly MachineCase[],
  plain?: () => number,
): BenchGroup {
  return {
    name,
    rows: size,
    values: size,
    async open() {
      const { graph, outputs } = await make();
      const tape = new TapeMachine(graph, { outputs });
      const others = machines.map((one) => ({
        ...one,
        machine: new GoMachine(graph, { ...one.options, outputs }),
      }));
      const yardstick: BenchCase[] =
        plain === undefined ? [] : [{ name: "plain JavaScript", async: false, run: plain }];
      const cases: BenchCase[] = [
        ...yardstick,
        {
          name: "tape",
          ...(plain === undefined ? {} : { against: "plain JavaScript" }),
          async: true,
          run: () => tape.runAll(),
        },
        ...others.map(({ label, threads, streamed, machine }) => ({
          name: label,
          against: "tape",
          ...(threads === undefined ? {} : { threads }),
          ...(streamed ? { times: STREAMED } : {}),
          async: true,
          run: () => (streamed ? stream(machine) : machine.runAll()),
        })),
      ];
      return {
        cases,
        async check() {
          for (const { label, machine } of others)
            await checkSame(`${name}, ${label}`, outputs, tape, machine);
        },
        async close() {
          await Promise.all(
            [tape, ...others.map(({ machine }) => machine)].map((machine) => machine.close()),
          );
        },
      };
    },
  };
}

async function stream(machine: GoMachine): Promise<void> {
  const inputs = Array.from({ length: STREAMED }, () => []);
  for await (const _run of machine.stream(inputs));
}

async function checkSame(
  what: string,
  outputs: readonly Node[],
  tape: Machine,
  other: Machine,
): Promise<void> {
  const [want, got] = [await tape.runAll(), await other.runAll()];
  for (const node of outputs) {
    const [a, b] = [want.value(node).data, got.value(node).data];
    const at = a.findIndex((value, i) => !Object.is(value, b[i]));
    if (at >= 0) throw new Error(`${what} and the tape differ in element ${at} of ${node.label}`);
  }
}

const values = { w: 0.5, x: 2, b: 1 };

/** The equation as one would write it without a graph. */
function equation(): number {
  return 1 / (1 + Math.exp(-(values.w * values.x + values.b)));
}

/** How many rounds of `work` take so many nanoseconds on this machine: by the fastest of some runs, for it may be busy. */
async function roundsFor(ns: number): Promise<number> {
  const rounds = 100_000;
  const graph = new Graph();
  work(graph.parameter("x", 0), rounds);
  const tape = new TapeMachine(graph);
  let fastest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 50; i++) {
    const started = performance.now();
    await tape.runAll();
    fastest = Math.min(fastest, performance.now() - started);
  }
  return Math.max(1, Math.round((ns / 1e6 / fastest) * rounds));
}
