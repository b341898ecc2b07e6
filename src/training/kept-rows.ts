import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { GroupAccumulator } from "../kernels/group-accumulator.js";
import { Kernels } from "../kernels/kernels.js";
import type { Steps } from "../parallel/steps.js";
import type { GroupTable } from "../stats/group-table.js";
import { type GroupKind, groupTableOf } from "../stats/group-table.js";
import { LevelCodes } from "../stats/level-codes.js";
import { MergeTree } from "../stats/merge-tree.js";

/** The rows of a chunk as the kernels had them, block by block; plain data. */
export interface KeptRows {
  blocks: number;
  /** Per block of 128 rows: the columns, one after the other, and behind them the weights where rows have any. */
  values: Float64Array<ArrayBuffer>;
  /** Per row: folds · group + fold, as the job numbers groups; −1 for none. */
  targets: Int32Array<ArrayBuffer>;
}

/** Keeps the rows of a chunk, so that those of a few groups can be summed again without reading them again. */
export class RowKeeper {
  readonly #kernels: Kernels;
  readonly #columns: number;
  readonly #weighted: boolean;
  #blocks = 0;
  /** Blocks to make room for at first: chunks are alike. */
  #room = 64;
  #values = new Float64Array(0);
  #targets = new Int32Array(0);

  constructor(kernels: Kernels, { columns, weighted }: { columns: number; weighted: boolean }) {
    this.#kernels = kernels;
    this.#columns = columns;
    this.#weighted = weighted;
  }

  /** Keeps a block's rows; addresses as `GroupAccumulator.add` has them. */
  add(block: number, rows: number, targets: number, weights: number): void {
    const { ints } = this.#kernels;
    const length = this.#columns * BLOCK_ROWS;
    const stride = length + (this.#weighted ? BLOCK_ROWS : 0);
    const [at, row] = [this.#blocks * stride, this.#blocks * BLOCK_ROWS];
    if (row === this.#targets.length) this.#enlarge(stride);
    this.#values.set(this.#kernels.doublesAt(block, length), at);
    if (this.#weighted) this.#values.set(this.#kernels.doublesAt(weights, BLOCK_ROWS), at + length);
    this.#targets.set(ints.subarray(targets / 4, targets / 4 + rows), row);
    this.#targets.fill(-1, row + rows, row + BLOCK_ROWS);
    this.#blocks++;
  }

  /** The rows since the last `take`. */
  take(): KeptRows {
    const kept = { blocks: this.#blocks, values: this.#values, targets: this.#targets };
    this.#room = Math.max(64, this.#blocks + 1);
    this.#blocks = 0;
    this.#values = new Float64Array(0);
    this.#targets = new Int32Array(0);
    return kept;
  }

  #enlarge(stride: number): void {
    const blocks = Math.max(this.#room, 2 * this.#blocks);
    const [values, targets] = [new Float64Array(blocks * stride), new Int32Array(blocks * BLOCK_ROWS)];
    values.set(this.#values);
    targets.set(this.#targets);
    this.#values = values;
    this.#targets = targets;
  }
}

/** The rows of all chunks of a scan, each with the common number of each of its job's groups. */
export class KeptChunks {
  readonly #kind: GroupKind;
  readonly #groups: LevelCodes;
  readonly #chunks: { rows: KeptRows; common: readonly number[] }[] = [];

  /** @param kind that of the sums of the scan, whose groups `groups` has */
  constructor(kind: GroupKind, groups: LevelCodes) {
    this.#kind = kind;
    this.#groups = groups;
  }

  /** Takes the rows of the next chunk. */
  push(rows: KeptRows, common: readonly number[]): void {
    this.#chunks.push({ rows, common });
  }

  /** Sums of some groups' rows in double-double: what a scan of their rows alone gives, bit for bit. */
  *extended(names: readonly string[]): Steps<GroupTable> {
    const { columns, weighted, folds } = this.#kind;
    const kind = { ...this.#kind, extended: true };
    const groups = new LevelCodes(names);
    /** By common number of a group: its number among `names` + 1. */
    const wanted = new Int32Array(this.#groups.names.length);
    for (const [g, name] of names.entries()) wanted[this.#groups.find(name)] = g + 1;
    const kernels = new Kernels();
    const sums = new GroupAccumulator(kernels, {
      columns: columns.length,
      weighted,
      extended: true,
      low: false,
    });
    const block = kernels.allocBlock(columns.length);
    const weights = weighted ? kernels.alloc(8 * BLOCK_ROWS) : 0;
    const targets = kernels.alloc(4 * BLOCK_ROWS);
    const length = columns.length * BLOCK_ROWS;
    const stride = length + (weighted ? BLOCK_ROWS : 0);
    const own = new Int32Array(BLOCK_ROWS);
    /** By target of a job: that among the wanted ones, −1 where it is none of them. */
    const wantedOf = (common: readonly number[]) => {
      const targets = new Int32Array(common.length * folds).fill(-1);
      for (const [g, code] of common.entries())
        if (wanted[code] !== 0)
          for (let f = 0; f < folds; f++) targets[g * folds + f] = (wanted[code]! - 1) * folds + f;
      return targets;
    };
    const byJob = new Map<readonly number[], Int32Array>();
    const all = names.map((_, g) => g);
    const tree = new MergeTree<GroupTable>();
    for (const [chunk, { rows, common }] of this.#chunks.entries()) {
      yield;
      let of = byJob.get(common);
      if (of === undefined) {
        of = wantedOf(common);
        byJob.set(common, of);
      }
      for (let b = 0; b < rows.blocks; b++) {
        if (!recoded(rows.targets, b * BLOCK_ROWS, of, own)) continue;
        const from = b * stride;
        kernels.doublesAt(block, length).set(rows.values.subarray(from, from + length));
        if (weighted)
          kernels.doublesAt(weights, BLOCK_ROWS).set(rows.values.subarray(from + length, from + stride));
        kernels.ints.set(own, targets / 4);
        sums.add(block, BLOCK_ROWS, targets, weights);
      }
      tree.push(chunk, groupTableOf(sums.take(), kind, groups, all));
    }
    return tree.finish()!;
  }
}

/** Writes what the targets from `from` on are by `of`, −1 for none; whether there is any, for most blocks have none. */
function recoded(targets: Int32Array, from: number, of: Int32Array, own: Int32Array): boolean {
  let any = -1;
  for (let r = 0; r < own.length; r++) {
    const target = targets[from + r]!;
    const code = target < 0 ? -1 : of[target]!;
    own[r] = code;
    // All bits stay set where each is −1.
    any &= code;
  }
  return any !== -1;
}
