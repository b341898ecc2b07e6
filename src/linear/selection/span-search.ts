import type { Steps } from "../../parallel/steps.js";
import type { Submodel, Submodels } from "./submodels.js";

/** RSS that differ by less are the same but for rounding. */
const SAME_RSS = 1e-10;

/**
 * The submodels of least RSS for every rank by branch and bound, where leaving a term out codes another anew, or terms
 * depend on each other: each submodel is solved as it would be fitted. What bounds the search holds for spans whatever
 * their coding: that of a submodel lies in that of the model, so that its RSS is no smaller.
 */
export class SpanSearch {
  readonly #submodels: Submodels;
  /** Per rank, the best so far. */
  readonly #best = new Map<number, Submodel>();

  constructor(submodels: Submodels) {
    this.#submodels = submodels;
  }

  /** The best terms by rank. */
  *run(): Steps<Map<number, number[]>> {
    const all = Array.from({ length: this.#submodels.termCount }, (_, t) => t);
    const whole = yield* this.#submodels.of(all);
    this.#record(whole);
    const importance: number[] = [];
    for (const t of all) importance.push((yield* this.#submodels.of(all.filter((other) => other !== t))).rss);
    // The most important first, so that the largest subtrees are cut off.
    const order = [...all].sort((a, b) => importance[b]! - importance[a]!);
    yield* this.#descend(whole, order, 0);
    return new Map([...this.#best].map(([rank, { terms }]) => [rank, terms]));
  }

  /** Visits what is left of `node` when terms from position `from` of the order on are removed. */
  *#descend(node: Submodel, order: readonly number[], from: number): Steps<void> {
    yield;
    if (from === order.length) return;
    const open = new Set(order.slice(from));
    const least = yield* this.#submodels.of(node.terms.filter((t) => !open.has(t)));
    let improves = false;
    for (let rank = least.rank; rank <= node.rank && !improves; rank++)
      improves = (this.#best.get(rank)?.rss ?? Number.POSITIVE_INFINITY) > node.rss * (1 - SAME_RSS);
    if (!improves) return;
    for (let i = order.length - 1; i >= from; i--) {
      const child = yield* this.#submodels.of(node.terms.filter((t) => t !== order[i]));
      this.#record(child);
      yield* this.#descend(child, order, i + 1);
    }
  }

  #record(found: Submodel): void {
    const known = this.#best.get(found.rank);
    if (known !== undefined) {
      const same = Math.abs(found.rss - known.rss) <= SAME_RSS * known.rss;
      // Of two that span the same the one with fewer terms.
      if (same ? found.terms.length >= known.terms.length : found.rss > known.rss) return;
    }
    const kept = new Set(found.terms);
    for (let inner = 0; inner < this.#submodels.termCount; inner++)
      if (!kept.has(inner) && found.terms.some((outer) => this.#submodels.contains(outer, inner))) return;
    this.#best.set(found.rank, found);
  }
}
