import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import type { ColumnSummary, SummaryRequest } from "../dataset/formula/column-summary.js";
import { unknownSummary } from "../dataset/formula/data-basis.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { UsageError } from "../errors.js";
import { layoutOf } from "../scan/row-layout.js";
import { scan } from "../scan/scan.js";
import { PowerSums } from "../stats/power-sums.js";
import { option, wording } from "../wording.js";
import { type ChosenColumns, chooseColumns, type KnownTable } from "./choose-columns.js";
import type { FitCsvOptions } from "./fit-options.js";
import { keepStream } from "./keep-stream.js";
import { withLags } from "./lagged-table.js";
import { ENTRY } from "./scan-moments.js";
import { SummaryJob, type SummaryPlan, type SummaryResult, specOf } from "./summary-job.js";
import type { TrainingPlan } from "./training-job.js";

/** A table to be read, and how. */
interface TableRead {
  /** What columns are chosen from. */
  sampled: KnownTable;
  table: Table;
  sources: readonly Source[];
  /** What to call the data in messages. */
  file: string;
  /** Whether the rows stay in a database. */
  inEngine: boolean;
}

/**
 * `chooseColumns`, and where terms depend on the data (scale, poly, ns, bs, cut) a pass over all rows before the fit for what these
 * have to know. It takes all rows in which the column has a value, whatever they are of a shard, a fold or held out. Where
 * terms are of other rows (lag, lead, diff) a pass before that gives the table their columns.
 *
 * @throws as `chooseColumns`; UsageError for such terms where the rows stay in a database
 */
export async function chooseWithData(
  { sampled, table: given, sources, file, inEngine }: TableRead,
  options: FitCsvOptions,
): Promise<ChosenColumns & { table: Table }> {
  const requests = new Map<string, SummaryRequest>();
  const first = chooseColumns(sampled, options, file, {
    find: (request) => {
      requests.set(keyOf(request), request);
      return unknownSummary(request);
    },
  });
  const lags = await lagsOf(first.spec, given, sources, options, inEngine);
  const table = lags?.table ?? given;
  const withStep = (spec: ModelSpec): ModelSpec =>
    lags === undefined || spec.lags === undefined
      ? spec
      : { ...spec, lags: { ...lags.lags, columns: spec.lags.columns } };
  const told = lags === undefined ? [] : [...lags.notes];
  if (requests.size === 0) return { spec: withStep(first.spec), notes: [...first.notes, ...told], table };
  const labels = [...new Set(Array.from(requests.values(), ({ label }) => label))].join(", ");
  if (inEngine)
    throw new UsageError(
      wording`${labels} depends on the data, which is not summed up with ${option("inEngine")}`,
      {
        hint: "poly(x, 3, raw = TRUE) has the same fit; give splines knots and Boundary.knots, and cut() its breaks",
      },
    );
  for (const source of sources) if (!source.repeatable) await keepStream(source, options.onProgress);
  const known = await summarize(table, requests, options);
  const { spec, notes } = chooseColumns(sampled, options, file, {
    find: (request) => known.get(keyOf(request))!,
  });
  return {
    spec: withStep(spec),
    notes: [...notes, ...told, `the data were read once before the fit, for ${labels}`],
    table,
  };
}

/** The table with the columns that other rows give, where a spec has some. @throws UsageError where they cannot be looked up */
async function lagsOf(
  { lags }: ModelSpec,
  table: Table,
  sources: readonly Source[],
  options: FitCsvOptions,
  inEngine: boolean,
) {
  if (lags === undefined) return undefined;
  const names = lags.columns.map(({ name }) => name).join(", ");
  if (inEngine)
    throw new UsageError(wording`${names}: other rows are not looked up with ${option("inEngine")}`, {
      hint: wording`leave ${option("inEngine")} out, or make the column by SQL: lag(x) OVER (PARTITION BY unit ORDER BY time)`,
    });
  if (options.shard !== undefined)
    throw new UsageError(wording`${names}: the other rows may be in another ${option("shard")}`, {
      hint: wording`make files of whole series, and number them with ${option("shardId")}`,
    });
  if (options.na === "fail")
    throw new UsageError(
      wording`${names}: no value in the first rows of a series, which ${option("na", "fail")} refuses`,
      { hint: wording`leave ${option("na")} out: rows that are left out are counted` },
    );
  return withLags(table, sources, lags, "fit", options);
}

function keyOf({ expression, powers, values }: SummaryRequest): string {
  return JSON.stringify([expression, powers, values]);
}

async function summarize(
  table: Table,
  requests: ReadonlyMap<string, SummaryRequest>,
  { threads, callerWorks, signal, onProgress, where }: FitCsvOptions,
): Promise<Map<string, ColumnSummary>> {
  const all = [...requests.values()];
  const spec = specOf(all.map(({ expression }) => expression));
  const plan: SummaryPlan = { spec, columns: all.map(({ powers, values }) => ({ powers, values })) };
  const layout = layoutOf(table, { target: undefined, numeric: spec.numeric, factors: spec.text, where });
  const sums = all.map(({ powers }) => new PowerSums(powers));
  const values: Float64Array[][] = all.map(() => []);
  await scan<TrainingPlan, SummaryResult>(
    table,
    layout,
    {
      plan: { summary: plan },
      create: (view) => new SummaryJob(view, plan),
      entry: ENTRY,
      collect: (result) => {
        result.forEach((one, v) => {
          sums[v]!.merge(PowerSums.of(one.sums));
          values[v]!.push(one.values);
        });
        return undefined;
      },
    },
    { threads, callerWorks, signal, onProgress },
  );
  return new Map(
    [...requests.keys()].map((key, v) => [key, { sums: sums[v]!, values: joined(values[v]!).sort() }]),
  );
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const all = new Float64Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
