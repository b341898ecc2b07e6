import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { add, GoMachine, Graph, type Node, square, TapeMachine, tensor } from "../../src/machine/index.js";
import { joinRanks, type RankOptions, type Ranks, withRanks } from "../../src/ranks/index.js";
import { randomFrom } from "../machine/random.js";
import { letInputs, randomDag } from "../machine/random-dag.js";

/** Does `body` as each of some ranks, all in this process, over real connections. */
async function together<T>(
  size: number,
  body: (ranks: Ranks) => Promise<T>,
  each: (rank: number) => Partial<RankOptions> & { retries?: number } = () => ({}),
): Promise<PromiseSettledResult<T>[]> {
  let listening: (port: number) => void = () => undefined;
  const port = new Promise<number>((resolve) => {
    listening = resolve;
  });
  const first = withRanks({ rank: 0, size, port: 0, listening, ...each(0) }, body);
  const others = Array.from({ length: size - 1 }, async (_, i) =>
    withRanks({ rank: i + 1, size, port: await port, ...each(i + 1) }, body),
  );
  return Promise.allSettled([first, ...others]);
}

const values = <T>(results: PromiseSettledResult<T>[]) => {
  const failed = results.filter((result) => result.status === "rejected");
  if (failed.length > 0)
    throw new AggregateError(
      failed.map(({ reason }) => reason),
      reasons(failed).join("; "),
    );
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
};
const reasons = (results: PromiseSettledResult<unknown>[]) =>
  results.map((result) => (result.status === "rejected" ? (result.reason as Error).message : "none"));

const sinks = ({ nodes }: Graph) => {
  const consumed = new Set(nodes.flatMap((node) => node.inputs));
  return nodes.filter((node) => !consumed.has(node));
};

const hex = (run: { value(node: Node): { data: ArrayBufferView } }, outputs: readonly Node[]) =>
  outputs.map((node) => {
    const { buffer, byteOffset, byteLength } = run.value(node).data;
    return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength).toString("hex");
  });

/** x ↦ (x² + 1)², the square at rank 0, the sum at rank 1, and so on around. */
function ring(size: number, length: number) {
  const graph = new Graph();
  const x = graph.input("x", [length]);
  const y = square(add(square(x), 1));
  for (const [i, node] of graph.nodes.filter(({ op }) => typeof op !== "string").entries())
    node.site = i % size;
  return { graph, x, y };
}

const isAdd = ({ op }: Node) => typeof op !== "string" && op.name === "add";

describe("ranks over gRPC", () => {
  it("give the tape's bits on random graphs with random cuts", { timeout: 60_000 }, async () => {
    // One group, and a machine for each graph, as programs do.
    const seeds = fc.sample(fc.integer({ min: 1, max: 2 ** 30 }), process.env.GOML_LONG ? 200 : 15);
    const graphs = await Promise.all(
      seeds.map(async (seed) => {
        const random = randomFrom(seed);
        const graph = randomDag(random, 1 + (seed % 25), seed % 2 === 0 ? "float64" : "float32");
        for (const node of graph.nodes) if (random() < 0.6) node.site = Math.floor(random() * 3);
        const outputs = sinks(graph);
        const tape = new TapeMachine(graph, { outputs });
        letInputs(tape, randomFrom(seed));
        const want = hex(await tape.runAll(), outputs);
        await tape.close();
        return { graph, seed, outputs, want };
      }),
    );
    const all = await together(3, async (sites) => {
      const got: string[][] = [];
      for (const { graph, seed, outputs } of graphs) {
        const machine = new GoMachine(graph, { sites, outputs });
        letInputs(machine, randomFrom(seed));
        got.push(hex(await machine.runAll(), outputs));
        await machine.close();
      }
      return got;
    });
    for (const got of values(all)) expect(got).toEqual(graphs.map(({ want }) => want));
  });

  it("carry values of several pieces, of none, and runs that overlap", async () => {
    const length = 3 * 131_072 + 5;
    const { graph, x, y } = ring(2, length);
    const none = add(graph.input("none", [0, 3]), 1);
    none.site = 1;
    const inputs = Array.from({ length: 6 }, (_, i) => [
      [x, tensor(new Float64Array(length).fill(i), [length])] as const,
      [graph.nodes.find(({ name }) => name === "none")!, tensor(new Float64Array(0), [0, 3])] as const,
    ]);
    const all = await together(2, async (sites) => {
      const machine = new GoMachine(graph, { sites, outputs: [y, none], capacity: 3 });
      const got: number[] = [];
      for await (const run of machine.stream(inputs)) {
        const { data } = run.value(y);
        expect(data.every((value) => value === data[0])).toBe(true);
        expect(run.value(none).shape).toEqual([0, 3]);
        got.push(data[0]!);
      }
      await machine.close();
      return got;
    });
    for (const got of values(all)) expect(got).toEqual(inputs.map((_, i) => (i * i + 1) ** 2));
  });

  it("fail together, naming rank and node, and begin anew as often as they are told", async () => {
    let tries = 0;
    const attempts = new Set<number>();
    const all = await together(
      3,
      async (ranks) => {
        attempts.add(ranks.attempt);
        const { graph, x, y } = ring(3, 2);
        const machine = new GoMachine(graph, {
          sites: ranks,
          pause: (node) => {
            if (ranks.rank === 1 && isAdd(node) && tries++ < 2)
              throw Object.assign(new Error("out of luck"), { node: node.label });
            return undefined;
          },
        });
        machine.let(x, [1, 2]);
        const run = await machine.runAll();
        await machine.close();
        return run.value(y).toArray();
      },
      () => ({ retries: 2 }),
    );
    expect(values(all)).toEqual([
      [4, 25],
      [4, 25],
      [4, 25],
    ]);
    expect([...attempts]).toEqual([0, 1, 2]);
    tries = 0;
    const failed = await together(2, async (ranks) => {
      const { graph, x } = ring(2, 2);
      const machine = new GoMachine(graph, {
        sites: ranks,
        pause: (node) => {
          if (ranks.rank === 1 && isAdd(node))
            throw Object.assign(new Error("out of luck"), { node: node.label });
          return undefined;
        },
      });
      machine.let(x, [1, 2]);
      try {
        await machine.runAll();
      } finally {
        await machine.close();
      }
    });
    expect(reasons(failed)).toEqual(Array(2).fill("rank 1 at node add#3: out of luck"));
  });

  it("refuse another token, which disturbs nobody, and another version", async () => {
    let listening: (port: number) => void = () => undefined;
    const port = new Promise<number>((resolve) => {
      listening = resolve;
    });
    const leave = async (options: RankOptions) => (await joinRanks(options)).close();
    const first = leave({ rank: 0, size: 2, port: 0, listening, token: "right" });
    await expect(leave({ rank: 1, size: 2, port: await port, token: "wrong" })).rejects.toThrow(
      "rank 0: another token",
    );
    await expect(leave({ rank: 1, size: 2, port: await port })).rejects.toThrow("rank 0: another token");
    await Promise.all([first, leave({ rank: 1, size: 2, port: await port, token: "right" })]);
    const both = await together(
      2,
      async () => undefined,
      (rank) => (rank === 1 ? { version: "9.9.9" } : {}),
    );
    expect(reasons(both)[0]).toMatch(/^rank 1: rank 1 is goml 9.9.9, rank 0 is .*: all must be the same/);
    expect(reasons(both)[1]).toMatch(/rank 1 is goml 9.9.9/);
  });

  it("refuse to listen beyond this machine without a token, and what does not fit", async () => {
    await expect(joinRanks({ rank: 0, size: 2, port: 0, host: "10.0.0.1" })).rejects.toThrow(/need a token/);
    await expect(joinRanks({ rank: 2, size: 2, port: 0 })).rejects.toThrow("rank 2 is none of 2");
    const late = joinRanks({ rank: 0, size: 2, port: 0, joinTimeout: 50 });
    await expect(late).rejects.toThrow("rank 1 did not join in time");
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    await expect(joinRanks({ rank: 0, size: 1, port })).rejects.toThrow(/a rank cannot listen on 127.0.0.1/);
    taken.close();
  });

  it("notice that their graphs differ", async () => {
    const all = await together(2, async (sites) => {
      const { graph, x } = ring(2, 2 + sites.rank);
      const machine = new GoMachine(graph, { sites });
      machine.let(x, new Float64Array(2 + sites.rank));
      try {
        await machine.runAll();
      } finally {
        await machine.close();
      }
    });
    expect(reasons(all)).toEqual(Array(2).fill("rank 1: its graph is another than that of rank 0"));
  });

  it("speak TLS with certificates of their own", async () => {
    const folder = mkdtempSync(join(tmpdir(), "goml-ranks-"));
    try {
      const args =
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key -out cert -days 2 -subj /CN=ranks -addext subjectAltName=DNS:ranks";
      execFileSync("openssl", args.split(" "), { cwd: folder, stdio: "ignore" });
      const [cert, key] = ["cert", "key"].map((name) => readFileSync(join(folder, name))) as [Buffer, Buffer];
      const all = await together(
        2,
        async (sites) => {
          const { graph, x, y } = ring(2, 2);
          const machine = new GoMachine(graph, { sites });
          machine.let(x, [1, 2]);
          const run = await machine.runAll();
          await machine.close();
          return run.value(y).toArray();
        },
        () => ({ tls: { cert, key, ca: cert, name: "ranks" } }),
      );
      expect(values(all)).toEqual([
        [4, 25],
        [4, 25],
      ]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("gather what each has to say", async () => {
    const all = await together(3, async (ranks) =>
      (await ranks.gather(Buffer.from(`from ${ranks.rank}`))).map((bytes) => Buffer.from(bytes).toString()),
    );
    expect(values(all)).toEqual([["from 0", "from 1", "from 2"], [], []]);
  });
});
