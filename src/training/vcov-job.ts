import { BLOCK_ROWS } from "../dataset/formula/raw-block.js";
import { ModelError } from "../errors.js";
import type { Kernels } from "../kernels/kernels.js";
import { BlockPredictor, type PredictorPlan } from "../linear/block-predictor.js";
import type { VcovType } from "../linear/vcov.js";
import { WhitenedBlock, type Whitening } from "../linear/whitening.js";
import { packedIndex, packedLength } from "../stats/packed.js";
import { isHeldOut } from "./assignment.js";
import type { BlockSource, ChunkJob } from "./chunk-job.js";
import { rawBlock } from "./raw-block.js";

/** Where the groups of a clustered covariance stand: a numeric column of the blocks, or a factor, by position. */
export type ClusterColumn = { numeric: number } | { factor: number };

/** What the second pass for a covariance depends on, apart from the rows; plain data. */
export interface VcovPlan {
  /** Blocks carry the raw columns of its spec, the target's among them. */
  predictor: PredictorPlan;
  /** Whether a column of weights follows the numeric ones in the blocks. */
  weighted: boolean;
  whitening: Whitening;
  type: Exclude<VcovType, "iid">;
  cluster: ClusterColumn | undefined;
  /** The share of rows held out from the fit, 0 for none, and the seed of the draw. */
  testSize: number;
  seed: number;
  /** What the number of the file's first row is for the draw. */
  firstRow: number;
}

/** A chunk's part of Σ g uuᵀ, or its sums of the scores w e u by group; plain data. */
export interface VcovResult {
  /** Rows of positive weight. */
  n: number;
  /** Packed lower triangle; empty where rows are summed by group. */
  meat: Float64Array;
  /** The groups met, and their sums, one after the other. */
  groups: string[];
  scores: Float64Array;
  /** The first row whose group is missing, −1 where there is none. */
  ungrouped: number;
}

/** 1 − h below this is rounding: the fit goes through the point whatever y is there. */
const FULL_LEVERAGE = 1e-12;

/** Sums up what the rows of chunks say of the errors' variances, in whitened coordinates. */
export class VcovJob implements ChunkJob<VcovResult> {
  readonly #kernels: Kernels;
  readonly #source: BlockSource;
  readonly #plan: VcovPlan;
  readonly #predictor: BlockPredictor;
  readonly #whitened: WhitenedBlock;
  /** Per row, what uuᵀ is multiplied by; or w e, where rows are summed by group. */
  readonly #factor = new Float64Array(BLOCK_ROWS);
  readonly #used = new Uint8Array(BLOCK_ROWS);
  readonly #meat: Float64Array;
  readonly #groups = new Map<number, Float64Array>();
  #n = 0;
  #ungrouped = -1;

  constructor(kernels: Kernels, source: BlockSource, plan: VcovPlan) {
    this.#kernels = kernels;
    this.#source = source;
    this.#plan = plan;
    this.#predictor = new BlockPredictor(plan.predictor);
    this.#whitened = new WhitenedBlock(plan.whitening);
    this.#meat = new Float64Array(plan.cluster === undefined ? packedLength(plan.whitening.rank) : 0);
  }

  add(rows: number): void {
    const { predictor, weighted, testSize, seed, cluster, firstRow: offset } = this.#plan;
    const { firstRow } = this.#source;
    const raw = rawBlock(this.#kernels, this.#source, predictor.spec.numeric.length, weighted, rows);
    this.#predictor.predict(raw, 0, rows);
    this.#whitened.fill((j) => this.#predictor.column(j), rows);
    const { predictions, target } = this.#predictor;
    for (let r = 0; r < rows; r++) {
      const weight = raw.weights?.[r] ?? 1;
      const score = weight * (target![r]! - predictions[r]!);
      const used = score * 0 === 0 && weight > 0 && !isHeldOut(offset + firstRow + r, seed, testSize);
      this.#factor[r] = used ? score : 0;
      this.#used[r] = used ? 1 : 0;
      if (!used) this.#clear(r);
      else this.#n++;
    }
    if (cluster === undefined) this.#addMeat(rows, raw.weights);
    else this.#addScores(rows, cluster);
  }

  /** A row without a value has NaN for coordinates, which 0 times would not take out. */
  #clear(r: number): void {
    const { values, squares } = this.#whitened;
    for (let i = 0; i < this.#plan.whitening.rank; i++) values[i * BLOCK_ROWS + r] = 0;
    squares[r] = 0;
  }

  #addMeat(rows: number, weights: Float64Array | undefined): void {
    const { values, squares } = this.#whitened;
    const power = this.#plan.type === "hc3" ? 2 : this.#plan.type === "hc2" ? 1 : 0;
    for (let r = 0; r < rows; r++) {
      const rest = 1 - (weights?.[r] ?? 1) * squares[r]!;
      const score = this.#factor[r]!;
      if (power > 0 && rest < FULL_LEVERAGE)
        throw new ModelError(
          `row ${this.#source.firstRow + r + 1} has leverage 1, for which ${this.#plan.type} is not defined`,
          { hint: "use --vcov hc1, or leave the row or its level out" },
        );
      this.#factor[r] = (score * score) / rest ** power;
    }
    for (let i = 0, at = 0; i < this.#plan.whitening.rank; i++)
      for (let j = 0; j <= i; j++, at++) {
        const [a, b] = [i * BLOCK_ROWS, j * BLOCK_ROWS];
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += this.#factor[r]! * values[a + r]! * values[b + r]!;
        this.#meat[at]! += sum;
      }
  }

  #addScores(rows: number, cluster: ClusterColumn): void {
    const { rank } = this.#plan.whitening;
    const { values } = this.#whitened;
    const numbers =
      "numeric" in cluster
        ? this.#kernels.doublesAt(this.#source.block + 8 * BLOCK_ROWS * cluster.numeric, rows)
        : undefined;
    const codes = "factor" in cluster ? this.#source.codes[cluster.factor] : undefined;
    for (let r = 0; r < rows; r++) {
      if (this.#used[r] === 0) continue;
      const group = numbers?.[r] ?? codes![r]!;
      if (numbers === undefined ? group < 0 : Number.isNaN(group)) {
        if (this.#ungrouped < 0) this.#ungrouped = this.#source.firstRow + r;
        continue;
      }
      let sums = this.#groups.get(group);
      if (sums === undefined) {
        sums = new Float64Array(rank);
        this.#groups.set(group, sums);
      }
      for (let i = 0; i < rank; i++) sums[i]! += this.#factor[r]! * values[i * BLOCK_ROWS + r]!;
    }
  }

  finish(): VcovResult {
    const { rank } = this.#plan.whitening;
    const { cluster } = this.#plan;
    const names =
      cluster !== undefined && "factor" in cluster ? this.#source.levels[cluster.factor]!.names : [];
    const scores = new Float64Array(rank * this.#groups.size);
    [...this.#groups.values()].forEach((sums, g) => {
      scores.set(sums, g * rank);
    });
    const result: VcovResult = {
      n: this.#n,
      meat: this.#meat.slice(),
      groups: [...this.#groups.keys()].map((group) => names[group] ?? String(group)),
      scores,
      ungrouped: this.#ungrouped,
    };
    this.#meat.fill(0);
    this.#groups.clear();
    this.#n = 0;
    this.#ungrouped = -1;
    return result;
  }
}

/** What the chunks so far say of the errors' variances. */
export class VcovTotal {
  n: number;
  readonly meat: Float64Array;
  readonly groups: Map<string, Float64Array>;
  ungrouped: number;

  constructor({ n, meat, groups, scores, ungrouped }: VcovResult) {
    this.n = n;
    this.meat = meat;
    const rank = scores.length / Math.max(1, groups.length);
    this.groups = new Map(groups.map((group, g) => [group, scores.subarray(g * rank, (g + 1) * rank)]));
    this.ungrouped = ungrouped;
  }

  /** Merges later chunks into these. */
  absorb(later: VcovTotal): this {
    this.n += later.n;
    for (let i = 0; i < this.meat.length; i++) this.meat[i]! += later.meat[i]!;
    for (const [group, sums] of later.groups) {
      const own = this.groups.get(group);
      if (own === undefined) this.groups.set(group, sums);
      else for (let i = 0; i < own.length; i++) own[i]! += sums[i]!;
    }
    if (this.ungrouped < 0) this.ungrouped = later.ungrouped;
    return this;
  }

  /** Σ_g s_g s_gᵀ over the groups' sums of scores, packed lower triangle. */
  get groupMeat(): Float64Array {
    const rank = this.groups.values().next().value?.length ?? 0;
    const meat = new Float64Array(packedLength(rank));
    for (const sums of this.groups.values())
      for (let i = 0; i < rank; i++)
        for (let j = 0; j <= i; j++) meat[packedIndex(i, j)]! += sums[i]! * sums[j]!;
    return meat;
  }
}
