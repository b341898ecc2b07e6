import { UsageError } from "../errors.js";
import { GoMachine, type GoMachineOptions } from "./go-machine.js";
import type { Graph, Node } from "./graph.js";
import type { Run } from "./machine.js";
import { formatShape, sameShape } from "./shape.js";
import { Tensor } from "./tensor.js";

export interface IterateOptions extends GoMachineOptions {
  /** The supersteps after which to stop in any case. Default: no limit. */
  maxSupersteps?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** Where an iteration ended. */
export interface Iteration {
  /** The supersteps run. */
  readonly supersteps: number;
  /** Whether `until` ended it, not `maxSupersteps`. */
  readonly converged: boolean;
  /** The value that an output had in the last superstep. @throws UsageError for a node that is no output. */
  value(node: Node): Tensor;
}

/**
 * Runs a graph again and again, in supersteps as in Pregel (Malewicz et al. 2010): all nodes compute from the state,
 * then the state is replaced as a whole, and so on until `until` says that it is enough.
 *
 * @param state pairs of a leaf and the node whose value it takes for the next superstep. Values stay in the machine's
 *   memory.
 * @param until asked after each superstep, with its run, whose values hold until the next, and its number from 1
 * @throws UsageError where a leaf and its next value do not fit
 * @example
 * ```js
 * import { div, Graph, iterate } from "goml/machine";
 *
 * const graph = new Graph();
 * const w = graph.parameter("w", 16);
 * const { supersteps, value } = await iterate(graph, [[w, div(w, 2)]], (_, number) => number === 4);
 * console.log(supersteps); // 4
 * ```
 */
export async function iterate(
  graph: Graph,
  state: Iterable<readonly [leaf: Node, next: Node]>,
  until: (superstep: Run, number: number) => boolean | Promise<boolean>,
  options: IterateOptions = {},
): Promise<Iteration> {
  const { maxSupersteps = Number.POSITIVE_INFINITY, signal, ...machineOptions } = options;
  if (!(maxSupersteps >= 1)) throw new UsageError(`maxSupersteps is 1 or more, got ${maxSupersteps}`);
  const pairs = [...state];
  for (const pair of pairs) checkPair(...pair);
  const consumed = new Set(graph.nodes.flatMap((node) => node.inputs));
  const wanted = options.outputs ?? graph.nodes.filter((node) => !consumed.has(node));
  const outputs = [...new Set([...wanted, ...pairs.map(([, next]) => next)])];
  const machine = new GoMachine(graph, { ...machineOptions, outputs });
  // Without workers an output is an array of its own, which the leaf then takes as it is.
  const views = (options.workers ?? 0) > 0;
  try {
    for (let supersteps = 1; ; supersteps++) {
      const run = await machine.runAll({ signal, views });
      const converged = await until(run, supersteps);
      if (converged || supersteps >= maxSupersteps) {
        const values = new Map(outputs.map((node) => [node, copyOf(run.value(node))]));
        for (const [node, value] of values) node.value = value;
        return { supersteps, converged, value: (node) => values.get(node) ?? run.value(node) };
      }
      // All at once: a next value that is itself a leaf of the state must not be seen changed.
      const next = pairs.map(([, node]) => {
        const value = run.value(node);
        return typeof node.op === "string" ? copyOf(value) : value;
      });
      for (const [i, [leaf]] of pairs.entries()) machine.let(leaf, next[i]!);
    }
  } finally {
    await machine.close();
  }
}

function checkPair(leaf: Node, next: Node): void {
  if (leaf.op !== "input" && leaf.op !== "parameter") {
    throw new UsageError(`iterate: ${leaf.label} is neither an input nor a parameter`);
  }
  if (leaf.dtype !== next.dtype || !sameShape(leaf.shape, next.shape)) {
    throw new UsageError(
      `iterate: ${leaf.label} is ${leaf.dtype} ${formatShape(leaf.shape)}, ` +
        `its next value ${next.label} is ${next.dtype} ${formatShape(next.shape)}`,
    );
  }
}

function copyOf({ data, shape, dtype }: Tensor): Tensor {
  return new Tensor(data.slice(), shape, dtype);
}
