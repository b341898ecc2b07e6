import { BLOCK_ROWS } from "./block-rows.js";
import { CellAccumulator, type CellParts } from "./cells.js";
import { ExtendedAccumulator, type ExtendedParts } from "./extended.js";
import { GroupedMoments } from "./grouped.js";
import type { Kernels } from "./kernels.js";
import { MomentsAccumulator, type MomentsParts } from "./moments.js";

/** Rows of a group after which further ones gather in blocks of 128, whose products cost less a row. */
const MANY_ROWS = BLOCK_ROWS;

/** The moments of groups, as plain data. */
export interface GroupSums {
  /** A record of all columns' means and cross-products for each group, by number. */
  records: CellParts;
  /** Of groups of many rows: the moments of those after the first. */
  more: { group: number; parts: MomentsParts | ExtendedParts }[];
}

/**
 * Moments of very many groups of rows, numbered from 0, of which most have few rows: a group is a record of
 * 8 (p²/2 + 3p/2 + 5) bytes, to which each row is added as it comes (rank-one updates about the group's own mean; West
 * 1979), so that it costs no block of 128 rows. Only where a group has more than 128 rows do the others go through
 * blocks, of which there are then never more than one for every 128 rows. What a group's moments are depends on its own
 * rows alone.
 */
export class GroupAccumulator {
  readonly #kernels: Kernels;
  readonly #columns: number;
  readonly #extended: boolean;
  readonly #records: CellAccumulator;
  readonly #blocks: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>;
  /** Addresses of an i32 per row: the group whose record it goes to, and the block. */
  readonly #small: number;
  readonly #large: number;
  /** By group: rows so far, and where its block is. */
  #rows = new Uint32Array(1024);
  #block = new Int32Array(1024);
  /** The groups that have blocks: block b is that of the b-th. */
  #many: number[] = [];

  constructor(
    kernels: Kernels,
    {
      columns,
      weighted,
      extended,
      low,
    }: { columns: number; weighted: boolean; extended: boolean; low: boolean },
  ) {
    this.#kernels = kernels;
    this.#columns = columns;
    this.#extended = extended;
    const all = Array.from({ length: columns }, (_, j) => j);
    this.#records = new CellAccumulator(kernels, {
      columns: all,
      products: columns,
      factors: [],
      extended,
      logs: weighted,
    });
    this.#blocks = new GroupedMoments(kernels, [], { columns, weighted, low });
    this.#small = kernels.alloc(4 * BLOCK_ROWS);
    this.#large = kernels.alloc(4 * BLOCK_ROWS);
  }

  /** Adds each row r of a block to group `targets[r]`, −1 for none; as `GroupedMoments.add`. */
  add(block: number, rows: number, targets: number, weights = 0, low = 0): void {
    const many = this.#assign(rows, targets);
    this.#records.add(block, rows, { targets: this.#small, codes: 0, weights, low });
    if (many) this.#blocks.add(block, rows, this.#large, weights, low);
  }

  /** Says of each row whether it goes to a record or to a block; whether any goes to a block. */
  #assign(rows: number, targets: number): boolean {
    let { ints } = this.#kernels;
    let many = false;
    for (let r = 0; r < rows; r++) {
      const group = ints[targets / 4 + r]!;
      let block = -1;
      if (group >= 0) {
        if (group >= this.#rows.length) this.#enlarge(group + 1);
        const before = this.#rows[group]!++;
        if (before === MANY_ROWS) {
          this.#block[group] = this.#nextBlock(group);
          ints = this.#kernels.ints;
        }
        if (before >= MANY_ROWS) block = this.#block[group]!;
      }
      many ||= block >= 0;
      ints[this.#large / 4 + r] = block;
      ints[this.#small / 4 + r] = block < 0 ? group : -1;
    }
    return many;
  }

  #nextBlock(group: number): number {
    const block = this.#many.push(group) - 1;
    if (block === this.#blocks.groups.length)
      this.#blocks.append([
        this.#extended
          ? new ExtendedAccumulator(this.#kernels, this.#columns)
          : new MomentsAccumulator(this.#kernels, this.#columns),
      ]);
    return block;
  }

  /** The moments of all rows since the last `take`, the groups' in the order of their first rows; forgets them. */
  take(): GroupSums {
    const blocks = Array.from(this.#many, (_, b) => b);
    this.#blocks.flush(blocks);
    const more = this.#many.map((group, b) => ({ group, parts: this.#blocks.groups[b]!.read() }));
    this.#blocks.reset(blocks);
    this.#many = [];
    const records = this.#records.read();
    this.#records.reset();
    this.#rows.fill(0);
    return { records, more };
  }

  #enlarge(groups: number): void {
    const length = Math.max(groups, 2 * this.#rows.length);
    const [rows, block] = [new Uint32Array(length), new Int32Array(length)];
    rows.set(this.#rows);
    block.set(this.#block);
    this.#rows = rows;
    this.#block = block;
  }
}
