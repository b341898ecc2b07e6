import { add, GoMachine, Graph, localSites, type Sites, Tensor } from "../../machine/index.js";
import { joinRanks } from "../../ranks/join-ranks.js";
import type { Ranks } from "../../ranks/ranks.js";
import type { BenchGroup } from "./suite.js";

/**
 * An edge of so many bytes there and back: x + 1 at one site, + 1 at another, + 1 at the first. On one machine, at two sites
 * of this process, whose edges are copies, and at two ranks over gRPC on loopback (both of this process, so that they share
 * its thread) where @grpc/grpc-js is installed.
 */
export function cutEdge(name: string, bytes: number): BenchGroup {
  const length = bytes / 8;
  return {
    name: `cut edge of ${name}, there and back`,
    rows: length,
    values: length,
    async open() {
      const { graph, x, y } = thereAndBack(length);
      const value = new Tensor(
        Float64Array.from({ length }, (_, i) => Math.sin(i)),
        [length],
      );
      const machinesOf = (sites: readonly (Sites | undefined)[]) =>
        sites.map((own) => new GoMachine(graph, { outputs: [y], sites: own }));
      const ranks = await pairOfRanks();
      const all = [
        { name: "go", machines: machinesOf([undefined]) },
        { name: "two sites, copies", machines: machinesOf(localSites(2)) },
        ...(ranks === undefined ? [] : [{ name: "two ranks, gRPC", machines: machinesOf(ranks) }]),
      ];
      for (const { machines } of all) for (const machine of machines) machine.let(x, value);
      const run = ({ machines }: (typeof all)[number]) =>
        Promise.all(machines.map((machine) => machine.runAll()));
      return {
        cases: all.map((one, i) => ({
          name: one.name,
          ...(i === 0 ? {} : { against: "go" }),
          async: true,
          run: () => run(one),
        })),
        async check() {
          const want = value.data.map((element) => element + 1 + 1 + 1);
          for (const one of all)
            for (const found of await run(one))
              if (!found.value(y).data.every((element, i) => element === want[i]))
                throw new Error(`${one.name} gives other values`);
        },
        async close() {
          await Promise.all(all.flatMap(({ machines }) => machines.map((machine) => machine.close())));
          await Promise.all((ranks ?? []).map((own) => own.close()));
        },
      };
    },
  };
}

function thereAndBack(length: number) {
  const graph = new Graph();
  const x = graph.input("x", [length]);
  const first = add(x, 1);
  const second = add(first, 1);
  const y = add(second, 1);
  for (const [i, node] of [first, second, y].entries()) node.site = i % 2;
  return { graph, x, y };
}

/** Two ranks of this process; undefined where gRPC is not installed. */
async function pairOfRanks(): Promise<[Ranks, Ranks] | undefined> {
  let listening: (port: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  const first = joinRanks({ rank: 0, size: 2, port: 0, listening });
  try {
    const second = await Promise.race([port, first.then(() => 0)]);
    return await Promise.all([first, joinRanks({ rank: 1, size: 2, port: second })]);
  } catch (error) {
    if ((error as { kind?: string }).kind === "usage") return undefined;
    throw error;
  }
}
