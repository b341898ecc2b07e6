import type { CodedTerm } from "../dataset/formula/coding.js";
import { Design } from "../dataset/formula/design.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { type KeptPlan, KeptRows, type KeptSums, KeptTotal } from "../linear/covariance/kept-rows.js";
import type { FitSize } from "../linear/covariance/leverage-discount.js";
import { Meat, type SummedRows } from "../linear/covariance/meat.js";
import type { VcovType } from "../linear/covariance/vcov.js";
import type { Whitening } from "../linear/covariance/whitening.js";
import { JointMeat, type JointPlan } from "../linear/instruments/joint-meat.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import type { WithinPlan } from "../linear/model/effect-tables.js";
import { WithinBlock } from "../linear/model/within-block.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";
import { type LevelGroups, LevelNesting, NestedLevels } from "./level-nesting.js";

/** What the second pass for a covariance depends on, apart from the rows; plain data. */
export interface VcovPlan extends DrawPlan {
  /** Blocks carry the raw columns of its spec, the target's among them. */
  predictor: PredictorPlan;
  whitening: Whitening;
  /** Where effects were absorbed: what makes columns about them. */
  within?: WithinPlan | undefined;
  type: Exclude<VcovType, "iid">;
  /** How many columns say which rows belong together. */
  clusters: number;
  /** Whether each row is a group by itself, under its number. */
  byRow?: boolean | undefined;
  /** What is summed up. */
  sums: SummedRows;
  size: FitSize;
  /** Of an equation with instruments: what residuals are made of. */
  joint?: JointPlan | undefined;
  /** Whether weights say how many rows each stands for. */
  frequencies?: boolean | undefined;
  /** What of the rows is to be kept besides, and the terms whose columns that is, those of all levels among them. */
  kept?: (KeptPlan & { terms: readonly CodedTerm[] }) | undefined;
}

/** What stands between the values of several columns in a group's name. */
export const BETWEEN = "\u0000";

/** A chunk's part of Σ g uuᵀ, or its sums of the scores w e u by group; plain data. */
export interface VcovResult {
  /** Packed lower triangle; empty where rows are summed by group. */
  meat: Float64Array;
  /** The groups met, and their sums, one after the other; of several columns, their values with `BETWEEN` in between. */
  groups: string[];
  scores: Float64Array;
  /** The first row whose group is missing, −1 where there is none. */
  ungrouped: number;
  /** The largest leverage of the rows. */
  largest: number;
  /** How many rows of the fit there are, and the sum of their scores where they are not summed by group. */
  n: number;
  total: Float64Array;
  /**
   * For each column of clusters, of each absorbed factor: in which group the levels were met; empty where there are no
   * groups.
   */
  nesting: readonly (readonly LevelGroups[])[];
  kept?: KeptSums | undefined;
}

/** Sums up what the rows of chunks say of the errors' variances, in whitened coordinates. */
export class VcovJob implements ChunkJob<VcovResult> {
  readonly #view: BlockView;
  readonly #plan: VcovPlan;
  readonly #draw: RowDraw;
  readonly #predictor: BlockPredictor;
  readonly #within: WithinBlock;
  /** Of each column of clusters. */
  readonly #nesting: readonly LevelNesting[];
  readonly #sums: Meat | JointMeat;
  readonly #kept: KeptRows | undefined;
  readonly #design: Design | undefined;
  readonly #target = new Float64Array(BLOCK_ROWS);
  readonly #groups = new Float64Array(BLOCK_ROWS);
  /** Of several columns, the values that were met together, and their numbers. */
  readonly #tuples: string[] = [];
  readonly #numbers = new Map<string, number>();

  constructor(view: BlockView, plan: VcovPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#draw = new RowDraw(view, plan);
    this.#predictor = new BlockPredictor(plan.predictor);
    this.#within = new WithinBlock(plan.within, this.#predictor);
    const { within } = plan;
    this.#nesting = Array.from(
      { length: within === undefined ? 0 : plan.clusters },
      () => new LevelNesting(within!.columns.map(({ length }) => length / within!.width)),
    );
    this.#sums =
      plan.joint === undefined
        ? new Meat(plan.whitening, plan.type, plan.size, plan.sums, plan.frequencies)
        : new JointMeat(plan.whitening, plan.joint, plan.sums === "scores", plan.frequencies);
    if (plan.kept === undefined) return;
    const { spec, levels } = plan.predictor;
    this.#kept = new KeptRows(plan.kept, plan.frequencies);
    this.#design = new Design(spec, plan.kept.terms, levels);
  }

  add(rows: number): void {
    const rowOf = (r: number) => this.#view.rowNumber(r);
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    for (let r = 0; r < rows; r++) {
      const weight = raw.weights?.[r] ?? 1;
      const complete = (target![r]! - predictions[r]!) * 0 === 0;
      const used = complete && weight > 0 && !this.#draw.isHeldOut(r);
      this.#target[r] = used ? target![r]! : Number.NaN;
    }
    this.#within.fill(rows);
    const groups = this.#groupsOf(rows);
    this.#sums.add({
      rows,
      column: (j) => this.#within.column(j),
      target: this.#target,
      fitted: this.#plan.within === undefined && this.#plan.joint === undefined ? undefined : predictions,
      weights: raw.weights,
      leverage: this.#within.leverage,
      groups,
      rowOf,
    });
    if (this.#kept?.wanted) {
      this.#design!.fill(raw, 0, rows);
      const { firstRow } = this.#plan;
      const numberOf = (r: number) => firstRow + rowOf(r);
      this.#kept.add(rows, this.#design!.values, this.#target, raw.weights, numberOf);
    }
    for (const [c, nesting] of this.#nesting.entries())
      nesting.add(rows, (f) => this.#predictor.codes(f), this.#column(c, rows), this.#target);
  }

  #groupsOf(rows: number): Float64Array | undefined {
    const { clusters, byRow } = this.#plan;
    if (byRow) {
      for (let r = 0; r < rows; r++) this.#groups[r] = this.#view.rowNumber(r);
      return this.#groups;
    }
    if (clusters === 0) return undefined;
    if (clusters > 1) return this.#tuplesOf(rows, clusters);
    return this.#column(0, rows);
  }

  /** The rows' groups in one of the columns, NaN where there is none. */
  #column(c: number, rows: number): Float64Array {
    const { values } = this.#view.cluster(c, rows);
    if (values instanceof Float64Array) return values;
    for (let r = 0; r < rows; r++) this.#groups[r] = values[r]! < 0 ? Number.NaN : values[r]!;
    return this.#groups;
  }

  /** Numbers for the rows' values in several columns. */
  #tuplesOf(rows: number, clusters: number): Float64Array {
    const columns = Array.from({ length: clusters }, (_, c) => this.#view.cluster(c, rows));
    for (let r = 0; r < rows; r++) {
      let name = "";
      let missing = false;
      for (const [c, { values, names }] of columns.entries()) {
        const value = values[r]!;
        missing ||= Number.isNaN(value) || (names !== undefined && value < 0);
        if (c > 0) name += BETWEEN;
        name += names === undefined ? value : names[value];
      }
      let number = this.#numbers.get(name);
      if (number === undefined && !missing) {
        number = this.#tuples.push(name) - 1;
        this.#numbers.set(name, number);
      }
      this.#groups[r] = missing ? Number.NaN : number!;
    }
    return this.#groups;
  }

  finish(): VcovResult {
    const { clusters } = this.#plan;
    const { meat, groups, ungrouped, largest, n, total } = this.#sums;
    const names =
      (clusters > 1 ? this.#tuples : clusters === 1 ? this.#view.cluster(0, 0).names : undefined) ?? [];
    const record = groups.values().next().value?.length ?? 0;
    const scores = new Float64Array(record * groups.size);
    [...groups.values()].forEach((sums, g) => {
      scores.set(sums, g * record);
    });
    const result: VcovResult = {
      meat: meat.slice(),
      groups: [...groups.keys()].map((group) => names[group] ?? String(group)),
      scores,
      ungrouped,
      largest,
      n,
      total: total.slice(),
      nesting: this.#nesting.map((own, c) => {
        const { names: called } = this.#view.cluster(c, 0);
        return own.take((group) => called?.[group] ?? String(group));
      }),
      kept: this.#kept?.take(),
    };
    this.#sums.reset();
    return result;
  }
}

/** What the chunks so far say of the errors' variances. */
export class VcovTotal {
  readonly meat: Float64Array;
  readonly groups: Map<string, Float64Array>;
  ungrouped: number;
  largest: number;
  n: number;
  readonly total: Float64Array;
  readonly nesting: readonly (readonly NestedLevels[])[];
  readonly kept: KeptTotal | undefined;

  constructor(result: VcovResult, plan: KeptPlan | undefined) {
    const { meat, groups, scores, ungrouped, largest, n, total, nesting, kept } = result;
    this.kept = plan && kept && new KeptTotal(plan, kept);
    this.meat = meat;
    this.n = n;
    this.total = total;
    const rank = scores.length / Math.max(1, groups.length);
    this.groups = new Map(groups.map((group, g) => [group, scores.subarray(g * rank, (g + 1) * rank)]));
    this.ungrouped = ungrouped;
    this.largest = largest;
    this.nesting = nesting.map((own) => own.map((factor) => new NestedLevels(factor)));
  }

  /** Merges later chunks into these. */
  absorb(later: VcovTotal): this {
    for (let i = 0; i < this.meat.length; i++) this.meat[i]! += later.meat[i]!;
    for (let i = 0; i < this.total.length; i++) this.total[i]! += later.total[i]!;
    this.n += later.n;
    for (const [group, sums] of later.groups) {
      const own = this.groups.get(group);
      if (own === undefined) this.groups.set(group, sums);
      else for (let i = 0; i < own.length; i++) own[i]! += sums[i]!;
    }
    for (const [c, own] of later.nesting.entries())
      for (const [f, factor] of own.entries()) this.nesting[c]![f]!.absorb(factor);
    if (later.kept !== undefined) this.kept?.absorb(later.kept);
    if (this.ungrouped < 0) this.ungrouped = later.ungrouped;
    this.largest = Math.max(this.largest, later.largest);
    return this;
  }
}
