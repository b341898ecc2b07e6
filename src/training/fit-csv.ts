import { setImmediate as nextTick } from "node:timers/promises";
import { readingToKeep } from "../csv/kept-reading.js";
import { scatteredRows } from "../csv/scattered-rows.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { type ModelSpec, rawSlots, structuralSpec } from "../dataset/formula/spec.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { InterruptedError, UsageError } from "../errors.js";
import { type ConformalMethod, calibrationNotes } from "../linear/conformal/conformal.js";
import type { Coverage } from "../linear/conformal/coverage.js";
import { clusterNotes } from "../linear/covariance/vcov.js";
import { instrumentNotes } from "../linear/model/instrument-tests-of.js";
import { LinearModel } from "../linear/model/model.js";
import { perfectFitNotes } from "../linear/model/summary.js";
import { adaptiveFactors } from "../linear/penalty/adaptive.js";
import { checkNames } from "../linear/penalty/column-limits.js";
import { type CrossValidatedPath, pathNotes } from "../linear/penalty/cross-validated-path.js";
import { relaxationNotes } from "../linear/penalty/objective.js";
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
import { extendedIsFree } from "../linear/solve/ladder.js";
import type { Solution } from "../linear/solve/solution.js";
import { withPauses } from "../parallel/with-pauses.js";
import { layoutOf, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { type OptionMark, option, wording } from "../wording.js";
import { absorbingNotes, checkAbsorbing } from "./absorbing.js";
import { checkBudget, checkColumns } from "./budget.js";
import { calibrate, calibrationShare, checkConformalColumn, coverageOf } from "./calibrate.js";
import { checkNamedColumns } from "./choose-columns.js";
import { clustersInOnePass, vcovOfClusters } from "./cluster-moments.js";
import { completeKinds } from "./complete-kinds.js";
import {
  checkCvColumn,
  crossValidateParted,
  crossValidateRepeatedly,
  drawFoldsAgain,
  foldsByColumn,
} from "./cross-validate-by.js";
import { crossValidateRows } from "./cross-validate-rows.js";
import { type CvKind, checkCvKind, checkCvOfAbsorbed } from "./cv-kind.js";
import { chooseWithData } from "./data-bases.js";
import { chosenFolds, chunkBytesFor, denseWidth, designWidth, foldsFor, levelNotes } from "./design-width.js";
import type { FitCsvOptions } from "./fit-options.js";
import { fitTheta } from "./fit-theta.js";
import { foldKey } from "./fold-key.js";
import { type Engine, engineOf, withoutKeyNotes } from "./in-engine.js";
import { instrumentedVcovOf } from "./instrumented-vcov.js";
import { instrumentsFor } from "./instruments-for.js";
import { checkKeepMeat, keptNotes } from "./keep-meat.js";
import { keepStream } from "./keep-stream.js";
import { leaveOneOutByLeverage } from "./leave-one-out.js";
import type { MomentsPlan } from "./moments-job.js";
import { penaltyChoice } from "./penalty-choice.js";
import { robustVcovOf, withoutCluster } from "./robust-vcov.js";
import { cutShard, numberedShards, sourcesOfShard } from "./shard-rows.js";
import { keepContents, repeatedNotes } from "./source-contents.js";
import { type FitTiming, Stopwatch } from "./stopwatch.js";
import { undefinedNotes } from "./undefined-notes.js";
import { type VcovOptions, vcovSpecOf } from "./vcov-request.js";
import { checkWeightsKind } from "./weights-kind.js";
import { checkWindow, fitWindows, type WindowFit } from "./windows.js";

/** A file from which on a command that is not told how many threads to start starts some, at up to 50 columns. */
const THREADS_PAY_BYTES = 64 << 20;
const THREADS_PAY_WIDTH = 50;

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

/**
 * Fits a linear model to a CSV file, or to standard input (`-`), in one pass: y = Xθ over the complete rows. Several
 * files are one table: their columns are the same by name, and their rows are numbered through.
 *
 * @throws DataError for a file that cannot be read or has a bad cell; UsageError for a column that is not there;
 * ModelError where nothing can be solved
 *
 * @example
 * ```js
 * import { fitCsv } from "goml";
 *
 * const { model, test } = await fitCsv("data/boston.csv", { target: "medv", testSize: 0.2, seed: 1 });
 * console.log(model.summary().fit.r2.toFixed(4), test.rmse.toFixed(5)); // 0.7366 3.80626
 * ```
 */
export async function fitCsv(data: string | readonly string[], options: FitCsvOptions = {}): Promise<CsvFit> {
  return withSources(data, options.signal, (sources) => fitSources(sources, options));
}

/**
 * The same of sources that are open.
 *
 * @param given what sums up the rows in the place of a scan; by default the database that the options ask for
 */
export async function fitSources(
  sources: readonly Source[],
  options: FitCsvOptions,
  given?: Engine,
): Promise<CsvFit> {
  const watch = new Stopwatch();
  const kind = options.cv;
  if (kind !== undefined) checkCvKind(kind, options);
  const numbered = numberedShards(options);
  // The whole is not read for a part of it.
  if (options.shard === undefined) keepContents(sources);
  const session = given ?? engineOf(sources, options);
  const complete =
    session === undefined
      ? await completeKinds(await readTables(sources, options), usedBy(options), options)
      : { table: await session.table(options), notes: [] };
  checkNamedColumns(complete.table, options, namesOf(complete.table));
  const spared = sparedByFormula(options.formula);
  if (spared !== undefined && options.features === undefined)
    checkColumns(complete.table, leftOutCount(options) + spared, hasIntercept(options));
  const sampled = { ...complete.table, scattered: scatteredRows(complete.table) };
  const {
    spec,
    notes,
    table: read,
  } = session?.spec === undefined
    ? await chooseWithData(
        {
          sampled,
          table: complete.table,
          sources,
          file: namesOf(complete.table),
          inEngine: session !== undefined,
        },
        options,
      )
    : { spec: session.spec, notes: [], table: complete.table };
  const all = withTarget(read, spec);
  notes.unshift(...all.notes, ...(all.columnNotes ?? []), ...complete.notes);
  const { references = {}, solver = "auto", signal, onProgress, callerWorks } = options;
  const { keepMeat, weightsKind } = options;
  checkWeightsKind(options, spec);
  const vcov = vcovSpecOf(all, withoutLagColumns(withImpliedVcov(options), spec));
  checkKeepMeat(keepMeat, vcov);
  let penalty = penaltyChoice(options);
  // A formula may have them too.
  const absorbs = spec.absorbed !== undefined;
  if (kind !== undefined) {
    if (absorbs) checkCvOfAbsorbed(kind);
    checkCvColumn(kind, all);
  }
  checkConformalColumn(options, all);
  if (options.window !== undefined)
    checkWindow(options.window, all, { ...options, absorbs, bounded: penalty !== undefined });
  const aside = calibrationShare({ ...options, absorbs }, penalty);
  checkAbsorbing(spec, options);
  const instruments = instrumentsFor(spec, options, vcov?.type);
  const equation = structuralSpec(spec);
  if (instruments !== undefined && (kind ?? options.conformal ?? options.window) !== undefined)
    throw new UsageError(
      wording`${option("cv")}, ${option("conformal")} and ${option("window")} are of least squares, and the model has instruments`,
    );
  const width = designWidth(spec, all);
  const small = session === undefined && all.whole && extendedIsFree(all.sample.length, width);
  const keyed = session === undefined || options.foldBy !== undefined;
  if (!keyed) notes.push(...withoutKeyNotes(options, penalty));
  const plan: MomentsPlan = {
    spec,
    extended: solver === "extended" || (solver === "auto" && small),
    // What is set aside to calibrate by is held out of the fit as well.
    testSize: (options.testSize ?? 0) + aside,
    folds:
      !keyed || instruments !== undefined
        ? 1
        : (chosenFolds(kind?.kind === "repeated" ? kind.folds : options.folds) ??
          (spec.absorbed === undefined || (penalty !== undefined && isChosen(penalty))
            ? foldsFor(width)
            : 1)),
    seed: options.seed ?? 1,
    firstRow: options.firstRow ?? 0,
    foldBy: foldKey(all, options.foldBy),
    frequencies: weightsKind === "frequency",
  };
  const { table, firstRow, set, notes: cutNotes } = await cutShard(all, sources, plan, options);
  notes.push(...cutNotes);
  checkBudget({ table, spec, plan, threads: options.threads, fileBytes: options.fileBytes });
  // Of a million columns each part takes long.
  await nextTick();
  if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
  notes.push(...levelNotes(spec, table));
  // A stream can be read again only if it is kept: for rows held out, a robust covariance, a solver that wants all
  // rows at once, and where double turns out not to be enough.
  const onePass = solver === "normal" || solver === "extended" || (solver === "auto" && plan.extended);
  const twice = spec.absorbed !== undefined && plan.folds > 1;
  const again =
    !onePass ||
    twice ||
    options.dropSingletons === true ||
    options.leaveOneOut === true ||
    kind !== undefined ||
    options.conformal !== undefined ||
    options.window !== undefined ||
    plan.testSize > 0 ||
    vcov !== undefined ||
    options.na === "fail";
  if (again && session === undefined)
    for (const source of sources) if (!source.repeatable) await keepStream(source, onProgress);

  const chunkBytes = chunkBytesFor(width, plan.folds);
  // On two cores a second thread has paid for its start from about 64 MB on, where this one works too; sooner where it computes
  // much for each byte.
  const paying = THREADS_PAY_BYTES / Math.max(1, denseWidth(spec) / THREADS_PAY_WIDTH);
  const inlineBytes = callerWorks && options.threads === undefined ? paying : undefined;
  const control: ScanControl = {
    threads: options.threads,
    callerWorks,
    inlineBytes,
    signal,
    onProgress,
    chunkBytes,
  };
  const layout = layoutOf(table, {
    ...rawSlots(spec),
    weight: options.weights,
    foldBy: plan.foldBy,
    where: options.where,
  });
  const engine = await session?.scan({ table, plan, where: layout.where }, options);
  const inOnePass =
    instruments !== undefined ||
    vcov?.clusters.length !== 1 ||
    vcov.time !== undefined ||
    penalty !== undefined
      ? undefined
      : clustersInOnePass(table, vcov.clusters[0]!, plan, options.weights !== undefined);
  const estimate = () =>
    inOnePass === undefined
      ? fitTheta({ table, layout, plan, control, engine, instruments }, options, watch)
      : fitTheta(
          {
            table,
            layout: withClusters(layout, table, vcov!.clusters),
            plan: { ...plan, clusters: inOnePass.most },
            control: { ...control, chunkBytes: Math.max(chunkBytes, inOnePass.chunkBytes) },
          },
          options,
          watch,
        );
  let found = await estimate();
  // Rows of one key stay together.
  const alone = options.leaveOneOut === true && plan.foldBy === undefined && !plan.frequencies;
  // A penalty has no leverages: each row is left out, and the rest fitted.
  const each = kind?.kind === "loo" && penalty !== undefined;
  if (each || (alone && found.moments.n > 1 && found.moments.n <= plan.folds)) {
    plan.leaveOneOut = true;
    plan.folds = found.total.rows + found.total.excluded;
    checkBudget({ table, spec, plan, threads: options.threads, fileBytes: options.fileBytes });
    // Of a million columns each part takes long.
    await nextTick();
    if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
    found = await estimate();
  }
  notes.push(...found.notes, ...(await undefinedNotes(table, found.total.undefinedRows)));
  const { total, moments, levels, regression } = found;
  if (penalty !== undefined) checkNames(regression, penalty);
  if (penalty !== undefined && options.adaptive !== undefined)
    penalty = { ...penalty, factors: adaptiveFactors(moments, regression, found.solution, options.adaptive) };
  // Absorbed effects are cross-validated by rows: a model's folds would tell nothing.
  const folds = plan.folds > 1 && !twice ? total.folds : [];
  const scanned = { table, layout, plan, control };
  const parted =
    kind !== undefined && "column" in kind
      ? await watch.scan(() => foldsByColumn(scanned, kind, moments, options.folds))
      : undefined;
  const along = penalty !== undefined && isChosen(penalty);
  const otherDraws =
    along && kind?.kind === "repeated"
      ? await watch.scan(() => drawFoldsAgain(scanned, moments, kind.times))
      : undefined;
  const penalize = (held: readonly HeldOut[] | undefined) =>
    watch.solve(() =>
      penalty === undefined
        ? undefined
        : withPauses(
            penalizeSteps(moments, parted?.folds ?? folds, regression, found.solution, penalty, held, {
              forward: kind?.kind === "time",
              again: otherDraws,
            }),
            control,
          ),
    );
  const ofParts = (solution: Solution, chosen: Penalty | undefined, heldOut?: readonly HeldOut[]) => ({
    spec: equation,
    instruments,
    levels,
    references,
    solver: found.solver,
    solution,
    penalty: chosen,
    moments,
    folds,
    heldOut,
  });
  let byRows: Awaited<ReturnType<typeof crossValidateRows>> | undefined;
  const crossValidated = (model: LinearModel) =>
    watch.scan(() => crossValidateRows(table, layout, model, total.folds, plan, control));
  // What a path is cross-validated from is known without its λs.
  if (twice && along) byRows = await crossValidated(LinearModel.of(ofParts(found.solution, undefined)));
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
  const solution = penalized?.solution ?? found.solution;
  if (twice && !along) byRows = await crossValidated(LinearModel.of(ofParts(solution, penalized?.penalty)));
  let model = LinearModel.of({
    ...ofParts(solution, penalized?.penalty, byRows?.heldOut),
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
  if (total.clusters !== undefined && total.clusters.cells.count <= inOnePass!.most) {
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
      ? await watch.scan(() => crossValidateRepeatedly(scanned, model, folds, kind.times, otherDraws))
      : undefined;
  const crossValidate = async () => {
    if (repeated !== undefined) return repeated.cv;
    if (parted !== undefined)
      return watch.solve(() => crossValidateParted(kind!.kind, parted, regression, model.penalty, control));
    if (kind?.kind === "loo" && !each)
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
  const heldOut = options.testSize ?? 0;
  let coverage: Coverage | undefined;
  if (options.conformal !== undefined) {
    const rows = { table, layout, model, split: plan, heldOut, control };
    model = await watch.scan(() => calibrate(rows, options, { all: folds, cv }));
    notes.push(...calibrationNotes(model.conformal!, options.level ?? 0.95, heldOut));
    if ((options.shard ?? options.shardId) !== undefined) notes.push(calibratedByShard(options.conformal));
    if (heldOut > 0) coverage = await watch.scan(() => coverageOf({ ...rows, model }, options.level ?? 0.95));
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
  const rows = total.rows + excluded;
  return {
    model,
    rows,
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

/**
 * The options with the covariance that the others imply where none is asked for: probability weights and kept sums of rows have
 * robust errors, and two-step GMM is made for them.
 *
 * @throws UsageError where the classical one is asked for by name
 */
function withImpliedVcov(options: FitCsvOptions): FitCsvOptions {
  const { vcov, keepMeat = "none", weightsKind, lambda, iv } = options;
  if (vcov !== undefined && vcov !== "iid") return options;
  const implied = (type: "hc0" | "hc1", what: OptionMark, why: string) => {
    if (vcov === "iid")
      throw new UsageError(wording`${option("vcov", "iid")} does not go with ${what}: ${why}`, {
        hint: wording`leave ${option("vcov")} out, which is ${type} then`,
      });
    return { ...options, vcov: type };
  };
  if (lambda === undefined && weightsKind === "probability")
    return implied(
      "hc1",
      option("weightsKind", weightsKind),
      "rows that were drawn with unequal probabilities have no classical errors",
    );
  if (lambda === undefined && keepMeat !== "none")
    return implied("hc1", option("keepMeat", keepMeat), "it keeps what robust errors are made of");
  if (iv === "gmm")
    return implied(
      "hc0",
      option("iv", iv),
      "its weights are those of robust errors, and under iid it is 2sls",
    );
  return options;
}

/** What becomes of intervals that are calibrated on a shard. */
function calibratedByShard(conformal: ConformalMethod): string {
  const rows = conformal === "split" ? ", and the rows that are set aside are missing there" : "";
  return `the conformal intervals are calibrated by rows of this shard alone: a merged model has none${rows}`;
}

/** The options of a covariance without the columns of time and units, where they are those of lags and it has no use for them. */
function withoutLagColumns<Options extends VcovOptions>(options: Options, { lags }: ModelSpec): Options {
  const { vcov = "iid" } = options;
  if (lags === undefined || vcov === "hac") return options;
  return { ...options, unit: undefined, ...(vcov === "dk" ? {} : { time: undefined }) };
}

/** How many columns at most the options keep from being features. */
export function leftOutCount({
  exclude = [],
  absorb = [],
  weights,
  cluster,
  time,
  unit,
  id,
  foldBy,
}: FitCsvOptions): number {
  return (
    exclude.length +
    absorb.length +
    (typeof cluster === "string" ? 1 : (cluster?.length ?? 0)) +
    [weights, time, unit, id, foldBy].filter((name) => name !== undefined).length
  );
}

/**
 * As many columns as a formula leaves out of those that `.` stands for; 0 without one, undefined where it need not have all
 * others as terms.
 */
function sparedByFormula(formula: string | undefined): number | undefined {
  if (formula === undefined) return 0;
  const right = /^[^~]*~((?:[\w\s.+-])*)$/.exec(formula)?.[1];
  if (right === undefined || !/(?:^|\+)\s*\.\s*(?=$|[+-])/.test(right) || /-\s*\.\s*(?=$|[+-])/.test(right))
    return undefined;
  // An intercept that is left out is counted as a column, and what stands left of the ~ twice: fewer are refused then.
  return 2 + right.split("-").length;
}

/** Whether a fit of plain columns has an intercept: the effects that it absorbs are one. */
export function hasIntercept({
  intercept = true,
  absorb = [],
}: Pick<FitCsvOptions, "intercept" | "absorb">): boolean {
  return intercept && absorb.length === 0;
}

/** Whether a column may be used, by what the options name; a formula may name any. */
export function usedBy(options: FitCsvOptions): (name: string) => boolean {
  const { formula, target, weights } = options;
  const exclude = new Set(options.exclude);
  const features = options.features && new Set(options.features);
  return (name) => {
    if (name === target || name === weights) return true;
    if (exclude.has(name)) return false;
    return features === undefined || formula !== undefined || features.has(name);
  };
}

/** The table with the column that it is read for, where that is one. */
export function withTarget(table: Table, { target, lags }: ModelSpec): Table {
  const { expression } = target;
  const lagged = "column" in expression && lags?.columns.some(({ name }) => name === expression.column);
  return "column" in target.expression && !lagged ? { ...table, target: target.expression.column } : table;
}
