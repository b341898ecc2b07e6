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
import { type BenchedGraph, chain, diamonds, fanOut, network, neurons } from "./machine-graphs.js";
import type { BenchCase, BenchGroup, BenchSuite } from "./suite.js";

/**
 * The tape machine against the go machine: the article's equation bare and with 50 µs of work per op, graphs of many
 * small nodes, and a network of matrices, from the size of which on worker threads pay.
 */
export const machineSuite: BenchSuite = ({ threads, quick }) => {
  const most = threads[threads.length - 1]!;
  const workers = Math.max(2, most);
  const loaded = { workers, threshold: 10_000 };
  const sizes = quick ? [10, 1000] : [10, 100, 1000, 10_000, 100_000];
  const shapes: [string, (nodes: number) => BenchedGraph][] = [
    ["chain", chain],
    ["fan-out", fanOut],
    ["diamonds", diamonds],
  ];
  return [
    group("σ(w·x + b), bare", 1, () => neurons(1, 0), [["go", {}]], equation),
    group("σ(w·x + b), 50 µs per op", 1, async () => neurons(1, await roundsPer50Us()), [
      ["go", {}],
      [`go, ${workers} workers`, loaded],
    ]),
    group("16 × σ(w·x + b), 50 µs per op", 16, async () => neurons(16, await roundsPer50Us()), [
      ["go", {}],
      [`go, ${workers} workers`, loaded],
    ]),
    ...sizes.flatMap((nodes) =>
      shapes.map(([name, make]) =>
        group(`${name} of ${count(nodes)} nodes`, nodes, () => make(nodes), [["go", {}]]),
      ),
    ),
    ...(quick ? [8, 64, 256] : [8, 16, 32, 64, 128, 256, 512, 1024]).map((n) =>
      group(`network, ${n} × ${n}`, n, () => network(n), [
        ["go", {}],
        ...threads
          .filter((workers) => workers > 1 || most === 1)
          .map((workers): [string, GoMachineOptions] => [`${workers} threads`, { workers }]),
      ]),
    ),
  ];
};

/** Cases of one graph: the tape, and go machines with options; `plain` is a yardstick in plain JavaScript. */
function group(
  name: string,
  size: number,
  make: () => BenchedGraph | Promise<BenchedGraph>,
  machines: readonly (readonly [string, GoMachineOptions])[],
  plain?: () => number,
): BenchGroup {
  return {
    name,
    rows: size,
    values: size,
    async open() {
      const { graph, outputs } = await make();
      const tape = new TapeMachine(graph, { outputs });
      const others = machines.map(([label, options]) => ({
        label,
        // Only the network's cases count in the search for the size from which threads pay.
        threads: /^\d+ threads$/.test(label) ? options.workers : undefined,
        machine: new GoMachine(graph, { ...options, outputs }),
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
        ...others.map(({ label, threads, machine }) => ({
          name: label,
          against: "tape",
          ...(threads === undefined ? {} : { threads }),
          async: true,
          run: () => machine.runAll(),
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

/** How many rounds of `work` take 50 µs on this machine: the fastest of some runs, for it may be busy. */
async function roundsPer50Us(): Promise<number> {
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
  return Math.max(1, Math.round((0.05 / fastest) * rounds));
}
