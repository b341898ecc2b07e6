import { Rewriting } from "../fusion/rewriting.js";
import type { Graph, Node } from "../graph.js";
import { sizeOf } from "../shape.js";
import { bytesOf } from "../tensor.js";
import { type Carrier, Receive, Send } from "./crossing.js";
import type { CutEdge, CutProgram } from "./cut-edge.js";
import { EVERYWHERE, sitesOf } from "./placement.js";

/** A graph cut up by sites: its edges from one site to another, in an order that all sites agree on. */
export interface Cut extends CutProgram {
  readonly needed: readonly Node[];
  /** The node whose value each edge carries. */
  readonly sources: readonly Node[];
  /** The site of each node by its id, `EVERYWHERE` for what each site has by itself; −2 where it is not needed. */
  readonly sites: Int32Array;
}

const NOT_NEEDED = -2;

/** Cuts a graph; outputs go to all sites. @throws UsageError for a site that there is not */
export function cutGraph(graph: Graph, outputs: readonly Node[], size: number, capacity: number): Cut {
  const placed = sitesOf(graph, outputs, size);
  const { needed } = placed;
  const sites = new Int32Array(graph.nodes.length).fill(NOT_NEEDED);
  for (const node of needed) sites[node.id] = placed.siteOf(node);
  const readers = new Map<Node, Map<number, string>>();
  const read = (node: Node, site: number, reader: string) => {
    const from = sites[node.id]!;
    if (from === EVERYWHERE || from === site) return;
    const own = readers.get(node) ?? new Map<number, string>();
    readers.set(node, own);
    if (!own.has(site)) own.set(site, reader);
  };
  for (const node of needed) {
    const site = sites[node.id]!;
    // What is everywhere reads only what is, too.
    if (site === EVERYWHERE || isResult(node)) continue;
    for (const input of node.inputs) read(input, site, node.label);
  }
  for (const node of outputs) for (let site = 0; site < size; site++) read(node, site, "the outputs");
  const edges: CutEdge[] = [];
  const sources: Node[] = [];
  for (const node of needed) {
    const own = readers.get(node);
    if (own === undefined) continue;
    for (const [to, reader] of [...own].sort(([a], [b]) => a - b)) {
      const bytes = sizeOf(node.shape) * bytesOf(node.dtype);
      edges.push({ number: edges.length, from: sites[node.id]!, to, node: node.label, reader, bytes });
      sources.push(node);
    }
  }
  return { edges, sources, needed, sites, capacity, fingerprint: fingerprintOf(needed, sites, outputs) };
}

/** A site's part of a graph as a graph of its own, in which edges that cross begin and end in ops. */
export interface LocalGraph {
  readonly graph: Graph;
  /** The leaf that takes the number of a run. */
  readonly run: Node;
  /** What must be run besides the outputs, for others want it. */
  readonly sends: readonly Node[];
  /** The node here that has a node's value, where there is one. */
  of(node: Node): Node | undefined;
}

export function localGraph(cut: Cut, rank: number, carrier: Carrier): LocalGraph {
  const { needed, sites, edges, sources } = cut;
  const rewriting = new Rewriting();
  const run = rewriting.graph.parameter("run", 0);
  const outgoing = new Map<Node, CutEdge[]>();
  const incoming = new Map<Node, CutEdge>();
  for (const [i, edge] of edges.entries()) {
    const source = sources[i]!;
    if (edge.to === rank) incoming.set(source, edge);
    if (edge.from !== rank) continue;
    const own = outgoing.get(source);
    if (own === undefined) outgoing.set(source, [edge]);
    else own.push(edge);
  }
  const sends: Node[] = [];
  for (const node of needed) {
    const edge = incoming.get(node);
    if (edge !== undefined) {
      const { dtype, shape } = node;
      const receive = new Receive(edge, { dtype, shape }, carrier);
      rewriting.stand(node, rewriting.graph.apply(receive, [run], node.label));
    } else if (isHere(sites[node.id]!, rank) && !isResult(node)) rewriting.copy(node);
    else if (!rewriting.has(node)) continue;
    // Known by the same name everywhere.
    rewriting.of(node).name ??= node.label;
    for (const each of outgoing.get(node) ?? [])
      sends.push(
        rewriting.graph.apply(
          new Send(each, carrier),
          [rewriting.of(node), run],
          `${node.label} to rank ${each.to}`,
        ),
      );
  }
  return { graph: rewriting.graph, run, sends, of: (node) => rewriting.of(node) };
}

function isHere(site: number, rank: number): boolean {
  return site === EVERYWHERE || site === rank;
}

function isResult({ op }: Node): boolean {
  return typeof op !== "string" && op.name === "result";
}

/** Elements of a constant that go into a fingerprint. */
const SAMPLES = 1024;

/**
 * A hash of what sites must have in common: nodes, types, attributes, places and outputs; of constants and parameters up to
 * 1,024 elements, evenly spread.
 */
function fingerprintOf(needed: readonly Node[], sites: Int32Array, outputs: readonly Node[]): string {
  const { createHash } = process.getBuiltinModule("node:crypto");
  const hash = createHash("sha256");
  const spelled = (_: string, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    if (!ArrayBuffer.isView(value)) return value;
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return createHash("sha256").update(bytes).digest("hex");
  };
  for (const { id, op, inputs, shape, dtype, initial, name } of needed) {
    const what = typeof op === "string" ? [op, name] : [op.name, op.attributes];
    const from = inputs.map((input) => input.id);
    hash.update(JSON.stringify([id, sites[id], what, from, shape, dtype], spelled));
    if (initial === undefined) continue;
    const { data } = initial;
    const step = Math.max(1, Math.ceil(data.length / SAMPLES));
    for (let i = 0; i < data.length; i += step) hash.update(`${data[i]},`);
  }
  hash.update(JSON.stringify(outputs.map(({ id }) => id)));
  return hash.digest("hex");
}
