import { readingToKeep } from "../csv/kept-reading.js";
import { scatteredRows } from "../csv/scattered-rows.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { codedTerms } from "../dataset/formula/coding.js";
import { rawSlots } from "../dataset/formula/spec.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { ModelError, UsageError } from "../errors.js";
import { inOrder, ModelGroup, modelsByGroup } from "../linear/model/model-group.js";
import { type DataScan, regressionOf } from "../linear/model/model-parts.js";
import { checkNames } from "../linear/penalty/column-limits.js";
import { isChosen } from "../linear/penalty/penalty.js";
import { scanScore } from "../linear/scan-score.js";
import { refusal } from "../linear/shards/solve-group.js";
import { extendedIsFree } from "../linear/solve/ladder.js";
import { withPauses } from "../parallel/with-pauses.js";
import { layoutOf, type RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { option, wording } from "../wording.js";
import { checkAbsorbing, leftOutNotes, singleLevelsInGroups } from "./absorbing.js";
import { checkBudget, checkColumns } from "./budget.js";
import { checkRows } from "./check-rows.js";
import { checkNamedColumns, unknownColumn } from "./choose-columns.js";
import { completeKinds } from "./complete-kinds.js";
import { crossValidateGroups } from "./cross-validate-rows.js";
import { chooseWithData } from "./data-bases.js";
import {
  chosenFolds,
  chunkBytesFor,
  chunkBytesForGroups,
  designWidth,
  foldsForGroups,
  keepsRows,
  likelyGroups,
  plannedGroups,
  rowBytes,
} from "./design-width.js";
import { levelDoubts } from "./doubts.js";
import { hasIntercept, leftOutCount, usedBy, withTarget } from "./fit-csv.js";
import type { FitCsvOptions } from "./fit-options.js";
import { foldKey } from "./fold-key.js";
import type { GroupMoments } from "./group-moments.js";
import { engineOf, withoutKeyNotes } from "./in-engine.js";
import { refuseInstrumentsOfGroups } from "./instruments-for.js";
import { keepStream } from "./keep-stream.js";
import type { MomentsPlan } from "./moments-job.js";
import { penaltyChoice } from "./penalty-choice.js";
import { scanMoments } from "./scan-moments.js";
import { cutShard, numberedShards, sourcesOfShard } from "./shard-rows.js";
import { type GroupSolving, solveGroups, solveHeldOutSteps } from "./solve-groups.js";
import { keepContents, repeatedNotes } from "./source-contents.js";
import { undefinedNotes } from "./undefined-notes.js";

/** Options of `fitGroupsCsv`: those of `fitCsv`, but for what needs all rows of a group at once. */
export interface FitGroupsCsvOptions
  extends Omit<FitCsvOptions, "vcov" | "cluster" | "descent" | "solver" | "weightsKind" | "keepMeat"> {
  /** The column whose values name the groups. */
  groupBy: string;
  solver?: "auto" | "normal" | "extended" | undefined;
}

/** Models by group fitted on a CSV, and what happened on the way. */
export interface CsvGroupFit {
  models: ModelGroup;
  rows: number;
  /** Rows left out for missing cells, that of the group among them. */
  dropped: number;
  /** Rows left out by the condition on rows. */
  excluded: number;
  /** The error on the rows held out, each predicted by the model of its group. */
  test: PredictionMetrics | undefined;
  notes: string[];
  timing: { totalMs: number; scanMs: number; solveMs: number; threads: number };
}

/**
 * Fits one model per value of a column to a CSV file, or to standard input (`-`), in one pass. Groups that cannot be
 * fitted (too few rows, a constant target) are listed with the reason. Each thread keeps, for g groups of p columns
 * in k folds, at most g k (4 p² + 12 p + 40) bytes.
 *
 * @throws as `fitCsv`; ModelError where no group can be fitted
 * @example
 * ```js
 * import { fitGroupsCsv } from "goml";
 *
 * const { models } = await fitGroupsCsv("data/cps-wages.csv", {
 *   target: "wage",
 *   features: ["education"],
 *   groupBy: "gender",
 * });
 * for (const [gender, { coefficients }] of models.models) console.log(gender, coefficients[1].toFixed(4));
 * // female 0.8557
 * // male 0.6831
 * ```
 */
export async function fitGroupsCsv(
  data: string | readonly string[],
  options: FitGroupsCsvOptions,
): Promise<CsvGroupFit> {
  return withSources(data, options.signal, (sources) => fitSources(sources, options));
}

async function fitSources(sources: readonly Source[], options: FitGroupsCsvOptions): Promise<CsvGroupFit> {
  const started = performance.now();
  const numbered = numberedShards(options);
  // The whole is not read for a part of it.
  if (options.shard === undefined) keepContents(sources);
  const session = engineOf(sources, options);
  const complete =
    session === undefined
      ? await completeKinds(await readTables(sources, options), usedBy(options), options)
      : { table: await session.table(options), notes: [] };
  const file = namesOf(complete.table);
  const { groupBy, solver = "auto", signal, onProgress, callerWorks } = options;
  const group = complete.table.columns.findIndex(({ name }) => name === groupBy);
  if (group < 0)
    throw unknownColumn(
      groupBy,
      complete.table.columns.map(({ name }) => name),
      file,
    );
  const exclude = [...(options.exclude ?? []), groupBy];
  checkNamedColumns(complete.table, options, file);
  if (options.formula === undefined && options.features === undefined)
    checkColumns(complete.table, leftOutCount({ ...options, exclude }), hasIntercept(options));
  const sampled = { ...complete.table, scattered: scatteredRows(complete.table) };
  const {
    spec,
    notes,
    table: read,
  } = await chooseWithData(
    { sampled, table: complete.table, sources, file, inEngine: session !== undefined },
    { ...options, exclude },
  );
  if (spec.targets !== undefined)
    throw new UsageError("models by group have one target, and these are several", {
      hint: wording`train for each of them by itself, or leave ${option("groupBy")} out`,
    });
  const [mark] = [
    ...(options.time === undefined ? [] : [option("time", options.time)]),
    ...(options.unit === undefined ? [] : [option("unit", options.unit)]),
  ];
  if (spec.lags === undefined && mark !== undefined)
    throw new UsageError(wording`${mark} has no part in ${option("groupBy")} without lags`, {
      hint: "it says where lag(), lead() and diff() of a formula look for other rows",
    });
  const all = withTarget(read, spec);
  notes.unshift(...all.notes, ...(all.columnNotes ?? []), ...complete.notes);
  if ([...spec.numeric, ...spec.text].includes(groupBy))
    throw new UsageError(`${groupBy} names the groups and cannot be a term: it is constant in each of them`, {
      hint: wording`leave it out of the terms, or leave ${option("groupBy")} out`,
    });
  const width = designWidth(spec, all);
  const { sample } = all;
  const groupsSeen = new Set(sample.map((row) => row[group])).size;
  const likely = all.whole ? groupsSeen : likelyGroups(sample.length, groupsSeen);
  const ofRow = rowBytes({ sample });
  const penalty = penaltyChoice(options);
  if (options.adaptive !== undefined)
    throw new UsageError(
      wording`${option("adaptive")} is for one model: each group would have penalty factors of its own`,
    );
  checkAbsorbing(spec, options);
  refuseInstrumentsOfGroups(spec, options);
  const keyed = session === undefined || options.foldBy !== undefined;
  if (!keyed) notes.push(...withoutKeyNotes(options, penalty));
  const plan: MomentsPlan = {
    spec,
    extended:
      solver === "extended" ||
      (solver === "auto" && session === undefined && all.whole && extendedIsFree(all.sample.length, width)),
    testSize: options.testSize ?? 0,
    folds: !keyed
      ? 1
      : (chosenFolds(options.folds) ??
        (spec.absorbed === undefined || (penalty !== undefined && isChosen(penalty))
          ? foldsForGroups(width, likely)
          : 1)),
    seed: options.seed ?? 1,
    firstRow: options.firstRow ?? 0,
    foldBy: foldKey(all, options.foldBy),
  };
  const { table, firstRow, set, notes: cutNotes } = await cutShard(all, sources, plan, options);
  notes.push(...cutNotes);
  const { threads, fileBytes } = options;
  checkBudget({ table, spec, plan, threads, fileBytes, groups: plannedGroups(table, groupsSeen) });
  // The folds of rows with absorbed effects are told by another pass.
  const twice = spec.absorbed !== undefined && plan.folds > 1;
  const again =
    twice ||
    options.dropSingletons === true ||
    plan.testSize > 0 ||
    options.na === "fail" ||
    (solver === "auto" && !plan.extended);
  if (again && session === undefined)
    for (const source of sources) if (!source.repeatable) await keepStream(source, onProgress);
  const timing = { totalMs: 0, scanMs: 0, solveMs: 0, threads: 1 };
  const control: ScanControl = {
    threads: options.threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: Math.max(chunkBytesFor(width, plan.folds), chunkBytesForGroups(plan.folds * likely, ofRow)),
  };
  const layout = layoutOf(table, {
    ...rawSlots(spec),
    weight: options.weights,
    group: groupBy,
    foldBy: plan.foldBy,
    where: options.where,
  });
  const engine = await session?.scan({ table, plan, where: layout.where, group: groupBy }, options);
  const scanned = async (how: MomentsPlan) => {
    const from = performance.now();
    const { total, threads } =
      engine === undefined
        ? await scanMoments(table, layout, how, control)
        : { total: await engine.scan(how.extended), threads: 1 };
    timing.scanMs += performance.now() - from;
    timing.threads = threads;
    return total;
  };
  const bytes = sources.reduce((sum, { plain }) => sum + (plain?.size ?? Number.POSITIVE_INFINITY), 0);
  const keepRows =
    solver === "auto" && !plan.extended && keepsRows(bytes / ofRow, layout.numeric.length + 2, likely);
  let total = await scanned({ ...plan, keepRows });
  await checkRows(table, layout, total, options);
  if (options.dropSingletons === true) {
    plan.withoutInGroups = singleLevelsInGroups(total.groups!);
    if (plan.withoutInGroups !== undefined) total = await scanned(plan);
    notes.push(...leftOutNotes(total.singletons));
  }
  notes.push(
    ...levelDoubts(total.levels, spec, table, options.text),
    ...(await undefinedNotes(table, total.undefinedRows)),
  );
  const from = performance.now();
  const undefinedRows = undefinedCount(total.undefinedRows);
  const scan: DataScan = {
    rows: total.rows + total.excluded,
    firstRow,
    ...(plan.foldBy === undefined ? {} : { foldBy: plan.foldBy }),
    dropped: total.dropped,
    ...(undefinedRows > 0 ? { undefinedRows } : {}),
    ...(total.excluded > 0 ? { excluded: total.excluded } : {}),
    ...(total.singletons > 0 ? { singletons: total.singletons } : {}),
    seed: plan.seed,
    ...(plan.testSize > 0 ? { testSize: plan.testSize } : {}),
    test: null,
  };
  const how: GroupSolving = {
    spec,
    levels: total.levels,
    references: options.references ?? {},
    folds: plan.folds,
    weightsColumn: options.weights,
    reading: readingToKeep(options),
    // What a path is cross-validated from is known without its λs.
    penalty: twice && penalty !== undefined && isChosen(penalty) ? undefined : penalty,
  };
  if (penalty !== undefined)
    checkNames(regressionOf(spec, codedTerms(spec, how.levels, how.references)), penalty);
  const first = await withPauses(
    solveGroups(total.groups!, { ...how, setAside: solver === "auto" && !plan.extended }),
    control,
  );
  const { fits, refused } = first;
  const others = new Map(first.others);
  timing.solveMs += performance.now() - from;
  if (first.doubtful.length > 0) {
    const why = await engine?.inexact();
    if (why !== undefined)
      throw new ModelError(
        `double precision is not enough for group ${first.doubtful[0]}, and sums cannot be exact: ${why}`,
        {
          hint: wording`take them with ${option("solver", "normal")}, or leave ${option("inEngine", true)} out`,
        },
      );
    const groups =
      total.kept === undefined
        ? among((await scanned({ ...plan, extended: true, groups: first.doubtful })).groups!, first.doubtful)
        : await withPauses(total.kept.extended(first.doubtful), control);
    const again = performance.now();
    const more = await withPauses(solveGroups(groups, { ...how, setAside: false }), control);
    for (const [name, model] of more.others) others.set(name, model);
    for (const one of more.refused) refused.push(one);
    timing.solveMs += performance.now() - again;
    const all = first.doubtful.length === total.groups!.names.length;
    const which = all ? "the moments" : `the moments of ${first.doubtful.length} of the groups`;
    notes.push(`double precision was not enough: ${which} were summed again in double-double`);
  }
  if (twice && others.size > 0) {
    const from = performance.now();
    const held = await crossValidateGroups(table, layout, others, plan, control);
    const between = performance.now();
    timing.scanMs += between - from;
    for (const [name, model] of others)
      try {
        others.set(name, await withPauses(solveHeldOutSteps(model, held.get(name), penalty), control));
      } catch (error) {
        others.delete(name);
        refused.push(refusal(name, error, { moments: model.moments, folds: [] }));
      }
    timing.solveMs += performance.now() - between;
  }
  notes.push(...(await repeatedNotes(sources)));
  const parts = {
    groupBy,
    models: modelsByGroup(fits, others, refused.length === 0 ? first.names : undefined),
    refused: inGroupOrder(new Map(refused.map((one) => [one.group, one]))),
    ...(await sourcesOfShard(sources, plan, options)),
    shards: set === undefined ? numbered : [set(scan.rows)],
    scan,
  };
  let fitted = new ModelGroup(parts);
  let test: PredictionMetrics | undefined;
  if (plan.testSize > 0) {
    test = await score(table, layout, fitted, plan, control, timing, notes);
    fitted = new ModelGroup({ ...parts, scan: { ...scan, test } });
  }
  timing.totalMs = performance.now() - started;
  const { dropped, excluded } = total;
  return { models: fitted, rows: total.rows + excluded, dropped, excluded, test, notes, timing };
}

/** Some of the groups. */
function among(groups: GroupMoments, names: readonly string[]): GroupMoments {
  return { names, hasRows: groups.hasRows, foldsOf: (name) => groups.foldsOf(name) };
}

/** What groups have, in their order. */
function inGroupOrder<T>(all: ReadonlyMap<string, T>): T[] {
  return inOrder(all.keys()).map((name) => all.get(name)!);
}

async function score(
  table: Table,
  layout: RowLayout,
  models: ModelGroup,
  plan: MomentsPlan,
  control: ScanControl,
  timing: CsvGroupFit["timing"],
  notes: string[],
): Promise<PredictionMetrics> {
  const from = performance.now();
  const how = { predictor: models.predictorPlan(true), unseen: "na" as const, held: plan };
  const { errors, outside } = await scanScore(table, layout, how, control);
  timing.scanMs += performance.now() - from;
  notes.push(...outside.notes());
  return errors.metrics(models.parameters);
}
