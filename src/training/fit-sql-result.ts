import type { Source } from "../csv/source.js";
import { type Result, readResult, sumsOfResult } from "../engines/result.js";
import { ModelError } from "../errors.js";
import { withSources } from "../sources/tables.js";
import { option, wording } from "../wording.js";
import { fitSources } from "./fit-csv.js";
import type { FitCsvOptions } from "./fit-options.js";
import type { CsvFit } from "./fit-target.js";
import { conditionOf, doubleDoubt, type Engine, scannedSums } from "./in-engine.js";
import { namedTable } from "./named-table.js";

/** What the model of an answer may be chosen by that needs no other sums. */
export type FitSqlResultOptions = Pick<
  FitCsvOptions,
  | "references"
  | "na"
  | "lambda"
  | "alpha"
  | "penaltyFactors"
  | "lower"
  | "lowerIn"
  | "upper"
  | "upperIn"
  | "relax"
  | "gamma"
  | "fileBytes"
  | "signal"
> & {
  /** `normal` takes sums in double however few digits they leave. Default: `auto`. */
  solver?: "auto" | "normal" | undefined;
};

/**
 * Fits the model of which `printSql` printed the query, to the CSV of its answer.
 *
 * @throws DataError where the answer is cut, torn, changed, or none; ModelError where its sums have too few digits
 * @example
 * ```js
 * import { DuckDBInstance } from "@duckdb/node-api";
 * import { writeFileSync } from "node:fs";
 * import { fitSqlResult, printSql } from "goml";
 *
 * const { sql } = await printSql("duckdb", undefined, { table: "orders", target: "amount", features: ["price"] });
 * const database = await (await DuckDBInstance.create("sales.db")).connect();
 * await database.run(`COPY (${sql.trim().replace(/;$/, "")}) TO 'answer.csv' (HEADER)`);
 * const { model } = await fitSqlResult("answer.csv");
 * console.log(model.n, model.coefficients[1].toFixed(2)); // 600 3.00
 * ```
 */
export async function fitSqlResult(path: string, options: FitSqlResultOptions = {}): Promise<CsvFit> {
  return withSources(path, options.signal, async (sources) => {
    const source = sources[0]!;
    source.keepContent();
    const pieces: Uint8Array[] = [];
    for await (const piece of source.chunks()) pieces.push(piece.slice());
    const result = readResult(Buffer.concat(pieces), source.name);
    const { plan } = result;
    const { weights, weightsKind, folds, foldBy, seed, where, naValues, naValuesIn } = plan;
    const text = plan.columns.filter(({ kind }) => kind === "text").map(({ name }) => name);
    const reading = { naValues, naValuesIn, ...(text.length === 0 ? {} : { text }), where };
    return fitSources(
      sources,
      {
        ...options,
        ...reading,
        weights,
        weightsKind,
        folds,
        foldBy,
        seed,
        solver: plan.exact ? "extended" : options.solver,
      },
      engineOfResult(source, result, reading),
    );
  });
}

function engineOfResult(source: Source, result: Result, reading: FitCsvOptions): Engine {
  const { plan, file } = result;
  return {
    spec: plan.spec,
    table: async () => namedTable(source, plan.columns, reading),
    async scan({ table, where }, options) {
      const sums = sumsOfResult(result, { where: conditionOf(where), format: table.format });
      return {
        scan: async () => scannedSums(sums, { ...options, weightsKind: plan.weightsKind }, file),
        inexact: async () => "the answer has the sums that it has",
        async checkExact(solution) {
          throw new ModelError(doubleDoubt(solution), {
            hint: wording`print the query with ${option("solver", "extended")}, or take the sums as they are with ${option("solver", "normal")}`,
          });
        },
      };
    },
  };
}
