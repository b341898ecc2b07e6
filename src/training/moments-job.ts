import type { MomentsShape } from "../dataset/formula/moments-shape.js";
import { plainNumbers } from "../dataset/formula/plain.js";
import { type DesignBlock, FormulaScan } from "../dataset/formula/scan.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { DataError } from "../errors.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { CellAccumulator } from "../kernels/cells.js";
import { ExtendedAccumulator } from "../kernels/extended.js";
import { GroupAccumulator } from "../kernels/group-accumulator.js";
import { GroupedMoments } from "../kernels/grouped.js";
import type { Kernels } from "../kernels/kernels.js";
import { MomentsAccumulator } from "../kernels/moments.js";
import { RowSums } from "../kernels/row-sums.js";
import { thisThread } from "../parallel/this-thread.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";
import { packedLength } from "../stats/packed.js";
import { isCounted } from "../stats/sparse-shape.js";
import { option, wording } from "../wording.js";
import { ClusterSums } from "./cluster-sums.js";
import { RowKeeper } from "./kept-rows.js";
import type { DictionaryPart, GroupsResult, MomentsResult } from "./moments-result.js";

/** What the moments of a chunk depend on, apart from its rows; plain data, so that it can go to a worker. */
export interface MomentsPlan extends DrawPlan {
  /** The layout's target, numbers and factors are the spec's; a group's rows have moments of their own. */
  spec: ModelSpec;
  /** Double-double moments instead of double ones. */
  extended: boolean;
  /** Cross-validation folds, each with moments of its own; 1 for none. */
  folds: number;
  /** Whether each row of the data is a fold by itself, of which there are as many as rows then. */
  leaveOneOut?: boolean | undefined;
  /** Whether the rows of groups are kept beside their sums, where their numbers are raw columns as they stand. */
  keepRows?: boolean | undefined;
  /** Only the rows of these groups are summed up. */
  groups?: readonly string[] | undefined;
  /**
   * Rows of each value of the layout's first cluster have moments of their own too, unless there are more than so many.
   */
  clusters?: number | undefined;
  /** Whether weights say how many rows each stands for: they are integers, and n is their sum. */
  frequencies?: boolean | undefined;
  /** Per factor of the moments, levels whose rows are left out. */
  without?: readonly (readonly string[])[] | undefined;
  /** The same by group, of those that have such levels. */
  withoutInGroups?: ReadonlyMap<string, readonly (readonly string[])[]> | undefined;
}

/** More groups than this are taken for a mistake: of a column that names the rows, say. */
const MOST_GROUPS = 5_000_000;

/** Groups' sums may take so much of a thread's memory, of which kernels have 4 GB and tables twice their size while they grow. */
const MOST_GROUP_BYTES = 1.3e9;

/** Rows of a block that are ready for the kernels. */
interface ReadyBlock {
  rows: number;
  /** Addresses: columns of numbers, their low parts (or 0), and weights (or 0). */
  block: number;
  low: number;
  weights: number;
}

let jobs = 0;

function noRows() {
  return { rows: 0, dropped: 0, lackingTargets: 0, heldOut: 0, firstDropped: -1, singletons: 0 };
}

/**
 * Sums up the rows of chunks, fold by fold, in the kernels: the numbers by blocks of 128 rows, factors by the cells of
 * their levels.
 */
export class MomentsJob implements ChunkJob<MomentsResult> {
  readonly sink: RowSums | undefined;
  readonly #kernels: Kernels;
  readonly #view: BlockView;
  readonly #plan: MomentsPlan;
  readonly #draw: RowDraw;
  readonly #scan: FormulaScan;
  readonly #shape: MomentsShape;
  /** Whether the block's numbers are those of the moments as they stand. */
  readonly #plain: boolean;
  readonly #grouped: GroupedMoments<MomentsAccumulator | ExtendedAccumulator>;
  /** Instead of them, the moments of groups: fold f of group g is number folds · g + f. */
  readonly #groups: GroupAccumulator | undefined;
  readonly #keeper: RowKeeper | undefined;
  readonly #tables: readonly CellAccumulator[];
  /** Which of the tables are told by the rows of their cells alone. */
  readonly #counted: readonly boolean[];
  /** Addresses: an i32 per row, an i32 per row and factor, and where a formula's numbers are put. */
  readonly #targets: number;
  readonly #codes: number;
  readonly #design: Omit<ReadyBlock, "rows">;
  /** Names this job's numbering of levels among those of other threads. */
  readonly #dictionary = `${thisThread.number}.${jobs++}`;
  /** Per factor, how many of its levels' names have been told. */
  readonly #told: number[];
  /** Per factor, the levels left out: by name, and whether one is by its code, as far as it was asked. */
  readonly #without: readonly ReadonlySet<string>[];
  readonly #out: boolean[][];
  /** The same by number of the group. */
  readonly #withoutInGroups = new Map<number, readonly ReadonlySet<string>[]>();
  /** By code of the group in the block: its number + 1, in the order in which this job met them; −1 to leave it out. */
  #numbers = new Int32Array(1024);
  /** The names of the groups met, and how many of them have been told. */
  readonly #met: string[] = [];
  /** As many as there may be. */
  readonly #mostGroups: number;
  readonly #wanted: ReadonlySet<string> | undefined;
  /** The moments of clusters, where they are wanted. */
  readonly #clusters: ClusterSums | undefined;
  #toldGroups = 0;
  /** The rows of the view that a formula's block is made of; undefined where it is all of them as they stand. */
  #kept: ArrayLike<number> | undefined;
  #counts = noRows();

  constructor(view: BlockView, plan: MomentsPlan) {
    const { kernels, weighted } = view;
    const { extended } = plan;
    this.#kernels = kernels;
    this.#view = view;
    this.#plan = plan;
    this.#draw = new RowDraw(view, plan);
    this.#wanted = plan.groups && new Set(plan.groups);
    this.#scan = new FormulaScan(plan.spec, { extended });
    this.#shape = this.#scan.shape;
    this.#plain = plainNumbers(plan.spec, this.#shape);
    const { numbers, factors, tables } = this.#shape;
    const low = extended && !this.#plain;
    this.#grouped = new GroupedMoments(kernels, [], { columns: numbers.length, weighted, low });
    const record = 8 * (extended ? 2 : 1) * (packedLength(numbers.length) + numbers.length + 5);
    this.#mostGroups = Math.min(MOST_GROUPS, Math.floor(MOST_GROUP_BYTES / (record * plan.folds)));
    if (view.layout.group === undefined) this.#grouped.append(this.#folds());
    else this.#groups = new GroupAccumulator(kernels, { columns: numbers.length, weighted, extended, low });
    if (plan.keepRows && this.#groups !== undefined && this.#plain && tables.length === 0)
      this.#keeper = new RowKeeper(kernels, { columns: numbers.length, weighted });
    if (plan.clusters !== undefined)
      this.#clusters = new ClusterSums(view, {
        columns: numbers.length,
        weighted,
        extended,
        low,
        most: plan.clusters,
      });
    this.#tables = tables.map((table) => new CellAccumulator(kernels, { ...table, extended, logs: false }));
    const grouped = view.layout.group !== undefined;
    this.#counted = tables.map((table) => isCounted(table, { weighted, grouped }));
    this.#targets = kernels.alloc(4 * BLOCK_ROWS);
    this.#codes = kernels.alloc(4 * BLOCK_ROWS * factors.length);
    this.#told = factors.map(() => 0);
    this.#without = (plan.without ?? []).map((names) => new Set(names));
    this.#out = this.#without.map(() => []);
    this.#design = {
      block: this.#plain ? 0 : kernels.allocBlock(numbers.length),
      low: low ? kernels.allocBlock(numbers.length) : 0,
      weights: weighted && !this.#plain ? kernels.alloc(8 * BLOCK_ROWS) : 0,
    };
    this.sink = this.#rowSums();
  }

  /** What takes rows of which nothing but their numbers is asked, where they are such. */
  #rowSums(): RowSums | undefined {
    const { layout, weighted } = this.#view;
    const { testSize, leaveOneOut, clusters, firstRow } = this.#plan;
    const asked = layout.where ?? layout.lagged ?? layout.group ?? clusters;
    const start = this.#draw.foldStart;
    if (!this.#plain || weighted || asked !== undefined || this.#shape.factors.length > 0) return undefined;
    if (start === undefined || testSize > 0 || leaveOneOut) return undefined;
    return new RowSums(this.#kernels, this.#grouped, { start, firstNumber: firstRow });
  }

  add(rows: number): void {
    this.#counts.rows += rows;
    const groups = this.#view.group?.codes;
    if (groups !== undefined) this.#meetGroups(groups, rows);
    const { block, low, weights, rows: count } = this.#plain ? this.#asItStands(rows) : this.#design128(rows);
    if (count === 0) return;
    if (this.#without.length > 0) this.#leaveOut(count);
    if (this.#plan.withoutInGroups !== undefined) this.#leaveOutOfGroups(count);
    const targets = this.#targets;
    for (const table of this.#tables) table.add(block, count, { targets, codes: this.#codes, weights, low });
    (this.#groups ?? this.#grouped).add(block, count, targets, weights, low);
    this.#keeper?.add(block, count, targets, weights);
    this.#clusters?.add({ block, low, count, targets, weights }, this.#kept);
  }

  /** Takes the rows of levels that are left out off their targets. */
  #leaveOut(rows: number): void {
    const { ints } = this.#kernels;
    const at = this.#targets / 4;
    this.#without.forEach((names, f) => {
      if (names.size === 0) return;
      const known = this.#levelNames(f);
      const out = this.#out[f]!;
      for (let code = out.length; code < known.length; code++) out.push(names.has(known[code]!));
      const codes = this.#codes / 4 + f * BLOCK_ROWS;
      for (let r = 0; r < rows; r++)
        if (ints[at + r]! >= 0 && out[ints[codes + r]!]) {
          ints[at + r] = -1;
          this.#counts.singletons++;
        }
    });
  }

  /** Takes the rows of levels that are left out of their group off their targets. */
  #leaveOutOfGroups(rows: number): void {
    const { ints } = this.#kernels;
    const { folds, withoutInGroups } = this.#plan;
    const at = this.#targets / 4;
    const factors = this.#shape.factors.map((_, f) => this.#levelNames(f));
    for (let r = 0; r < rows; r++) {
      const target = ints[at + r]!;
      if (target < 0) continue;
      const group = Math.floor(target / folds);
      let own = this.#withoutInGroups.get(group);
      if (own === undefined) {
        own = (withoutInGroups!.get(this.#met[group]!) ?? []).map((names) => new Set(names));
        this.#withoutInGroups.set(group, own);
      }
      const codes = this.#codes / 4 + r;
      if (own.some((names, f) => names.has(factors[f]![ints[codes + f * BLOCK_ROWS]!]!))) {
        ints[at + r] = -1;
        this.#counts.singletons++;
      }
    }
  }

  /** The names of a factor's levels by their codes. */
  #levelNames(f: number): readonly string[] {
    if (!this.#plain) return this.#scan.levels(f);
    return this.#view.source.levels[this.#textPositions()[f]!]!.names;
  }

  /** The block's own numbers: nothing is copied but the factors' codes. */
  #asItStands(rows: number): ReadyBlock {
    const { block, missing, codes } = this.#view.source;
    const { weighted, weightAddress, numbers } = this.#view;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + rows);
    targets.fill(0);
    if (missing)
      for (let j = 0; j < numbers + (weighted ? 1 : 0); j++) {
        const column = this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows);
        for (let r = 0; r < rows; r++) if (Number.isNaN(column[r]!)) targets[r] = -1;
      }
    const { ints } = this.#kernels;
    for (const [f, position] of this.#textPositions().entries()) {
      const own = codes[position]!;
      const at = this.#codes / 4 + f * BLOCK_ROWS;
      for (let r = 0; r < rows; r++) {
        ints[at + r] = own[r]!;
        if (own[r]! < 0) targets[r] = -1;
      }
    }
    if (missing && this.#plan.spec.targets !== undefined)
      this.#counts.lackingTargets += this.#countLacking(block, rows, targets);
    const groups = this.#view.group?.codes;
    const { folds, leaveOneOut, testSize } = this.#plan;
    if (groups === undefined && leaveOneOut !== true && !(testSize > 0)) {
      for (let r = 0; r < rows; r++) if (targets[r]! < 0) this.#drop(rowOf(r));
      if (folds > 1) this.#draw.foldAll(targets, folds);
    } else
      for (let r = 0; r < rows; r++) {
        if (targets[r]! < 0 || (groups !== undefined && groups[r]! < 0)) {
          targets[r] = -1;
          this.#drop(rowOf(r));
        } else targets[r] = this.#target(r, groups?.[r]);
      }
    if (weighted) this.#checkWeights(this.#kernels.doublesAt(weightAddress, rows), rowOf);
    return { block, low: 0, weights: weightAddress, rows };
  }

  /** How many of the rows left out lack some of the targets, which come first in the block, and nothing else. */
  #countLacking(block: number, rows: number, places: Int32Array): number {
    const all = this.#shape.numbers.length + (this.#view.weighted ? 1 : 0);
    const targets = 1 + this.#plan.spec.targets!.length;
    const columns = Array.from({ length: all }, (_, j) =>
      this.#kernels.doublesAt(block + 8 * BLOCK_ROWS * j, rows),
    );
    const codes = this.#shape.factors.map((_, f) => this.#codes / 4 + f * BLOCK_ROWS);
    const { ints } = this.#kernels;
    let count = 0;
    for (let r = 0; r < rows; r++) {
      if (places[r]! >= 0) continue;
      const lacking = columns.flatMap((column, j) => (Number.isNaN(column[r]!) ? [j] : []));
      const some = lacking.length > 0 && lacking.length < targets && lacking.every((j) => j < targets);
      if (some && codes.every((at) => ints[at + r]! >= 0)) count++;
    }
    return count;
  }

  /** Where each factor's texts stand in the block. */
  #textPositions(): number[] {
    const { text, variables } = this.#plan.spec;
    return this.#shape.variables.map((v) => {
      const variable = variables[v]!;
      return variable.kind === "factor" ? text.indexOf(variable.column) : -1;
    });
  }

  /** A formula's numbers and codes of the rows that are complete, put where the kernels read them. */
  #design128(rows: number): ReadyBlock {
    const { weighted } = this.#view;
    const rowOf = (r: number) => this.#view.rowNumber(r);
    const scan = this.#scan;
    const filled = scan.fill(this.#view.raw(rows), 0, rows);
    for (let r = 0, i = 0; r < rows && filled.rows < rows; r++) {
      if (i < filled.rows && filled.kept[i] === r) i++;
      else this.#drop(rowOf(r));
    }
    if (filled.rows === 0) return { ...this.#design, rows: 0 };
    const { block, low, weights } = this.#design;
    const kernels = this.#kernels;
    kernels.doublesAt(block, filled.values.length).set(filled.values);
    if (low !== 0) kernels.doublesAt(low, filled.low!.length).set(filled.low!);
    kernels.ints.set(filled.codes, this.#codes / 4);
    if (weighted) {
      const values = filled.weights!.subarray(0, filled.rows);
      this.#checkWeights(values, (i) => rowOf(filled.kept[i]!));
      kernels.doublesAt(weights, filled.rows).set(values);
    }
    this.#assign(filled);
    this.#kept = filled.kept;
    return { ...this.#design, rows: filled.rows };
  }

  #assign({ rows, kept }: DesignBlock): void {
    const targets = this.#kernels.ints.subarray(this.#targets / 4, this.#targets / 4 + rows);
    const groups = this.#view.group?.codes;
    for (let i = 0; i < rows; i++) {
      const r = kept[i]!;
      if (groups !== undefined && groups[r]! < 0) {
        targets[i] = -1;
        this.#drop(this.#view.rowNumber(r));
      } else targets[i] = this.#target(r, groups?.[r]);
    }
  }

  /** Moments for each fold. */
  #folds(): (MomentsAccumulator | ExtendedAccumulator)[] {
    const columns = this.#shape.numbers.length;
    return Array.from({ length: this.#plan.folds }, () =>
      this.#plan.extended
        ? new ExtendedAccumulator(this.#kernels, columns)
        : new MomentsAccumulator(this.#kernels, columns),
    );
  }

  /** Numbers the groups of the block's rows that were not met before. */
  #meetGroups(codes: Int32Array, rows: number): void {
    const { names } = this.#view.group!;
    if (names.length > this.#numbers.length) {
      const numbers = new Int32Array(2 * names.length);
      numbers.set(this.#numbers);
      this.#numbers = numbers;
    }
    for (let r = 0; r < rows; r++) {
      const code = codes[r]!;
      if (code < 0 || this.#numbers[code] !== 0) continue;
      const wanted = this.#wanted === undefined || this.#wanted.has(names[code]!);
      this.#numbers[code] = wanted ? this.#met.push(names[code]!) : -1;
      if (this.#met.length > this.#mostGroups)
        throw new DataError(
          `there are more than ${this.#mostGroups} groups${this.#plan.folds > 1 ? ` in ${this.#plan.folds} folds` : ""}`,
          {
            hint: wording`choose a column of fewer values with ${option("groupBy")}`,
          },
        );
    }
  }

  /** What the groups have in this chunk; what other chunks had does not show. */
  #takeGroups(groups: GroupAccumulator): GroupsResult {
    const from = this.#toldGroups;
    this.#toldGroups = this.#met.length;
    return { from, names: this.#met.slice(from), ...groups.take(), rows: this.#keeper?.take() };
  }

  finish(): MomentsResult {
    this.#counts.rows += this.sink?.takeRows() ?? 0;
    const groups = this.#groups && this.#takeGroups(this.#groups);
    this.#grouped.flush();
    const result: MomentsResult = {
      folds: this.#grouped.groups.map((group) => group.read()),
      groups,
      clusters: this.#clusters?.take(),
      tables: this.#tables.map((table, t) => table.read(this.#counted[t])),
      dictionary: this.#dictionary,
      levels: this.#newLevels(),
      undefinedRows: this.#scan.undefinedRows,
      ...this.#counts,
      lackingTargets: this.#counts.lackingTargets + this.#scan.lackingTargets,
    };
    this.#grouped.reset();
    for (const table of this.#tables) table.reset();
    this.#scan.undefinedRows = [];
    this.#scan.lackingTargets = 0;
    this.#counts = noRows();
    return result;
  }

  /** Per factor, the levels' names that have not been told yet. */
  #newLevels(): DictionaryPart[] {
    return this.#told.map((from, f) => {
      const names = this.#levelNames(f);
      this.#told[f] = names.length;
      return { from, names: names.slice(from) };
    });
  }

  #drop(row: number): void {
    this.#counts.dropped++;
    if (this.#counts.firstDropped < 0) this.#counts.firstDropped = row;
  }

  /** Where complete row r of the view goes: to its fold, or that of its group; −1 if it is held out. */
  #target(r: number, group: number | undefined): number {
    const { folds, leaveOneOut } = this.#plan;
    if (this.#draw.isHeldOut(r)) {
      this.#counts.heldOut++;
      return -1;
    }
    if (group !== undefined && this.#numbers[group]! < 0) return -1;
    const first = group === undefined ? 0 : (this.#numbers[group]! - 1) * folds;
    if (leaveOneOut) return first + this.#view.rowNumber(r);
    return first + (folds > 1 ? this.#draw.foldOf(r, folds) : 0);
  }

  #checkWeights(weights: Float64Array, rowOf: (i: number) => number): void {
    const { frequencies } = this.#plan;
    // A weight that is missing leaves its row out.
    const at = weights.findIndex(
      (w) => w < 0 || (frequencies === true && !Number.isSafeInteger(w) && !Number.isNaN(w)),
    );
    if (at < 0) return;
    const wanted = frequencies ? "how many rows this is, an integer of 0 or more" : "a weight of 0 or more";
    throw new DataError(`expected ${wanted}, found ${weights[at]}`, {
      place: { row: rowOf(at) },
      hint: wording`correct the weights, or choose another column with ${option("weights")}`,
    });
  }
}
