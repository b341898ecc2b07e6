import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import type { BlockSource } from "./block-source.js";
import { type BlockOrder, blockOrder, type RowLayout } from "./row-layout.js";

/**
 * A source's block of rows by the slots of its layout. What it gives are views of the kernels' memory, good until the
 * next block.
 */
export class BlockView {
  readonly kernels: Kernels;
  readonly source: BlockSource;
  readonly layout: RowLayout;
  readonly #order: BlockOrder;

  constructor(kernels: Kernels, source: BlockSource, layout: RowLayout) {
    this.kernels = kernels;
    this.source = source;
    this.layout = layout;
    this.#order = blockOrder(layout);
  }

  /** The number of the block's first row. */
  get firstRow(): number {
    return this.source.firstRow;
  }

  /** How many columns of numbers the target and `numeric` are; they lie one after the other from `source.block` on. */
  get numbers(): number {
    return this.#order.numbers;
  }

  /** Whether rows have weights. */
  get weighted(): boolean {
    return this.layout.weight !== undefined;
  }

  /** Where the weights lie in the kernels' memory; 0 where there are none. */
  get weightAddress(): number {
    return this.weighted ? this.#address(this.#order.numbers) : 0;
  }

  /** Each row's group, as a code into `names`; undefined where the layout has none. */
  get group(): { codes: Int32Array; names: readonly string[] } | undefined {
    if (this.layout.group === undefined) return undefined;
    const at = this.layout.factors.length;
    return { codes: this.source.codes[at]!, names: this.source.levels[at]!.names };
  }

  /** The values of a cluster's column: numbers, or codes into `names`; missing ones are NaN or −1. */
  cluster(
    index: number,
    rows: number,
  ): { values: Float64Array | Int32Array; names: readonly string[] | undefined } {
    const at = this.#order.clusters[index]!;
    if (this.layout.clusters![index]!.of === "numbers")
      return { values: this.#numbers(at, rows), names: undefined };
    return { values: this.source.codes[at]!, names: this.source.levels[at]!.names };
  }

  /** The block's first `rows` rows as formulas take them. */
  raw(rows: number): RawBlock {
    const factors = this.layout.factors.length;
    return {
      numeric: Array.from({ length: this.#order.numbers }, (_, j) => this.#numbers(j, rows)),
      codes: this.source.codes.slice(0, factors),
      levels: this.source.levels.slice(0, factors).map(({ names }) => names),
      weights: this.weighted ? this.#numbers(this.#order.numbers, rows) : undefined,
      group: this.group,
      firstRow: this.source.firstRow,
    };
  }

  #address(j: number): number {
    return this.source.block + 8 * BLOCK_ROWS * j;
  }

  #numbers(j: number, rows: number): Float64Array {
    return this.kernels.doublesAt(this.#address(j), rows);
  }
}
