import { placeOfRow } from "../csv/locate.js";
import type { Source } from "../csv/source.js";
import type { LaggedColumn, Table } from "../csv/table.js";
import type { Lags, ModelSpec } from "../dataset/formula/spec.js";
import { commonStep, datesAsNumbers, periodOf, type TimeKind, type TimeStep } from "../dataset/periods.js";
import { DataError } from "../errors.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { ReadingControl } from "../scan/reading-control.js";
import { layoutOf, withClusters } from "../scan/row-layout.js";
import { scan } from "../scan/scan.js";
import { option, wording } from "../wording.js";
import { keepStream } from "./keep-stream.js";
import { LagJob, type LagPlan, type LagResult } from "./lag-job.js";
import { ENTRY } from "./scan-moments.js";
import { specOf } from "./summary-job.js";
import { TimeTable } from "./time-table.js";
import type { TrainingPlan } from "./training-job.js";

/** A table with the columns that other rows give. */
interface LaggedTable {
  table: Table;
  /** The lags with what counts as 1 between their times. */
  lags: Lags;
  notes: readonly string[];
}

/**
 * A table with columns of other rows: a pass over all of its rows, whatever becomes of them later (a condition, folds, what is held
 * out), keeps time, unit and values, 12 bytes a row and 8 for each value; then each row's lags are looked up, 8 bytes a row for
 * each of them. Rows need not be in order.
 *
 * @param given `fit` where the step of dates is theirs to say, else that of a model
 * @throws UsageError for a column that is not there; DataError for what is no time, and for two rows of one unit and time
 */
export async function withLags(
  table: Table,
  sources: readonly Source[],
  given: Lags,
  of: "fit" | "model",
  control: ReadingControl,
): Promise<LaggedTable> {
  for (const source of sources) if (!source.repeatable) await keepStream(source, control.onProgress);
  const labels = new Map(given.columns.map(({ expression }) => [JSON.stringify(expression), expression]));
  const expressions = [...labels.values()];
  const plan: LagPlan = { spec: specOf(expressions), time: given.time };
  const rows = await readRows(table, plan, given, control);
  const step = of === "fit" ? await stepOf(table, rows, given.time) : given.step;
  for (let row = 0; row < rows.times.length; row++) {
    const time = rows.times[row]!;
    if (Number.isNaN(time)) continue;
    const period = periodOf(rows.kind, time, step);
    if (period === undefined)
      throw new DataError(
        `the model counts its lags by ${step ?? "whole numbers"}, which this time cannot be counted by`,
        { place: { ...(await placeOfRow(table, row)), column: given.time } },
      );
    rows.times[row] = period;
  }
  const { table: byTime, twice } = await withPauses(TimeTable.of(rows.units, rows.times), control);
  if (twice !== undefined) throw await sameTime(table, twice, { ...given, step });
  const lagged: LaggedColumn[] = [];
  const without = new Map<number, number>();
  for (const { name, expression, by } of given.columns) {
    const values = new Float64Array(new SharedArrayBuffer(8 * rows.times.length));
    const own = rows.values[[...labels.keys()].indexOf(JSON.stringify(expression))]!;
    without.set(by, await withPauses(byTime.lag(own, by, values), control));
    lagged.push({ name, values });
  }
  const lags: Lags = { ...given, ...(step === undefined ? {} : { step }) };
  return {
    table: { ...table, lagged: [...(table.lagged ?? []), ...lagged] },
    lags,
    notes: [lagNote(lags, without, rows.times.length)],
  };
}

/** All rows of a table, as lags need them. */
interface TimedRows {
  kind: TimeKind;
  times: Float64Array;
  units: Int32Array;
  values: readonly Float64Array[];
}

async function readRows(
  table: Table,
  plan: LagPlan,
  { time, unit }: Lags,
  { threads, callerWorks, signal, onProgress }: ReadingControl,
): Promise<TimedRows> {
  const { spec } = plan;
  const layout = withClusters(
    layoutOf(table, { target: undefined, numeric: spec.numeric, factors: spec.text }),
    table,
    unit === undefined ? [time] : [time, unit],
  );
  const chunks: LagResult[] = [];
  await scan<TrainingPlan, LagResult>(
    table,
    layout,
    {
      plan: { lags: plan },
      create: (view) => new LagJob(view, plan),
      entry: ENTRY,
      collect: (result) => {
        chunks.push(result);
        return undefined;
      },
    },
    { threads, callerWorks, signal, onProgress },
  );
  const count = chunks.reduce((sum, { times }) => sum + times.length, 0);
  const rows = {
    kind: "number" as TimeKind,
    times: new Float64Array(count),
    units: new Int32Array(count),
    values: spec.variables.map(() => new Float64Array(count)),
  };
  const known = new Map<string | number, number>();
  const kinds = new Map<TimeKind, number>();
  let at = 0;
  for (const chunk of chunks) {
    rows.times.set(chunk.times, at);
    chunk.values.forEach((values, v) => {
      rows.values[v]!.set(values, at);
    });
    const common = chunk.names.map((name) => {
      if (!known.has(name)) known.set(name, known.size);
      return known.get(name)!;
    });
    chunk.units.forEach((code, r) => {
      rows.units[at + r] = code < 0 || unit === undefined ? code : common[code]!;
    });
    for (const { kind, row } of chunk.kinds) if (!kinds.has(kind)) kinds.set(kind, row);
    at += chunk.times.length;
  }
  const [first, other] = kinds;
  if (other !== undefined)
    throw new DataError(
      `expected a time written as ${first![0]}s, as those before are, found a ${other[0]}`,
      {
        place: { ...(await placeOfRow(table, other[1])), column: time },
        hint: "write all times in one way",
      },
    );
  if (first !== undefined) rows.kind = first[0];
  return rows;
}

function* known(times: Float64Array): Generator<number, void, undefined> {
  for (const time of times) if (!Number.isNaN(time)) yield time;
}

/** What counts as 1 between the times of rows; undefined for whole numbers. */
async function stepOf(
  table: Table,
  { kind, times }: TimedRows,
  column: string,
): Promise<TimeStep | undefined> {
  const looks = kind === "number" ? datesAsNumbers(known(times)) : undefined;
  if (looks !== undefined)
    throw new DataError(
      `its times look like dates written as numbers (${looks}), whose steps are not 1 at the end of a ${looks === "yyyymm" ? "year" : "month"}`,
      {
        place: { file: table.source.name, column },
        hint: `write them as ${looks === "yyyymm" ? "2024-01" : "2024-01-31"}, or number the periods 1, 2, 3, …`,
      },
    );
  return commonStep(kind, known(times));
}

async function sameTime(
  table: Table,
  [first, second]: [number, number],
  { time, unit, step }: Lags,
): Promise<DataError> {
  const [a, b] = [await placeOfRow(table, first), await placeOfRow(table, second)];
  const other =
    a.line === undefined ? `row ${first + 1}` : a.file === b.file ? `line ${a.line}` : `${a.file}:${a.line}`;
  const of = step === undefined || step === "hour" ? "time" : step;
  return new DataError(
    unit === undefined
      ? `a second row of one ${of}, after that of ${other}: which of them is the lag?`
      : `a second row of one ${unit} and ${of}, after that of ${other}: which of them is the lag?`,
    {
      place: { ...b, column: time },
      hint:
        unit === undefined
          ? wording`where there are several series, name their column with ${option("unit")}`
          : "leave one of them out of the file, or make one of both; rows that a condition leaves out are looked at too",
    },
  );
}

/** How lags are counted, and how many rows have none. */
function lagNote(
  { time, unit, step, columns }: Lags,
  without: ReadonlyMap<number, number>,
  rows: number,
): string {
  const names = columns.map(({ name }) => name).join(", ");
  const by = step === undefined ? time : `${time} (a step is ${step === "hour" ? "an" : "a"} ${step})`;
  const within = unit === undefined ? "" : ` within ${unit}`;
  const missing = [...without].map(
    ([lag, count]) => `${count} have none ${Math.abs(lag)} ${lag > 0 ? "earlier" : "later"}`,
  );
  return `${names}: rows are looked up by ${by}${within}; of ${rows} rows ${missing.join(", ")}`;
}

/**
 * Refuses a model whose terms or target are of other rows, where these cannot be looked up.
 *
 * @param error makes the error of the columns' names
 * @throws what `error` makes
 */
export function refuseLags(
  { spec }: { spec: Pick<ModelSpec, "lags"> },
  error: (names: string) => Error,
): void {
  if (spec.lags !== undefined) throw error(spec.lags.columns.map(({ name }) => name).join(", "));
}
