import { readingToKeep } from "../csv/kept-reading.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { targetKey } from "../dataset/formula/column-key.js";
import { fittedTarget, rawSlots, structuralSpec } from "../dataset/formula/spec.js";
import { ofTarget, type Target, targetsOf } from "../dataset/formula/targets.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { ModelError } from "../errors.js";
import { type ConformalMethod, calibrationNotes } from "../linear/conformal/conformal.js";
import type { Coverage } from "../linear/conformal/coverage.js";
import { clusterNotes } from "../linear/covariance/vcov.js";
import { instrumentNotes } from "../linear/model/instrument-tests-of.js";
import { LinearModel } from "../linear/model/model.js";
import type { ModelInstruments } from "../linear/model/model-instruments.js";
import type { ShardSet } from "../linear/model/model-parts.js";
import { perfectFitNotes } from "../linear/model/summary.js";
import { adaptiveFactors } from "../linear/penalty/adaptive.js";
import { checkNames } from "../linear/penalty/column-limits.js";
import { type CrossValidatedPath, pathNotes } from "../linear/penalty/cross-validated-path.js";
import { relaxationNotes } from "../linear/penalty/objective.js";
import type { PenaltyChoice } from "../linear/penalty/penalty.js";
import {
  crossValidateHeldOutWithSteps,
  crossValidateWithSteps,
  isChosen,
  type Penalty,
  penalizeSteps,
} from "../linear/penalty/penalty.js";
import { scanScore } from "../linear/scan-score.js";
import { type CrossValidation, cvOnScaleOf } from "../linear/solve/cross-validation.js";
import type { HeldOut } from "../linear/solve/held-out.js";
import type { Solution } from "../linear/solve/solution.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { RowLayout } from "../scan/row-layout.js";
import { layoutOf } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { keepColumns } from "../stats/block-layout.js";
import type { CrossProducts } from "../stats/cross-products.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { absorbingNotes } from "./absorbing.js";
import { calibrate, coverageOf } from "./calibrate.js";
import { vcovOfClusters } from "./cluster-moments.js";
import {
  crossValidateParted,
  crossValidateRepeatedly,
  drawFoldsAgain,
  foldsByColumn,
} from "./cross-validate-by.js";
import { crossValidateRows } from "./cross-validate-rows.js";
import type { CvKind } from "./cv-kind.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { ThetaEstimate } from "./fit-theta.js";
import { instrumentedVcovOf } from "./instrumented-vcov.js";
import { keptNotes } from "./keep-meat.js";
import { leaveOneOutByLeverage } from "./leave-one-out.js";
import type { MomentsPlan } from "./moments-job.js";
import { robustVcovOf, withoutCluster } from "./robust-vcov.js";
import { type cutShard, sourcesOfShard } from "./shard-rows.js";
import { repeatedNotes } from "./source-contents.js";
import type { FitTiming, Stopwatch } from "./stopwatch.js";
import type { VcovSpec } from "./vcov-request.js";
import { fitWindows, type WindowFit } from "./windows.js";

/** How rows were put into folds for a cross-validation that was asked for by its kind. */
export interface CvDetails {
  kind: CvKind;
  /** What the folds are called; of one kind they have no names, of another there are none. */
  names?: readonly string[] | undefined;
  /** The errors of each repetition. */
  repetitions?: readonly CrossValidation[] | undefined;
}

/** A model fitted on a CSV, and what happened on the way. */
export interface CsvFit {
  model: LinearModel;
  /** Rows in the file. */
  rows: number;
  /** Rows left out for missing cells, or because an expression of the formula has no value. */
  dropped: number;
  /** Rows left out by the condition on rows. */
  excluded: number;
  /** The error on the rows held out, if there were to be any. */
  test: PredictionMetrics | undefined;
  /** How often conformal intervals cover the rows held out, where there are both. */
  coverage?: Coverage | undefined;
  /** The out-of-fold error on the rows of the fit. */
  cv: CrossValidation | undefined;
  /** How rows were put into folds for it, where that was asked for. */
  cvBy?: CvDetails | undefined;
  /** The fits to windows of the rows, where they were asked for. */
  windows?: WindowFit[] | undefined;
  /** The path on which λ was chosen; its errors are weighted means, as glmnet's are. */
  path: CrossValidatedPath | undefined;
  /** Remarks: columns left out, a solver that stepped in. */
  notes: string[];
  timing: FitTiming;
}

/** The rows of a table, and how they are summed. */
interface ScannedRows {
  table: Table;
  layout: RowLayout;
  plan: MomentsPlan;
  control: ScanControl;
}

/** What is known of the fits of some targets when their rows have been summed and solved for. */
export interface ScannedTargets {
  sources: readonly Source[];
  rows: ScannedRows;
  firstRow: number;
  /** Which shard the rows are, where that is known. */
  set: Awaited<ReturnType<typeof cutShard>>["set"];
  numbered: readonly ShardSet[] | undefined;
  instruments: ModelInstruments | undefined;
  vcov: VcovSpec | undefined;
  penalty: PenaltyChoice | undefined;
  /** Whether each row is left out, and the rest fitted. */
  byEachRow: boolean;
  /** The most clusters that were to be summed up beside the rows. */
  mostClusters: number | undefined;
  found: ThetaEstimate;
  watch: Stopwatch;
}

/** The rows as one target by itself reads them: those in which all targets have a value. */
function rowsOf({ table, layout, plan, control }: ScannedRows, target: Target, options: FitCsvOptions) {
  const { spec } = plan;
  if (spec.targets === undefined) return { rows: { table, layout, plan, control }, others: [], complete: [] };
  const others = targetsOf(spec).filter((one) => targetKey(one) !== targetKey(target));
  const own = ofTarget(spec, target);
  const complete = others.map(fittedTarget);
  const slots = { ...rawSlots(own), weight: options.weights, foldBy: plan.foldBy, where: options.where };
  const read = layoutOf(table, { ...slots, finite: complete });
  return { rows: { table, layout: read, plan: { ...plan, spec: own }, control }, others, complete };
}

/** Makes the model of one target, number `t` of those of the scan, and what is asked for beside it. */
export async function fitTarget(scanned: ScannedTargets, t: number, options: FitCsvOptions): Promise<CsvFit> {
  const { sources, firstRow, set, numbered, vcov, byEachRow, mostClusters, found, watch } = scanned;
  const { total, moments, levels } = found;
  const { regression, solution } = found.targets[t]!;
  const { rows, others, complete } = rowsOf(scanned.rows, targetsOf(scanned.rows.plan.spec)[t]!, options);
  const { table, layout, plan, control } = rows;
  const { references = {}, signal, keepMeat, weightsKind, cv: kind } = options;
  const equation = structuralSpec(plan.spec);
  const instruments = scanned.instruments && { ...scanned.instruments, spec: plan.spec };
  const twice = plan.spec.absorbed !== undefined && plan.folds > 1;
  const besides = new Set(others.map(targetKey));
  /** Moments without the other targets. */
  const own = (all: CrossProducts) =>
    others.length === 0 ? all : keepColumns(all, (key) => !besides.has(key));
  const notes: string[] = [];
  let { penalty } = scanned;
  if (penalty !== undefined) checkNames(regression, penalty);
  if (penalty !== undefined && options.adaptive !== undefined)
    penalty = { ...penalty, factors: adaptiveFactors(moments, regression, solution, options.adaptive) };
  // Absorbed effects are cross-validated by rows: a model's folds would tell nothing.
  const folds = plan.folds > 1 && !twice ? total.folds : [];
  const parted =
    kind !== undefined && "column" in kind
      ? await watch.scan(() => foldsByColumn(rows, kind, own(moments), options.folds))
      : undefined;
  const along = penalty !== undefined && isChosen(penalty);
  const otherDraws =
    along && kind?.kind === "repeated"
      ? await watch.scan(() => drawFoldsAgain(rows, own(moments), kind.times))
      : undefined;
  const penalize = (held: readonly HeldOut[] | undefined) =>
    watch.solve(() =>
      penalty === undefined
        ? undefined
        : withPauses(
            penalizeSteps(moments, parted?.folds ?? folds, regression, solution, penalty, held, {
              forward: kind?.kind === "time",
              again: otherDraws,
            }),
            control,
          ),
    );
  const ofParts = (fitted: Solution, chosen: Penalty | undefined, heldOut?: readonly HeldOut[]) => ({
    spec: equation,
    instruments,
    levels,
    references,
    targets: others,
    solver: found.solver,
    solution: fitted,
    penalty: chosen,
    moments,
    folds,
    heldOut,
  });
  let byRows: Awaited<ReturnType<typeof crossValidateRows>> | undefined;
  const crossValidated = (model: LinearModel) =>
    watch.scan(() => crossValidateRows(table, layout, model, total.folds.map(own), plan, control));
  // What a path is cross-validated from is known without its λs.
  if (twice && along) byRows = await crossValidated(LinearModel.of(ofParts(solution, undefined)));
  const penalized = await penalize(byRows?.heldOut);
  if (penalized?.path !== undefined) notes.push(...pathNotes(penalized.path));
  const undefinedRows = undefinedCount(total.undefinedRows);
  const scan = {
    rows: total.rows + total.excluded,
    firstRow,
    ...(plan.foldBy === undefined ? {} : { foldBy: plan.foldBy }),
    testSize: plan.testSize > 0 ? plan.testSize : undefined,
    dropped: total.dropped,
    ...(undefinedRows > 0 ? { undefinedRows } : {}),
    ...(total.excluded > 0 ? { excluded: total.excluded } : {}),
    ...(total.singletons > 0 ? { singletons: total.singletons } : {}),
    seed: plan.seed,
    test: null,
  };
  const best = penalized?.solution ?? solution;
  if (twice && !along) byRows = await crossValidated(LinearModel.of(ofParts(best, penalized?.penalty)));
  let model = LinearModel.of({
    ...ofParts(best, penalized?.penalty, byRows?.heldOut),
    weightsColumn: options.weights,
    weightsKind,
    ...(await sourcesOfShard(sources, plan, options)),
    shards: set === undefined ? numbered : [set(scan.rows)],
    reading: readingToKeep(options),
    scan,
  });
  notes.push(
    ...absorbingNotes(model),
    ...(await repeatedNotes(sources)),
    ...perfectFitNotes(model),
    ...relaxationNotes(model),
  );
  if (total.clusters !== undefined && total.clusters.cells.count <= mostClusters!) {
    if (total.unclustered >= 0) throw await withoutCluster(table, total.unclustered, vcov!.clusters);
    model = vcovOfClusters(model, vcov!, total.clusters);
    notes.push(...clusterNotes(model.vcov));
  } else if (vcov !== undefined) {
    const request = { ...plan, ...vcov, keepMeat };
    const estimated = instruments === undefined ? robustVcovOf : instrumentedVcovOf;
    model = await watch.scan(() => estimated(table, layout, model, request, control));
    const times = vcov.type === "hc5" ? "twice more" : "a second time";
    notes.push(`the data were read ${times} for the ${vcov.type} covariance`, ...clusterNotes(model.vcov));
    notes.push(...keptNotes(model.keptMeat, keepMeat));
  }
  notes.push(...instrumentNotes(model));
  const repeated =
    kind?.kind === "repeated"
      ? await watch.scan(() => crossValidateRepeatedly(rows, model, folds, kind.times, otherDraws))
      : undefined;
  const crossValidate = async () => {
    if (repeated !== undefined) return repeated.cv;
    if (parted !== undefined)
      return watch.solve(() => crossValidateParted(kind!.kind, parted, regression, model.penalty, control));
    if (kind?.kind === "loo" && !byEachRow)
      return watch.scan(() => leaveOneOutByLeverage(table, layout, model, plan, control));
    if (byRows !== undefined && !along) return byRows.cv;
    const { penalty } = model;
    if (byRows !== undefined) {
      const { heldOut } = byRows;
      return watch.solve(() =>
        withPauses(crossValidateHeldOutWithSteps(heldOut, regression, penalty), control),
      );
    }
    if (folds.filter((fold) => fold.n > 0).length < 2) return undefined;
    return watch.solve(() => withPauses(crossValidateWithSteps(folds, regression, penalty), control));
  };
  const cv = await crossValidate();
  if (kind !== undefined && cv !== undefined) refuseUnpredicted(cv, model, kind);
  const heldOut = options.testSize ?? 0;
  let coverage: Coverage | undefined;
  if (options.conformal !== undefined) {
    const read = { table, layout, model, split: plan, heldOut, control };
    model = await watch.scan(() => calibrate(read, options, { all: folds, cv }));
    notes.push(...calibrationNotes(model.conformal!, options.level ?? 0.95, heldOut));
    if ((options.shard ?? options.shardId) !== undefined) notes.push(calibratedByShard(options.conformal));
    if (heldOut > 0) coverage = await watch.scan(() => coverageOf({ ...read, model }, options.level ?? 0.95));
  }
  let test: PredictionMetrics | undefined;
  if (heldOut > 0) {
    const held = { ...plan, testSize: heldOut };
    const score = { predictor: model.predictorPlan(true), unseen: "na" as const, held };
    // Predictions do not read the instruments.
    const scored = {
      ...rawSlots(equation),
      weight: options.weights,
      foldBy: plan.foldBy,
      where: options.where,
      finite: complete,
    };
    const { errors, outside } = await watch.scan(() =>
      scanScore(table, layoutOf(table, scored), score, control),
    );
    notes.push(...outside.notes());
    test = errors.metrics(model.parameters, weightsKind);
    model = model.withScan({ ...scan, test });
  }
  const { window } = options;
  const windows =
    window === undefined
      ? undefined
      : await watch.scan(() => fitWindows({ table, layout, model, split: plan, signal }, window));
  const { dropped, excluded } = total;
  return {
    model,
    rows: total.rows + excluded,
    dropped,
    excluded,
    test,
    ...(coverage === undefined ? {} : { coverage }),
    ...(windows === undefined ? {} : { windows }),
    cv: cv && cvOnScaleOf(cv, model.errorScale),
    ...(kind === undefined
      ? {}
      : {
          cvBy: {
            kind,
            names: parted?.names,
            repetitions: repeated?.repetitions.map((one) => cvOnScaleOf(one, model.errorScale)),
          },
        }),
    path: penalized?.path,
    notes,
    timing: watch.timing(),
  };
}

/** Throws ModelError where no fold can be predicted from the others. */
function refuseUnpredicted({ folds, leftOut }: CrossValidation, { terms }: LinearModel, kind: CvKind): void {
  if (folds.length === 0 || leftOut < folds.length) return;
  const needed = [...new Set(folds.flatMap(({ needs }) => needs))].sort((a, b) => a - b);
  const names = needed.slice(0, 5).map((j) => terms[j]!);
  const more = needed.length > names.length ? ` and ${needed.length - names.length} more` : "";
  throw new ModelError(
    `no fold can be predicted from the others: all need what these cannot estimate (${names.join(", ")}${more})`,
    {
      hint:
        "column" in kind
          ? `leave out the terms that tell the rows of one ${kind.column} from others`
          : "leave such terms out, or take fewer folds",
    },
  );
}

/** What becomes of intervals that are calibrated on a shard. */
function calibratedByShard(conformal: ConformalMethod): string {
  const rows = conformal === "split" ? ", and the rows that are set aside are missing there" : "";
  return `the conformal intervals are calibrated by rows of this shard alone: a merged model has none${rows}`;
}
