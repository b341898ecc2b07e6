import { readingFor } from "../csv/kept-reading.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import { ofModel, type Table } from "../csv/table.js";
import { fittedTarget, rawSlots } from "../dataset/formula/spec.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { namesInWords } from "../dataset/names-in-words.js";
import { ModelError } from "../errors.js";
import type { KeptMeat } from "../linear/covariance/kept-kinds.js";
import { mergedMeat } from "../linear/covariance/kept-meat.js";
import type { LinearModel } from "../linear/model/model.js";
import type { DataScan } from "../linear/model/model-parts.js";
import { type Estimate, solveSpecSteps } from "../linear/model/solve-spec.js";
import { withKeptVcov } from "../linear/shards/kept-vcov.js";
import { unitedLevels } from "../linear/shards/merge-models.js";
import { endOf, refuseAdding, stillForgotten } from "../linear/shards/sources.js";
import { mergeFoldsSteps, mergeSteps } from "../linear/solve/merge-steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { layoutOf, type RowLayout } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { option, wording } from "../wording.js";
import { checkUpdate } from "./budget.js";
import { checkRows } from "./check-rows.js";
import { chunkBytesFor, denseWidth, summedApart } from "./design-width.js";
import { checkDecay, fadedWith } from "./fade-rows.js";
import { keepPlan } from "./keep-meat.js";
import { refuseLags } from "./lagged-table.js";
import type { MomentsPlan } from "./moments-job.js";
import { robustSums } from "./robust-vcov.js";
import { scanMoments } from "./scan-moments.js";
import { refuseWholes } from "./shard-rows.js";
import { keepContents, keptSources } from "./source-contents.js";
import { undefinedNotes } from "./undefined-notes.js";

/** Options of `updateCsv`; all may be left out. */
export interface UpdateCsvOptions extends ReadingOptions, ReadingControl {
  /** Rows with missing cells among the columns used: left out (default), or an error. */
  na?: "omit" | "fail" | undefined;
  /** Whether a source whose rows are in the model already is added all the same. Default: false, it is refused. */
  again?: boolean | undefined;
  /**
   * The forgetting factor of recursive least squares: what a row's weight is multiplied by with each row after it, the model's own
   * among them; above 0. Folds are left out. Default: 1, nothing is forgotten.
   */
  decay?: number | undefined;
  /** The most that the model's file may take, in bytes: more is refused before the rows are read. Default: no limit. */
  fileBytes?: number | undefined;
}

/** A model with the rows of a CSV added. */
export interface CsvUpdate extends Estimate {
  /** Rows in the file, and those of them left out for missing cells. */
  rows: number;
  dropped: number;
  /** Rows in the file that the condition on rows, the model's own unless another is given, left out. */
  excluded: number;
}

/**
 * The model of a model's rows and those of a CSV file, several, or standard input (`-`): only the new rows are read. They
 * are numbered on from the model's, so that folds are as if all had been trained on at once.
 *
 * @throws ModelError where the file lacks columns of the model, or has other kinds of them, and where its rows are in
 * the model already; DataError for a bad cell
 *
 * @example
 * ```js
 * import { writeFileSync } from "node:fs";
 * import { fit, updateCsv } from "goml";
 *
 * writeFileSync("more.csv", "rooms,y\n4,9.5\n5,10.5\n");
 * const model = fit([[1], [2], [3]], [3, 5, 7], { terms: ["rooms"] });
 * const { model: updated } = await updateCsv(model, "more.csv");
 * console.log(updated.n); // 5
 * ```
 */
export async function updateCsv(
  model: LinearModel,
  data: string | readonly string[],
  options: UpdateCsvOptions = {},
): Promise<CsvUpdate> {
  return withSources(data, options.signal, (sources) => updateSources(model, sources, options));
}

async function updateSources(
  model: LinearModel,
  from: readonly Source[],
  options: UpdateCsvOptions,
): Promise<CsvUpdate> {
  refuseLags(
    { spec: model.scannedSpec },
    (names) =>
      new ModelError(`${names}: the rows before the new ones may be among the old, which are not read`, {
        hint: "train again on all of them",
      }),
  );
  const { decay } = options;
  if (decay !== undefined) checkDecay(decay, model);
  keepContents(from, model.sources);
  if (!options.again) await refuseWholes(from, model.shards);
  const before: Omit<DataScan, "test"> = model.scan ?? { rows: model.n, firstRow: 0, dropped: 0, seed: 1 };
  const draw = { seed: before.seed, firstRow: endOf(before) };
  const refuse = async (some: readonly Source[]) => {
    const { sources } = await keptSources(some, draw);
    const name = some.map((source) => source.name).join(", ");
    if (!options.again) refuseAdding({ name, sources }, model);
    return sources;
  };
  // Of a file that may be one of the model's, by its size, it is asked before the work; of any other on the way.
  for (const source of from)
    if (source.plain !== undefined && model.sources.some(({ bytes }) => bytes === source.plain!.size))
      await refuse([source]);
  const [first] = from;
  const sameFile = from.length === 1 && first!.path !== undefined && first!.path === model.source?.path;
  const reading = readingFor(options, model.reading, { sameFile, where: true });
  const table = ofModel(await readTables(from, reading));
  const { scannedSpec: spec, weightsColumn, weightsKind, references, penalty, instruments, targets } = model;
  const foldBy = model.folds.length > 1 ? before.foldBy : undefined;
  if ((model.scan?.singletons ?? 0) > 0)
    throw new ModelError(
      "the model was trained without rows of levels of their own, which new rows may share",
      {
        hint: wording`train without ${option("dropSingletons")}: the coefficients are the same`,
      },
    );
  checkColumns({ spec, weightsColumn, foldBy }, table, namesOf(table));
  if (options.na === "fail" || model.keptMeat !== undefined || decay !== undefined)
    for (const source of from) if (!source.repeatable) await source.seekable();
  const { extended } = model.moments;
  const plan: MomentsPlan = {
    spec,
    extended,
    testSize: 0,
    folds: Math.max(1, model.folds.length),
    ...draw,
    foldBy,
    frequencies: weightsKind === "frequency",
  };
  const { signal, onProgress, callerWorks, threads } = options;
  checkUpdate({ table, spec, plan, threads, fileBytes: options.fileBytes });
  const width = model.moments.columns.length;
  const control: ScanControl = {
    threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: chunkBytesFor(width, plan.folds),
    apart: summedApart(denseWidth(spec), plan),
  };
  const layout = layoutOf(table, { ...rawSlots(spec), weight: weightsColumn, foldBy, where: reading.where });
  // What reads the rows once more has one target, and takes the rows in which all have a value.
  const own = layoutOf(table, {
    ...rawSlots(model.spec),
    weight: weightsColumn,
    foldBy,
    where: reading.where,
    finite: targets.map(fittedTarget),
  });
  const { total } = await scanMoments(table, layout, plan, control);
  await checkRows(table, layout, total, options);
  const sources = [...model.sources, ...(await refuse(from))];
  const folds: CrossProducts[] = [];
  for (const [f, fold] of decay === undefined ? model.folds.entries() : [])
    folds.push(await withPauses(mergeSteps(fold, total.folds[f]!), control));
  const fading =
    decay === undefined
      ? undefined
      : await fadedWith(model, decay, {
          table,
          layout: own,
          split: { testSize: 0, ...draw },
          signal,
        });
  const notes = [...table.notes, ...(await undefinedNotes(table, total.undefinedRows))];
  if (fading !== undefined)
    notes.push(
      `rows fade by ${decay} with each row after them: errors are those of such weights, and their degrees of freedom count all ${fading.n} rows` +
        (model.folds.length > 0 ? "; the cross-validation folds are left out" : ""),
    );
  const excluded = (before.excluded ?? 0) + total.excluded;
  const undefinedRows = (before.undefinedRows ?? 0) + undefinedCount(total.undefinedRows);
  const updated = await withPauses(
    solveSpecSteps(
      {
        spec: model.spec,
        instruments,
        targets,
        levels: unitedLevels(spec, [model.levels, total.levels]),
        references,
        moments:
          fading ??
          (folds.length > 0
            ? await withPauses(mergeFoldsSteps(folds), control)
            : await withPauses(mergeSteps(model.moments, total.folds[0]!), control)),
        folds,
        weightsColumn,
        weightsKind,
        sources,
        forgotten: stillForgotten(model.forgotten, sources),
        shards: model.shards,
        reading: model.reading,
        scan: {
          ...before,
          ...(before.endRow === undefined ? {} : { endRow: before.endRow + total.rows + total.excluded }),
          rows: before.rows + total.rows + total.excluded,
          dropped: before.dropped + total.dropped,
          ...(undefinedRows > 0 ? { undefinedRows } : {}),
          ...(excluded > 0 ? { excluded } : {}),
          test: null,
        },
      },
      penalty,
    ),
    control,
  );
  const kept =
    fading === undefined &&
    model.keptMeat &&
    (await keptWith(model.keptMeat, updated.model, { table, layout: own, draw, control }));
  const found = withKeptVcov(updated, [model], kept || undefined);
  return {
    ...found,
    notes: [...notes, ...found.notes],
    rows: total.rows + total.excluded,
    dropped: total.dropped,
    excluded: total.excluded,
  };
}

/** What is kept of a model's rows and those that are added, which are read once more for that. */
async function keptWith(
  before: KeptMeat,
  updated: LinearModel,
  rows: { table: Table; layout: RowLayout; draw: { seed: number; firstRow: number }; control: ScanControl },
): Promise<KeptMeat | undefined> {
  if (updated.penalty !== undefined) return undefined;
  const request = {
    type: "hc0" as const,
    clusters: [],
    ssc: undefined,
    df: undefined,
    testSize: 0,
    ...rows.draw,
  };
  const plan = keepPlan(updated, before.kind, request, rows.draw.seed);
  const sums = await robustSums(rows.table, rows.layout, updated, request, rows.control, plan);
  const own = sums.kept?.kept(() => true);
  return own && mergedMeat(before, own);
}

/** Throws ModelError that names the columns that the model reads and the table lacks, or has as text. */
export function checkColumns(
  {
    spec,
    weightsColumn,
    foldBy,
  }: Pick<LinearModel, "spec" | "weightsColumn"> & { readonly foldBy: string | undefined },
  table: Table,
  file: string,
): void {
  const kinds = new Map(table.columns.map(({ name, kind }) => [name, kind]));
  for (const { name } of table.lagged ?? []) kinds.set(name, "numeric");
  const others = [weightsColumn, foldBy].filter((name) => name !== undefined);
  const numeric = [...new Set([...spec.numeric, ...others])];
  const missing = [...numeric, ...spec.text].filter((name) => !kinds.has(name));
  if (missing.length > 0)
    throw new ModelError(`${file}: columns of the model are missing: ${namesInWords(missing)}`, {
      hint: `the file has ${namesInWords([...kinds.keys()])}`,
    });
  const text = numeric.filter((name) => kinds.get(name) === "text");
  if (text.length > 0)
    throw new ModelError(`${file}: columns that the model takes for numbers hold text: ${text.join(", ")}`);
}
