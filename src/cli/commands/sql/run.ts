import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { printSql } from "../../../training/print-sql.js";
import { modelOptions } from "../../program/model-options.js";
import { printError } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import type { SqlOptions } from "./options.js";
import { readAnswer } from "./read.js";

/** `goml sql`: prints the query of a model's sums, or makes the model of its answer. */
export async function sql(
  action: "print" | "read",
  options: SqlOptions,
  signal: AbortSignal,
  [, file]: readonly string[],
): Promise<number> {
  if (action === "read") return readAnswer(file, options, signal);
  const { dialect, output, quiet } = options;
  if (dialect === undefined)
    throw new UsageError("the database to write for is not said", {
      hint: "name it with --dialect, such as --dialect spark",
    });
  for (const [name, given] of [
    ["model", options.model],
    ["lambda", options.lambda],
    ["json", options.json],
    ["strict", options.strict],
  ] as const)
    if (given !== undefined)
      throw new UsageError(`--${name} goes with goml sql read`, { hint: "the query is the same without it" });
  if (file !== undefined)
    refuseOverwriting([{ path: output, what: "the query" }], [{ path: file, what: "the sample" }]);
  const { solver } = options;
  const printed = await printSql(dialect, file, { ...modelOptions(options), solver, signal });
  await writeFileAtomic(output ?? "-", printed.sql);
  if (!quiet) for (const line of renderNotes(printed.notes)) printError(`${line}\n`);
  return 0;
}
