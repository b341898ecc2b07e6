import { readingFor } from "../csv/kept-reading.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import type { Source } from "../csv/source.js";
import { ofModel } from "../csv/table.js";
import { fittedTarget, rawSlots } from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import type { ShardNumber } from "../linear/shards/numbered.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { layoutOf } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { namesOf, readTables, withSources } from "../sources/tables.js";
import { plainList } from "../stats/packed.js";
import { option, wording } from "../wording.js";
import { chunkBytesFor, denseWidth } from "./design-width.js";
import { refuseLags } from "./lagged-table.js";
import { MEAT_HEAD, type ShardMeat } from "./meat-document.js";
import { checkMeats } from "./merge-meats.js";
import { withModelLags } from "./model-lags.js";
import { robustSums } from "./robust-vcov.js";
import { cutShard } from "./shard-rows.js";
import { checkColumns } from "./update-csv.js";
import { BETWEEN } from "./vcov-job.js";
import { type VcovOptions, vcovSpecOf } from "./vcov-request.js";

/** Options of `meatCsv`; all may be left out. */
export interface MeatCsvOptions extends ReadingOptions, ReadingControl, VcovOptions {
  /** The seed of a bootstrap's draws. Default: 1. */
  seed?: number | undefined;
  /** Only the rows of one shard of the data, as training cuts them. Default: all rows. */
  shard?: ShardNumber | undefined;
  /** With `shard`, whether cells in quotes may span lines: what lies before it is read then. Default: false. */
  quotedLines?: boolean | undefined;
  /** Where rows were held out by their numbers: that of the first. Default: that of the model's first. */
  firstRow?: number | undefined;
}

/** The meat of a shard, and remarks on how it was read. */
export interface CsvMeat {
  meat: ShardMeat;
  notes: string[];
}

/**
 * The second round of a robust covariance over shards: what the rows of a shard add up to at the coefficients of the model of
 * all rows, M = Σ (we)²uuᵀ/(1 − h)^d in coordinates u in which all rows are orthonormal, or by group the sums Σ w e u. Those
 * of all shards are put together by `mergeMeats`, and give what one pass over all rows gives: leverages h and u are those of
 * all rows already.
 *
 * @throws UsageError for a covariance that is no sum over shards; ModelError where the file lacks columns of the model
 *
 * @example
 * ```js
 * import { fitCsv, meatCsv, mergeMeats } from "goml";
 *
 * const { model } = await fitCsv("data/boston.csv");
 * const parts = [1, 2].map((number) => ({ number, of: 2 }));
 * const meats = [];
 * for (const shard of parts) meats.push((await meatCsv(model, "data/boston.csv", { vcov: "hc3", shard })).meat);
 * const robust = mergeMeats(model, meats);
 * const whole = (await fitCsv("data/boston.csv", { vcov: "hc3" })).model;
 * console.log(Math.abs(robust.standardErrors[1] / whole.standardErrors[1] - 1) < 1e-9); // true
 * ```
 */
export async function meatCsv(
  model: LinearModel,
  data: string | readonly string[],
  options: MeatCsvOptions = {},
): Promise<CsvMeat> {
  return withSources(data, options.signal, (sources) => meatOf(model, sources, options));
}

async function meatOf(
  model: LinearModel,
  sources: readonly Source[],
  options: MeatCsvOptions,
): Promise<CsvMeat> {
  const [first] = sources;
  const sameFile = sources.length === 1 && first!.path !== undefined && first!.path === model.source?.path;
  const reading = readingFor(options, model.reading, { sameFile, where: true });
  const read = ofModel(await readTables(sources, reading));
  if (options.shard !== undefined)
    refuseLags(
      model,
      (names) =>
        new UsageError(wording`${names}: the other rows may be in another ${option("shard")}`, {
          hint: "give it the file that the shard's model was trained on",
        }),
    );
  const { table: whole, notes: lagNotes } = await withModelLags(model, read, sources, options);
  const clustered = options.cluster !== undefined;
  const request = vcovSpecOf(whole, { ...options, vcov: options.vcov ?? (clustered ? "cluster" : "hc1") });
  if (request === undefined)
    throw new UsageError("classical errors need no second round: a merged model has them", {
      hint: wording`name a robust covariance with ${option("vcov")}`,
    });
  checkMeats(model, request);
  const { spec, scannedSpec, targets, weightsColumn, scan } = model;
  const testSize = scan?.testSize ?? 0;
  const foldBy = testSize > 0 ? scan?.foldBy : undefined;
  checkColumns({ spec: scannedSpec, weightsColumn, foldBy }, whole, namesOf(whole));
  const firstRow = options.firstRow ?? scan?.firstRow ?? 0;
  const cut = await cutShard(whole, sources, { folds: 1, testSize, foldBy, firstRow }, options);
  const layout = layoutOf(cut.table, {
    ...rawSlots(spec),
    weight: weightsColumn,
    foldBy,
    where: reading.where,
    finite: targets.map(fittedTarget),
  });
  const { threads, callerWorks, signal, onProgress } = options;
  const control: ScanControl = {
    threads,
    callerWorks,
    signal,
    onProgress,
    chunkBytes: chunkBytesFor(denseWidth(spec), 1),
  };
  const draw = { testSize, seed: scan?.seed ?? 1, firstRow: cut.firstRow, foldBy };
  const sums = await robustSums(cut.table, layout, model, { ...request, ...draw }, control);
  const groups = [...sums.groups];
  const record = groups[0]?.[1].length ?? 0;
  const all = new Float64Array(groups.length * record);
  groups.forEach(([, own], g) => {
    all.set(own, g * record);
  });
  const { type, clusters, ssc, df, bootstrap, time } = request;
  const meat: ShardMeat = {
    ...MEAT_HEAD,
    coefficients: plainList(model.coefficients, null),
    vcov: {
      type,
      clusters: [...clusters],
      ...(ssc === undefined ? {} : { ssc: { ...ssc } }),
      ...(df === undefined ? {} : { df }),
      ...(bootstrap === undefined ? {} : { bootstrap: JSON.parse(JSON.stringify(bootstrap)) }),
      ...(time === undefined ? {} : { time: JSON.parse(JSON.stringify(time)) }),
    },
    n: sums.n,
    total: Array.from(sums.total),
    meat: Array.from(sums.meat),
    groups: {
      names: groups.map(([name]) => (clusters.length > 1 ? name.split(BETWEEN) : [name])),
      sums: Array.from(all),
    },
  };
  return { meat, notes: [...whole.notes, ...lagNotes, ...cut.notes] };
}
