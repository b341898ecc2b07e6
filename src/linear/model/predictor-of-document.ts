import type { FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError } from "../../errors.js";
import { inOneGo, type Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { tCritical } from "../../stats/t-critical.js";
import type { Vcov } from "../covariance/vcov.js";
import type { Penalty } from "../penalty/penalty.js";
import type { Absorbed } from "../solve/absorb.js";
import type { Regression } from "../solve/regression.js";
import { relationsByLoops } from "../solve/relations.js";
import { absorbEffects } from "../solve/solve-absorbed.js";
import type { PredictorPlan } from "./block-predictor.js";
import { type CheckedFits, checkFits, type FitsDocument, fitsList, fitsTable } from "./check-fits.js";
import type { WithinPlan } from "./effect-tables.js";
import { predictedEffectsSteps, whiteningOfFit, withinPlanSteps } from "./effects-of-model.js";
import { type FitsOfIntervals, groupIntervals } from "./group-intervals.js";
import { groupPlan } from "./group-predictor.js";
import { intervalPlan } from "./interval-plan.js";
import {
  type CheckedDocument,
  groupDocumentSteps,
  isModelGroupDocument,
  modelDocumentSteps,
} from "./model-document.js";
import { regressionOf } from "./model-parts.js";
import { predictedSpec, predictorPlanOf, weightsOf } from "./predictor-plan.js";
import { RecordPredictor } from "./record-predictor.js";
import { type RowSpacePlan, rowSpacePlan } from "./row-space.js";
import { weightUnitOf } from "./weight-unit.js";

/**
 * What predicts from records with the model of a document, as parsed from the JSON of model.json: of one model, or of
 * models by group. It needs neither threads nor files nor compiled kernels, and its values are those of `LinearModel`.
 *
 * @param name what to call the document in messages
 * @throws ModelError where it is not such a document, or of a later schema
 * @example
 * ```js
 * import { readFileSync } from "node:fs";
 * import { predictorOf } from "goml/predict";
 *
 * const predictor = predictorOf(JSON.parse(readFileSync("small.json", "utf8")));
 * console.log(predictor.predict([{ rm: 6, lstat: 5 }])[0].toFixed(4)); // 25.9987
 * ```
 */
export function predictorOf(document: unknown, name = "model"): RecordPredictor {
  const read = function* (value: unknown, where: string): Steps<ReadModel> {
    return new ReadModel(yield* modelDocumentSteps(value, where));
  };
  if (!isModelGroupDocument(document)) {
    const model = inOneGo(read(document, name));
    return new RecordPredictor(model.target, model.plan, (options) =>
      intervalPlan(model, tCritical, options),
    );
  }
  const { groupBy, models, fits, refused } = inOneGo(groupDocumentSteps(document, name, read));
  const groups = [...models].map(([group, { plan }]) => ({ name: group, plan }));
  const listed = fits && checkFits(fits, name);
  const [first] = models.values();
  const spec = fits?.spec ?? first?.spec;
  if (spec === undefined) throw new ModelError(`${name}: there is no group that has a model`);
  return new RecordPredictor(
    spec.target.label,
    groupPlan({
      spec: predictedSpec(spec, false),
      groupBy,
      groups,
      fits: listed?.plan,
      refused: refused ?? [],
      target: false,
    }),
    (options) =>
      groupIntervals(fits && listed && intervalsOfFits(fits, listed, name), models, tCritical, options),
  );
}

/** What the intervals of fits side by side follow from. */
function intervalsOfFits(
  { spec, groups, rss, moments }: FitsDocument,
  { terms, coefficients }: CheckedFits,
  name: string,
): FitsOfIntervals {
  return {
    regression: regressionOf(spec, terms),
    coefficients,
    rss: fitsList(name, "rss", rss, groups.length),
    moments: fitsTable(name, "moments", moments, groups.length),
  };
}

/** A model's document as predicting sees it. */
class ReadModel {
  readonly spec: ModelSpec;
  readonly levels: FactorLevels;
  readonly target: string;
  readonly terms: readonly string[];
  readonly codedTerms: CheckedDocument["codedTerms"];
  readonly coefficients: Float64Array;
  readonly weights: Float64Array;
  readonly moments: CrossProducts;
  readonly regression: Regression;
  readonly absorbed: CheckedDocument["absorbed"];
  readonly absorption: Absorbed | undefined;
  readonly dfResidual: number;
  readonly rss: number;
  readonly vcov: Vcov;
  readonly weightsKind: CheckedDocument["weightsKind"];
  readonly weightUnit: number;
  readonly penalty: Penalty | undefined;
  readonly rowSpace: RowSpacePlan | undefined;
  readonly plan: PredictorPlan;
  #whitening: ReturnType<typeof whiteningOfFit> | undefined;

  constructor(document: CheckedDocument) {
    const { spec, levels, target, terms, codedTerms, moments, absorbed, rank, rss, vcov, penalty } = document;
    this.spec = spec;
    this.levels = levels;
    this.target = target;
    this.terms = terms;
    this.codedTerms = codedTerms;
    this.coefficients = Float64Array.from(document.coefficients, (value) => value ?? Number.NaN);
    this.weights = weightsOf(this.coefficients, spec);
    this.moments = moments;
    this.regression = regressionOf(spec, codedTerms);
    this.absorbed = absorbed;
    this.absorption = absorbed && absorbEffects(moments, this.regression);
    this.dfResidual = moments.n - rank - (absorbed?.rank ?? 0);
    this.rss = rss;
    this.vcov = vcov ?? { type: "iid" };
    this.weightsKind = document.weightsKind;
    this.weightUnit = weightUnitOf(this);
    this.penalty = penalty ?? undefined;
    this.rowSpace = this.#relations();
    this.plan = predictorPlanOf(this, false);
  }

  /** What holds of aliased columns; see `LinearModel.rowSpace`. */
  #relations(): RowSpacePlan | undefined {
    const { spec, terms, moments, regression, absorbed } = this;
    const first = spec.intercept ? 1 : 0;
    const aliased = terms.map((_, j) => j).filter((j) => Number.isNaN(this.coefficients[j + first]!));
    if (aliased.length === 0) return undefined;
    if (absorbed !== undefined)
      throw new ModelError(
        `${terms[aliased[0]!]} depends on absorbed effects, of which this part of goml cannot tell the relation`,
        { hint: "leave it out of the model, or predict with LinearModel" },
      );
    return rowSpacePlan(relationsByLoops(moments, regression, aliased), terms);
  }

  get predictedEffects() {
    return inOneGo(predictedEffectsSteps(this));
  }

  get whitening() {
    this.#whitening ??= whiteningOfFit(this);
    return this.#whitening;
  }

  withinPlan(leverages: string | undefined): WithinPlan | undefined {
    // The kernels that invert large systems are not part of this part of goml.
    return this.absorption && inOneGo(withinPlanSteps(this, leverages, undefined));
  }
}
