import { readingToKeep } from "../csv/kept-reading.js";
import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { namesOf, readTables, withSources } from "../csv/tables.js";
import { codedTerms, sortLevels } from "../dataset/formula/coding.js";
import { type ModelSpec, rawSlots } from "../dataset/formula/spec.js";
import { ModelError, UsageError } from "../errors.js";
import { isDecimal } from "../kernels/number.js";
import type { RefusedGroup } from "../linear/model/document-schema.js";
import type { LinearModel } from "../linear/model/model.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { type DataScan, regressionOf } from "../linear/model/model-parts.js";
import { solveSpecSteps } from "../linear/model/solve-spec.js";
import { scanScore } from "../linear/scan-score.js";
import { levelsLeft } from "../linear/shards/levels-left.js";
import { extendedIsFree, needsExtended } from "../linear/solve/ladder.js";
import { solve } from "../linear/solve/solve.js";
import { type Steps, withPauses } from "../parallel/steps.js";
import { layoutOf, type RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { keepColumns } from "../stats/block-layout.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { mergeFolds } from "../stats/merge-folds.js";
import type { PredictionMetrics } from "../stats/metrics.js";
import { option, wording } from "../wording.js";
import { checkRows } from "./check-rows.js";
import { chooseColumns, unknownColumn } from "./choose-columns.js";
import { completeKinds } from "./complete-kinds.js";
import { chosenFolds, chunkBytesFor, designWidth, foldsForGroups } from "./design-width.js";
import { penaltyChoice, usedBy, withTarget } from "./fit-csv.js";
import type { FitCsvOptions } from "./fit-options.js";
import { keepStream } from "./keep-stream.js";
import type { MomentsPlan } from "./moments-job.js";
import type { ScannedMoments } from "./moments-result.js";
import { scanMoments } from "./scan-moments.js";
import { keptSources } from "./source-contents.js";

/** Options of `fitGroupsCsv`: those of `fitCsv`, but for what needs all rows of a group at once. */
export interface FitGroupsCsvOptions extends Omit<FitCsvOptions, "vcov" | "cluster" | "descent" | "solver"> {
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
 * in k folds, some g k (4 p² + 1024 p) bytes.
 *
 * @throws as `fitCsv`; ModelError where no group can be fitted
 */
export async function fitGroupsCsv(
  data: string | readonly string[],
  options: FitGroupsCsvOptions,
): Promise<CsvGroupFit> {
  return withSources(data, options.signal, (sources) => fitSources(sources, options));
}

async function fitSources(sources: readonly Source[], options: FitGroupsCsvOptions): Promise<CsvGroupFit> {
  const started = performance.now();
  for (const source of sources) source.keepContent();
  const complete = await completeKinds(await readTables(sources, options), usedBy(options), options);
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
  const { spec, notes } = chooseColumns(complete.table, { ...options, exclude }, file);
  const table = withTarget(complete.table, spec);
  notes.unshift(...table.notes, ...complete.notes);
  if ([...spec.numeric, ...spec.text].includes(groupBy))
    throw new UsageError(`${groupBy} names the groups and cannot be a term: it is constant in each of them`, {
      hint: wording`leave it out of the terms, or leave ${option("groupBy")} out`,
    });
  if (spec.absorbed !== undefined)
    throw new UsageError("effects are not absorbed group by group", {
      hint: wording`leave ${option("absorb")} out, or the groups`,
    });
  const width = designWidth(spec, table);
  const groupsSeen = new Set(table.sample.map((row) => row[group])).size;
  const penalty = penaltyChoice(options);
  const plan: MomentsPlan = {
    spec,
    extended:
      solver === "extended" ||
      (solver === "auto" && table.whole && extendedIsFree(table.sample.length, width)),
    testSize: options.testSize ?? 0,
    folds: chosenFolds(options.folds) ?? foldsForGroups(width, groupsSeen),
    seed: options.seed ?? 1,
    firstRow: options.firstRow ?? 0,
  };
  const again = plan.testSize > 0 || options.na === "fail" || (solver === "auto" && !plan.extended);
  if (again) for (const source of sources) if (!source.repeatable) await keepStream(source, onProgress);
  const timing = { totalMs: 0, scanMs: 0, solveMs: 0, threads: 1 };
  const control: ScanControl = {
    threads: options.threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: chunkBytesFor(width, plan.folds * groupsSeen),
  };
  const layout = layoutOf(table, {
    ...rawSlots(spec),
    weight: options.weights,
    group: groupBy,
    where: options.where,
  });
  const scanned = async (extended: boolean) => {
    const from = performance.now();
    const { total, threads } = await scanMoments(table, layout, { ...plan, extended }, control);
    timing.scanMs += performance.now() - from;
    timing.threads = threads;
    return total;
  };
  let total = await scanned(plan.extended);
  await checkRows(table, layout, total, options);
  if (
    solver === "auto" &&
    !plan.extended &&
    total.groups!.names.some((name) => needsMore(total.groups!.foldsOf(name), spec, total))
  ) {
    total = await scanned(true);
    notes.push("double precision was not enough: the moments were summed again in double-double");
  }
  const from = performance.now();
  const scan: DataScan = {
    rows: total.rows + total.excluded,
    firstRow: plan.firstRow,
    dropped: total.dropped,
    ...(total.excluded > 0 ? { excluded: total.excluded } : {}),
    seed: plan.seed,
    test: null,
  };
  const all = total.levels;
  const models = new Map<string, LinearModel>();
  const refused: RefusedGroup[] = [];
  const solveGroups = function* (): Steps<void> {
    for (const name of inOrder(total.groups!.names)) {
      yield;
      const folds = total.groups!.foldsOf(name);
      const whole = mergeFolds(folds);
      const { levels, gone } = levelsLeft(spec, all, whole);
      const keep = (moments: CrossProducts) => keepColumns(moments, (key) => !gone.has(key));
      try {
        const { model } = yield* solveSpecSteps(
          {
            spec,
            levels,
            references: referencesIn(options.references ?? {}, spec, levels),
            moments: keep(whole),
            folds: plan.folds > 1 ? folds.map(keep) : [],
            weightsColumn: options.weights,
            reading: readingToKeep(options),
          },
          penalty,
        );
        models.set(name, model);
      } catch (error) {
        if (!(error instanceof ModelError) && !(error instanceof UsageError)) throw error;
        refused.push({ group: name, reason: error.message });
      }
    }
  };
  await withPauses(solveGroups(), control);
  timing.solveMs += performance.now() - from;
  const parts = {
    groupBy,
    models,
    refused,
    ...(await keptSources(sources)),
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

/** Whether double precision is not enough for a group. */
function needsMore(folds: readonly CrossProducts[], spec: ModelSpec, total: ScannedMoments): boolean {
  const moments = mergeFolds(folds);
  if (moments.n === 0) return false;
  const { levels } = levelsLeft(spec, total.levels, moments);
  const regression = regressionOf(spec, codedTerms(spec, levels));
  const coefficients = regression.terms.length + (spec.intercept ? 1 : 0);
  return moments.n > coefficients && needsExtended(solve(moments, regression), moments, regression);
}

/** A reference level that a group does not have is its first level there. */
function referencesIn(
  references: Readonly<Record<string, string>>,
  spec: ModelSpec,
  levels: Readonly<Record<string, readonly string[]>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(references).filter(([name, level]) =>
      spec.variables.every(
        (variable) =>
          variable.kind !== "factor" ||
          (variable.label !== name && variable.column !== name) ||
          levels[variable.label]?.includes(level),
      ),
    ),
  );
}

/** Groups by size where all are numbers, else by code points. */
function inOrder(groups: Iterable<string>): string[] {
  const names = [...groups];
  return sortLevels(names, names.every(isDecimal) ? "numbers" : "text");
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
