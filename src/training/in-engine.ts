import type { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { EngineRows } from "../engines/sum-in-engine.js";
import { DataError, ModelError, UsageError } from "../errors.js";
import { isChosen, type PenaltyChoice } from "../linear/penalty/penalty.js";
import type { Solution } from "../linear/solve/solution.js";
import type { SqlSession } from "../sources/database/session.js";
import { sessionOf } from "../sources/open-data.js";
import { type OptionMark, option, type Wording, wording } from "../wording.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { ScannedMoments } from "./moments-result.js";

/** Digits of a double. */
const DIGITS = 15.95;

/**
 * The database that is to sum up its rows.
 *
 * @throws UsageError where the data are no database, or several, and for what takes the rows themselves
 */
export function engineOf(sources: readonly Source[], options: FitCsvOptions): SqlSession | undefined {
  if (options.inEngine !== true) return undefined;
  const session = sources.length === 1 ? sessionOf(sources[0]!) : undefined;
  if (session === undefined)
    throw new UsageError(
      wording`${option("inEngine", true)} goes with one database: duckdb:file.db, sqlite:file.db or postgres://host/db`,
    );
  const taken = takesRows(options);
  if (taken !== undefined)
    throw new UsageError(
      wording`${taken} takes the rows themselves, which stay in the database with ${option("inEngine", true)}`,
      { hint: "leave one of them out" },
    );
  return session;
}

/** The option that needs rows, where there is one. */
function takesRows(options: FitCsvOptions): OptionMark | undefined {
  const { solver, vcov = "iid", testSize, shard, where, dropSingletons } = options;
  if (solver === "qr" || solver === "gd") return option("solver", solver);
  if (vcov !== "iid") return option("vcov", vcov);
  if (testSize !== undefined && testSize > 0) return option("testSize", testSize);
  if (shard !== undefined) return option("shard");
  if (dropSingletons) return option("dropSingletons", true);
  if (where !== undefined) return option("where");
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
}

/** Prepares the sums of a model over the rows of a database. */
export async function engineScan(
  session: SqlSession,
  table: Table,
  plan: { spec: ModelSpec; folds: number; seed: number; foldBy?: string | undefined },
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
    format: table.format,
    reading: options,
  });
  return {
    async scan(extended) {
      const { folds, levels, rows: complete, total, undefinedRows } = await rows.moments(extended);
      const dropped = total - complete;
      if (options.na === "fail" && dropped > 0)
        throw new DataError(`${dropped} of ${total} rows have a missing cell in a column used`, {
          place: { file: session.name },
          hint: wording`such rows are dropped with ${option("na", "omit")}`,
        });
      return {
        folds,
        levels,
        rows: total,
        dropped,
        undefinedRows,
        groups: undefined,
        kept: undefined,
        heldOut: 0,
        firstDropped: -1,
        singletons: 0,
        excluded: 0,
        clusters: undefined,
        unclustered: -1,
      };
    },
    async checkExact(solution) {
      const why = await rows.inexact();
      if (why === undefined) return;
      throw new ModelError(
        `double precision leaves ${digitsLeft(solution)}, and sums cannot be exact: ${why}`,
        {
          hint: takeThem,
        },
      );
    },
  };
}

const takeThem: Wording = wording`take them with ${option("solver", "normal")}, or leave ${option("inEngine", true)} out`;

/** About how many digits of θ are right that is solved from sums in double: the normal equation loses log₁₀ κ². */
function digitsLeft({ conditionNumber }: Solution): string {
  const digits = Math.max(0, Math.floor(DIGITS - 2 * Math.log10(Math.max(1, conditionNumber))));
  return digits === 0 ? "no digit of the coefficients" : `about ${digits} digits of the coefficients`;
}
