import type { KeptReading } from "../../csv/kept-reading.js";
import { allLevels, type CodedTerm, codedTerms, type FactorLevels } from "../../dataset/formula/coding.js";
import { targetKey } from "../../dataset/formula/column-key.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { type Target, withTargets } from "../../dataset/formula/targets.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { packedIndex } from "../../stats/packed.js";
import { inferenceDf, type Vcov } from "../covariance/vcov.js";
import type { Penalty } from "../penalty/penalty.js";
import type { HeldOut } from "../solve/held-out.js";
import type { Regression } from "../solve/regression.js";
import type { AbsorbedEffects, Method, Solution } from "../solve/solution.js";
import type { Conformal, KeptMeat, WeightsKind } from "./document-schema.js";
import { instrumentColumns, type ModelInstruments } from "./model-instruments.js";
import {
  type DataScan,
  type DataSource,
  type ModelParts,
  regressionOf,
  type ShardSet,
  type Solver,
  type SourceContent,
} from "./model-parts.js";
import { weightsOf } from "./predictor-plan.js";
import { weightUnitOf } from "./weight-unit.js";

/**
 * What a fit came to, and the numbers that follow from it at once. `LinearModel` adds what takes work: what it works out
 * when it is asked for, predictions and the model's file.
 */
export abstract class SolvedModel {
  /** The target, the terms and the raw columns that they are made of. */
  readonly spec: ModelSpec;
  /** Each factor's levels, sorted. */
  readonly levels: FactorLevels;
  readonly references: Readonly<Record<string, string>>;
  /** The terms with their columns, coded as R codes them. */
  readonly codedTerms: readonly CodedTerm[];
  /** The names of the k columns of X, in order. */
  readonly terms: readonly string[];
  /** θ: the intercept first where there is one, then one per term; NaN for an aliased term. */
  readonly coefficients: Float64Array;
  /** θ with 0 for aliased terms and, first, the intercept (0 where there is none): what predicting needs. */
  readonly weights: Float64Array;
  /**
   * The estimated covariance of θ, σ² (XᵀX)⁻¹ or what `vcov` says, as a packed lower triangle: entry (i, j), i ≥ j,
   * at i(i + 1)/2 + j. NaN for aliased terms.
   */
  readonly covariance: Float64Array;
  /** The diagonal of the covariance; all that there is of it for more than 2,500 coefficients. */
  readonly variances: Float64Array;
  /** How the covariance was estimated. */
  readonly vcov: Vcov;
  /** Terms that depend linearly on terms before them and were left out. */
  readonly aliased: readonly string[];
  /** The number of coefficients estimated. */
  readonly rank: number;
  /** √κ₁ of the Gram matrix of the centred columns scaled to length 1. */
  readonly conditionNumber: number;
  readonly solver: Solver;
  /** How θ was computed from the moments, where it was and that is known. */
  readonly method: Method | undefined;
  /** Residual sum of squares on the rows of the fit. */
  readonly rss: number;
  /** Total sum of squares: about the mean with an intercept, about 0 without. */
  readonly tss: number;
  /** The moments of the rows of the fit. */
  readonly moments: CrossProducts;
  /** The moments of each cross-validation fold; empty where there are none. */
  readonly folds: readonly CrossProducts[];
  /** What robust errors follow from without rows, where it was kept. */
  readonly keptMeat: KeptMeat | undefined;
  /** In place of folds where effects are absorbed, as far as they are known. */
  readonly heldOut: readonly HeldOut[] | undefined;
  /** The column of weights, where the fit had one. */
  readonly weightsColumn: string | undefined;
  /** What they say; undefined for analytic ones on the scale that they have. */
  readonly weightsKind: WeightsKind | undefined;
  /** The penalty of a ridge, lasso or elastic net fit, which has no standard errors; undefined for least squares. */
  readonly penalty: Penalty | undefined;
  /** Where some terms are endogenous: their instruments. */
  readonly instruments: ModelInstruments | undefined;
  /** The other targets of a fit of several, each of which has a model of its own: the moments have their columns too. */
  readonly targets: readonly Target[];
  /** What conformal intervals are calibrated by, where they were asked for. */
  readonly conformal: Conformal | undefined;
  readonly source: DataSource | undefined;
  /** What the rows were read from, by content, as far as that is known; empty for a fit from arrays. */
  readonly sources: readonly SourceContent[];
  /** Those whose rows were taken out, and not added since. */
  readonly forgotten: readonly SourceContent[];
  /** The numbered shards whose rows are in the model; empty where they were not numbered. */
  readonly shards: readonly ShardSet[];
  /** The options by which the data were read, where any were given. */
  readonly reading: KeptReading | undefined;
  readonly scan: DataScan | undefined;
  /** What became of absorbed effects, where there are any. */
  readonly absorbed: AbsorbedEffects | undefined;

  protected constructor(parts: LoadedParts) {
    this.spec = parts.spec;
    this.levels = allLevels(this.spec, parts.levels ?? {});
    this.references = parts.references ?? {};
    this.codedTerms = parts.codedTerms ?? codedTerms(this.spec, this.levels, this.references);
    this.terms = this.codedTerms.flatMap((term) => term.columns.map(({ name }) => name));
    this.coefficients = parts.coefficients;
    this.weights = weightsOf(parts.coefficients, this.spec);
    this.covariance = parts.covariance;
    this.variances = parts.variances ?? this.coefficients.map((_, i) => this.covariance[packedIndex(i, i)]!);
    this.vcov = parts.vcov ?? { type: "iid" };
    this.aliased = parts.aliased;
    this.rank = parts.rank;
    this.conditionNumber = parts.conditionNumber;
    this.solver = parts.solver;
    this.method = parts.method;
    this.rss = parts.rss;
    this.tss = parts.tss;
    this.moments = parts.moments;
    this.folds = parts.folds ?? [];
    this.keptMeat = parts.keptMeat;
    this.heldOut = parts.heldOut;
    this.weightsColumn = parts.weightsColumn;
    this.weightsKind = parts.weightsKind;
    this.penalty = parts.penalty;
    this.instruments = parts.instruments;
    this.targets = parts.targets ?? [];
    this.conformal = parts.conformal;
    this.source = parts.source;
    this.sources = parts.sources ?? [];
    this.forgotten = parts.forgotten ?? [];
    this.shards = parts.shards ?? [];
    this.reading = parts.reading;
    this.scan = parts.scan;
    this.absorbed = parts.absorbed;
  }

  /** The name of y. */
  get target(): string {
    return this.spec.target.label;
  }

  get intercept(): boolean {
    return this.spec.intercept;
  }

  /** The model as a regression of columns of its moments. */
  get regression(): Regression {
    const own = regressionOf(this.spec, this.codedTerms);
    if (this.instruments === undefined) return own;
    return { ...own, instruments: instrumentColumns(this.instruments, this.levels, this.references) };
  }

  /** The spec of all columns that the moments are of: with instruments, and other targets, of these too. */
  get scannedSpec(): ModelSpec {
    const own = this.instruments?.spec ?? this.spec;
    if (this.targets.length === 0) return own;
    // In the order of the moments, whose target is another model's.
    const at = (target: Target) => this.moments.index(targetKey(target));
    const [target, ...further] = [own.target, ...this.targets].sort((a, b) => at(a) - at(b));
    return withTargets({ ...own, target: target! }, further);
  }

  /** The number of rows of the fit (of positive weight). */
  get n(): number {
    return this.moments.n;
  }

  /** How many numbers were estimated: the coefficients, and the absorbed effects that the rows determine. */
  get parameters(): number {
    return this.rank + (this.absorbed?.rank ?? 0);
  }

  /** n − rank, and less the rank of absorbed effects. */
  get dfResidual(): number {
    return this.n - this.parameters;
  }

  /** The degrees of freedom of t tests and intervals; see `inferenceDf`. */
  get dfInference(): number {
    return inferenceDf(this.vcov, this.dfResidual);
  }

  /**
   * n/Σ w where weights count as scaled to a mean of 1, which analytic and probability ones do (Stata's aweights and pweights): what
   * Σ w e² is multiplied by for σ² and sums of squares. 1 otherwise.
   */
  get weightUnit(): number {
    return weightUnitOf(this);
  }

  /** Rows and weights on whose scale mean squared errors are: see `onScaleOf`. */
  get errorScale(): { n: number; sumW: number } {
    return this.weightsKind === undefined ? this.moments : { n: 1, sumW: 1 };
  }

  /** The residual standard error σ = √(RSS/(n − rank)); NaN for a penalised fit, which is biased. */
  get sigma(): number {
    if (this.penalty !== undefined) return Number.NaN;
    return Math.sqrt(this.rss / this.dfResidual) * Math.sqrt(this.weightUnit);
  }

  /** The coefficients' names in the order of θ. */
  get coefficientNames(): string[] {
    return this.intercept ? ["(Intercept)", ...this.terms] : [...this.terms];
  }

  /** The standard errors of θ: the roots of its variances. */
  get standardErrors(): Float64Array {
    return this.variances.map(Math.sqrt);
  }
}

/** A model's parts with the solution spelled out. */
export type LoadedParts = Omit<ModelParts, "solution"> &
  Omit<Solution, "inverse" | "aliased" | "absorption" | "instrumented"> & {
    covariance: Float64Array;
    variances?: Float64Array | undefined;
    aliased: readonly string[];
    codedTerms?: readonly CodedTerm[];
  };
