import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { BlockPredictor, type PredictorPlan } from "../linear/model/block-predictor.js";
import { CONNECTED } from "../linear/model/effect-tables.js";
import { RowSpace, type RowSpacePlan } from "../linear/model/row-space.js";
import type { BlockView } from "../scan/block-view.js";
import type { ChunkJob } from "../scan/chunk-job.js";
import { type DrawPlan, RowDraw } from "../scan/row-draw.js";
import { Moments } from "../stats/moments.js";
import { packedLength } from "../stats/packed.js";

/** The model of all folds but one, in the places of the model of all; plain data. */
export interface FoldFit {
  /** NaN for the effect of a level that the other folds do not have. */
  weights: Float64Array;
  connections: readonly (readonly number[])[] | undefined;
  rowSpace: RowSpacePlan | undefined;
  /**
   * Per factor, levels × (k + 1): what a level adds to the part of each column, y last, that the others' effects
   * explain; empty where there are too many columns for their products to be kept.
   */
  within: readonly Float64Array[];
}

/** What the second pass of a cross-validation depends on, apart from the rows; plain data. */
export interface CvPlan extends DrawPlan {
  /** The model of all rows of the fit: which rows these are. */
  predictor: PredictorPlan;
  /** k, the number of columns of X. */
  columns: number;
  /** By fold; undefined for one without rows. */
  fits: readonly (FoldFit | undefined)[];
  /** Whether each row of the data is a fold by itself. */
  leaveOneOut?: boolean | undefined;
}

/** A fold's rows and their errors by the model of the others, so far; plain data. */
export interface FoldSums {
  /** Rows that the others' model predicts, and those that it does not. */
  n: number;
  unpredicted: number;
  /** Σw of the former, the mean of y there, Σ w (y − ȳ)² and Σ w (y − ŷ)². */
  sumW: number;
  mean: number;
  spread: number;
  squares: number;
  /** The columns about the others' effects, over the rows of which these are known; see `HeldOut`. */
  about: AboutEffects | undefined;
}

/** Products of columns about effects, and y as it is. */
interface AboutEffects {
  /** Rows of which the effects are not known. */
  unpredicted: number;
  moments: Pick<Moments, "n" | "sumW" | "sumLogW" | "mean" | "c">;
  target: { mean: number; spread: number };
}

const none = (): FoldSums => ({
  n: 0,
  unpredicted: 0,
  sumW: 0,
  mean: 0,
  spread: 0,
  squares: 0,
  about: undefined,
});

/** What rows are asked of blocks. */
type CvRows = Pick<BlockView, "raw" | "rowNumber" | "key">;

/** Predicts the rows of chunks by the models of the folds that they are not in. */
export class CvJob implements ChunkJob<FoldSums[]> {
  readonly #view: CvRows;
  readonly #plan: CvPlan;
  readonly #draw: RowDraw;
  readonly #predictor: BlockPredictor;
  readonly #spaces: (RowSpace | undefined)[];
  readonly #folds = new Int32Array(BLOCK_ROWS);
  readonly #out = new Float64Array(BLOCK_ROWS);
  readonly #about: (FoldAboutEffects | undefined)[];
  #sums: FoldSums[];

  constructor(view: CvRows, plan: CvPlan) {
    this.#view = view;
    this.#plan = plan;
    this.#draw = new RowDraw(view, plan);
    this.#predictor = new BlockPredictor(plan.predictor);
    const k = plan.predictor.weights.length - 1;
    this.#spaces = plan.fits.map((fit) => fit?.rowSpace && new RowSpace(fit.rowSpace, k));
    this.#sums = plan.fits.map(none);
    this.#about = plan.fits.map((fit) =>
      fit === undefined || fit.within.length === 0
        ? undefined
        : new FoldAboutEffects(fit.within, plan.columns),
    );
  }

  add(rows: number): void {
    const { leaveOneOut, fits } = this.#plan;
    const raw = this.#view.raw(rows);
    this.#predictor.predict(raw, 0, rows);
    const { predictions, target } = this.#predictor;
    const met = new Set<number>();
    for (let r = 0; r < rows; r++) {
      const weight = raw.weights?.[r] ?? 1;
      const ofFit = predictions[r]! * target![r]! * 0 === 0 && weight > 0 && !this.#draw.isHeldOut(r);
      const foldOf = () => (leaveOneOut ? this.#view.rowNumber(r) : this.#draw.foldOf(r, fits.length));
      const fold = ofFit ? foldOf() : -1;
      this.#folds[r] = fold;
      if (fold >= 0) met.add(fold);
    }
    for (const fold of met) {
      this.#predict(fold, rows);
      this.#about[fold]?.add(this.#predictor, rows, raw.weights, (r) =>
        this.#folds[r] !== fold ? undefined : !Number.isNaN(this.#out[r]!),
      );
      this.#leaveOutside(fold, rows);
      for (let r = 0; r < rows; r++)
        if (this.#folds[r] === fold)
          add(this.#sums[fold]!, target![r]!, this.#out[r]!, raw.weights?.[r] ?? 1);
    }
  }

  /** Writes what the others' model predicts for the block's rows, NaN where it does not. */
  #predict(fold: number, rows: number): void {
    const { weights, connections } = this.#plan.fits[fold]!;
    const out = this.#out;
    this.#predictor.predictBy(weights, out, rows);
    if (connections !== undefined)
      for (let r = 0; r < rows; r++) {
        let sum = 0;
        connections.forEach((labels, f) => {
          sum += labels[this.#predictor.codes(f)[r]!] ?? 0;
        });
        if (Math.abs(sum) > CONNECTED) out[r] = Number.NaN;
      }
  }

  /** Takes predictions back that need what the others cannot estimate. */
  #leaveOutside(fold: number, rows: number): void {
    const out = this.#out;
    for (const { row } of this.#spaces[fold]?.outside(this.#predictor, rows) ?? []) out[row] = Number.NaN;
  }

  finish(): FoldSums[] {
    const sums = this.#sums;
    this.#sums = sums.map(none);
    return sums.map((fold, f) => ({ ...fold, about: this.#about[f]?.take() }));
  }
}

function add(sums: FoldSums, y: number, prediction: number, weight: number): void {
  if (Number.isNaN(prediction)) {
    sums.unpredicted++;
    return;
  }
  merge(sums, {
    n: 1,
    unpredicted: 0,
    sumW: weight,
    mean: y,
    spread: 0,
    squares: weight * (y - prediction) ** 2,
    about: undefined,
  });
}

/** What is less than this of what it is the difference of is rounding. */
const ROUNDING = 1e-11;

/** A fold's columns about the others' effects. */
class FoldAboutEffects {
  readonly #within: readonly Float64Array[];
  readonly #width: number;
  readonly #names: string[];
  #rows = 0;
  /** Columns, then y about the effects, then y: of at most two blocks' rows. */
  readonly #block: Float64Array;
  readonly #weights = new Float64Array(2 * BLOCK_ROWS);
  #moments: Moments;
  #unpredicted = 0;

  constructor(within: readonly Float64Array[], k: number) {
    this.#within = within;
    this.#width = k + 1;
    this.#names = Array.from({ length: k + 2 }, (_, j) => String(j));
    this.#block = new Float64Array(2 * BLOCK_ROWS * (k + 2));
    this.#moments = Moments.empty(this.#names);
  }

  /** @param known whether the effects of row r of the block are; undefined for one of another fold */
  add(
    predictor: BlockPredictor,
    rows: number,
    weights: Float64Array | undefined,
    known: (r: number) => boolean | undefined,
  ): void {
    const own: number[] = [];
    for (let r = 0; r < rows; r++) {
      const seen = known(r);
      if (seen === false) this.#unpredicted++;
      if (seen === true) own.push(r);
    }
    const stride = 2 * BLOCK_ROWS;
    const k = this.#width - 1;
    const codes = this.#within.map((_, f) => predictor.codes(f));
    for (let j = 0; j <= k; j++) {
      const x = j < k ? predictor.column(j) : predictor.target!;
      own.forEach((r, i) => {
        let value = x[r]!;
        let size = Math.abs(value);
        this.#within.forEach((effects, f) => {
          const effect = effects[codes[f]![r]! * this.#width + j]!;
          value -= effect;
          size += Math.abs(effect);
        });
        this.#block[j * stride + this.#rows + i] = Math.abs(value) <= ROUNDING * size ? 0 : value;
      });
    }
    own.forEach((r, i) => {
      this.#block[(k + 1) * stride + this.#rows + i] = predictor.target![r]!;
      this.#weights[this.#rows + i] = weights?.[r] ?? 1;
    });
    this.#rows += own.length;
    if (this.#rows >= BLOCK_ROWS) this.#flush();
  }

  #flush(): void {
    const stride = 2 * BLOCK_ROWS;
    if (this.#rows > 0)
      this.#moments.updateBlock(this.#block, this.#rows, stride, this.#weights.subarray(0, this.#rows));
    this.#rows = 0;
  }

  take(): AboutEffects {
    this.#flush();
    const y = this.#width;
    const { n, sumW, sumLogW, mean, c } = this.#moments;
    const taken = {
      unpredicted: this.#unpredicted,
      moments: { n, sumW, sumLogW, mean: mean.slice(0, y), c: c.slice(0, packedLength(y)) },
      target: { mean: mean[y]!, spread: c[packedLength(y + 1) - 1]! },
    };
    this.#moments = Moments.empty(this.#names);
    this.#unpredicted = 0;
    return taken;
  }
}

/** The moments of what `FoldAboutEffects` took, under names. */
export function momentsOf(
  { moments: { n, sumW, sumLogW, mean, c } }: AboutEffects,
  columns: readonly string[],
): Moments {
  return Moments.of({ columns, n, sumW, sumLogW, mean, c });
}

/** Adds the rows of `other` (Chan, Golub & LeVeque 1983). */
export function merge(sums: FoldSums, other: FoldSums): void {
  sums.about = mergedAbout(sums.about, other.about);
  const delta = other.mean - sums.mean;
  const sumW = sums.sumW + other.sumW;
  sums.unpredicted += other.unpredicted;
  if (other.n === 0) return;
  sums.n += other.n;
  sums.mean += (delta * other.sumW) / sumW;
  sums.spread += other.spread + (delta * delta * sums.sumW * other.sumW) / sumW;
  sums.sumW = sumW;
  sums.squares += other.squares;
}

/** The sums of all chunks so far. */
export class CvTotal {
  readonly folds: FoldSums[];

  constructor(folds: FoldSums[]) {
    this.folds = folds;
  }

  absorb(later: CvTotal): this {
    for (const [f, fold] of this.folds.entries()) merge(fold, later.folds[f]!);
    return this;
  }
}

function mergedAbout(a: AboutEffects | undefined, b: AboutEffects | undefined): AboutEffects | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const names = Array.from(a.moments.mean, (_, j) => String(j));
  const moments = momentsOf(a, names).absorb(momentsOf(b, names));
  const [before, added] = [a.moments.sumW, b.moments.sumW];
  const delta = b.target.mean - a.target.mean;
  const share = before + added > 0 ? added / (before + added) : 0;
  return {
    unpredicted: a.unpredicted + b.unpredicted,
    moments: {
      n: moments.n,
      sumW: moments.sumW,
      sumLogW: moments.sumLogW,
      mean: moments.mean,
      c: moments.c,
    },
    target: {
      mean: a.target.mean + delta * share,
      spread: a.target.spread + b.target.spread + delta * delta * before * share,
    },
  };
}
