import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import type { RowChoice } from "../engines/row-sql.js";
import { EngineRows, type EngineSums } from "../engines/sum-in-engine.js";
import { DataError, ModelError, UsageError } from "../errors.js";
import { isChosen, type PenaltyChoice } from "../linear/penalty/penalty.js";
import type { Solution } from "../linear/solve/solution.js";
import type { RowLayout } from "../scan/row-layout.js";
import type { SqlSession } from "../sources/database/session.js";
import { sessionOf } from "../sources/open-data.js";
import { countedByWeights } from "../stats/frequencies.js";
import { type OptionMark, option, type Wording, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { ScannedMoments } from "./moments-result.js";

/** Digits of a double. */
const DIGITS = 15.95;

/** Whether no cell of a spec's columns is missing in the rows that were looked at. */
function isComplete({ columns, sample }: Table, { numeric, text }: ModelSpec): boolean {
  const used = columns.flatMap(({ name }, at) => (numeric.includes(name) || text.includes(name) ? [at] : []));
  return sample.every((row) => used.every((at) => row[at] !== ""));
}

/** What sums up rows where they are, in the place of a scan. */
export interface Engine {
  /** Its columns. */
  table(options: FitCsvOptions): Promise<Table>;
  /** The model, where it was chosen before. */
  readonly spec?: ModelSpec | undefined;
  scan(rows: EngineRequest, options: FitCsvOptions): Promise<EngineScan>;
}

/** What a model needs of the rows. */
interface EngineRequest {
  readonly table: Table;
  readonly plan: { spec: ModelSpec; folds: number; seed: number; foldBy?: string | undefined };
  readonly where: RowLayout["where"];
  /** The column whose values each have a model of their own. */
  readonly group?: string | undefined;
}

/**
 * The database that is to sum up its rows.
 *
 * @throws UsageError where the data are no database, or several, and for what takes the rows themselves
 */
export function engineOf(sources: readonly Source[], options: FitCsvOptions): Engine | undefined {
  if (options.inEngine !== true) return undefined;
  const session = sources.length === 1 ? sessionOf(sources[0]!) : undefined;
  if (session === undefined)
    throw new UsageError(
      wording`${option("inEngine", true)} goes with one database: duckdb:file.db, sqlite:file.db, postgres://host/db or clickhouse://host/db`,
    );
  const taken = takesRows(options);
  if (taken !== undefined)
    throw new UsageError(
      wording`${taken} takes the rows themselves, which stay in the database with ${option("inEngine", true)}`,
      { hint: "leave one of them out" },
    );
  return {
    table: (reading) => session.table(reading),
    scan: (rows, asked) => engineScan(session, rows, asked),
  };
}

/** The option that needs rows, where there is one. */
function takesRows(options: FitCsvOptions): OptionMark | undefined {
  const {
    keepMeat = "none",
    solver,
    vcov = "iid",
    testSize,
    shard,
    dropSingletons,
    absorb = [],
    folds,
    lambda,
  } = options;
  if (solver === "qr" || solver === "gd") return option("solver", solver);
  if (vcov !== "iid") return option("vcov", vcov);
  if (keepMeat !== "none") return option("keepMeat", keepMeat);
  if (testSize !== undefined && testSize > 0) return option("testSize", testSize);
  if (shard !== undefined) return option("shard");
  // Absorbed effects are cross-validated by rows.
  if (absorb.length > 0 && (folds ?? (typeof lambda === "string" ? 2 : 1)) > 1) return option("folds", folds);
  if (dropSingletons) return option("dropSingletons", true);
  return undefined;
}

/**
 * What becomes of cross-validation where nothing says in which fold a row is: rows of a database have no numbers.
 *
 * @throws UsageError where it is asked for
 */
export function withoutKeyNotes(options: FitCsvOptions, penalty: PenaltyChoice | undefined): string[] {
  const { folds } = options;
  const asked =
    folds !== undefined && folds > 1
      ? option("folds", folds)
      : penalty !== undefined && isChosen(penalty)
        ? option("lambda", typeof penalty.lambda === "string" ? penalty.lambda : undefined)
        : undefined;
  if (asked !== undefined && options.foldBy === undefined)
    throw new UsageError(
      wording`${asked} with ${option("inEngine", true)} goes by a key, for rows of a database have no numbers`,
      {
        hint: wording`name a column of whole numbers with ${option("foldBy")}`,
      },
    );
  return folds === 1 ? [] : ["no cross-validation: rows of a database have no numbers to draw folds by"];
}

/** What a scan of a table would give, of sums that its database makes. */
export interface EngineScan {
  scan(extended: boolean): Promise<ScannedMoments>;
  /**
   * Refuses a solution that double precision has left too few digits of, where sums cannot be exact.
   *
   * @throws ModelError with the digits left
   */
  checkExact(solution: Solution): Promise<void>;
  /** Why sums cannot be exact; undefined where they can. */
  inexact(): Promise<string | undefined>;
}

/** Prepares the sums of a model over the rows of a database. */
async function engineScan(
  session: SqlSession,
  { table, plan, where, group }: EngineRequest,
  options: FitCsvOptions,
): Promise<EngineScan> {
  const rows = await EngineRows.open(session, {
    spec: plan.spec,
    weights: options.weights,
    folds: plan.folds,
    fold:
      plan.foldBy === undefined || plan.folds === 1
        ? undefined
        : { column: plan.foldBy, seed: plan.seed, folds: plan.folds },
    where: conditionOf(where),
    group,
    likelyComplete: isComplete(table, plan.spec),
    format: table.format,
    reading: options,
  });
  return {
    async scan(extended) {
      const sums = await rows.moments(extended);
      if (sums.lost === undefined || options.solver === "normal")
        return scannedSums(sums, options, session.name);
      const why = await rows.inexact();
      if (why !== undefined)
        throw new ModelError(
          `group ${sums.lost} lies so far from others that their sums lose its digits, and cannot be exact: ${why}`,
          { hint: takeThem },
        );
      return scannedSums(await rows.moments(true), options, session.name);
    },
    inexact: () => rows.inexact(),
    async checkExact(solution) {
      const why = await rows.inexact();
      if (why === undefined) return;
      throw new ModelError(`${doubleDoubt(solution)}, and sums cannot be exact: ${why}`, {
        hint: takeThem,
      });
    },
  };
}

/** A layout's condition on rows, and the columns of numbers that it reads. */
export function conditionOf(where: RowLayout["where"]): RowChoice["where"] {
  return (
    where && {
      condition: where.condition,
      numeric: Object.entries(where.columns).flatMap(([name, { of }]) => (of === "numbers" ? [name] : [])),
    }
  );
}

/**
 * What a scan would have given.
 *
 * @throws DataError for missing cells where they are not to be
 */
export function scannedSums(
  { folds, groups, levels, rows: complete, total, excluded, undefinedRows, fractions }: EngineSums,
  { na, weightsKind }: Pick<FitCsvOptions, "na" | "weightsKind">,
  file: string,
): ScannedMoments {
  if (weightsKind === "frequency") {
    if (fractions > 0)
      throw new DataError(
        `frequencies say how many rows each is, integers of 0 or more: ${fractions} ${fractions === 1 ? "is" : "are"} none`,
        { place: { file } },
      );
    for (const fold of folds) countedByWeights(fold);
  }
  const rows = total - excluded;
  const dropped = rows - complete;
  if (na === "fail" && dropped > 0)
    throw new DataError(`${dropped} of ${rows} rows have a missing cell in a column used`, {
      place: { file },
      hint: wording`such rows are dropped with ${option("na", "omit")}`,
    });
  return {
    folds,
    levels,
    rows,
    dropped,
    // Rows that lack only a target are not told from others there.
    lackingTargets: 0,
    undefinedRows,
    groups,
    kept: undefined,
    heldOut: 0,
    firstDropped: -1,
    singletons: 0,
    excluded,
    clusters: undefined,
    unclustered: -1,
  };
}

const takeThem: Wording = wording`take them with ${option("solver", "normal")}, or leave ${option("inEngine", true)} out`;

/** Why sums in double are not enough: the normal equation loses log₁₀ κ² of about 16 digits. */
export function doubleDoubt({ conditionNumber, aliased }: Solution): string {
  const digits = Math.max(0, Math.floor(DIGITS - 2 * Math.log10(Math.max(1, conditionNumber))));
  if (digits === 0) return "double precision leaves no digit of the coefficients";
  if (aliased.length > 0) return "double precision leaves open which terms depend on others";
  return digits > ENOUGH
    ? "double precision may be too little, for a column lies far from 0, or the fit is nearly perfect"
    : `double precision leaves about ${digits} digits of the coefficients`;
}

/** With more digits than that it is something else that double precision is not enough for. */
const ENOUGH = 10;
