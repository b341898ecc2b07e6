import type { Graph, Node } from "../graph.js";
import { type ElementStep, isElementName, MOST_STEPS } from "../kernels/elementwise.js";
import { Binary } from "../ops/binary.js";
import { Convolution } from "../ops/convolution.js";
import { Elementwise } from "../ops/elementwise.js";
import { placementOf } from "../ops/epilogue.js";
import { MathFunction } from "../ops/functions.js";
import { Matmul } from "../ops/matmul.js";
import { Pairwise } from "../ops/pairwise.js";
import { Unary } from "../ops/unary.js";
import { sameShape } from "../shape.js";
import { type Fused, Rewriting, type Uses, usesOf } from "./rewriting.js";

/** As many ops become one at most: a step of a program is left for a bias. */
const MOST = Math.min(32, MOST_STEPS - 1);

/** Elementwise ops that become one: the last of them, whose value others read, and all of them in order. */
interface Chain {
  readonly root: Node;
  readonly members: Node[];
}

/** Joins elementwise ops of float32 to each other and to the convolutions and products before them: see `fuse`. */
export function joinElementwise(graph: Graph, outputs: readonly Node[]): Fused {
  const uses = usesOf(graph, outputs);
  const chains = chainsOf(uses);
  const rewriting = new Rewriting();
  const leaders = new Map<Node, Node | undefined>();
  const absorbed = new Set<Node>();
  for (const [root, chain] of chains) {
    for (const member of chain.members) if (member !== root) absorbed.add(member);
    const leader = leaderOf(chain, uses);
    leaders.set(root, leader);
    if (leader !== undefined) absorbed.add(leader);
  }
  for (const node of uses.needed) {
    if (absorbed.has(node)) continue;
    const chain = chains.get(node);
    const leader = leaders.get(node);
    if (chain === undefined || (leader === undefined && chain.members.length === 1)) rewriting.copy(node);
    else if (leader === undefined) writeChain(rewriting, chain);
    else writeBehind(rewriting, chain, leader);
  }
  return { graph: rewriting.graph, nodeOf: (node) => (rewriting.has(node) ? rewriting.of(node) : undefined) };
}

/** Whether a node is an elementwise op that a program may have. */
function isElementwise({ op, dtype, inputs }: Node): boolean {
  if (dtype !== "float32" || typeof op === "string" || !isElementName(op.name)) return false;
  const known =
    op instanceof Binary || op instanceof Unary || op instanceof MathFunction || op instanceof Pairwise;
  return known && inputs.every((input) => input.dtype === "float32");
}

/**
 * The chains by their roots. An op joins its readers' where they are all of one chain, have its shape, and its value is
 * no output; so a chain has one result, and what it reads does not depend on it.
 */
function chainsOf(uses: Uses): Map<Node, Chain> {
  const chains = new Map<Node, Chain>();
  const chainOf = new Map<Node, Chain>();
  for (const node of uses.needed.toReversed()) {
    if (!isElementwise(node)) continue;
    const readers = uses.readersOf(node);
    const chain = readers[0] && chainOf.get(readers[0]);
    const joins =
      chain !== undefined &&
      chain.members.length < MOST &&
      !uses.isOutput(node) &&
      sameShape(node.shape, chain.root.shape) &&
      readers.every((reader) => chainOf.get(reader) === chain);
    if (joins) {
      chain.members.unshift(node);
      chainOf.set(node, chain);
    } else {
      const own = { root: node, members: [node] };
      chains.set(node, own);
      chainOf.set(node, own);
    }
  }
  return chains;
}

/** What a chain reads of others, each once. */
function operandsOf({ members }: Chain): Node[] {
  const own = new Set(members);
  return [...new Set(members.flatMap(({ inputs }) => inputs))].filter((input) => !own.has(input));
}

/** The last convolution or product that the chain alone reads, and can follow at once. */
function leaderOf(chain: Chain, uses: Uses): Node | undefined {
  const own = new Set(chain.members);
  const operands = operandsOf(chain);
  const fits = (node: Node): boolean => {
    if (uses.isOutput(node) || !sameShape(node.shape, chain.root.shape)) return false;
    if (!uses.readersOf(node).every((reader) => own.has(reader))) return false;
    const axis = channelAxis(node);
    if (axis === undefined) return false;
    return operands.every(
      (other) => other === node || placementOf(other.shape, node.shape, axis) !== undefined,
    );
  };
  return operands.filter(fits).sort((a, b) => b.id - a.id)[0];
}

/** The axis of a result that others may follow at once, along which it is computed row by row; else undefined. */
function channelAxis({ op, shape, inputs }: Node): number | undefined {
  if (op instanceof Convolution)
    return op.attributes.next === undefined && inputs[0]!.dtype === "float32" && shape.length <= 4
      ? 1
      : undefined;
  if (op instanceof Matmul)
    return op.attributes.next === undefined && inputs[0]!.dtype === "float32" ? shape.length - 2 : undefined;
  return undefined;
}

function stepsOf({ members }: Chain, operands: readonly Node[]): ElementStep[] {
  const numbers = new Map<Node, number>(operands.map((node, i) => [node, i]));
  return members.map((node, i) => {
    numbers.set(node, operands.length + i);
    const { name, attributes } = node.op as Binary;
    const { alpha, beta } = attributes as { alpha?: number; beta?: number };
    return {
      op: name as ElementStep["op"],
      inputs: node.inputs.map((input) => numbers.get(input)!),
      ...(alpha !== undefined && { alpha }),
      ...(beta !== undefined && { beta }),
    };
  });
}

function writeChain(rewriting: Rewriting, chain: Chain): void {
  const operands = operandsOf(chain);
  const op = new Elementwise({ steps: stepsOf(chain, operands) });
  rewriting.put(
    chain.root,
    op,
    operands.map((node) => rewriting.of(node)),
  );
}

function writeBehind(rewriting: Rewriting, chain: Chain, leader: Node): void {
  const others = operandsOf(chain).filter((node) => node !== leader);
  const steps = stepsOf(chain, [leader, ...others]);
  const inputs = [...leader.inputs, ...others].map((node) => rewriting.of(node));
  const { op } = leader;
  rewriting.put(
    chain.root,
    op instanceof Convolution
      ? new Convolution({ ...op.attributes, next: { steps, biased: leader.inputs.length > 2 } })
      : new Matmul({ next: steps }),
    inputs,
  );
}
