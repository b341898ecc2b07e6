import { UsageError } from "../../../errors.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { predictInEngine } from "../../../prediction/predict-in-engine.js";
import { version } from "../../../version.js";
import { readNamed } from "../../program/model-option.js";
import { count } from "../../render/numbers.js";
import { printError } from "../../render/print.js";
import type { PredictOptions } from "./options.js";

/** Options that a prediction in SQL does not have. */
const OTHERS = ["machine", "concurrent", "se", "terms", "excelSafe", "where", "id", "url"] as const;

/** `goml predict --in-engine`: the database makes a table of its own rows and their predictions. */
export async function predictByEngine(
  data: readonly string[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<number> {
  const { output, table, sql } = options;
  const [database] = data;
  if (database === undefined || data.length > 1)
    throw new UsageError(
      "--in-engine goes with one database: duckdb:file.db, sqlite:file.db, postgres://host/db",
    );
  if (output === undefined)
    throw new UsageError("--in-engine makes a table, and its name is not given", { hint: "name it with -o" });
  if (table === undefined && sql === undefined)
    throw new UsageError("--in-engine predicts a table, and none is named", {
      hint: "name it with --table, or give a query with --sql",
    });
  const other = OTHERS.find((name) => options[name] !== undefined && options[name] !== false);
  if (other !== undefined || options.interval !== "none" || Object.keys(options.set).length > 0)
    throw new UsageError(
      `--in-engine gives predictions, and goes without --${other === undefined ? (options.interval === "none" ? "set" : "interval") : other === "excelSafe" ? "excel-safe" : other}`,
    );
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  const started = performance.now();
  const { rows, missing } = await predictInEngine(model, database, { output, table, sql, signal });
  const totalMs = performance.now() - started;
  if (options.quiet) return 0;
  if (options.json)
    printError(
      `${JSON.stringify({ goml: version, command: "predict", data: { path: database, table: output, rows, missing }, timing: { totalMs } }, null, 2)}\n`,
    );
  else
    printError(
      `${count(rows)} ${rows === 1 ? "row" : "rows"} in table ${output}${missing > 0 ? `, ${count(missing)} NULL for missing values or levels that training did not meet` : ""}\n`,
    );
  return 0;
}
