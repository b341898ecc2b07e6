import { setImmediate as nextTick } from "node:timers/promises";
import { scatteredRows } from "../csv/scattered-rows.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { type ModelSpec, rawSlots } from "../dataset/formula/spec.js";
import { targetsOf } from "../dataset/formula/targets.js";
import { InterruptedError, UsageError } from "../errors.js";
import { isChosen } from "../linear/penalty/penalty.js";
import { extendedIsFree } from "../linear/solve/ladder.js";
import { layoutOf, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { THREADS_PAY_BYTES } from "../scan/thread-limits.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import { type OptionMark, option, wording } from "../wording.js";
import { checkAbsorbing } from "./absorbing.js";
import { checkBudget, checkColumns } from "./budget.js";
import { calibrationShare, checkConformalColumn } from "./calibrate.js";
import { checkNamedColumns } from "./choose-columns.js";
import { clustersInOnePass } from "./cluster-moments.js";
import { completeKinds } from "./complete-kinds.js";
import { checkCvColumn } from "./cross-validate-by.js";
import { checkCvKind, checkCvOfAbsorbed } from "./cv-kind.js";
import { chooseWithData } from "./data-bases.js";
import { chosenFolds, chunkBytesFor, denseWidth, designWidth, foldsFor, levelNotes } from "./design-width.js";
import type { FitCsvOptions } from "./fit-options.js";
import { type CsvFit, fitTarget, type ScannedTargets } from "./fit-target.js";
import { fitTheta } from "./fit-theta.js";
import { foldKey } from "./fold-key.js";
import { type Engine, engineOf, withoutKeyNotes } from "./in-engine.js";
import { instrumentsFor } from "./instruments-for.js";
import { checkKeepMeat } from "./keep-meat.js";
import { keepStream } from "./keep-stream.js";
import type { MomentsPlan } from "./moments-job.js";
import { penaltyChoice } from "./penalty-choice.js";
import { cutShard, numberedShards } from "./shard-rows.js";
import { keepContents } from "./source-contents.js";
import { Stopwatch } from "./stopwatch.js";
import { undefinedNotes } from "./undefined-notes.js";
import { type VcovOptions, vcovSpecOf } from "./vcov-request.js";
import { checkWeightsKind } from "./weights-kind.js";
import { checkWindow } from "./windows.js";

/** The columns up to which it is files of THREADS_PAY_BYTES; of wider ones smaller files. */
const THREADS_PAY_WIDTH = 50;

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
  const { fits } = await fitTargetsOf(sources, options, { given, several: false });
  return fits[0]!;
}

/**
 * The same for each of several targets, where the options ask for them: the rows are summed once for all.
 *
 * @param several whether there may be more than one
 */
export async function fitTargetsOf(
  sources: readonly Source[],
  options: FitCsvOptions,
  { given, several }: { given?: Engine | undefined; several: boolean },
): Promise<{ fits: CsvFit[]; notes: string[] }> {
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
  checkTargets(spec, options, several);
  const all = withTarget(read, spec);
  notes.unshift(...all.notes, ...(all.columnNotes ?? []), ...complete.notes);
  const { solver = "auto", signal, onProgress, callerWorks } = options;
  const { keepMeat, weightsKind } = options;
  checkWeightsKind(options, spec);
  const vcov = vcovSpecOf(all, withoutLagColumns(withImpliedVcov(options), spec));
  checkKeepMeat(keepMeat, vcov);
  const penalty = penaltyChoice(options);
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
  notes.push(...lackingNotes(found.total.lackingTargets));
  const scanned: ScannedTargets = {
    sources,
    rows: { table, layout, plan, control },
    firstRow,
    set,
    numbered,
    instruments,
    vcov,
    penalty,
    byEachRow: each,
    mostClusters: inOnePass?.most,
    found,
    watch,
  };
  const fits: CsvFit[] = [];
  for (const t of targetsOf(spec).keys()) {
    const fit = await fitTarget(scanned, t, options);
    fits.push({ ...fit, notes: [...notes, ...fit.notes] });
  }
  return { fits, notes };
}

/**
 * Refuses several targets where one is fitted, and what does not go with several.
 *
 * @throws UsageError that says what
 */
function checkTargets(spec: ModelSpec, options: FitCsvOptions, several: boolean): void {
  if (spec.targets === undefined) return;
  const names = targetsOf(spec)
    .map(({ label }) => label)
    .join(", ");
  if (!several)
    throw new UsageError(`${names} are several targets, and one is fitted here`, {
      hint: "name one of them",
    });
  const { solver, window } = options;
  if (solver === "qr" || solver === "gd")
    throw new UsageError(
      wording`${option("solver", solver)} has one target, and ${names} are several: they are solved from moments`,
      { hint: wording`leave ${option("solver")} out` },
    );
  if (window !== undefined)
    throw new UsageError(wording`${option("window")} has one target, and ${names} are several`, {
      hint: "name one of them",
    });
}

/** A remark on rows that one of several targets keeps from the fits of the others. */
function lackingNotes(rows: number): string[] {
  if (rows === 0) return [];
  return [
    `a row is complete where all targets are: ${rows} ${rows === 1 ? "row that lacks" : "rows that lack"} ` +
      "only some of them left out, which a fit of one of the others by itself would have",
  ];
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

/** The options of a covariance without the columns of time and units, where they are those of lags and it has no use for them. */
function withoutLagColumns<Options extends VcovOptions>(options: Options, { lags }: ModelSpec): Options {
  const { vcov = "iid" } = options;
  if (lags === undefined || vcov === "hac") return options;
  return { ...options, unit: undefined, ...(vcov === "dk" ? {} : { time: undefined }) };
}

/** How many columns at most the options keep from being features. */
export function leftOutCount({
  targets = [],
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
    Math.max(0, targets.length - 1) +
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
  const { formula, target, targets = [], weights } = options;
  const exclude = new Set(options.exclude);
  const features = options.features && new Set(options.features);
  return (name) => {
    if (name === target || name === weights || targets.includes(name)) return true;
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
