import { FormulaScan } from "../dataset/formula/scan.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { DataError } from "../errors.js";
import { ExtendedAccumulator } from "../kernels/extended.js";
import { GroupedMoments } from "../kernels/grouped.js";
import { BLOCK_ROWS, type Kernels } from "../kernels/kernels.js";
import { MomentsAccumulator } from "../kernels/moments.js";
import { foldOf, isHeldOut } from "./assignment.js";
import type { BlockSource, ChunkJob } from "./chunk-job.js";
import type { MomentsResult } from "./moments-result.js";
import { rawBlock } from "./raw-block.js";

/** What the moments of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface MomentsPlan {
  /** Blocks carry the spec's numeric columns, in order, and its text columns as factors. */
  spec: ModelSpec;
  /** Where the spec is nothing but columns of numbers: their keys, in the blocks' order. */
  plain: readonly string[] | undefined;
  /** Whether a column of weights follows the numeric ones in the blocks. */
  weighted: boolean;
  /** Double-double moments instead of double ones. */
  extended: boolean;
  /** The share of rows held out, 0 for none. */
  testSize: number;
  /** Cross-validation folds, each with moments of its own; 1 for none. */
  folds: number;
  /** The seed of the hold-out and the folds. */
  seed: number;
  /** What the number of the first row is for both: not 0 in a shard of more data. */
  firstRow: number;
}

/** More columns than this in a design are taken for a mistake: a factor with too many levels. */
const MOST_COLUMNS = 20_000;

/** Sums up the rows of chunks, fold by fold, in the kernels. */
export class MomentsJob implements ChunkJob<MomentsResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: MomentsPlan;
  readonly #scan: FormulaScan | undefined;
  readonly #grouped: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>;
  readonly #targets: number;
  /** Where a formula's design is put for the kernels: the block, its low parts, its weights, and their room. */
  readonly #design = { block: 0, low: 0, weights: 0, columns: 0 };
  #columns: number;
  #counts = { rows: 0, dropped: 0, heldOut: 0, undefinedRows: 0, firstDropped: -1 };

  constructor(kernels: Kernels, source: BlockSource, plan: MomentsPlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
    this.#scan =
      plan.plain === undefined ? new FormulaScan(plan.spec, { extended: plan.extended }) : undefined;
    this.#columns = plan.plain?.length ?? this.#scan!.columns.length;
    const folds = Array.from({ length: plan.folds }, () =>
      plan.extended
        ? new ExtendedAccumulator(kernels, this.#columns)
        : new MomentsAccumulator(kernels, this.#columns),
    );
    const low = plan.extended && this.#scan !== undefined;
    this.#grouped = new GroupedMoments(kernels, folds, { weighted: plan.weighted, low });
    this.#targets = kernels.alloc(4 * BLOCK_ROWS);
    if (plan.weighted) this.#design.weights = kernels.alloc(8 * BLOCK_ROWS);
  }

  add(rows: number): void {
    this.#counts.rows += rows;
    if (this.#scan === undefined) this.#addPlain(rows, this.#plan.plain!.length);
    else this.#addDesign(rows, this.#scan);
  }

  /** The block is the design: nothing is copied. */
  #addPlain(rows: number, columns: number): void {
    const { block, missing, firstRow } = this.#source;
    const { weighted } = this.#plan;
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + rows);
    targets.fill(0);
    if (missing)
      for (let j = 0; j < columns + (weighted ? 1 : 0); j++) {
        const column = this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows);
        for (let r = 0; r < rows; r++) if (Number.isNaN(column[r]!)) targets[r] = -1;
      }
    for (let r = 0; r < rows; r++) {
      if (targets[r]! < 0) this.#drop(firstRow + r);
      else targets[r] = this.#target(firstRow + r);
    }
    const weights = weighted ? block + 8 * BLOCK_ROWS * columns : 0;
    if (weighted) this.#checkWeights(this.#kernels.doublesAt(weights, rows), (r) => firstRow + r);
    this.#grouped.add(block, rows, this.#targets, weights);
  }

  #addDesign(rows: number, scan: FormulaScan): void {
    const { spec, weighted } = this.#plan;
    const { firstRow } = this.#source;
    const undefinedBefore = scan.undefinedRows;
    const filled = scan.fill(
      rawBlock(this.#kernels, this.#source, spec.numeric.length, weighted, rows),
      0,
      rows,
    );
    this.#counts.undefinedRows += scan.undefinedRows - undefinedBefore;
    for (let r = 0, i = 0; r < rows && filled.rows < rows; r++) {
      if (i < filled.rows && filled.kept[i] === r) i++;
      else this.#drop(firstRow + r);
    }
    if (filled.rows === 0) return;
    this.#widen(filled.columns.length);
    const { block, low, weights } = this.#design;
    this.#copy(block, filled.values, filled.columns.length);
    if (low !== 0) this.#copy(low, filled.low!, filled.columns.length);
    if (weighted) {
      const values = filled.weights!.subarray(0, filled.rows);
      this.#checkWeights(values, (i) => firstRow + filled.kept[i]!);
      this.#kernels.doublesAt(weights, filled.rows).set(values);
    }
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + filled.rows);
    for (let i = 0; i < filled.rows; i++) targets[i] = this.#target(firstRow + filled.kept[i]!);
    this.#grouped.add(block, filled.rows, this.#targets, weights, low);
  }

  /** Puts design columns into a block; those that only other chunks had are zero. */
  #copy(block: number, values: Float64Array, columns: number): void {
    const into = this.#kernels.doublesAt(block, this.#columns * BLOCK_ROWS);
    into.set(values.subarray(0, columns * BLOCK_ROWS));
    into.fill(0, columns * BLOCK_ROWS);
  }

  finish(): MomentsResult {
    this.#grouped.flush();
    const scan = this.#scan;
    // The columns of this chunk alone, in its own order: what a thread saw in other chunks must not show.
    const columns = scan === undefined ? this.#plan.plain! : [...scan.columns];
    const result: MomentsResult = {
      columns,
      folds: this.#grouped.groups.map((group) => group.read()),
      levels: scan === undefined ? {} : levelsOf(scan),
      ...this.#counts,
    };
    this.#grouped.reset();
    if (scan !== undefined) {
      scan.reset();
      for (const levels of scan.levels.values()) levels.clear();
    }
    this.#counts = { rows: 0, dropped: 0, heldOut: 0, undefinedRows: 0, firstDropped: -1 };
    return result;
  }

  #drop(row: number): void {
    this.#counts.dropped++;
    if (this.#counts.firstDropped < 0) this.#counts.firstDropped = row;
  }

  /** The fold of a complete row, −1 if it is held out. */
  #target(rowInFile: number): number {
    const { testSize, folds, seed, firstRow } = this.#plan;
    const row = firstRow + rowInFile;
    if (testSize > 0 && isHeldOut(row, seed, testSize)) {
      this.#counts.heldOut++;
      return -1;
    }
    return folds > 1 ? foldOf(row, seed, folds) : 0;
  }

  #checkWeights(weights: Float64Array, rowOf: (i: number) => number): void {
    const at = weights.findIndex((w) => w < 0);
    if (at < 0) return;
    throw new DataError(`expected a weight of 0 or more, found ${weights[at]}`, {
      place: { row: rowOf(at) },
      hint: "correct the weights, or choose another column with --weights",
    });
  }

  #widen(columns: number): void {
    if (columns > MOST_COLUMNS)
      throw new DataError(`the factors of the model have more than ${MOST_COLUMNS} columns`, {
        hint: "leave columns with very many levels out with --exclude",
      });
    if (columns > this.#columns) {
      this.#grouped.widen(columns);
      this.#columns = columns;
    }
    if (columns <= this.#design.columns) return;
    const room = Math.max(columns, Math.ceil(this.#design.columns * 1.5));
    this.#design.block = this.#kernels.allocBlock(room);
    if (this.#plan.extended) this.#design.low = this.#kernels.allocBlock(room);
    this.#design.columns = room;
  }
}

function levelsOf(scan: FormulaScan): Record<string, string[]> {
  return Object.fromEntries([...scan.levels].map(([label, names]) => [label, [...names]]));
}
