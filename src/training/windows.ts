import { setImmediate as nextTick } from "node:timers/promises";
import type { Table } from "../csv/table.js";
import { placesOf } from "../dataset/column-places.js";
import { checkedTimesInOrder } from "../dataset/times-in-order.js";
import { DataError, InterruptedError, UsageError } from "../errors.js";
import type { LinearModel } from "../linear/model/model.js";
import { weightUnitOf } from "../linear/model/weight-unit.js";
import { solve } from "../linear/solve/solve.js";
import type { DrawPlan } from "../scan/row-draw.js";
import { type RowLayout, withClusters } from "../scan/row-layout.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { ExtendedMoments } from "../stats/extended-moments.js";
import { Moments } from "../stats/moments.js";
import { option, wording } from "../wording.js";
import { checkInMemory } from "./budget.js";
import { unknownColumn } from "./choose-columns.js";
import { readDesign } from "./read-design.js";
import type { WindowOptions } from "./window-options.js";

/** The fit to one window. */
export interface WindowFit {
  /** Times, or numbers of rows in the data from 1 on, of the first and last. */
  first: string;
  last: string;
  n: number;
  /** θ; NaN for terms that depend on others within the window. */
  coefficients: Float64Array;
  /** √(RSS/(n − rank)) as the kind of the weights has it, NaN where no degrees of freedom are left. */
  sigma: number;
  r2: number;
}

/** Windows that are fitted between two pauses. */
const STRETCH = 64;

/** Numbers of a window's rows before those that are merged from the last row backwards: 1 GB. */
const MOST_NUMBERS = 1 << 27;

/** @throws UsageError for what does not go together, and an unknown column */
export function checkWindow(
  { rows, step = 1, time }: WindowOptions,
  { columns, source }: Table,
  options: {
    lambda?: unknown;
    absorbs: boolean;
    inEngine?: boolean | undefined;
    bounded: boolean;
  },
): void {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new UsageError(wording`${option("window")} is a number of rows, got ${rows}`);
  if (!Number.isSafeInteger(step) || step < 1)
    throw new UsageError(`a step is a number of rows, got ${step}`);
  if (options.lambda !== undefined || options.bounded || options.absorbs || options.inEngine)
    throw new UsageError(wording`${option("window")} fits least squares of terms to rows in memory`, {
      hint: wording`leave out ${option("lambda")}, bounds, ${option("absorb")} and ${option("inEngine")}`,
    });
  const places = placesOf(columns);
  if (time !== undefined && !places.has(time)) throw unknownColumn(time, [...places.keys()], source.name);
}

/**
 * Fits least squares to windows of rows in order of time, rolling or expanding; rows of one time stay in the order in which they are.
 * Nothing is subtracted, so that digits do not wear off along a million rows: a window is the merge of a stack of rows that came in and one of
 * suffixes that rows leave from, two merges a row in the mean.
 *
 * @param model the fit to all rows, whose terms, levels and codings the windows have
 */
export async function fitWindows(
  rows: {
    table: Table;
    layout: RowLayout;
    model: LinearModel;
    split: DrawPlan;
    signal: AbortSignal | undefined;
  },
  { rows: size, time, expanding = false, step = 1 }: WindowOptions,
): Promise<WindowFit[]> {
  const { table, model, split, signal } = rows;
  const k = model.terms.length;
  checkInMemory(model.n, k);
  const layout = withClusters(rows.layout, table, time === undefined ? [] : [time]);
  const { X, y, weights, keys, rows: numbers } = await readDesign(table, layout, model, split, signal);
  // A row of weight 0 is none of a window.
  const counted = Array.from(y.keys()).filter((r) => weights === undefined || weights[r]! > 0);
  const n = counted.length;
  const { regression } = model;
  const columns = [...regression.terms, regression.target];
  const order = inOrder(counted, keys, time, table);
  if (n < size)
    throw new UsageError(wording`${option("window", size)} is more than the ${n} rows of the fit`);
  if (!expanding && size * columns.length ** 2 > MOST_NUMBERS)
    throw new UsageError(`windows of ${size} rows and ${columns.length} columns need too much memory`);
  const kind = model.moments.extended ? ExtendedMoments : Moments;
  const momentsOf = (i: number): CrossProducts => {
    const r = order[i]!;
    const row = new Float64Array(k + 1);
    row.set(X.subarray(r * k, (r + 1) * k));
    row[k] = y[r]!;
    return kind.fromRows(columns, row, weights?.subarray(r, r + 1));
  };
  const called = (i: number) => keys?.[order[i]!] ?? String(numbers[order[i]!]! + 1);
  const fits: WindowFit[] = [];
  // Rows [start, middle) by what they and those after them up to the middle come to, and the merge of those from the middle on.
  let suffixes: CrossProducts[] = [];
  let later: CrossProducts | undefined;
  let middle = 0;
  for (let end = 1; end <= n; end++) {
    const one = momentsOf(end - 1);
    later = later === undefined ? one : later.absorb(one);
    const start = expanding ? 0 : Math.max(0, end - size);
    if (start > 0 && start >= middle) {
      // All that came in is taken apart from behind.
      suffixes = [];
      let sum: CrossProducts | undefined;
      for (let i = end - 1; i >= start; i--) {
        const own = momentsOf(i);
        sum = sum === undefined ? own : own.absorb(sum);
        suffixes.push(sum);
      }
      middle = end;
      later = undefined;
    }
    if (end < size || (end - size) % step !== 0) continue;
    const front = middle > start ? suffixes[middle - start - 1] : undefined;
    const moments = front === undefined ? later! : later === undefined ? front : front.clone().absorb(later);
    fits.push({ first: called(start), last: called(end - 1), n: moments.n, ...fitOf(moments, model) });
    if (fits.length % STRETCH === 0) {
      await nextTick();
      if (signal?.aborted) throw new InterruptedError(undefined, { cause: signal.reason });
    }
  }
  return fits;
}

function fitOf(moments: CrossProducts, { regression, weightsKind }: LinearModel) {
  const { coefficients, rss, tss, rank } = solve(moments, regression, { inverse: false });
  // Frequencies stand for so many rows.
  const df = (weightsKind === "frequency" ? moments.sumW : moments.n) - rank;
  const unit = weightUnitOf({ weightsKind, moments });
  const sigma = df > 0 ? Math.sqrt((rss / df) * unit) : Number.NaN;
  return { coefficients, sigma, r2: 1 - rss / tss };
}

/** Some rows' places, in order of time. */
function inOrder(
  order: number[],
  keys: readonly (string | undefined)[] | undefined,
  time: string | undefined,
  table: Table,
): number[] {
  if (keys === undefined) return order;
  const missing = order.filter((r) => keys[r] === undefined).length;
  if (missing > 0)
    throw new DataError(`${missing} ${missing === 1 ? "row has" : "rows have"} no time`, {
      place: { file: table.source.name, column: time },
      hint: "fill them in, or leave such rows out",
    });
  const times = new Set(order.map((r) => keys[r]!));
  const places = new Map(checkedTimesInOrder(times, time!).map((key, i) => [key, i]));
  return order.sort((a, b) => places.get(keys[a]!)! - places.get(keys[b]!)! || a - b);
}
