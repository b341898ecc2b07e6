import { UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { packedIndex } from "../../stats/packed.js";
import type { Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";
import { SpanSearch } from "./span-search.js";
import { type Criterion, type SelectionData, type Submodel, Submodels } from "./submodels.js";

/** The best submodel of each size, and the best of all. */
export interface BestSubsets {
  /** For each number of coefficients that a submodel can have, that of least RSS; ascending. */
  bySize: (Submodel & { labels: string[] })[];
  /** The index in `bySize` of the least criterion. */
  best: number;
}

const MOST_TERMS = 40;

/**
 * The submodels of least RSS for every number of coefficients, found exactly by branch and bound on the moments: a
 * subtree that can only lose terms cannot have a smaller RSS than its root (Furnival & Wilson 1974). A term that
 * another one contains is not left out without it.
 *
 * @throws UsageError for more than 40 terms
 */
export function bestSubsets(data: SelectionData, criterion: Criterion = "aic"): BestSubsets {
  return inOneGo(bestSubsetsSteps(data, criterion));
}

/** `bestSubsets` in steps. */
export function* bestSubsetsSteps(data: SelectionData, criterion: Criterion): Steps<BestSubsets> {
  const submodels = new Submodels(data, criterion);
  const count = submodels.termCount;
  if (count > MOST_TERMS)
    throw new UsageError(`best-subset selection takes at most ${MOST_TERMS} terms, the model has ${count}`, {
      hint: "use stepwise selection, or leave terms out first",
    });
  const all = Array.from({ length: count }, (_, t) => t);
  const regression = submodels.regression(all);
  const solution = yield* submodels.solve(regression);
  const swept = solution.aliased.length === 0 && submodels.keepTheirCoding;
  const search = swept ? new Search(submodels, regression, solution) : new SpanSearch(submodels);
  const found = yield* search.run();
  const bySize: BestSubsets["bySize"] = [];
  for (const terms of found.values()) {
    const submodel = yield* submodels.of(terms);
    bySize.push({ ...submodel, labels: submodel.terms.map((t) => submodels.label(t)) });
  }
  bySize.sort((a, b) => a.rank - b.rank);
  const best = bySize.reduce(
    (least, { criterion: value }, i) => (value < bySize[least]!.criterion ? i : least),
    0,
  );
  return { bySize, best };
}

/** A model on the way: which terms it still has, its slopes and their inverse Gram matrix. */
interface Node {
  kept: boolean[];
  rank: number;
  rss: number;
  beta: Float64Array;
  /** k × k, row-major; rows and columns of removed slopes are 0. */
  inverse: Float64Array;
}

/** The search where a submodel's columns are among those of the whole, so that they can be swept out one by one. */
class Search {
  readonly #submodels: Submodels;
  readonly #count: number;
  readonly #root: Node;
  /** Per term, the slopes that are its. */
  readonly #slopes: number[][];
  /** The terms, the most important first, so that the largest subtrees are cut off. */
  readonly #order: number[];
  /** Per rank, the least RSS so far and its terms. */
  readonly #best = new Map<number, { rss: number; terms: number[] }>();

  constructor(submodels: Submodels, regression: Regression, solution: Solution) {
    this.#submodels = submodels;
    this.#count = submodels.termCount;
    const all = Array.from({ length: this.#count }, (_, t) => t);
    const first = regression.intercept ? 1 : 0;
    const k = regression.terms.length;
    const inverse = new Float64Array(k * k);
    for (let i = 0; i < k; i++)
      for (let j = 0; j < k; j++) inverse[i * k + j] = solution.inverse[packedIndex(i + first, j + first)]!;
    this.#root = {
      kept: all.map(() => true),
      rank: solution.rank,
      rss: solution.rss,
      beta: solution.coefficients.slice(first),
      inverse,
    };
    let next = 0;
    this.#slopes = submodels.widths.map((width) => Array.from({ length: width }, () => next++));
    const importance = all.map((t) => this.#without(this.#root, t).rss);
    this.#order = [...all].sort((a, b) => importance[b]! - importance[a]!);
  }

  *run(): Steps<Map<number, number[]>> {
    this.#record(this.#root);
    yield* this.#descend(this.#root, 0);
    return new Map([...this.#best].map(([rank, { terms }]) => [rank, terms]));
  }

  /** Visits what is left of `node` when terms from position `from` of the order on are removed. */
  *#descend(node: Node, from: number): Steps<void> {
    yield;
    let least = node.rank;
    for (let i = from; i < this.#count; i++) least -= this.#slopes[this.#order[i]!]!.length;
    if (!this.#canImprove(node.rss, least, node.rank - 1)) return;
    // The least important first: good models early cut more off.
    for (let i = this.#count - 1; i >= from; i--) {
      const child = this.#without(node, this.#order[i]!);
      this.#record(child);
      yield* this.#descend(child, i + 1);
    }
  }

  #canImprove(rss: number, least: number, most: number): boolean {
    for (let rank = least; rank <= most; rank++)
      if ((this.#best.get(rank)?.rss ?? Infinity) > rss) return true;
    return false;
  }

  #record({ kept, rank, rss }: Node): void {
    const best = this.#best.get(rank);
    if (best !== undefined && best.rss <= rss) return;
    for (let outer = 0; outer < this.#count; outer++)
      for (let inner = 0; inner < this.#count; inner++)
        if (kept[outer] && !kept[inner] && this.#submodels.contains(outer, inner)) return;
    this.#best.set(rank, { rss, terms: kept.flatMap((is, t) => (is ? [t] : [])) });
  }

  /** Removes a term's slopes one by one: RSS grows by β²/A⁻¹_jj, and A⁻¹ loses its row and column. */
  #without(node: Node, term: number): Node {
    const k = node.beta.length;
    const kept = node.kept.slice();
    kept[term] = false;
    const beta = node.beta.slice();
    const inverse = node.inverse.slice();
    let { rss } = node;
    for (const j of this.#slopes[term]!) {
      const pivot = inverse[j * k + j]!;
      const slope = beta[j]!;
      rss += (slope * slope) / pivot;
      const column = Float64Array.from({ length: k }, (_, i) => inverse[i * k + j]!);
      for (let i = 0; i < k; i++) {
        const factor = column[i]! / pivot;
        beta[i]! -= factor * slope;
        for (let l = 0; l < k; l++) inverse[i * k + l]! -= factor * column[l]!;
      }
      for (let i = 0; i < k; i++) {
        inverse[i * k + j] = 0;
        inverse[j * k + i] = 0;
      }
      beta[j] = 0;
    }
    return { kept, rank: node.rank - this.#slopes[term]!.length, rss, beta, inverse };
  }
}
