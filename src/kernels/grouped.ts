import { BLOCK_ROWS } from "./block-rows.js";
import type { ExtendedAccumulator } from "./extended.js";
import type { Kernels } from "./kernels.js";
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
  readonly #groups: A[] = [];
  readonly #kernels: Kernels;
  readonly #weighted: boolean;
  readonly #low: boolean;
  /** Where the records lie, and for how many groups there is room. */
  #records = 0;
  #room = 0;
  #columns: number;
  #capacity: number;

  /**
   * Fills `groups`, which have the same columns (`columns` of them where there is no group yet); `weighted` if rows
   * have weights, `low` if their values have low parts (of which only extended moments make use).
   */
  constructor(
    kernels: Kernels,
    groups: readonly A[],
    {
      columns = groups[0]?.columns ?? 0,
      weighted = false,
      low = false,
    }: { columns?: number; weighted?: boolean; low?: boolean } = {},
  ) {
    this.#kernels = kernels;
    this.#weighted = weighted;
    this.#low = low;
    this.#columns = columns;
    this.#capacity = columns;
    this.append(groups);
  }

  /** Where the groups' records lie until there are more of them. */
  get records(): number {
    return this.#records;
  }

  get groups(): readonly A[] {
    return this.#groups;
  }

  /** How many columns every group has. */
  get columns(): number {
    return this.#columns;
  }

  /**
   * Adds groups that have no rows yet, of `columns` columns each; the others, and the blocks that they have half
   * full, stay as they are. Each takes 1 KB per column for its block beside its moments.
   */
  append(groups: readonly A[]): void {
    const kernels = this.#kernels;
    const first = this.#groups.length;
    for (const group of groups) this.#groups.push(group);
    if (this.#groups.length > this.#room) {
      this.#room = Math.max(this.#groups.length, 2 * this.#room);
      const before = this.#records;
      this.#records = kernels.alloc(4 * RECORD * this.#room);
      kernels.ints.copyWithin(this.#records / 4, before / 4, before / 4 + RECORD * first);
    }
    for (const [i, { address, extended }] of groups.entries()) {
      const block = kernels.allocBlock(this.#capacity);
      const lowBlock = this.#low ? kernels.allocBlock(this.#capacity) : 0;
      const weights = this.#weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
      kernels.ints.set([address, extended ? 1 : 0, block, lowBlock, weights, 0], this.#field(first + i, 0));
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
    for (const [g, group] of this.#groups.entries()) {
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

  /** Adds the blocks of these groups (all) that are not full yet; after it their moments hold every row. */
  flush(groups: Iterable<number> = this.#groups.keys()): void {
    for (const g of groups) this.#kernels.exports.flushGroup(4 * this.#field(g, 0));
  }

  /** Forgets all rows of these groups (all). */
  reset(groups: Iterable<number> = this.#groups.keys()): void {
    for (const g of groups) {
      this.#groups[g]!.reset();
      this.#kernels.ints[this.#field(g, ROWS)] = 0;
    }
  }

  #field(group: number, field: number): number {
    return this.#records / 4 + RECORD * group + field;
  }
}
