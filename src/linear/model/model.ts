import { codedTerms } from "../../dataset/formula/coding.js";
import { ModelError, UsageError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import { tCritical } from "../../stats/distributions.js";
import { doublesSteps } from "../../stats/packed.js";
import type { RobustVcov } from "../covariance/vcov.js";
import { unwhiten, type Whitening } from "../covariance/whitening.js";
import type { InstrumentTests } from "../instruments/instrument-tests.js";
import {
  type PredictConcurrentOptions,
  predictRowsConcurrent,
  refuseOverlap,
} from "../predict-concurrent.js";
import type { Absorbed } from "../solve/absorb.js";
import { relationsOf } from "../solve/aliased-relations.js";
import { complementInverse } from "../solve/complement-inverse.js";
import { absorbEffectsSteps } from "../solve/solve-absorbed.js";
import { type FactorEffects, factorEffects, refuseAbsorbed } from "./absorbed-effects.js";
import { absorbedRelations } from "./absorbed-relations.js";
import type { PredictorPlan } from "./block-predictor.js";
import type { Conformal, KeptMeat, ModelDocument } from "./document-schema.js";
import type { WithinPlan } from "./effect-tables.js";
import {
  type PredictedEffects,
  predictedEffectsSteps,
  whiteningOfFitSteps,
  withinPlanSteps,
} from "./effects-of-model.js";
import { instrumentTestsOf } from "./instrument-tests-of.js";
import { type IntervalOptions, intervalsOf, type PredictedInterval } from "./interval.js";
import { intervalPlan } from "./interval-plan.js";
import { flatten, rowCount } from "./matrix-rows.js";
import { modelDocumentSteps } from "./model-document.js";
import type { DataScan, FittedModel, ModelParts } from "./model-parts.js";
import { documentOf, plainDocument, type WritableDocument } from "./model-to-document.js";
import { predictRows } from "./predict-rows.js";
import { predictorPlanOf } from "./predictor-plan.js";
import { areRecords, type DataRecord } from "./record-block.js";
import { type RecordOptions, RecordPredictor } from "./record-predictor.js";
import { maskOutside, type RowSpacePlan, rowSpacePlan } from "./row-space.js";
import { readScan } from "./scan-document.js";
import { type LoadedParts, SolvedModel } from "./solved-model.js";
import { type Summary, summarize } from "./summary.js";
import type { ModelGraph } from "./to-graph.js";

/**
 * A fitted linear model ŷ = β₀ + Σ_j x_j β_j of one target on k terms.
 *
 * Fitted by `fit` or `fitCsv`, or read back from JSON; immutable.
 */
export class LinearModel extends SolvedModel implements FittedModel {
  #absorption: Absorbed | undefined;
  #effects: readonly FactorEffects[] | undefined;
  #within: WithinPlan | undefined;
  #predicted: PredictedEffects | undefined;
  #whitening: Whitening | undefined;
  #rowSpace: { plan: RowSpacePlan | undefined } | undefined;
  #records: RecordPredictor | undefined;

  private constructor(parts: LoadedParts, made: MadeBefore = {}) {
    super(parts);
    this.#whitening = made.whitening;
    this.#absorption = made.absorption;
    this.#within = made.within;
    this.#predicted = made.predicted;
    this.#effects = made.effects;
  }

  /** A model from a solution of its moments. @internal */
  static of(parts: ModelParts): LinearModel {
    const { solution: found, ...rest } = parts;
    const { absorption, instrumented: _, ...solution } = found;
    const variance = solution.rss / (parts.moments.n - solution.rank - (solution.absorbed?.rank ?? 0));
    const terms = codedTerms(parts.spec, parts.levels ?? {}, parts.references ?? {});
    const names = terms.flatMap((term) => term.columns.map(({ name }) => name));
    const all = {
      ...rest,
      ...solution,
      codedTerms: terms,
      aliased: solution.aliased.map((i) => names[i]!),
      covariance: solution.inverse.map((v) => v * variance),
      variances: solution.variances?.map((v) => v * variance),
    };
    return new LinearModel(all, { absorption });
  }

  /** A model from what its fit came to. @internal */
  static fitted(parts: LoadedParts): LinearModel {
    return new LinearModel(parts);
  }

  /** The same fit with its covariance estimated otherwise. */
  withVcov(vcov: RobustVcov): LinearModel {
    const covariance = unwhiten(this.whitening, Float64Array.from(vcov.meat), this.terms.length);
    return new LinearModel({ ...this, covariance, variances: undefined, vcov }, this.#made);
  }

  /** The same fit without errors, where those that it would have are known to be wrong. */
  withoutErrors(): LinearModel {
    const covariance = this.covariance.map(() => Number.NaN);
    return new LinearModel(
      { ...this, covariance, variances: this.variances.map(() => Number.NaN), vcov: undefined },
      this.#made,
    );
  }

  /** The same fit, with what robust errors follow from without its rows. */
  withKeptMeat(keptMeat: KeptMeat | undefined): LinearModel {
    return new LinearModel({ ...this, keptMeat }, this.#made);
  }

  /** The same fit with conformal intervals. */
  withConformal(conformal: Conformal): LinearModel {
    return new LinearModel({ ...this, conformal }, this.#made);
  }

  /** The same fit, with what is known of its rows. */
  withScan(scan: DataScan): LinearModel {
    return new LinearModel({ ...this, scan }, this.#made);
  }

  /** What another model of the same fit need not make again. */
  get #made(): MadeBefore {
    return {
      whitening: this.#whitening,
      absorption: this.#absorption,
      within: this.#within,
      predicted: this.#predicted,
      effects: this.#effects,
    };
  }

  /**
   * The coordinates in which the rows of the fit are orthonormal, worked out when first asked for. Where effects were
   * absorbed, those of columns about the effects.
   * @internal
   */
  get whitening(): Whitening {
    return inOneGo(this.whiteningSteps());
  }

  /** Works `whitening` out in steps: of a thousand columns that takes seconds. @internal */
  *whiteningSteps(): Steps<Whitening> {
    yield* this.absorptionSteps();
    this.#whitening ??= yield* whiteningOfFitSteps(this);
    return this.#whitening;
  }

  /**
   * What holds on the rows of the fit of the columns that are aliased, worked out when first asked for; undefined where
   * none is. A row of which it does not hold has no prediction.
   * @internal
   */
  get rowSpace(): RowSpacePlan | undefined {
    this.#rowSpace ??= { plan: this.#relations() };
    return this.#rowSpace.plan;
  }

  #relations(): RowSpacePlan | undefined {
    const first = this.intercept ? 1 : 0;
    const aliased = this.terms.map((_, j) => j).filter((j) => Number.isNaN(this.coefficients[j + first]!));
    if (aliased.length === 0) return undefined;
    const relations =
      this.absorbed === undefined
        ? inOneGo(relationsOf(this.moments, this.regression, aliased))
        : absorbedRelations(this, aliased);
    return rowSpacePlan(relations, this.terms);
  }

  /** The columns about absorbed effects, and what the effects follow from; undefined where none are. @internal */
  get absorption(): Absorbed | undefined {
    return inOneGo(this.absorptionSteps());
  }

  /** Works `absorption` out in steps: of a model that was read, with very many levels, it takes seconds. @internal */
  *absorptionSteps(): Steps<Absorbed | undefined> {
    if (this.absorbed !== undefined)
      this.#absorption ??= yield* absorbEffectsSteps(this.moments, this.regression);
    return this.#absorption;
  }

  /** What predictions with absorbed effects are made of. @internal */
  get predictedEffects(): PredictedEffects {
    return inOneGo(this.predictedEffectsSteps());
  }

  /** Works `predictedEffects` out in steps, of a model that has absorbed effects. @internal */
  *predictedEffectsSteps(): Steps<PredictedEffects> {
    yield* this.absorptionSteps();
    this.#predicted ??= yield* predictedEffectsSteps(this);
    return this.#predicted;
  }

  /**
   * What columns about absorbed effects are made of; undefined where none are absorbed.
   *
   * @param leverages what needs the effects' leverages too, for a message, where something does
   * @throws ModelError where these cannot be had
   * @internal
   */
  withinPlan(leverages: string | undefined): WithinPlan | undefined {
    return inOneGo(this.withinPlanSteps(leverages));
  }

  /** Works `withinPlan` out in steps: the leverages of thousands of levels take seconds. @internal */
  *withinPlanSteps(leverages: string | undefined): Steps<WithinPlan | undefined> {
    if (this.absorbed === undefined) return undefined;
    const known = this.#within;
    if (known !== undefined && (leverages === undefined || known.leverage !== undefined)) return known;
    this.#within = yield* withinPlanSteps(this, leverages, complementInverse);
    return this.#within;
  }

  /**
   * The effects of absorbed factors' levels: what they add to a prediction, in all. That of a level which others
   * determine is 0; each factor's are otherwise known up to a constant that another's take up.
   */
  get effects(): readonly FactorEffects[] {
    this.#effects ??= factorEffects(this);
    return this.#effects;
  }

  /**
   * What is told of the instruments: first stages, weakness, endogeneity, overidentification; undefined where there are none.
   *
   * @param level that of Anderson and Rubin's interval
   */
  instrumentTests(level = 0.95): InstrumentTests | undefined {
    return instrumentTestsOf(this, level);
  }

  /** The table of coefficients and the statistics of the fit; `level` is that of the intervals. */
  summary(level = 0.95): Summary {
    return summarize(this, level);
  }

  /**
   * ŷ of records: objects with a value for each raw column of the data, `{ rooms: 3, city: "Köln" }`, see
   * `RecordPredictor.predict`.
   */
  predict(records: readonly DataRecord[], options?: RecordOptions): Float64Array;
  /**
   * ŷ = Xθ for the rows of X: n × k row-major, or an array of rows of k numbers, k being the number of terms. NaN for a
   * row that the rows of the fit do not determine, where terms are aliased: one outside their row space.
   *
   * @param out a buffer for the n predictions; a new one where it is left out
   * @throws UsageError where the shapes do not fit
   */
  predict(X: Float64Array | readonly (readonly number[])[], out?: Float64Array): Float64Array;
  predict(
    X: Float64Array | readonly (readonly number[])[] | readonly DataRecord[],
    out?: Float64Array | RecordOptions,
  ): Float64Array {
    if (areRecords(X)) return this.records.predict(X, out as RecordOptions | undefined);
    return this.#predictMatrix(X, out as Float64Array | undefined);
  }

  #predictMatrix(X: Float64Array | readonly (readonly number[])[], out?: Float64Array): Float64Array {
    this.#refuseAbsorbed("predictions for a matrix");
    const flat = flatten(X, this.terms.length);
    const n = rowCount(flat, this.terms.length);
    if (out !== undefined && out.length !== n)
      throw new UsageError(`out has ${out.length} places, X has ${n} rows`);
    if (out !== undefined) refuseOverlap(flat, out);
    const result = out ?? new Float64Array(n);
    predictRows(flat, this.weights, result);
    if (this.rowSpace !== undefined) maskOutside(this.rowSpace, flat, this.terms.length, result);
    return result;
  }

  /**
   * `predict` on worker threads, without blocking the event loop; the same bits as `predict`.
   *
   * Put X (and out) into a SharedArrayBuffer to save a copy. Small inputs are predicted at once.
   *
   * @throws InterruptedError when `options.signal` aborts
   */
  async predictConcurrent(
    X: Float64Array | readonly (readonly number[])[],
    options: PredictConcurrentOptions = {},
  ): Promise<Float64Array> {
    this.#refuseAbsorbed("predictions for a matrix");
    const flat = flatten(X, this.terms.length);
    const n = rowCount(flat, this.terms.length);
    const result = await predictRowsConcurrent(flat, this.weights, n, options);
    if (this.rowSpace !== undefined) maskOutside(this.rowSpace, flat, this.terms.length, result);
    return result;
  }

  /**
   * Predictions with standard errors and intervals for records, or for the rows of X, as `predict` takes them: ŷ ∓ t √v
   * with n − rank degrees of freedom, v = xᵀ Cov(θ̂) x for the mean of y at x, + σ² for a new y of weight 1.
   *
   * @throws UsageError where the shapes do not fit or the level is not between 0 and 1
   */
  predictInterval(
    X: Float64Array | readonly (readonly number[])[] | readonly DataRecord[],
    options: IntervalOptions & RecordOptions = {},
  ): PredictedInterval {
    if (areRecords(X)) return this.records.predictInterval(X, options);
    const flat = flatten(X, this.terms.length);
    return intervalsOf(
      flat,
      this.terms.length,
      this.#predictMatrix(flat),
      intervalPlan(this, tCritical, options),
    );
  }

  /** What predicts from records, and knows their columns. */
  get records(): RecordPredictor {
    this.#records ??= new RecordPredictor(this.target, this.predictorPlan(false), (options) =>
      intervalPlan(this, tCritical, options),
    );
    return this.#records;
  }

  /** What predicting from raw columns needs; with `target`, the target's raw columns are among them. @internal */
  predictorPlan(target: boolean): PredictorPlan {
    return predictorPlanOf(this, target);
  }

  /**
   * The expression graph of ŷ = [1 X] θ for a number of rows, for the machines of `goml/machine`: their values are
   * those of `predict`, bit for bit.
   *
   * @throws UsageError unless `rows` is an integer of 1 or more
   */
  async toGraph(rows = 1): Promise<ModelGraph> {
    this.#refuseAbsorbed("a graph, and exports made of it,");
    // Loaded when asked for: training and predicting need no graph.
    const { linearGraph } = await import("./to-graph.js");
    return linearGraph(this.weights, rows);
  }

  /** The columns of a matrix are not all that such a model predicts from. */
  #refuseAbsorbed(what: string): void {
    const { offset } = this.spec.target;
    if (offset !== undefined)
      throw new ModelError(`${what} cannot be had of a model with ${offset.label}`, {
        hint: "predict from records or files, which have its columns",
      });
    refuseAbsorbed(this, what);
  }

  /** The document that model.json holds; `JSON.stringify(model)` calls it. */
  toJSON(): ModelDocument {
    return plainDocument(this.document());
  }

  /** The same document with moments that make plain numbers of themselves when they are written. @internal */
  document(): WritableDocument {
    return documentOf(this);
  }

  /**
   * A model from its document, as parsed from JSON.
   *
   * @param name what to call the document in messages
   * @throws ModelError where it is not such a document, or of a later schema
   */
  static fromJSON(document: unknown, name = "model"): LinearModel {
    return inOneGo(LinearModel.fromJsonSteps(document, name));
  }

  /** The same in steps, for a large document takes a second. */
  static *fromJsonSteps(document: unknown, name = "model"): Steps<LinearModel> {
    const { coefficients, covariance, variances, vcov, source, weights, penalty, scan, ...rest } =
      yield* modelDocumentSteps(document, name);
    return new LinearModel({
      ...rest,
      coefficients: (yield* doublesSteps(coefficients)).values,
      covariance: (yield* doublesSteps(covariance)).values,
      vcov: vcov ?? undefined,
      variances: variances && (yield* doublesSteps(variances)).values,
      weightsColumn: weights ?? undefined,
      penalty: penalty ?? undefined,
      source: source ?? undefined,
      scan: readScan(scan),
    });
  }
}

/** What follows from the parts of a model, where it is there already. */
interface MadeBefore {
  /** @internal */
  whitening?: Whitening | undefined;
  /** @internal */
  absorption?: Absorbed | undefined;
  within?: WithinPlan | undefined;
  predicted?: PredictedEffects | undefined;
  effects?: readonly FactorEffects[] | undefined;
}
