import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { GroupAccumulator } from "../kernels/group-accumulator.js";
import type { Kernels } from "../kernels/kernels.js";
import type { BlockView } from "../scan/block-view.js";
import type { ClustersResult } from "./moments-result.js";

/**
 * The moments of clusters, summed beside those of all rows: the rows that count for the fit, by the value of the layout's
 * first cluster.
 */
export class ClusterSums {
  readonly #kernels: Kernels;
  readonly #view: BlockView;
  readonly #most: number;
  readonly #targets: number;
  readonly #numbers = new Map<number, number>();
  readonly #names: string[] = [];
  #groups: GroupAccumulator | undefined;
  #told = 0;
  #unclustered = -1;

  constructor(view: BlockView, options: { columns: number; weighted: boolean; most: number }) {
    this.#kernels = view.kernels;
    this.#view = view;
    this.#most = options.most;
    this.#targets = view.kernels.alloc(4 * BLOCK_ROWS);
    this.#groups = new GroupAccumulator(view.kernels, { ...options, extended: false, low: false });
  }

  /**
   * Adds rows of a block: those whose target is not negative.
   *
   * @param kept which of the view's rows they are; undefined where they are all of them
   */
  add(
    { block, count, targets, weights }: { block: number; count: number; targets: number; weights: number },
    kept: ArrayLike<number> | undefined,
  ): void {
    if (this.#groups === undefined) return;
    const { ints, doubles } = this.#kernels;
    const rows = kept === undefined ? count : (kept[count - 1] ?? -1) + 1;
    const { values, names } = this.#view.cluster(0, rows);
    for (let i = 0; i < count; i++) {
      const r = kept === undefined ? i : kept[i]!;
      let target = -1;
      const counts = ints[targets / 4 + i]! >= 0 && (weights === 0 || doubles[weights / 8 + i]! > 0);
      if (counts) {
        const value = values[r]!;
        if (Number.isNaN(value) || (names !== undefined && value < 0)) {
          if (this.#unclustered < 0) this.#unclustered = this.#view.rowNumber(r);
        } else target = this.#numberOf(value, names);
      }
      ints[this.#targets / 4 + i] = target;
    }
    if (this.#names.length > this.#most) this.#groups = undefined;
    else this.#groups.add(block, count, this.#targets, weights);
  }

  #numberOf(value: number, names: readonly string[] | undefined): number {
    let number = this.#numbers.get(value);
    if (number === undefined) {
      number = this.#names.push(names?.[value] ?? String(value)) - 1;
      this.#numbers.set(value, number);
    }
    return number;
  }

  /** The sums of the rows since the last `take`. */
  take(): ClustersResult {
    const from = this.#told;
    this.#told = this.#names.length;
    const unclustered = this.#unclustered;
    this.#unclustered = -1;
    return { from, names: this.#names.slice(from), sums: this.#groups?.take(), unclustered };
  }
}
