// PageRank in Pregel's way (Malewicz et al. 2010), over three processes: vertices are dealt out in parts, one part a rank. In
// a superstep each part sends to each other one message: what its vertices' edges give to that part's vertices, added up
// first (Pregel's combiner). A message is an edge of the machine's graph that leads from rank to rank; a superstep is a run.
// The other two ranks are processes that this one starts; on three hosts each would be started by hand, or by a launcher.
//
//     node examples/pagerank.js
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { abs, add, Gather, Graph, iterate, max, mul, ScatterElements, sub, tensor } from "goml/machine";
import { joinRanks } from "goml/ranks";

const VERTICES = 300;
const PARTS = 3;
const DAMPING = 0.85;
const TOLERANCE = 1e-12;

/** Who links to whom, from a seed (mulberry32): a few vertices are linked to by many. */
function links() {
  let state = 7;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return Array.from({ length: VERTICES }, () =>
    Array.from({ length: 1 + Math.floor(6 * random()) }, () => Math.floor(VERTICES * random() ** 3)),
  );
}

/** Part p has the vertices from p · VERTICES/PARTS on. */
const size = VERTICES / PARTS;

/** A superstep as a graph: the parts' ranks, and those that they have next. */
function superstep(out) {
  const graph = new Graph();
  const state = Array.from({ length: PARTS }, (_, p) =>
    graph.parameter(`part ${p}`, new Float64Array(size).fill(1 / VERTICES)),
  );
  const shares = state.map((ranks, q) => {
    const own = out.slice(q * size, (q + 1) * size);
    const share = mul(
      ranks,
      Float64Array.from(own, (to) => 1 / to.length),
    );
    share.site = q;
    return share;
  });
  const next = state.map((_, p) => {
    const messages = shares.map((share, q) => {
      const edges = out
        .slice(q * size, (q + 1) * size)
        .flatMap((to, from) => to.filter((v) => Math.floor(v / size) === p).map((v) => [from, v - p * size]));
      const column = (i) => graph.constant(tensor(Int32Array.from(edges, (edge) => edge[i])), "int32");
      const given = graph.apply(new Gather({ axis: 0 }), [share, column(0)]);
      const message = graph.apply(new ScatterElements({ axis: 0, combination: "add" }), [
        graph.constant(new Float64Array(size)),
        column(1),
        given,
      ]);
      for (const node of [given, message]) node.site = q;
      message.name = `message from ${q} to ${p}`;
      return message;
    });
    // Messages are added in the order of the parts, whoever was faster.
    const sum = messages.reduce((total, message) => {
      const more = add(total, message);
      more.site = p;
      return more;
    });
    const scaled = mul(sum, DAMPING);
    const own = add(scaled, (1 - DAMPING) / VERTICES);
    const change = max(abs(sub(own, state[p])));
    for (const node of graph.nodes) if (node.id >= scaled.id && typeof node.op !== "string") node.site ??= p;
    return { own, change };
  });
  return { graph, state, next };
}

/** Supersteps until no vertex changes any more: each rank sees all outputs, so all stop at the same one. */
async function pageRank(sites) {
  const { graph, state, next } = superstep(links());
  const settled = (run) => next.every(({ change }) => run.value(change).item() < TOLERANCE);
  const pairs = state.map((leaf, p) => [leaf, next[p].own]);
  const outputs = next.flatMap(({ own, change }) => [own, change]);
  const { supersteps, value } = await iterate(graph, pairs, settled, { sites, outputs });
  return { supersteps, ranks: next.flatMap(({ own }) => [...value(own).data]) };
}

/** The same without machines, ranks or parts. */
function plainly() {
  const out = links();
  let ranks = new Array(VERTICES).fill(1 / VERTICES);
  for (;;) {
    const next = new Array(VERTICES).fill((1 - DAMPING) / VERTICES);
    for (const [v, to] of out.entries()) for (const w of to) next[w] += (DAMPING * ranks[v]) / to.length;
    const change = Math.max(...next.map((rank, v) => Math.abs(rank - ranks[v])));
    ranks = next;
    if (change < TOLERANCE) return ranks;
  }
}

const [, , rank = "0", port = "0"] = process.argv;
const sites = await joinRanks({
  rank: Number(rank),
  size: PARTS,
  port: Number(port),
  listening(own) {
    if (rank !== "0") return;
    for (let other = 1; other < PARTS; other++)
      fork(fileURLToPath(import.meta.url), [String(other), String(own)]);
  },
});
const { supersteps, ranks } = await pageRank(sites);
await sites.close();
if (process.connected) process.disconnect();
if (sites.rank === 0) {
  const plain = plainly();
  const off = Math.max(...ranks.map((own, v) => Math.abs(own - plain[v])));
  const first = ranks.map((own, v) => [own, v]).sort(([a], [b]) => b - a);
  console.log(`${supersteps} supersteps over ${PARTS} ranks`);
  for (const [own, v] of first.slice(0, 3)) console.log(`vertex ${v}: ${own.toFixed(6)}`);
  console.log(
    `sum ${ranks.reduce((sum, own) => sum + own, 0).toFixed(9)}, off the plain one by ${off.toExponential(1)}`,
  );
}
