import { compileCondition, type Holds } from "../dataset/formula/condition.js";
import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { Kernels } from "../kernels/kernels.js";
import type { BlockSource } from "./block-source.js";
import { LaggedSource } from "./lagged-source.js";
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
  readonly #holds: Holds | undefined;
  readonly #lagged: LaggedSource | undefined;
  /** The numbers of the rows that are left of the block, where some are not. */
  readonly #kept = new Int32Array(BLOCK_ROWS);
  /** Where groups are numbers: the code of each, and those of the block's rows. */
  readonly #groupCodes = new Map<number, number>();
  readonly #groupNames: string[] = [];
  readonly #groups = new Int32Array(BLOCK_ROWS);
  #selected = false;
  #excluded = 0;

  constructor(kernels: Kernels, source: BlockSource, layout: RowLayout) {
    this.kernels = kernels;
    this.layout = layout;
    this.#order = blockOrder(layout);
    const { where, lagged } = layout;
    const { slots } = this.#order;
    if (slots !== undefined && lagged !== undefined)
      this.#lagged = new LaggedSource(kernels, source, slots, lagged);
    this.source = this.#lagged ?? source;
    this.#holds =
      where &&
      compileCondition(where.condition, {
        numbers: (name) => this.#numbers(this.#order.where.get(name)!.at, BLOCK_ROWS),
        text: (name) => this.#texts(this.#order.where.get(name)!.at),
      });
  }

  /**
   * Leaves the rows out for which the layout's condition does not hold; before anything else is asked of a block.
   *
   * @returns how many are left
   */
  filter(rows: number): number {
    this.#lagged?.fill(rows);
    this.#selected = false;
    if (this.#holds === undefined) return rows;
    const holds = this.#holds(rows);
    let count = 0;
    for (let r = 0; r < rows; r++) if (holds[r] === 1) this.#kept[count++] = r;
    this.#excluded += rows - count;
    if (count === rows) return rows;
    this.#selected = true;
    this.source.select(this.#kept, count);
    return count;
  }

  /** How many rows were left out since the last call. */
  takeExcluded(): number {
    const excluded = this.#excluded;
    this.#excluded = 0;
    return excluded;
  }

  /** The number of row r of the block, from 0: those left out count. */
  rowNumber(r: number): number {
    return this.source.firstRow + (this.#selected ? this.#kept[r]! : r);
  }

  /** The value in the column that rows are drawn by, of row r: NaN where it is missing, or there is no such column. */
  key(r: number): number {
    const { foldBy } = this.#order;
    return foldBy < 0 ? Number.NaN : this.kernels.doubles[this.#address(foldBy) / 8 + r]!;
  }

  /** The text that names row r; undefined where the layout has no such column. */
  rowName(r: number): string | undefined {
    const { id } = this.#order;
    if (id === undefined) return this.source.rowName(r);
    if (id.of === "numbers") {
      const value = this.#numbers(id.at, r + 1)[r]!;
      return Number.isNaN(value) ? "" : String(value);
    }
    const { codes, names } = this.#texts(id.at);
    return codes[r]! < 0 ? "" : names[codes[r]!]!;
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
    return this.weighted ? this.#address(this.#order.weight) : 0;
  }

  /** Each row's group, as a code into `names`; undefined where the layout has none. */
  get group(): { codes: Int32Array; names: readonly string[] } | undefined {
    if (this.layout.group === undefined) return undefined;
    if (this.layout.groupOf === undefined) return this.#texts(this.#order.group);
    this.#numbers(this.#order.group, BLOCK_ROWS).forEach((value, r) => {
      if (!Number.isNaN(value) && !this.#groupCodes.has(value))
        this.#groupCodes.set(value, this.#groupNames.push(String(value)) - 1);
      this.#groups[r] = this.#groupCodes.get(value) ?? -1;
    });
    return { codes: this.#groups, names: this.#groupNames };
  }

  /** The values of a cluster's column: numbers, or codes into `names`; missing ones are NaN or −1. */
  cluster(
    index: number,
    rows: number,
  ): { values: Float64Array | Int32Array; names: readonly string[] | undefined } {
    const at = this.#order.clusters[index]!;
    if (this.layout.clusters![index]!.of === "numbers")
      return { values: this.#numbers(at, rows), names: undefined };
    const { codes, names } = this.#texts(at);
    return { values: codes, names };
  }

  /** The block's first `rows` rows as formulas take them. */
  raw(rows: number): RawBlock {
    const factors = this.layout.factors.length;
    return {
      numeric: Array.from({ length: this.#order.numbers }, (_, j) => this.#numbers(j, rows)),
      codes: this.source.codes.slice(0, factors),
      levels: this.source.levels.slice(0, factors).map(({ names }) => names),
      weights: this.weighted ? this.#numbers(this.#order.weight, rows) : undefined,
      group: this.group,
      firstRow: this.source.firstRow,
      rowNumbers: this.#selected
        ? this.#kept.subarray(0, rows).map((r) => this.source.firstRow + r)
        : undefined,
    };
  }

  #texts(i: number): { codes: Int32Array; names: readonly string[] } {
    return { codes: this.source.codes[i]!, names: this.source.levels[i]!.names };
  }

  #address(j: number): number {
    return this.source.block + 8 * BLOCK_ROWS * j;
  }

  #numbers(j: number, rows: number): Float64Array {
    return this.kernels.doublesAt(this.#address(j), rows);
  }
}
