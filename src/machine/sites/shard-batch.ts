import { UsageError } from "../../errors.js";
import { Rewriting, usesOf } from "../fusion/rewriting.js";
import type { Graph, Node } from "../graph.js";
import { resolveAxis } from "../op.js";
import { add, mul } from "../ops/binary.js";
import { mathFunctions } from "../ops/functions.js";
import { broadcastTo, concat, reshape, slice } from "../ops/layout.js";
import type { Matmul } from "../ops/matmul.js";
import { PAIRWISE } from "../ops/pairwise.js";
import { Reduce } from "../ops/reduce.js";
import type { Shape } from "../shape.js";
import { sinksOf } from "./placement.js";

export interface ShardOptions {
  /** The leaves whose first axis is the batch. Default: the graph's inputs. */
  batch?: readonly Node[] | undefined;
  /** The nodes whose values are wanted. Default: those that nothing consumes. */
  outputs?: readonly Node[] | undefined;
  /** Places shard i of n at site ⌊i · sites/n⌋, and what is done with all of them at site 0. Default: nowhere. */
  sites?: number | undefined;
}

/** A graph over shards of a batch. */
export interface ShardedGraph {
  readonly graph: Graph;
  /** The node that has a node's value: a leaf, or an output. */
  nodeOf(node: Node): Node | undefined;
}

/** A value in parts along an axis, shard by shard. */
interface Parts {
  readonly axis: number;
  readonly nodes: readonly Node[];
}

const ELEMENTWISE = new Set<string>([
  ...["add", "sub", "mul", "div", "pow", "gt", "ge", "lt", "le", "eq", "ne", "where", "cast", "work"],
  ...["neg", "exp", "log", "sqrt", "abs", "sign", "square", "sigmoid", "tanh", "relu", "elementwise"],
  ...Object.keys(mathFunctions),
  ...PAIRWISE,
]);
/** Ops whose first operand is of N × …, and that look at one image at a time; the others are weights. */
const BY_IMAGE = new Set([
  "convolution",
  "transposedConvolution",
  "maxPooling",
  "averagePooling",
  "normPooling",
  "batchNormalization",
  "localResponseNormalization",
]);

/**
 * A graph anew, in which what depends on a batch is computed in `n` shards of it: nodes are repeated for each shard, and
 * where a sum goes over the batch, the shards' sums are added in their order by nodes of the graph's own. So the bits hang
 * on `n`, and on nothing else: neither on where the shards are computed nor on how many sites there are.
 *
 * Rows that do not meet have the bits of the graph as it was. Sums over the batch are those of the shards, added one after
 * the other: (s₀ + s₁) + s₂ … Means are Σ (nᵢ/n) mᵢ. An op that mixes rows in another way is computed at one site, of the
 * whole batch, which is put together before it.
 *
 * @throws UsageError where there are fewer rows than shards, or batches of different lengths
 * @example
 * ```js
 * import { Graph, GoMachine, mean, shardBatch, square } from "goml/machine";
 *
 * const graph = new Graph();
 * const x = graph.input("x", [4]);
 * const cost = mean(square(x));
 * const sharded = shardBatch(graph, 2, { sites: 2 });
 * const machine = new GoMachine(sharded.graph, { outputs: [sharded.nodeOf(cost)] });
 * machine.let(sharded.nodeOf(x), [1, 2, 3, 4]);
 * console.log((await machine.runAll()).value(sharded.nodeOf(cost)).item()); // 7.5
 * await machine.close();
 * ```
 */
export function shardBatch(graph: Graph, n: number, options: ShardOptions = {}): ShardedGraph {
  const { batch = graph.nodes.filter(({ op }) => op === "input"), outputs = sinksOf(graph), sites } = options;
  const rows = batch[0]?.shape[0];
  if (!(Number.isInteger(n) && n >= 1)) throw new UsageError(`shards are 1 or more, got ${n}`);
  if (rows === undefined) throw new UsageError("shardBatch needs a leaf whose first axis is the batch");
  const odd = batch.find(({ shape }) => shape[0] !== rows);
  if (odd !== undefined)
    throw new UsageError(
      `batches of ${rows} and of ${odd.shape[0]} rows (${odd.label}) cannot be sharded together`,
    );
  if (rows < n) throw new UsageError(`a batch of ${rows} rows cannot be ${n} shards`);
  return new Sharding(graph, { n, rows, batch: new Set(batch), sites }).rewrite(outputs);
}

class Sharding {
  private readonly old: Graph;
  private readonly n: number;
  private readonly rows: number;
  private readonly batch: ReadonlySet<Node>;
  private readonly sites: number | undefined;
  private readonly rewriting = new Rewriting();
  private readonly parts = new Map<Node, Parts>();

  constructor(
    old: Graph,
    options: { n: number; rows: number; batch: ReadonlySet<Node>; sites: number | undefined },
  ) {
    this.old = old;
    this.n = options.n;
    this.rows = options.rows;
    this.batch = options.batch;
    this.sites = options.sites;
  }

  rewrite(outputs: readonly Node[]): ShardedGraph {
    const { rewriting } = this;
    for (const node of usesOf(this.old, outputs).needed) {
      if (typeof node.op === "string") {
        rewriting.copy(node);
        if (this.batch.has(node)) this.parts.set(node, this.cut(rewriting.of(node), 0, node.label));
      } else if (!node.inputs.some((input) => this.parts.has(input)) || !this.shard(node)) this.copy(node);
    }
    for (const node of outputs) this.whole(node);
    return {
      graph: rewriting.graph,
      nodeOf: (node) => (rewriting.has(node) ? rewriting.of(node) : undefined),
    };
  }

  /** Where shard i begins. */
  private start(i: number): number {
    return Math.floor((i * this.rows) / this.n);
  }

  private siteOf(i: number): number | undefined {
    return this.sites === undefined ? undefined : Math.floor((i * this.sites) / this.n);
  }

  /** A whole value's parts. */
  private cut(node: Node, axis: number, label: string): Parts {
    const nodes = Array.from({ length: this.n }, (_, i) => {
      const ranges = node.shape.map((length, own): [number, number] =>
        own === axis ? [this.start(i), this.start(i + 1)] : [0, length],
      );
      return this.at(i, slice(node, ranges), label);
    });
    return { axis, nodes };
  }

  private at(i: number, node: Node, label: string): Node {
    node.site = this.siteOf(i);
    node.name ??= `${label}, shard ${i}`;
    return node;
  }

  /** Computed once, of the whole batch. */
  private copy(node: Node): void {
    for (const input of node.inputs) this.whole(input);
    this.rewriting.copy(node);
    // What needs no shards is computed where it falls; what was put together, at one site.
    if (
      this.sites !== undefined &&
      node.site === undefined &&
      node.inputs.some((input) => this.parts.has(input))
    )
      this.rewriting.of(node).site = 0;
  }

  /** The whole value of a node that is there in parts. */
  private whole(node: Node): Node {
    const parts = this.parts.get(node);
    if (parts === undefined || this.rewriting.has(node)) return this.rewriting.of(node);
    const all = concat(parts.nodes, parts.axis);
    all.name = node.label;
    if (this.sites !== undefined) all.site = 0;
    this.rewriting.stand(node, all);
    return all;
  }

  /** Computes a node shard by shard; false where that cannot be. */
  private shard(node: Node): boolean {
    const { op, inputs } = node;
    if (typeof op === "string" || node.results !== undefined) return false;
    if (op instanceof Reduce) return this.shardReduction(node, op);
    if (op.name === "matmul") return this.shardProduct(node, op as Matmul);
    const axis = this.axisOf(node);
    if (axis === undefined) return false;
    const all = inputs.map((input) => this.operand(input, node, axis));
    const nodes = Array.from({ length: this.n }, (_, i) => {
      const own = all.map((operand) => operand(i));
      const shape = node.shape.map((length, k) => (k === axis ? this.start(i + 1) - this.start(i) : length));
      return this.at(i, this.apply(node, own, shape), node.label);
    });
    this.parts.set(node, { axis, nodes });
    return true;
  }

  private apply(node: Node, inputs: readonly Node[], shape: Shape): Node {
    const { op } = node;
    if (typeof op === "string") throw new Error("a leaf is no op");
    if (op.name === "reshape") return reshape(inputs[0]!, shape);
    if (op.name === "broadcastTo") return broadcastTo(inputs[0]!, shape);
    return this.rewriting.graph.apply(op, inputs);
  }

  /** The axis along which an op's result lies in parts, where its rows do not meet. */
  private axisOf({ op, inputs, shape }: Node): number | undefined {
    if (typeof op === "string") return undefined;
    const split = inputs.flatMap((input) => {
      const parts = this.parts.get(input);
      return parts === undefined ? [] : [{ input, axis: parts.axis, rank: input.shape.length }];
    });
    const [first] = split as [(typeof split)[0]];
    const { name } = op;
    const attributes = op.attributes as { axis?: number; axes?: readonly number[] };
    if (ELEMENTWISE.has(name) || name === "broadcastTo") {
      const axes = new Set(split.map(({ axis, rank }) => axis + shape.length - rank));
      const [axis] = axes as unknown as [number];
      return axes.size === 1 && shape[axis] === this.rows ? axis : undefined;
    }
    if (BY_IMAGE.has(name))
      return split.length === 1 && first.input === inputs[0] && first.axis === 0 ? 0 : undefined;
    if (name === "transpose") {
      const { rank } = first;
      const order = attributes.axes ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
      return order.map((own) => resolveAxis(own, first.input.shape)).indexOf(first.axis);
    }
    if (name === "reshape") return first.axis === 0 && shape[0] === this.rows ? 0 : undefined;
    if (name === "softmax")
      return resolveAxis(attributes.axis ?? -1, shape) === first.axis ? undefined : first.axis;
    if (name === "concat") {
      const axes = new Set(split.map(({ axis }) => axis));
      return axes.size === 1 &&
        split.length === inputs.length &&
        resolveAxis(attributes.axis!, shape) !== first.axis
        ? first.axis
        : undefined;
    }
    return undefined;
  }

  /** An operand for each shard: its part, or where it is whole what of it belongs to the shard. */
  private operand(input: Node, node: Node, axis: number): (i: number) => Node {
    const parts = this.parts.get(input);
    if (parts !== undefined) return (i) => parts.nodes[i]!;
    const own = this.rewriting.of(input);
    const along = axis - (node.shape.length - input.shape.length);
    const { op } = node;
    const follows = typeof op !== "string" && ELEMENTWISE.has(op.name) && along >= 0;
    if (!follows || input.shape[along] !== this.rows || this.rows === 1) return () => own;
    const cut = this.cut(own, along, input.label);
    return (i) => cut.nodes[i]!;
  }

  private shardReduction(node: Node, op: Reduce): boolean {
    const [input] = node.inputs as [Node];
    const { axis, nodes } = this.parts.get(input)!;
    const axes = op.axes(input.shape);
    const results = nodes.map((own, i) => this.at(i, this.rewriting.graph.apply(op, [own]), node.label));
    if (!axes.includes(axis)) {
      const before = axes.filter((own) => own < axis).length;
      this.parts.set(node, { axis: op.attributes.keepAxes ? axis : axis - before, nodes: results });
      return true;
    }
    if (op.name === "max") return false;
    const addends =
      op.name === "sum"
        ? results
        : results.map((own, i) => {
            const share = (this.start(i + 1) - this.start(i)) / this.rows;
            return this.at(i, mul(own, share), `${node.label} weighted`);
          });
    this.summed(node, addends);
    return true;
  }

  /** A product: of rows, of columns, or a sum over the batch. */
  private shardProduct(node: Node, op: Matmul): boolean {
    const [a, b] = node.inputs as [Node, Node];
    const [left, right] = [this.parts.get(a), this.parts.get(b)];
    if (a.shape.length !== 2 || b.shape.length !== 2) {
      // Rows of a batch of matrices by one matrix.
      if (right !== undefined || left!.axis === a.shape.length - 1 || b.shape.length !== 2) return false;
      return this.products(node, op, left!.axis, (i) => [left!.nodes[i]!, this.rewriting.of(b)]);
    }
    if (left?.axis === 0 && right === undefined)
      return this.products(node, op, 0, (i) => [left.nodes[i]!, this.rewriting.of(b)]);
    if (right?.axis === 1 && left === undefined)
      return this.products(node, op, 1, (i) => [this.rewriting.of(a), right.nodes[i]!]);
    if ((left === undefined || left.axis === 1) && (right === undefined || right.axis === 0)) {
      const [l, r] = [
        left ?? this.cut(this.rewriting.of(a), 1, a.label),
        right ?? this.cut(this.rewriting.of(b), 0, b.label),
      ];
      const products = l.nodes.map((own, i) =>
        this.at(i, this.rewriting.graph.apply(op, [own, r.nodes[i]!]), node.label),
      );
      this.summed(node, products);
      return true;
    }
    return false;
  }

  private products(node: Node, op: Matmul, axis: number, operands: (i: number) => Node[]): boolean {
    const nodes = Array.from({ length: this.n }, (_, i) =>
      this.at(i, this.rewriting.graph.apply(op, operands(i)), node.label),
    );
    this.parts.set(node, { axis, nodes });
    return true;
  }

  /** The shards' sums, one after the other. */
  private summed(node: Node, addends: readonly Node[]): void {
    let total = addends[0]!;
    for (let i = 1; i < addends.length; i++) {
      total = add(total, addends[i]!);
      if (this.sites !== undefined) total.site = 0;
    }
    if (addends.length > 1) total.name = node.label;
    this.rewriting.stand(node, total);
  }
}
