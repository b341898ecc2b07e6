import { readingFor } from "../csv/kept-reading.js";
import type { Source } from "../csv/source.js";
import { ofModel } from "../csv/table.js";
import { rawSlots } from "../dataset/formula/spec.js";
import { undefinedCount } from "../dataset/formula/undefined-rows.js";
import { ModelError } from "../errors.js";
import { inOrder, ModelGroup, modelsByGroup } from "../linear/model/model-group.js";
import type { DataScan } from "../linear/model/model-parts.js";
import { commonPenalty, commonSpec, groupsOf, keptOf, refusedBy } from "../linear/shards/group-rows.js";
import { mergedRows } from "../linear/shards/merge-groups.js";
import { unitedLevels } from "../linear/shards/merge-models.js";
import { type GroupRows, GroupSolver } from "../linear/shards/solve-group.js";
import { endOf, refuseAdding } from "../linear/shards/sources.js";
import type { Steps } from "../parallel/steps.js";
import { withPauses } from "../parallel/with-pauses.js";
import { layoutOf } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import { mergeFolds } from "../stats/merge-folds.js";
import { option, wording } from "../wording.js";
import { checkUpdate } from "./budget.js";
import { checkRows } from "./check-rows.js";
import { chunkBytesFor, chunkBytesForGroups, designWidth, plannedGroups, rowBytes } from "./design-width.js";
import type { GroupMoments } from "./group-moments.js";
import { refuseLags } from "./lagged-table.js";
import type { MomentsPlan } from "./moments-job.js";
import { scanMoments } from "./scan-moments.js";
import { refuseWholes } from "./shard-rows.js";
import { keepContents, keptSources } from "./source-contents.js";
import { undefinedNotes } from "./undefined-notes.js";
import { checkColumns, type UpdateCsvOptions } from "./update-csv.js";

/** Models by group with the rows of a CSV added. */
export interface CsvGroupUpdate {
  models: ModelGroup;
  /** Rows in the file, and those of them left out for missing cells, and by the condition on rows. */
  rows: number;
  dropped: number;
  excluded: number;
  notes: string[];
}

/**
 * The models by group of their rows and those of a CSV file, or of standard input (`-`), as `updateCsv`: each is the model
 * that training on all rows of its group gives; groups that are new are added.
 *
 * @throws as `updateCsv`
 */
export async function updateGroupsCsv(
  models: ModelGroup,
  data: string | readonly string[],
  options: UpdateCsvOptions = {},
): Promise<CsvGroupUpdate> {
  return withSources(data, options.signal, (sources) => updateSources(models, sources, options));
}

async function updateSources(
  models: ModelGroup,
  from: readonly Source[],
  options: UpdateCsvOptions,
): Promise<CsvGroupUpdate> {
  refuseLags(
    { spec: models.spec },
    (names) =>
      new ModelError(`${names}: the rows before the new ones may be among the old, which are not read`, {
        hint: "train again on all of them",
      }),
  );
  keepContents(from, models.sources);
  if (!options.again) await refuseWholes(from, models.shards);
  const [first] = models.models.values();
  const before: Omit<DataScan, "test"> = models.scan ?? { rows: first!.n, firstRow: 0, dropped: 0, seed: 1 };
  const draw = { seed: before.seed, firstRow: endOf(before) };
  const refuse = async (some: readonly Source[]) => {
    const { sources } = await keptSources(some, draw);
    const name = some.map((source) => source.name).join(", ");
    if (!options.again) refuseAdding({ name, sources }, models);
    return sources;
  };
  // Of a file that may be one of the models', by its size, it is asked before the work; of any other on the way.
  for (const source of from)
    if (source.plain !== undefined && models.sources.some(({ bytes }) => bytes === source.plain!.size))
      await refuse([source]);
  if ((models.scan?.singletons ?? 0) > 0)
    throw new ModelError(
      "the models were trained without rows of levels of their own, which new rows may share",
      { hint: wording`train without ${option("dropSingletons")}: the coefficients are the same` },
    );
  const [one] = from;
  const sameFile = from.length === 1 && one!.path !== undefined && one!.path === models.source?.path;
  const reading = readingFor(options, models.reading, { sameFile, where: true });
  const table = ofModel(await readTables(from, reading));
  const { spec, weightsColumn, groupBy } = models;
  const file = namesOf(table);
  const foldBy = first!.folds.length > 1 ? before.foldBy : undefined;
  checkColumns({ spec, weightsColumn, foldBy }, table, file);
  if (!table.columns.some(({ name }) => name === groupBy))
    throw new ModelError(`${file}: columns of the model are missing: ${groupBy}`, {
      hint: "it names the groups",
    });
  // Groups in double-double are summed by themselves, in a pass of their own.
  const extended = [...models.others].filter(([, model]) => model.moments.extended).map(([name]) => name);
  const again = options.na === "fail" || extended.length > 0;
  if (again) for (const source of from) if (!source.repeatable) await source.seekable();
  const plan: MomentsPlan = {
    spec,
    extended: false,
    testSize: 0,
    folds: Math.max(1, first!.folds.length),
    ...draw,
    foldBy,
  };
  const { signal, onProgress, callerWorks, threads } = options;
  const { sample } = table;
  const column = table.columns.findIndex(({ name }) => name === groupBy);
  const seen = new Set(sample.map((row) => row[column])).size;
  const groups = Math.max(models.models.size, plannedGroups(table, seen));
  checkUpdate({ table, spec, plan, threads, fileBytes: options.fileBytes, groups });
  const ofRow = rowBytes({ sample });
  const control: ScanControl = {
    threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: Math.max(
      chunkBytesFor(designWidth(spec, table), plan.folds),
      chunkBytesForGroups(plan.folds * models.models.size, ofRow),
    ),
  };
  const layout = layoutOf(table, {
    ...rawSlots(spec),
    weight: weightsColumn,
    group: groupBy,
    foldBy,
    where: reading.where,
  });
  const { total } = await scanMoments(table, layout, plan, control);
  await checkRows(table, layout, total, options);
  const exact =
    extended.length === 0
      ? undefined
      : (await scanMoments(table, layout, { ...plan, extended: true, groups: extended }, control)).total
          .groups;
  const sources = [...models.sources, ...(await refuse(from))];
  const common = commonSpec([models]);
  const how = { ...common, levels: unitedLevels(spec, [common.levels, total.levels]) };
  const solver = new GroupSolver(how);
  await withPauses(
    solveUpdated(models, { added: total.groups!, exact, extended: new Set(extended) }, solver, plan.folds),
    control,
  );
  const excluded = (before.excluded ?? 0) + total.excluded;
  const undefinedRows = (before.undefinedRows ?? 0) + undefinedCount(total.undefinedRows);
  return {
    models: new ModelGroup({
      groupBy,
      models: modelsByGroup(solver.finish(), solver.others),
      refused: solver.refused,
      sources,
      shards: models.shards,
      scan: {
        ...before,
        ...(before.endRow === undefined ? {} : { endRow: before.endRow + total.rows + total.excluded }),
        rows: before.rows + total.rows + total.excluded,
        dropped: before.dropped + total.dropped,
        ...(undefinedRows > 0 ? { undefinedRows } : {}),
        ...(excluded > 0 ? { excluded } : {}),
        test: null,
      },
    }),
    rows: total.rows + total.excluded,
    dropped: total.dropped,
    excluded: total.excluded,
    notes: [...table.notes, ...(await undefinedNotes(table, total.undefinedRows))],
  };
}

/** Solves all groups, with the rows that were added to them. */
function* solveUpdated(
  models: ModelGroup,
  rows: { added: GroupMoments; exact: GroupMoments | undefined; extended: ReadonlySet<string> },
  solver: GroupSolver,
  folds: number,
): Steps<void> {
  const { added, exact, extended } = rows;
  const fresh = new Set(added.names);
  const usual = commonPenalty([models]);
  for (const name of inOrder(new Set([...groupsOf(models), ...added.names]))) {
    yield;
    const own = keptOf(models, name);
    const lost = own === undefined ? refusedBy(models).get(name) : undefined;
    const parts: GroupRows[] = own === undefined ? [] : [own.rows];
    if (fresh.has(name)) {
      const all = (extended.has(name) && exact !== undefined ? exact : added).foldsOf(name);
      parts.push({ moments: mergeFolds(all), folds: folds > 1 ? all : [] });
    }
    const some = parts.filter(({ moments }) => moments.n > 0);
    if (lost !== undefined && !lost.reason.startsWith("0 complete rows"))
      throw new ModelError(
        `the rows of group ${JSON.stringify(name)} were not kept: it could not be fitted`,
        {
          hint: "train it anew",
        },
      );
    yield* solver.add(name, mergedRows(some.length > 0 ? some : parts), own?.penalty ?? usual);
  }
}
