import { FormulaScan } from "../dataset/formula/scan.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { DataError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { ExtendedAccumulator } from "../kernels/extended.js";
import { GroupedMoments } from "../kernels/grouped.js";
import type { Kernels } from "../kernels/kernels.js";
import { MomentsAccumulator } from "../kernels/moments.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { foldOf, isHeldOut } from "../scan/row-draw.js";
import { option, wording } from "../wording.js";
import type { GroupParts, MomentsResult } from "./moments-result.js";

/** What the moments of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface MomentsPlan {
  /** The layout's target, numbers and factors are the spec's; a group's rows have moments of their own. */
  spec: ModelSpec;
  /** Where the spec is nothing but columns of numbers: their keys, in the blocks' order. */
  plain: readonly string[] | undefined;
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

/** More groups than this are taken for a mistake. */
const MOST_GROUPS = 20_000;

/** More columns than this in a design are taken for a mistake: a factor with too many levels. */
const MOST_COLUMNS = 20_000;

/** Sums up the rows of chunks, fold by fold, in the kernels. */
export class MomentsJob implements ChunkJob<MomentsResult> {
  readonly #kernels: Kernels;
  readonly #view: BlockView;
  readonly #plan: MomentsPlan;
  readonly #scan: FormulaScan | undefined;
  readonly #grouped: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>;
  readonly #targets: number;
  /** Where a formula's design is put for the kernels: the block, its low parts, its weights, and their room. */
  readonly #design = { block: 0, low: 0, weights: 0, columns: 0 };
  #columns: number;
  /** By code of the group: where its folds begin among the moments, and whether it has rows in this chunk. */
  readonly #groups: { first: number; used: boolean }[] = [];
  /** The codes of the groups that have rows in this chunk, as they came. */
  #used: number[] = [];
  #counts = { rows: 0, dropped: 0, heldOut: 0, undefinedRows: 0, firstDropped: -1 };

  constructor(view: BlockView, plan: MomentsPlan) {
    const { kernels, weighted } = view;
    this.#kernels = kernels;
    this.#view = view;
    this.#plan = plan;
    this.#scan =
      plan.plain === undefined ? new FormulaScan(plan.spec, { extended: plan.extended }) : undefined;
    this.#columns = plan.plain?.length ?? this.#scan!.columns.length;
    const low = plan.extended && this.#scan !== undefined;
    this.#grouped = new GroupedMoments(kernels, [], {
      columns: this.#columns,
      weighted,
      low,
    });
    if (view.layout.group === undefined) this.#grouped.append(this.#folds());
    this.#targets = kernels.alloc(4 * BLOCK_ROWS);
    if (weighted) this.#design.weights = kernels.alloc(8 * BLOCK_ROWS);
  }

  add(rows: number): void {
    this.#counts.rows += rows;
    const codes = this.#view.group?.codes;
    if (codes !== undefined) this.#meetGroups(codes, rows);
    if (this.#scan === undefined) this.#addPlain(rows, this.#plan.plain!.length);
    else this.#addDesign(rows, this.#scan);
  }

  /** The block is the design: nothing is copied. */
  #addPlain(rows: number, columns: number): void {
    const { block, missing, firstRow } = this.#view.source;
    const { weighted, weightAddress } = this.#view;
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + rows);
    targets.fill(0);
    if (missing)
      for (let j = 0; j < columns + (weighted ? 1 : 0); j++) {
        const column = this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows);
        for (let r = 0; r < rows; r++) if (Number.isNaN(column[r]!)) targets[r] = -1;
      }
    const codes = this.#view.group?.codes;
    if (codes !== undefined) for (let r = 0; r < rows; r++) if (codes[r]! < 0) targets[r] = -1;
    for (let r = 0; r < rows; r++) {
      if (targets[r]! < 0) this.#drop(firstRow + r);
      else targets[r] = this.#target(firstRow + r, codes?.[r]);
    }
    if (weighted) this.#checkWeights(this.#kernels.doublesAt(weightAddress, rows), (r) => firstRow + r);
    this.#grouped.add(block, rows, this.#targets, weightAddress);
  }

  #addDesign(rows: number, scan: FormulaScan): void {
    const { weighted, firstRow } = this.#view;
    const undefinedBefore = scan.undefinedRows;
    const filled = scan.fill(this.#view.raw(rows), 0, rows);
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
    const codes = this.#view.group?.codes;
    for (let i = 0; i < filled.rows; i++) {
      const r = filled.kept[i]!;
      if (codes !== undefined && codes[r]! < 0) {
        targets[i] = -1;
        this.#drop(firstRow + r);
      } else targets[i] = this.#target(firstRow + r, codes?.[r]);
    }
    this.#grouped.add(block, filled.rows, this.#targets, weights, low);
  }

  /** Puts design columns into a block; those that only other chunks had are zero. */
  #copy(block: number, values: Float64Array, columns: number): void {
    const into = this.#kernels.doublesAt(block, this.#columns * BLOCK_ROWS);
    into.set(values.subarray(0, columns * BLOCK_ROWS));
    into.fill(0, columns * BLOCK_ROWS);
  }

  /** Moments for each fold. */
  #folds(): (MomentsAccumulator | ExtendedAccumulator)[] {
    return Array.from({ length: this.#plan.folds }, () =>
      this.#plan.extended
        ? new ExtendedAccumulator(this.#kernels, this.#columns)
        : new MomentsAccumulator(this.#kernels, this.#columns),
    );
  }

  /**
   * Makes moments for the groups of the block's rows that were not met before. It comes before anything that looks
   * into the kernels' memory, which may move.
   */
  #meetGroups(codes: Int32Array, rows: number): void {
    for (let r = 0; r < rows; r++) {
      const code = codes[r]!;
      if (code < 0) continue;
      let group = this.#groups[code];
      if (group === undefined) {
        group = { first: this.#grouped.groups.length, used: false };
        if (group.first >= MOST_GROUPS * this.#plan.folds)
          throw new DataError(`there are more than ${MOST_GROUPS} groups`, {
            hint: wording`choose a column of fewer values with ${option("groupBy")}`,
          });
        this.#groups[code] = group;
        this.#grouped.append(this.#folds());
      }
      if (group.used) continue;
      group.used = true;
      this.#used.push(code);
    }
  }

  /** What each group has in this chunk, in the order in which groups came; what other chunks had does not show. */
  #takeGroups(): GroupParts[] {
    const { folds } = this.#plan;
    const { names } = this.#view.group!;
    const taken = this.#used.map((code) => {
      const group = this.#groups[code]!;
      group.used = false;
      const places = Array.from({ length: folds }, (_, f) => group.first + f);
      this.#grouped.flush(places);
      const parts = { name: names[code]!, folds: places.map((place) => this.#grouped.groups[place]!.read()) };
      this.#grouped.reset(places);
      return parts;
    });
    this.#used = [];
    return taken;
  }

  finish(): MomentsResult {
    const groups = this.#view.layout.group !== undefined ? this.#takeGroups() : undefined;
    if (groups === undefined) this.#grouped.flush();
    const scan = this.#scan;
    // The columns of this chunk alone, in its own order: what a thread saw in other chunks must not show.
    const columns = scan === undefined ? this.#plan.plain! : [...scan.columns];
    const result: MomentsResult = {
      columns,
      folds: groups === undefined ? this.#grouped.groups.map((group) => group.read()) : [],
      groups: groups ?? [],
      levels: scan === undefined ? {} : levelsOf(scan),
      ...this.#counts,
    };
    if (groups === undefined) this.#grouped.reset();
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

  /** Where a complete row goes: to its fold, or that of its group; −1 if it is held out. */
  #target(rowInFile: number, group: number | undefined): number {
    const { testSize, folds, seed, firstRow } = this.#plan;
    const row = firstRow + rowInFile;
    if (testSize > 0 && isHeldOut(row, seed, testSize)) {
      this.#counts.heldOut++;
      return -1;
    }
    const first = group === undefined ? 0 : this.#groups[group]!.first;
    return first + (folds > 1 ? foldOf(row, seed, folds) : 0);
  }

  #checkWeights(weights: Float64Array, rowOf: (i: number) => number): void {
    const at = weights.findIndex((w) => w < 0);
    if (at < 0) return;
    throw new DataError(`expected a weight of 0 or more, found ${weights[at]}`, {
      place: { row: rowOf(at) },
      hint: wording`correct the weights, or choose another column with ${option("weights")}`,
    });
  }

  #widen(columns: number): void {
    if (columns > MOST_COLUMNS)
      throw new DataError(`the factors of the model have more than ${MOST_COLUMNS} columns`, {
        hint: wording`leave columns with very many levels out with ${option("exclude")}`,
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
