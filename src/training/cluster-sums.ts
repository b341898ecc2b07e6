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
  /** By value of a column of numbers: the cluster's number, in the order in which they are met. */
  readonly #byValue = new Map<number, number>();
  /** The same by code of a column of texts, + 1, or 0. */
  #byCode = new Int32Array(1024);
  readonly #names: string[] = [];
  #groups: GroupAccumulator | undefined;
  #told = 0;
  #unclustered = -1;

  constructor(
    view: BlockView,
    options: {
      columns: number;
      weighted: boolean;
      extended: boolean;
      low: boolean;
      most: number;
    },
  ) {
    this.#kernels = view.kernels;
    this.#view = view;
    this.#most = options.most;
    this.#targets = view.kernels.alloc(4 * BLOCK_ROWS);
    this.#groups = new GroupAccumulator(view.kernels, options);
  }

  /**
   * Adds rows of a block: those whose target is not negative.
   *
   * @param kept which of the view's rows they are; undefined where they are all of them
   */
  add(
    {
      block,
      low,
      count,
      targets,
      weights,
    }: Record<"block" | "low" | "count" | "targets" | "weights", number>,
    kept: ArrayLike<number> | undefined,
  ): void {
    if (this.#groups === undefined) return;
    const { ints, doubles } = this.#kernels;
    const rows = kept === undefined ? count : (kept[count - 1] ?? -1) + 1;
    const { values, names } = this.#view.cluster(0, rows);
    if (names !== undefined && names.length > this.#byCode.length) this.#enlarge(names.length);
    const byCode = this.#byCode;
    const [to, from, weight] = [this.#targets / 4, targets / 4, weights / 8];
    for (let i = 0; i < count; i++) {
      const r = kept === undefined ? i : kept[i]!;
      let target = -1;
      if (ints[from + i]! >= 0 && (weights === 0 || doubles[weight + i]! > 0)) {
        const value = values[r]!;
        if (names === undefined) target = Number.isNaN(value) ? -1 : this.#numberOf(value);
        else if (value >= 0) target = byCode[value]! - 1;
        if (target < 0) target = this.#meet(r, value, names);
      }
      ints[to + i] = target;
    }
    if (this.#names.length > this.#most) this.#groups = undefined;
    else this.#groups.add(block, count, this.#targets, weights, low);
  }

  #numberOf(value: number): number {
    let number = this.#byValue.get(value);
    if (number === undefined) {
      number = this.#names.push(String(value)) - 1;
      this.#byValue.set(value, number);
    }
    return number;
  }

  /** The number of a row's cluster that was not met before, −1 where the row has none. */
  #meet(row: number, code: number, names: readonly string[] | undefined): number {
    if (names === undefined || code < 0) {
      if (this.#unclustered < 0) this.#unclustered = this.#view.rowNumber(row);
      return -1;
    }
    const number = this.#names.push(names[code]!);
    this.#byCode[code] = number;
    return number - 1;
  }

  #enlarge(codes: number): void {
    const larger = new Int32Array(2 * codes);
    larger.set(this.#byCode);
    this.#byCode = larger;
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
