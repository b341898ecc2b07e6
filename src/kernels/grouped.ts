import type { ExtendedAccumulator } from "./extended.js";
import { BLOCK_ROWS, type Kernels } from "./kernels.js";
import type { MomentsAccumulator } from "./moments.js";

/** Fields of a group's record (assembly/scatter.ts), i32 each. */
const RECORD = 6;
const BLOCK = 2;
const LOW = 3;
const ROWS = 5;

/**
 * Moments of several groups (folds, or what is not held out) filled in one pass: each row goes to its group's own
 * block, and a block that is full is added to its group's moments.
 */
export class GroupedMoments<A extends MomentsAccumulator | ExtendedAccumulator> {
  readonly groups: readonly A[];
  readonly #kernels: Kernels;
  readonly #records: number;
  readonly #low: boolean;
  #columns: number;
  #capacity: number;

  /**
   * Fills `groups`, which have the same columns; `weighted` if rows have weights, `low` if their values have low
   * parts (of which only extended moments make use).
   */
  constructor(
    kernels: Kernels,
    groups: readonly A[],
    { weighted = false, low = false }: { weighted?: boolean; low?: boolean } = {},
  ) {
    this.#kernels = kernels;
    this.groups = groups;
    this.#low = low;
    this.#columns = groups[0]?.columns ?? 0;
    this.#capacity = this.#columns;
    this.#records = kernels.alloc(4 * RECORD * groups.length);
    for (const [g, { address, extended }] of groups.entries()) {
      const block = kernels.allocBlock(this.#capacity);
      const lowBlock = low ? kernels.allocBlock(this.#capacity) : 0;
      const weights = weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
      kernels.ints.set([address, extended ? 1 : 0, block, lowBlock, weights, 0], this.#field(g, 0));
    }
  }

  /**
   * Adds each row r of a block to group `targets[r]`, −1 for none; `targets` is the address of an i32 per row,
   * `weights` that of a double per row where the groups are weighted, `low` the block of low parts or 0. What they
   * point to is only read.
   */
  add(block: number, rows: number, targets: number, weights = 0, low = 0): void {
    const { exports } = this.#kernels;
    exports.scatterRows(block, low, rows, weights, targets, this.#records, this.#columns);
  }

  /** Appends columns that were zero in every row so far. */
  widen(columns: number): void {
    if (columns <= this.#columns) return;
    const kernels = this.#kernels;
    const kept = this.#columns * BLOCK_ROWS;
    const grow = columns > this.#capacity;
    if (grow) this.#capacity = Math.max(columns, Math.ceil(this.#capacity * 1.5));
    for (const [g, group] of this.groups.entries()) {
      group.widen(columns);
      for (const field of this.#low ? [BLOCK, LOW] : [BLOCK]) {
        const at = this.#field(g, field);
        let block = kernels.ints[at]! >>> 0;
        if (grow) {
          const before = block;
          block = kernels.allocBlock(this.#capacity);
          kernels.ints[at] = block;
          kernels.doubles.copyWithin(block / 8, before / 8, before / 8 + kept);
        }
        kernels.doubles.fill(0, block / 8 + kept, block / 8 + columns * BLOCK_ROWS);
      }
    }
    this.#columns = columns;
  }

  /** Adds the blocks that are not full yet; after it the groups' moments hold every row. */
  flush(): void {
    for (const g of this.groups.keys()) this.#kernels.exports.flushGroup(4 * this.#field(g, 0));
  }

  /** Forgets all rows. */
  reset(): void {
    for (const [g, group] of this.groups.entries()) {
      group.reset();
      this.#kernels.ints[this.#field(g, ROWS)] = 0;
    }
  }

  #field(group: number, field: number): number {
    return this.#records / 4 + RECORD * group + field;
  }
}
