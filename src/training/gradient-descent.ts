import { ModelError, UsageError } from "../errors.js";
import {
  abs,
  add,
  GoMachine,
  Graph,
  grad,
  matmul,
  max,
  mul,
  type Node,
  type Sites,
  square,
  sub,
  sum,
  TapeMachine,
  tensor,
} from "../machine/index.js";

import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";

/** Options of `descend`; all may be left out. */
export interface DescentOptions {
  /** Whether to fit an intercept. Default: true. */
  intercept?: boolean | undefined;
  /** n weights ≥ 0: the cost is Σ w (y − ŷ)². Default: all 1. */
  weights?: Float64Array | undefined;
  /** The step along the gradient. Default: 1/(1.1 λ), λ the greatest eigenvalue of the columns' correlations. */
  rate?: number | undefined;
  /**
   * How much of the last step is added to the next, 0 to below 1. Default: Nesterov's rising momentum, begun anew
   * whenever it points uphill (O'Donoghue & Candès 2015), which needs no knowledge of the data.
   */
  momentum?: number | undefined;
  /** The gradient, relative to the deviation of y, at which to stop. Default: 1e-12. */
  tolerance?: number | undefined;
  /** Default: 20,000. */
  maxIterations?: number | undefined;
  /** Which machine runs the graph; both give the same bits. Default: tape. */
  machine?: "tape" | "go" | undefined;
  /** Worker threads of the go machine. Default: 0. */
  workers?: number | undefined;
  /**
   * The sites that descend together, of which this is one, on the go machine: each has all rows and computes with its shards of
   * them. The bits are those of one.
   */
  sites?: Sites | undefined;
  signal?: AbortSignal | undefined;
}

/** What `descend` found. */
export interface Descent {
  /** θ: the intercept first where there is one; 0 for a column that does not vary. */
  coefficients: Float64Array;
  /** Σ w (y − ŷ)². */
  rss: number;
  iterations: number;
  /** The largest component of the gradient at the end, relative to the deviation of y. */
  gradient: number;
  /** Whether `gradient` fell to the tolerance before the iterations ran out. */
  converged: boolean;
}

/**
 * Least squares by full-batch gradient descent with momentum, as a graph on a machine.
 *
 * With Z the columns of X centred (where there is an intercept) and scaled to deviation 1, v the same of y, and with
 * weights the rows of both times √(w/w̄), the graph is the cost ½ mean (Zβ − v)² and its derivative; a step is
 *
 *     b′ = β − η ∇(β),  β′ = b′ + μ (b′ − b).
 *
 * The sums over rows are those of shards of them, up to 16, added in their order by nodes of the graph: so they can be computed
 * at several sites, and the bits hang on the number of rows alone.
 *
 * It takes about √κ ln(1/tolerance) iterations, κ being the condition number of ZᵀZ.
 *
 * @param X n × k, row-major, all finite
 * @param y n values
 * @throws UsageError where shapes or options do not fit; ModelError when it diverges
 * @example
 * ```js
 * import { descend } from "goml";
 *
 * // y = 1 + 2 x
 * const { coefficients } = await descend(Float64Array.of(1, 2, 3), Float64Array.of(3, 5, 7));
 * console.log(coefficients[0].toFixed(6), coefficients[1].toFixed(6)); // 1.000000 2.000000
 * ```
 */
export async function descend(
  X: Float64Array,
  y: Float64Array,
  options: DescentOptions = {},
): Promise<Descent> {
  const n = y.length;
  const k = X.length / n;
  if (n === 0 || !Number.isInteger(k)) {
    throw new UsageError(`X has ${X.length} values, which do not make ${n} rows (the length of y)`);
  }
  checkOptions(options);
  const { intercept = true, weights } = options;
  if (weights !== undefined && weights.length !== n) {
    throw new UsageError(`weights has ${weights.length} values, the data have ${n} rows`);
  }
  const total = weights === undefined ? n : weights.reduce((sum, w) => sum + w, 0);
  const columns = await withPauses(standardise(X, n, k, intercept, weights), options);
  const target = await withPauses(standardise(y, n, 1, intercept, weights), options);
  if (k === 0) {
    const coefficients = inOwnUnits(columns, target, new Float64Array(0), intercept);
    return { coefficients, rss: total * target.scale[0]! ** 2, iterations: 0, gradient: 0, converged: true };
  }

  const { graph, beta, cost, slope, steepest } = costOf(
    columns.values,
    target.values,
    k,
    options.sites?.size ?? 1,
  );
  const outputs = [cost, slope, steepest];
  const { sites } = options;
  const machine =
    options.machine === "go" || sites !== undefined
      ? new GoMachine(graph, { outputs, workers: options.workers ?? 0, sites })
      : new TapeMachine(graph, { outputs });
  const evaluate = async (at: Float64Array) => {
    machine.let(beta, at);
    const run = await machine.runAll({ signal: options.signal });
    return {
      cost: run.value(cost).item(),
      slope: run.value(slope).data,
      steepest: run.value(steepest).item(),
    };
  };
  try {
    const rate =
      options.rate ?? 1 / (1.1 * (await withPauses(greatestEigenvalue(columns.values, n, k), options)));
    const { at, cost: least, ...end } = await iterate(evaluate, k, rate, options);
    return {
      coefficients: inOwnUnits(columns, target, at, intercept),
      rss: 2 * total * least * target.scale[0]! ** 2,
      ...end,
    };
  } finally {
    await machine.close();
  }
}

/** Rows from which there is another shard, and how many shards there are at most. */
const SHARD_ROWS = 128;
const MOST_SHARDS = 16;

/**
 * ½ mean (Zβ − v)² and its derivative: sums over shards of the rows, added in their order. What a shard alone has to do with
 * is placed at its site, the rest at the first.
 */
function costOf(Z: Float64Array, v: Float64Array, k: number, sites: number) {
  const n = v.length;
  const shards = Math.max(1, Math.min(MOST_SHARDS, Math.floor(n / SHARD_ROWS)));
  const graph = new Graph();
  const beta = graph.parameter("β", new Float64Array(k));
  const shardOf = new Map<Node, number>();
  let total: Node | undefined;
  for (let i = 0; i < shards; i++) {
    const [from, to] = [Math.floor((i * n) / shards), Math.floor(((i + 1) * n) / shards)];
    const rows = graph.constant(tensor(Z.subarray(from * k, to * k), [to - from, k]), "float64", `Z${i}`);
    const targets = graph.constant(v.subarray(from, to), "float64", `v${i}`);
    shardOf.set(rows, i).set(targets, i);
    const squares = sum(square(sub(matmul(rows, beta), targets)));
    total = total === undefined ? squares : add(total, squares);
  }
  const cost = mul(total!, 0.5 / n);
  const [slope] = grad(cost, [beta]) as [Node];
  const steepest = max(abs(slope));
  if (sites > 1) placeShards(graph, shardOf, (i) => Math.floor((i * sites) / shards));
  return { graph, beta, cost, slope, steepest };
}

/** Places what depends on one shard's rows at its site, what depends on several at site 0. */
function placeShards(graph: Graph, shardOf: Map<Node, number>, siteOf: (shard: number) => number): void {
  const SEVERAL = -1;
  for (const node of graph.nodes) {
    if (typeof node.op === "string") continue;
    const shards = new Set(node.inputs.flatMap((input) => shardOf.get(input) ?? []));
    const [only] = shards;
    if (only !== undefined) shardOf.set(node, shards.size === 1 ? only : SEVERAL);
    node.site = only === undefined || shards.size > 1 || only === SEVERAL ? 0 : siteOf(only);
  }
}

interface Evaluation {
  readonly cost: number;
  readonly slope: ArrayLike<number>;
  readonly steepest: number;
}

async function iterate(
  evaluate: (at: Float64Array) => Promise<Evaluation>,
  k: number,
  rate: number,
  { tolerance = 1e-12, maxIterations = 20_000, momentum }: DescentOptions,
) {
  let point = new Float64Array(k);
  let at = point;
  let age = 0;
  for (let iterations = 0; ; iterations++) {
    const { cost, slope, steepest: gradient } = await evaluate(at);
    if (!Number.isFinite(cost)) {
      throw new ModelError(`gradient descent diverged: the cost is ${cost} after ${iterations} iterations`, {
        hint: `a rate below ${rate} or a smaller momentum may help`,
      });
    }
    const converged = gradient <= tolerance;
    if (converged || iterations === maxIterations) return { at, cost, iterations, gradient, converged };
    const from = at;
    const next = from.map((value, j) => value - rate * slope[j]!);
    const uphill = next.reduce((total, value, j) => total + slope[j]! * (value - point[j]!), 0) > 0;
    age = uphill ? 0 : age + 1;
    const push = momentum ?? age / (age + 3);
    at = next.map((value, j) => value + push * (value - point[j]!));
    point = next;
  }
}

function checkOptions({ rate, momentum, tolerance, maxIterations }: DescentOptions): void {
  const check = (
    name: string,
    value: number | undefined,
    holds: (value: number) => boolean,
    expected: string,
  ) => {
    if (value !== undefined && !holds(value)) throw new UsageError(`${name} is ${expected}, got ${value}`);
  };
  check("rate", rate, (value) => value > 0 && Number.isFinite(value), "a number above 0");
  check("momentum", momentum, (value) => value >= 0 && value < 1, "a number of 0 or more and below 1");
  check("tolerance", tolerance, (value) => value > 0, "a number above 0");
  check(
    "maxIterations",
    maxIterations,
    (value) => value >= 1 && Number.isInteger(value),
    "an integer of 1 or more",
  );
}

/** Columns of deviation 1, and what was taken away from them and divided out. */
interface Standardised {
  /** n × k, row-major; with weights each row times √(w/w̄). */
  readonly values: Float64Array;
  readonly centre: Float64Array;
  /** √(mean (x − centre)²); 0 for a column that does not vary, whose values then are 0. */
  readonly scale: Float64Array;
}

function* standardise(
  X: Float64Array,
  n: number,
  k: number,
  centred: boolean,
  weights: Float64Array | undefined,
): Steps<Standardised> {
  const centre = new Float64Array(k);
  const scale = new Float64Array(k);
  const values = new Float64Array(n * k);
  const shares = new Float64Array(n).fill(1 / n);
  if (weights !== undefined) {
    const total = weights.reduce((sum, w) => sum + w, 0);
    for (let i = 0; i < n; i++) shares[i] = weights[i]! / total;
  }
  for (let j = 0; j < k; j++) {
    yield;
    if (centred) for (let i = 0; i < n; i++) centre[j]! += shares[i]! * X[i * k + j]!;
    let square = 0;
    for (let i = 0; i < n; i++) square += shares[i]! * (X[i * k + j]! - centre[j]!) ** 2;
    const deviation = Math.sqrt(square);
    // A long column of equal values leaves the rounding of its mean.
    if (deviation <= Math.abs(centre[j]!) * 2 ** -50) continue;
    scale[j] = deviation;
    for (let i = 0; i < n; i++) {
      values[i * k + j] = (Math.sqrt(shares[i]! * n) * (X[i * k + j]! - centre[j]!)) / deviation;
    }
  }
  return { values, centre, scale };
}

/** θ for the columns as they were given. */
function inOwnUnits(
  columns: Standardised,
  target: Standardised,
  beta: Float64Array,
  intercept: boolean,
): Float64Array {
  const slopes = beta.map((b, j) =>
    columns.scale[j] === 0 ? 0 : (b * target.scale[0]!) / columns.scale[j]!,
  );
  if (!intercept) return slopes;
  const constant = slopes.reduce((rest, slope, j) => rest - slope * columns.centre[j]!, target.centre[0]!);
  return Float64Array.of(constant, ...slopes);
}

/** Rows between two places where others may run. */
const ROWS = 1 << 12;

/** √Σ u². */
function norm(u: Float64Array): number {
  return Math.sqrt(u.reduce((sum, value) => sum + value * value, 0));
}

/** The greatest eigenvalue of ZᵀZ/n from below, by the power method; 1 for Z = 0. */
function* greatestEigenvalue(Z: Float64Array, n: number, k: number): Steps<number> {
  let u = Float64Array.from({ length: k }, (_, j) => Math.cos(j + 1));
  let value = 0;
  for (let round = 0; round < 30; round++) {
    const length = norm(u);
    if (length === 0) return 1;
    const next = new Float64Array(k);
    for (let i = 0; i < n; i++) {
      let product = 0;
      for (let j = 0; j < k; j++) product += Z[i * k + j]! * u[j]!;
      for (let j = 0; j < k; j++) next[j]! += Z[i * k + j]! * product;
      if (i % ROWS === 0) yield;
    }
    u = next.map((component) => component / (n * length));
    value = norm(u);
  }
  return value || 1;
}
