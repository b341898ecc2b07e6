import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { DeviceKernels } from "../../../src/machine/device/device-kernel.js";
import {
  type PlacedGraph,
  placeOnDevice,
  type Region,
  resultsOf,
} from "../../../src/machine/device/placement.js";
import { add, concat, Graph, mul, type Node, neg, split, sub } from "../../../src/machine/index.js";

const KERNELS: DeviceKernels = ({ name }) =>
  name === "mul" ? undefined : { passes: [], scratch: [], cost: 1000 };
const LIMITS = { bufferBytes: 1 << 20, buffers: 8, workgroups: 65_535 };
const device = { kernels: KERNELS, limits: LIMITS, software: false, speed: undefined };

/** A graph of ops that have a kernel and one, `mul`, that has none. */
const graphs = fc
  .array(fc.tuple(fc.constantFrom("add", "sub", "mul", "turn"), fc.nat(), fc.nat()), {
    minLength: 1,
    maxLength: 24,
  })
  .map((ops) => {
    const graph = new Graph();
    const nodes: Node[] = [graph.input("x", [4], "float32"), graph.input("y", [4], "float32")];
    for (const [name, i, j] of ops) {
      const [a, b] = [nodes[i % nodes.length]!, nodes[j % nodes.length]!];
      if (name === "turn") nodes.push(concat([...split(a, [3, 1])].reverse()));
      else nodes.push(name === "add" ? add(a, b) : name === "sub" ? sub(a, new Float32Array(4)) : mul(a, b));
    }
    return graph;
  });

function placedOf({ nodes }: Graph): PlacedGraph {
  const consumed = new Set(nodes.flatMap((node) => node.inputs));
  return {
    nodes: nodes.filter(({ op }) => op !== "constant" && !(typeof op !== "string" && op.name === "result")),
    isFixed: ({ op }) => op === "constant",
    isOutput: (node) => !consumed.has(node),
  };
}

/** Whether a path that leaves the region comes back to it. */
function isConvex({ nodes }: Region, { nodes: all }: PlacedGraph): boolean {
  const own = new Set<Node>(nodes.flatMap(resultsOf));
  const left = new Set<Node>();
  for (const node of all) {
    const after = node.inputs.some((input) => left.has(input) || (own.has(input) && !own.has(node)));
    if (after && own.has(node)) return false;
    if (after) for (const value of resultsOf(node)) left.add(value);
  }
  return true;
}

describe("placement", () => {
  it("makes convex regions of all that has a kernel, of which none waits for another in a circle", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const placed = placedOf(graph);
        const { regions, depthOf, kernels } = placeOnDevice(placed, device, "gpu", 1);
        const own = regions.flatMap(({ nodes }) => nodes.map(({ id }) => id));
        const wanted = placed.nodes.filter(({ op }) => typeof op !== "string" && op.name !== "mul");
        expect(own.sort((a, b) => a - b)).toEqual(wanted.map(({ id }) => id));
        expect(kernels.size).toBe(wanted.length);
        for (const region of regions) {
          expect(isConvex(region, placed)).toBe(true);
          const depths = new Set(region.nodes.map(depthOf));
          expect(depths.size).toBe(1);
          for (const input of region.inputs) expect(depthOf(input)).toBeLessThan([...depths][0]!);
        }
      }),
    );
  });

  it("is the same each time", () => {
    fc.assert(
      fc.property(graphs, (graph) => {
        const ids = () =>
          placeOnDevice(placedOf(graph), device, "gpu", 1).regions.map(({ nodes, inputs, outputs }) =>
            [nodes, inputs, outputs].map((list) => list.map(({ id }) => id)),
          );
        expect(ids()).toEqual(ids());
      }),
    );
  });

  it("by cost, has no region that costs more than it saves", () => {
    const speeds = fc.record({
      latency: fc.double({ min: 0, max: 100, noNaN: true }),
      upload: fc.double({ min: 1e-1, max: 10, noNaN: true }),
      download: fc.double({ min: 1e-1, max: 10, noNaN: true }),
      work: fc.double({ min: 1e-3, max: 10, noNaN: true }),
    });
    let placedAtAll = 0;
    fc.assert(
      fc.property(graphs, speeds, fc.double({ min: 1, max: 1e3, noNaN: true }), (graph, speed, cost) => {
        const kernels: DeviceKernels = (op, inputs, results) => {
          const own = KERNELS(op, inputs, results);
          return own && { ...own, cost };
        };
        const { regions } = placeOnDevice(placedOf(graph), { ...device, kernels, speed }, "auto", 1);
        for (const { nodes, inputs, outputs } of regions) {
          const cpu = nodes.reduce((sum, node) => sum + costOf(node), 0);
          const bytes = (list: readonly Node[]) => list.reduce((sum, { shape }) => sum + 4 * shape[0]!, 0);
          const own = nodes.length * cost * speed.work + speed.latency;
          const all = own + bytes(inputs) / speed.upload + bytes(outputs) / speed.download;
          expect(all).toBeLessThan(cpu);
          placedAtAll++;
        }
      }),
    );
    expect(placedAtAll).toBeGreaterThan(0);
  });

  it("by cost, takes what is worth it and leaves what is not", () => {
    const graph = new Graph();
    const x = graph.input("x", [1 << 16], "float32");
    let y: Node = x;
    for (let i = 0; i < 50; i++) y = neg(y);
    const speed = { latency: 1000, upload: 100, download: 100, work: 1e-3 };
    const count = (own: typeof speed) =>
      placeOnDevice(placedOf(graph), { ...device, speed: own }, "auto", 1).kernels.size;
    expect(count(speed)).toBe(50);
    expect(count({ ...speed, latency: 1e9 })).toBe(0);
    expect(count({ ...speed, upload: 1e-4 })).toBe(0);
    expect(count({ ...speed, work: 1e6 })).toBe(0);
    expect(placeOnDevice(placedOf(graph), { ...device, speed, software: true }, "auto", 1).regions).toEqual(
      [],
    );
    // Not measured: nothing is known of it.
    expect(placeOnDevice(placedOf(graph), device, "auto", 1).regions).toEqual([]);
  });

  it("leaves what is too large for a buffer", () => {
    const graph = new Graph();
    neg(graph.input("x", [8], "float32"));
    const limits = { ...LIMITS, bufferBytes: 31 };
    expect(placeOnDevice(placedOf(graph), { ...device, limits }, "gpu", 1).regions).toEqual([]);
    expect(placeOnDevice(placedOf(graph), device, "gpu", 1).regions).toHaveLength(1);
  });
});

function costOf({ op, inputs, results, shape, dtype }: Node): number {
  if (typeof op === "string") return 0;
  return op.make(inputs, results ?? [{ shape, dtype }]).cost;
}
