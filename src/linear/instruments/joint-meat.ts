import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { packedIndex, packedLength } from "../../stats/packed.js";
import type { ScoredRows } from "../covariance/meat.js";
import { WhitenedBlock, type Whitening } from "../covariance/whitening.js";

/** What the residuals of an equation with instruments are made of, row by row; plain data. */
export interface JointPlan {
  /** Where the columns that the whitening keeps stand among the design's, the exogenous and then the instruments. */
  places: readonly number[];
  /** Where the endogenous columns stand, their means, and their coordinates, those of the intercept left out. */
  endogenous: readonly { place: number; mean: number; coordinates: Float64Array }[];
  /** The coordinates of the structural residuals y − Xθ, and the endogenous slopes. */
  errors: Float64Array;
  slopes: Float64Array;
}

/**
 * Sums of the joint scores ρ ⊗ z of rows: z their exogenous columns and instruments in whitened coordinates, ρ = (e, v₁ … v_m, r) the
 * structural residual, those of the first stages and that of y's reduced form, r = Me + Σ v_j β_j. From these follow robust
 * covariances of θ and of the first stages, Hansen's J, two-step GMM and Anderson and Rubin's test.
 */
export class JointMeat {
  /** Σ w² (ρ ⊗ z)(ρ ⊗ z)ᵀ, packed; empty where rows are summed by group. */
  readonly meat: Float64Array;
  /** By group, Σ w ρ ⊗ z. */
  readonly groups = new Map<number, Float64Array>();
  ungrouped = -1;
  readonly largest = 0;
  n = 0;
  readonly total = new Float64Array(0);
  readonly #plan: JointPlan;
  readonly #whitening: Whitening;
  readonly #whitened: WhitenedBlock;
  readonly #byGroup: boolean;
  /** ρ by columns, and the joint scores by columns. */
  readonly #residuals: Float64Array;
  readonly #scores: Float64Array;
  readonly #size: number;

  readonly #frequencies: boolean;

  /** @param frequencies whether a row stands for as many as its weight */
  constructor(whitening: Whitening, plan: JointPlan, byGroup: boolean, frequencies = false) {
    this.#frequencies = frequencies && !byGroup;
    this.#plan = plan;
    this.#whitening = whitening;
    this.#whitened = new WhitenedBlock(whitening);
    this.#byGroup = byGroup;
    const residuals = plan.endogenous.length + 2;
    this.#size = residuals * whitening.rank;
    this.meat = new Float64Array(byGroup ? 0 : packedLength(this.#size));
    this.#residuals = new Float64Array(residuals * BLOCK_ROWS);
    this.#scores = new Float64Array(this.#size * BLOCK_ROWS);
  }

  /** Adds rows, of which `fitted` is Xθ. */
  add({ rows, column, target, fitted, weights, groups, rowOf }: ScoredRows): void {
    // Of a row that stands for w, w squares.
    const share = (weight: number) => (this.#frequencies ? Math.sqrt(weight) : weight);
    const { places, endogenous, errors, slopes } = this.#plan;
    const { rank, constant } = this.#whitening;
    const first = constant === 0 ? 0 : 1;
    this.#whitened.fill((i) => column(places[i]!), rows);
    const z = this.#whitened.values;
    const rho = this.#residuals;
    const last = (endogenous.length + 1) * BLOCK_ROWS;
    for (let r = 0; r < rows; r++) rho[r] = target[r]! - fitted![r]!;
    /** Takes Σ_t z_t c_t off the rows of a residual. */
    const takeOff = (to: number, coordinates: Float64Array) => {
      coordinates.forEach((share, t) => {
        const from = (t + first) * BLOCK_ROWS;
        for (let r = 0; r < rows; r++) rho[to + r]! -= share * z[from + r]!;
      });
    };
    for (let r = 0; r < rows; r++) rho[last + r] = rho[r]!;
    takeOff(last, errors);
    endogenous.forEach(({ place, mean, coordinates }, c) => {
      const to = (c + 1) * BLOCK_ROWS;
      const x = column(place);
      for (let r = 0; r < rows; r++) rho[to + r] = x[r]! - mean;
      takeOff(to, coordinates);
      for (let r = 0; r < rows; r++) rho[last + r]! += slopes[c]! * rho[to + r]!;
    });
    const scores = this.#scores;
    for (let a = 0, s = 0; a < endogenous.length + 2; a++)
      for (let t = 0; t < rank; t++, s++)
        for (let r = 0; r < rows; r++)
          scores[s * BLOCK_ROWS + r] = Number.isNaN(rho[r]!)
            ? 0
            : share(weights?.[r] ?? 1) * rho[a * BLOCK_ROWS + r]! * z[t * BLOCK_ROWS + r]!;
    for (let r = 0; r < rows; r++) if (!Number.isNaN(rho[r]!)) this.n++;
    if (this.#byGroup) this.#addGroups(rows, groups!, rowOf);
    else this.#addMeat(rows);
  }

  #addMeat(rows: number): void {
    const scores = this.#scores;
    for (let i = 0; i < this.#size; i++)
      for (let j = 0; j <= i; j++) {
        const [a, b] = [i * BLOCK_ROWS, j * BLOCK_ROWS];
        let sum = 0;
        for (let r = 0; r < rows; r++) sum += scores[a + r]! * scores[b + r]!;
        this.meat[packedIndex(i, j)]! += sum;
      }
  }

  #addGroups(rows: number, groups: ArrayLike<number>, rowOf: (r: number) => number): void {
    for (let r = 0; r < rows; r++) {
      if (Number.isNaN(this.#residuals[r]!)) continue;
      const group = groups[r]!;
      if (Number.isNaN(group)) {
        if (this.ungrouped < 0) this.ungrouped = rowOf(r);
        continue;
      }
      let sums = this.groups.get(group);
      if (sums === undefined) {
        sums = new Float64Array(this.#size);
        this.groups.set(group, sums);
      }
      for (let s = 0; s < this.#size; s++) sums[s]! += this.#scores[s * BLOCK_ROWS + r]!;
    }
  }

  /** Forgets all rows. */
  reset(): void {
    this.meat.fill(0);
    this.groups.clear();
    this.ungrouped = -1;
    this.n = 0;
  }
}
