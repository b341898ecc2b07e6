import { writeFileAtomic } from "../../../csv/write.js";
import { ModelError, UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { MOST_BYTES } from "../../../linear/model/model-file.js";
import { writeJson } from "../../../linear/model/write-json.js";
import { fitSqlResult } from "../../../training/fit-sql-result.js";
import { version } from "../../../version.js";
import { modelOptions } from "../../program/model-options.js";
import { coefficientsCsv } from "../../render/coefficients-csv.js";
import { print } from "../../render/print.js";
import { renderSummary } from "../../render/summary.js";
import { summaryDocument } from "../../render/summary-document.js";
import type { SqlOptions } from "./options.js";

/** Options that the query has settled. */
const PRINTED = [
  "dialect",
  "target",
  "features",
  "exclude",
  "absorb",
  "dropSingletons",
  "formula",
  "weights",
  "weightsKind",
  "folds",
  "foldBy",
  "where",
  "naValues",
  "text",
  "table",
  "sql",
] as const;

/** `goml sql read`: the model of a printed query's answer. */
export async function readAnswer(
  file: string | undefined,
  options: SqlOptions,
  signal: AbortSignal,
): Promise<number> {
  if (file === undefined)
    throw new UsageError("missing required argument 'file.csv'", {
      hint: "goml sql read answer.csv reads the answer to a query of goml sql print",
    });
  const settled = PRINTED.find((name) => options[name] !== undefined);
  const flag = settled ?? (options.intercept ? undefined : "no-intercept");
  if (flag !== undefined)
    throw new UsageError(
      `--${flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} goes with goml sql print`,
      { hint: "the answer says what it is of; print and run another query for another model" },
    );
  if (options.solver === "extended")
    throw new UsageError("--solver extended goes with goml sql print", {
      hint: "print a query of exact sums with it, and run that",
    });
  const model = options.model ?? "model.json";
  refuseOverwriting(
    [
      { path: model, what: "the model" },
      { path: options.output, what: "the table of coefficients" },
    ],
    [{ path: file, what: "the answer" }],
  );
  const { references, na, lambda, alpha, penaltyFactors, ...others } = modelOptions(options);
  const { lower, lowerIn, upper, upperIn, relax, gamma } = others;
  const bounds = { lower, lowerIn, upper, upperIn, relax, gamma };
  const fitted = await fitSqlResult(file, {
    ...{ references, na, lambda, alpha, penaltyFactors, ...bounds },
    solver: options.solver,
    fileBytes: MOST_BYTES,
    signal,
  });
  const { aliased } = fitted.model;
  if (options.strict && aliased.length > 0)
    throw new ModelError(`these terms depend linearly on terms before them: ${aliased.join(", ")}`, {
      hint: "print the query without them, or read without --strict",
    });
  await writeJson(model, fitted.model.document(), { signal });
  const summary = fitted.model.summary(options.level);
  if (options.output !== undefined)
    await writeFileAtomic(options.output, coefficientsCsv(summary.coefficients));
  if (options.quiet) return 0;
  const of = { ...options, model };
  if (options.json)
    print(
      `${JSON.stringify({ goml: version, command: "sql", ...summaryDocument(fitted, { ...of, path: file }) }, null, 2)}\n`,
    );
  else print(renderSummary(fitted, of, process.stdout.columns ?? Infinity));
  return 0;
}
