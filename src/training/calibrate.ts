import type { Table } from "../csv/table.js";
import { placesOf } from "../dataset/column-places.js";
import { timesInOrder } from "../dataset/times-in-order.js";
import { ModelError, UsageError } from "../errors.js";
import {
  type Conformal,
  type ConformalMethod,
  calibrated,
  conformalPlan,
  MOST_FIT_NUMBERS,
} from "../linear/conformal/conformal.js";
import type { Coverage } from "../linear/conformal/coverage.js";
import { inverseRoot, type Whitening } from "../linear/covariance/whitening.js";
import type { LinearModel } from "../linear/model/model.js";
import { weightsOf } from "../linear/model/predictor-plan.js";
import type { PenaltyChoice } from "../linear/penalty/penalty.js";
import { isChosen } from "../linear/penalty/penalty.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import { withPauses } from "../parallel/with-pauses.js";
import type { DrawPlan } from "../scan/row-draw.js";
import { type RowLayout, withClusters } from "../scan/row-layout.js";
import type { ScanControl } from "../scan/scan-options.js";
import { scanTotal } from "../scan/scan-total.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { option, wording } from "../wording.js";
import { unknownColumn } from "./choose-columns.js";
import { ConformalJob, type ConformalResult, type ConformalScan } from "./conformal-job.js";
import { ofFit, withoutCluster } from "./robust-vcov.js";
import { ENTRY } from "./scan-moments.js";
import type { TrainingPlan } from "./training-job.js";

/** How conformal intervals are asked for; all may be left out. */
export interface ConformalOptions {
  /**
   * Calibrates conformal intervals: on rows set aside from the fit (`split`), on each fold by the fit of the others (`cv+`), or on
   * each row by the fit of all others (`jackknife+`). Reads the data again. Default: none.
   */
  conformal?: ConformalMethod | undefined;
  /** The column of groups, each calibrated by its own rows alone. Default: none. */
  conformalBy?: string | undefined;
  /** Of `split`: the share of rows to set aside, between 0 and 1. Default: 0.2. */
  calibration?: number | undefined;
}

/** The share that is set aside unless it is said how much. */
const ASIDE = 0.2;

/** The rows of a fit, as they are scanned. */
interface FittedRows {
  table: Table;
  layout: RowLayout;
  model: LinearModel;
  /** With the share that is set aside and held out. */
  split: DrawPlan;
  /** The share held out alone. */
  heldOut: number;
  control: ScanControl;
}

/**
 * The share to set aside.
 *
 * @throws UsageError where what is asked for does not fit together
 */
export function calibrationShare(
  options: ConformalOptions & {
    testSize?: number | undefined;
    absorbs: boolean;
    inEngine?: boolean | undefined;
    shard?: unknown;
    firstRow?: number | undefined;
    weightsKind?: string | undefined;
  },
  penalty: PenaltyChoice | undefined,
): number {
  const { conformal, conformalBy, calibration, testSize = 0, absorbs, inEngine } = options;
  if (conformal === undefined) {
    const given =
      conformalBy !== undefined
        ? option("conformalBy", conformalBy)
        : calibration !== undefined
          ? option("calibration", calibration)
          : undefined;
    if (given !== undefined)
      throw new UsageError(wording`${given} goes with ${option("conformal")}`, {
        hint: wording`add ${option("conformal", "split")}`,
      });
    return 0;
  }
  const name = option("conformal", conformal);
  if (inEngine === true)
    throw new UsageError(
      wording`${name} reads rows, and with ${option("inEngine")} only sums leave the database`,
    );
  if (options.weightsKind === "frequency")
    throw new UsageError(
      wording`${name} counts each row once, and weights that are frequencies stand for several`,
    );
  if (calibration !== undefined && conformal !== "split")
    throw new UsageError(
      wording`${option("calibration")} is the share set aside, and ${name} sets none aside`,
    );
  if (absorbs && conformal !== "split")
    throw new UsageError(wording`${name} does not go with absorbed effects`, {
      hint: wording`${option("conformal", "split")} does; or fit the factors as terms`,
    });
  if (penalty !== undefined && conformal === "jackknife+")
    throw new UsageError(
      wording`${name} follows from leverages, which a fit with a penalty or bounds has not`,
      {
        hint: wording`${option("conformal", "cv+")} fits it anew without each fold`,
      },
    );
  if (penalty !== undefined && isChosen(penalty) && conformal === "cv+")
    throw new UsageError(
      wording`${name} needs fits that know nothing of their fold, and a λ chosen by all rows knows all`,
      {
        hint: wording`give a number to ${option("lambda")}, or take ${option("conformal", "split")}`,
      },
    );
  const share = conformal === "split" ? (calibration ?? ASIDE) : 0;
  if (share + testSize >= 1)
    throw new UsageError(
      wording`${option("testSize")} and ${option("calibration")} leave no rows to fit: together they are ${share + testSize}`,
    );
  return share;
}

/** Throws UsageError where the table lacks the column of groups. */
export function checkConformalColumn({ conformalBy }: ConformalOptions, { columns, source }: Table): void {
  if (conformalBy === undefined) return;
  const places = placesOf(columns);
  const name = conformalBy.normalize("NFC");
  if (!places.has(name)) throw unknownColumn(name, [...places.keys()], source.name);
}

/**
 * A fitted model with conformal intervals, calibrated in one more pass over its rows.
 *
 * @param folds the moments of each fold, and what cross-validation found of those with rows, where rows are scored by folds
 * @throws ModelError where a fold's rows need what the others cannot estimate, or too much would be kept
 */
export async function calibrate(
  rows: FittedRows,
  options: ConformalOptions,
  folds: { all: readonly CrossProducts[]; cv: CrossValidation | undefined },
): Promise<LinearModel> {
  const { table, model, control } = rows;
  const method = options.conformal!;
  const by = options.conformalBy?.normalize("NFC");
  const layout = withClusters(rows.layout, table, by === undefined ? [] : [by]);
  let scan: ConformalScan["by"] = { rows: "aside" };
  let whitening: Whitening | undefined;
  let fits: (Float64Array | undefined)[] = [];
  const place: number[] = [];
  if (method === "cv+") {
    fits = foldFits(model, folds);
    let filled = 0;
    folds.all.forEach(({ n }, f) => {
      place[f] = n > 0 ? filled++ : -1;
    });
    scan = { rows: "folds", fits };
  }
  if (method === "jackknife+") {
    whitening = await withPauses(model.whiteningSteps(), control);
    checkSize(model.n, model.coefficients.length);
    scan = { rows: "each", whitening };
  }
  const found = await scanRows({ ...rows, layout }, scan);
  if (found.ungrouped >= 0) throw await withoutCluster(table, found.ungrouped, [by!]);
  const n = found.scores.length;
  if (n === 0)
    throw new ModelError("no row was set aside to calibrate by", {
      hint: wording`set more aside with ${option("calibration")}`,
    });
  const names = by === undefined ? undefined : timesInOrder(found.names);
  const places = found.names.map((name) => names?.indexOf(name) ?? 0);
  const groups = found.groups.map((g) => places[g]!);
  const own = {
    method,
    ...(by === undefined ? {} : { by, of: layout.clusters![0]!.of }),
    ...(method === "split" ? { share: options.calibration ?? ASIDE } : {}),
  };
  const calibration = { scores: found.scores, names, groups };
  const first = model.intercept ? 0 : 1;
  const conformal: Conformal =
    method === "split"
      ? calibrated({ ...calibration, fits: new Int32Array(n) }, own, [])
      : method === "cv+"
        ? calibrated(
            { ...calibration, fits: found.folds.map((fold) => place[fold]!) },
            own,
            fits.flatMap((fit) => (fit === undefined ? [] : [fit.slice(first)])),
          )
        : calibrated(
            { ...calibration, fits: Int32Array.from({ length: n }, (_, i) => i) },
            own,
            withoutEach(model, whitening!, found.influences),
          );
  return model.withConformal(conformal);
}

/** The fits without each fold, with β₀; undefined for folds without rows. */
function foldFits(
  model: LinearModel,
  { all, cv }: { all: readonly CrossProducts[]; cv: CrossValidation | undefined },
): (Float64Array | undefined)[] {
  if (cv === undefined)
    throw new ModelError(wording`${option("conformal", "cv+")} needs two folds with rows`, {
      hint: wording`ask for ${option("folds", 10)}`,
    });
  const fits = [...cv.folds];
  checkSize(fits.length, model.coefficients.length);
  return all.map(({ n }) => {
    if (n === 0) return undefined;
    const { coefficients, needs } = fits.shift()!;
    if (needs.length > 0)
      throw new ModelError(
        `a fold has rows that need ${model.terms[needs[0]!]}, which the other folds cannot estimate: it has no scores`,
        { hint: wording`ask for other ${option("folds")}, or take ${option("conformal", "split")}` },
      );
    return weightsOf(coefficients, model.spec);
  });
}

function checkSize(fits: number, coefficients: number): void {
  if (fits * coefficients > MOST_FIT_NUMBERS)
    throw new ModelError(
      `${fits} fits of ${coefficients} coefficients are more than a model keeps for intervals (${MOST_FIT_NUMBERS} numbers)`,
      { hint: wording`take ${option("conformal", "cv+")}, which keeps one fit for each fold` },
    );
}

/** θ without each row: θ − R⁻¹ w e u/(1 − h). */
function withoutEach(model: LinearModel, whitening: Whitening, influences: Float64Array): Float64Array[] {
  const { rank, kept, constant } = whitening;
  const root = inverseRoot(whitening);
  const first = model.intercept ? 1 : 0;
  const at = constant === 0 ? kept.map((j) => j + first) : [0, ...kept.map((j) => j + first)];
  const fits: Float64Array[] = [];
  for (let from = 0; from < influences.length; from += rank) {
    const theta = Float64Array.from(model.coefficients, (value) => (Number.isNaN(value) ? 0 : value));
    for (let i = 0; i < rank; i++) {
      let moved = 0;
      for (let j = 0; j < rank; j++) moved += root[i * rank + j]! * influences[from + j]!;
      theta[at[i]!]! -= moved;
    }
    fits.push(theta);
  }
  return fits;
}

/** How often the intervals of a model cover rows that were held out. */
export async function coverageOf(rows: FittedRows, level: number): Promise<Coverage> {
  const { table, model } = rows;
  const { by } = model.conformal!;
  const layout = withClusters(rows.layout, table, by === undefined ? [] : [by]);
  const intervals = conformalPlan(model.conformal!, model.intercept, level);
  const found = await scanRows({ ...rows, layout }, { rows: "heldOut", intervals });
  const sum = (values: Iterable<number>) => {
    let total = 0;
    for (const value of values) total += value;
    return total;
  };
  const bounded = found.widths.filter((width) => width < Infinity);
  return {
    level,
    n: found.covered.length,
    covered: sum(found.covered),
    width: sum(bounded) / bounded.length,
    unbounded: found.widths.length - bounded.length,
    ...(by === undefined
      ? {}
      : {
          groups: timesInOrder(found.names).map((name) => {
            const g = found.names.indexOf(name);
            const own = found.covered.filter((_, i) => found.groups[i] === g);
            return { name, n: own.length, covered: sum(own) };
          }),
        }),
  };
}

async function scanRows(
  { table, layout, model, split, heldOut, control }: FittedRows,
  by: ConformalScan["by"],
): Promise<ConformalResult> {
  const { testSize, seed, firstRow, foldBy } = split;
  // The rows of the fit are in its row space by definition; others are not.
  const inFit = by.rows === "folds" || by.rows === "each";
  const predictor = inFit ? ofFit(model.predictorPlan(true)) : model.predictorPlan(true);
  const plan: ConformalScan = { predictor, heldOut, by, testSize, seed, firstRow, foldBy };
  const { total } = await scanTotal<TrainingPlan, ConformalResult, ConformalTotal>(
    table,
    layout,
    {
      plan: { conformal: plan },
      create: (view) => new ConformalJob(view, plan),
      entry: ENTRY,
      total: (result) => new ConformalTotal(result),
    },
    control,
  );
  return total!.whole();
}

/** The results of chunks, one after the other. */
class ConformalTotal {
  readonly #parts: ConformalResult[];

  constructor(result: ConformalResult) {
    this.#parts = [result];
  }

  absorb(later: ConformalTotal): this {
    this.#parts.push(...later.#parts);
    return this;
  }

  whole(): ConformalResult {
    const numbers = new Map<string, number>();
    const names: string[] = [];
    const groups: Int32Array[] = this.#parts.map((part) => {
      const own = part.names.map((name) => {
        if (!numbers.has(name)) numbers.set(name, names.push(name) - 1);
        return numbers.get(name)!;
      });
      return part.groups.map((g) => own[g]!);
    });
    return {
      scores: joined(
        this.#parts.map((part) => part.scores),
        Float64Array,
      ),
      folds: joined(
        this.#parts.map((part) => part.folds),
        Int32Array,
      ),
      groups: joined(groups, Int32Array),
      names,
      influences: joined(
        this.#parts.map((part) => part.influences),
        Float64Array,
      ),
      ungrouped: this.#parts.find((part) => part.ungrouped >= 0)?.ungrouped ?? -1,
      covered: joined(
        this.#parts.map((part) => part.covered),
        Uint8Array,
      ),
      widths: joined(
        this.#parts.map((part) => part.widths),
        Float64Array,
      ),
    };
  }
}

function joined<List extends Float64Array | Int32Array | Uint8Array>(
  parts: readonly List[],
  Kind: new (length: number) => List,
): List {
  const whole = new Kind(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
