import { describe, expect, test } from "vitest";
import {
  abs,
  add,
  Graph,
  iterate,
  matmul,
  max,
  mul,
  type Node,
  sub,
  tensor,
} from "../../src/machine/index.js";
import { randomFrom, sameBits } from "./random.js";

const threads = [{}, { workers: 1, threshold: 0 }, { workers: 2, threshold: 0, callerWorks: false }];

/** Links of a random web: `links[i]` are the pages that page i points to, one at least. */
function randomWeb(pages: number, seed: number): number[][] {
  const random = randomFrom(seed);
  return Array.from({ length: pages }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, () => Math.floor(random() * pages)),
  );
}

const DAMPING = 0.85;

/** PageRank (Page et al. 1999) as loops. */
function pageRank(web: number[][], tolerance: number): { rank: Float64Array; supersteps: number } {
  const pages = web.length;
  let rank = new Float64Array(pages).fill(1 / pages);
  for (let supersteps = 1; ; supersteps++) {
    const next = new Float64Array(pages);
    for (let to = 0; to < pages; to++) {
      // In the order in which a matrix product sums: by the page that points here.
      let sum = 0;
      for (let from = 0; from < pages; from++) sum += share(web, to, from) * rank[from]!;
      next[to] = sum * DAMPING + (1 - DAMPING) / pages;
    }
    const change = next.reduce((most, value, i) => Math.max(most, Math.abs(value - rank[i]!)), 0);
    rank = next;
    if (change < tolerance) return { rank, supersteps };
  }
}

/** The part of page `from`'s rank that goes to page `to`. */
function share(web: number[][], to: number, from: number): number {
  return web[from]!.filter((page) => page === to).length / web[from]!.length;
}

describe.each(threads)("with %o", (options) => {
  test("PageRank as supersteps gives the bits that loops give", async () => {
    const web = randomWeb(40, 6);
    const want = pageRank(web, 1e-10);
    const graph = new Graph();
    const rows = web.map((_, to) => web.map((_, from) => share(web, to, from)));
    const links = graph.constant(tensor(rows));
    const rank = graph.parameter("rank", new Float64Array(40).fill(1 / 40));
    const next = add(mul(matmul(links, rank), DAMPING), (1 - DAMPING) / 40);
    const change = max(abs(sub(next, rank)));
    const end = await iterate(graph, [[rank, next]], (run) => run.value(change).item() < 1e-10, {
      ...options,
      outputs: [change],
    });
    expect(end.supersteps).toBe(want.supersteps);
    expect(end.converged).toBe(true);
    expect(sameBits(end.value(next).data, want.rank)).toBe(true);
  });

  test("the state is replaced as a whole: two leaves change places", async () => {
    const graph = new Graph();
    const a = graph.parameter("a", [1, 2, 3]);
    const b = graph.parameter("b", [4, 5, 6]);
    const sum = add(a, b);
    const seen: unknown[] = [];
    const end = await iterate(
      graph,
      [
        [a, b],
        [b, a],
      ],
      (run) => {
        seen.push([run.value(a).toArray(), run.value(b).toArray()]);
        return false;
      },
      { ...options, outputs: [sum, a, b], maxSupersteps: 3 },
    );
    expect(end.converged).toBe(false);
    const [one, two] = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    expect(seen).toEqual([
      [one, two],
      [two, one],
      [one, two],
    ]);
    expect(end.value(sum).toArray()).toEqual([5, 7, 9]);
  });

  test("a leaf that goes into its own next value reads the old one everywhere", async () => {
    // Fibonacci: (a, b) → (b, a + b).
    const graph = new Graph();
    const a = graph.parameter("a", 0);
    const b = graph.parameter("b", 1);
    const sum = add(a, b);
    const end = await iterate(
      graph,
      [
        [a, b],
        [b, sum],
      ],
      (_, number) => number === 50,
      options,
    );
    expect(end.value(sum).item()).toBe(20365011074);
  });

  test("an abort ends it with the reason", async () => {
    const graph = new Graph();
    const x = graph.parameter("x", 1);
    const next: Node = mul(x, 0.5);
    const stop = new AbortController();
    const end = iterate(
      graph,
      [[x, next]],
      async (_, number) => {
        if (number === 10) stop.abort(new Error("stop"));
        return false;
      },
      { ...options, signal: stop.signal },
    );
    await expect(end).rejects.toThrow("stop");
  });
});

test("wrong use is refused", async () => {
  const graph = new Graph();
  const x = graph.parameter("x", [1, 2]);
  const y = add(x, 1);
  const narrow = max(x);
  await expect(iterate(graph, [[y, x]], () => true)).rejects.toThrow("neither an input nor a parameter");
  await expect(iterate(graph, [[x, narrow]], () => true)).rejects.toThrow(
    "x is float64 2, its next value max#3 is float64 scalar",
  );
  await expect(iterate(graph, [[x, y]], () => true, { maxSupersteps: 0 })).rejects.toThrow("maxSupersteps");
});
