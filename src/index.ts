export type { DialectOptions } from "./csv/dialect.js";
export type { ReadingOptions } from "./csv/reading-options.js";
export type { Source } from "./csv/source.js";
export type { Arithmetic, DateFactor } from "./dataset/formula/spec.js";
export type { FactorLevels, ModelSpec } from "./dataset/formula/spec-schema.js";
export type { ContrastChoice, ContrastChoices } from "./dataset/formula/with-contrasts.js";
export type { ErrorOptions, Words } from "./errors.js";
export {
  DataError,
  type ErrorKind,
  GateError,
  GomlError,
  InterruptedError,
  ModelError,
  type Place,
  UsageError,
} from "./errors.js";
export { type TermFactor, type TermsDocument, toTerms } from "./interchange/json.js";
export { type OnnxOptions, toOnnx } from "./interchange/onnx.js";
export { toPmml } from "./interchange/pmml.js";
export { type SqlOptions, toSql } from "./interchange/sql.js";
export { toTypeScript } from "./interchange/typescript.js";
export { type Conformal, type ConformalMethod, guaranteedCoverage } from "./linear/conformal/conformal.js";
export type { Coverage } from "./linear/conformal/coverage.js";
export {
  coefficientCorrelation,
  type InflationRow,
  varianceInflation,
} from "./linear/covariance/collinearity.js";
export type { InfluenceLimits } from "./linear/covariance/influence.js";
export type { RobustVcov, Vcov, VcovType } from "./linear/covariance/vcov.js";
export type { WaldTest } from "./linear/covariance/wald.js";
export { type Adjustment, adjustP } from "./linear/hypotheses/adjust.js";
export { type AverageEffect, averageEffects } from "./linear/hypotheses/average-effects.js";
export { type ChowTest, chowTest } from "./linear/hypotheses/chow.js";
export type { EstimateRow } from "./linear/hypotheses/estimable.js";
export {
  type MarginalMean,
  type MarginalMeans,
  type MeansOptions,
  marginalMeans,
  type PairRow,
} from "./linear/hypotheses/marginal-means.js";
export { type RestrictedFit, restrictedFit } from "./linear/hypotheses/restricted.js";
export type { TestedModel } from "./linear/hypotheses/wald-tests.js";
export {
  type HypothesisRow,
  type HypothesisTests,
  type JointTest,
  testHypotheses,
} from "./linear/hypotheses/wald-tests.js";
export {
  type JointRow,
  type JointTests,
  type JointType,
  jointTests,
} from "./linear/joint/joint-tests.js";
export type { JointStatistic, MultivariateTest } from "./linear/joint/statistics.js";
export type { FactorEffects } from "./linear/model/absorbed-effects.js";
export type { ModelDocument, ModelGroupDocument, RefusedGroup } from "./linear/model/document-schema.js";
export type { IntervalKind, IntervalOptions, PredictedInterval } from "./linear/model/interval.js";
export { LinearModel } from "./linear/model/model.js";
export type { ReadModelOptions } from "./linear/model/model-file.js";
export { readAnyModel, readModel } from "./linear/model/model-file.js";
export { ModelGroup } from "./linear/model/model-group.js";
export type { DataScan, DataSource, Solver } from "./linear/model/model-parts.js";
export type { DataRecord } from "./linear/model/record-block.js";
export type { RecordOptions, RecordPredictor } from "./linear/model/record-predictor.js";
export type { Estimate } from "./linear/model/solve-spec.js";
export type { CoefficientRow, FitSummary, Summary } from "./linear/model/summary.js";
export type { ModelGraph } from "./linear/model/to-graph.js";
export type { UnseenPolicy } from "./linear/model/unseen.js";
export type { CrossValidatedPath } from "./linear/penalty/cross-validated-path.js";
export type { PenalizedFit } from "./linear/penalty/elastic-net.js";
export { type AngleStep, leastAngles } from "./linear/penalty/least-angle.js";
export type { LambdaChoice } from "./linear/penalty/penalty.js";
export { crossValidateWith, PENALTY_OBJECTIVE, type Penalty } from "./linear/penalty/penalty.js";
export type { PredictConcurrentOptions } from "./linear/predict-concurrent.js";
export {
  type AnovaType,
  anovaGroups,
  anovaModels,
  anovaTerms,
  type ComparedModel,
  type GroupsAnova,
  type ModelRow,
  type TermRow,
} from "./linear/selection/anova.js";
export { crossValidateGroups, type GroupsCrossValidation } from "./linear/selection/cross-validate-groups.js";
export { type Importance, importanceOf, type TermImportance } from "./linear/selection/importance.js";
export { type RefitOptions, refit } from "./linear/selection/refit.js";
export type { NamedModel } from "./linear/shards/compatible.js";
export { type Forgotten, forgetRows } from "./linear/shards/forget-rows.js";
export { type MergeOptions, mergeModels } from "./linear/shards/merge-models.js";
export type { ShardNumber } from "./linear/shards/numbered.js";
export type { CrossValidation, FoldError } from "./linear/solve/cross-validation.js";
export type { SolverChoice } from "./linear/solve/ladder.js";
export type { Regression } from "./linear/solve/regression.js";
export type { AbsorbedEffects, Method } from "./linear/solve/solution.js";
export type { AuxiliaryTest } from "./prediction/auxiliary-tests.js";
export { type Diagnosis, diagnoseCsv, type NamedRow } from "./prediction/diagnose-csv.js";
export type { NamedGroupRow } from "./prediction/diagnose-groups-csv.js";
export {
  diagnoseGroupCsv,
  diagnoseGroupsCsv,
  type GroupDiagnosis,
  type GroupsDiagnosis,
} from "./prediction/diagnose-groups-csv.js";
export type { DiagnoseCsvOptions } from "./prediction/diagnosed-rows.js";
export { type CsvEvaluation, type EvaluateCsvOptions, evaluateCsv } from "./prediction/evaluate-csv.js";
export type { RowDiagnosis, StandingOut } from "./prediction/influential-rows.js";
export type { PlotSums } from "./prediction/plot-rows.js";
export type { PlottedTerm } from "./prediction/plotted-terms.js";
export { predictConcurrent } from "./prediction/predict-concurrent.js";
export { type CsvPrediction, type PredictCsvOptions, predictCsv } from "./prediction/predict-csv.js";
export {
  type EnginePrediction,
  type PredictInEngineOptions,
  predictInEngine,
} from "./prediction/predict-in-engine.js";
export type { MachineName } from "./prediction/predict-on-machine.js";
export type {
  CrossProducts,
  CrossProductsJson,
  ExtendedMomentsJson,
  MomentsJson,
} from "./stats/cross-products.js";
export type { DoubleDouble } from "./stats/double-double.js";
export { ExtendedMoments } from "./stats/extended-moments.js";
export type { FitMetrics, PredictionMetrics } from "./stats/metrics.js";
export { Moments } from "./stats/moments.js";
export type { JarqueBera, ResidualQuantiles } from "./stats/residual-tests.js";
export type { SparseMomentsJson } from "./stats/sparse-schema.js";
export type { ConformalOptions } from "./training/calibrate.js";
export type { CvKind } from "./training/cv-kind.js";
export { type FitOptions, fit } from "./training/fit.js";
export { fitCsv } from "./training/fit-csv.js";
export { type CsvGroupFit, type FitGroupsCsvOptions, fitGroupsCsv } from "./training/fit-groups-csv.js";
export type { FitCsvOptions } from "./training/fit-options.js";
export { type FitSqlResultOptions, fitSqlResult } from "./training/fit-sql-result.js";
export type { CsvFit, CvDetails } from "./training/fit-target.js";
export { type CsvTargetsFit, fitTargetsCsv } from "./training/fit-targets-csv.js";
export { type Descent, type DescentOptions, descend } from "./training/gradient-descent.js";
export { type CsvMeat, type MeatCsvOptions, meatCsv } from "./training/meat-csv.js";
export type { ShardMeat } from "./training/meat-document.js";
export { mergeMeats, type NamedMeat } from "./training/merge-meats.js";
export { type PrintedSql, printSql } from "./training/print-sql.js";
export type { FitTiming } from "./training/stopwatch.js";
export { type CsvUpdate, type UpdateCsvOptions, updateCsv } from "./training/update-csv.js";
export type { WindowOptions } from "./training/window-options.js";
export type { WindowFit } from "./training/windows.js";
export { version } from "./version.js";
export type { Wording } from "./wording.js";
