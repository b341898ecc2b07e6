import { GateError, ModelError, UsageError } from "../../../errors.js";
import { shownPath } from "../../../files/shown-path.js";
import { LinearModel } from "../../../linear/model/model.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { evaluateCsv } from "../../../prediction/evaluate-csv.js";
import { version } from "../../../version.js";
import { readNamed } from "../../program/model-option.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { screen } from "../../render/colour.js";
import { renderCoverage } from "../../render/conformal-text.js";
import { droppedFrom } from "../../render/dropped.js";
import { annotation, markdownTable, stepSummary } from "../../render/github.js";
import { count, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { renderTable, setLines } from "../../render/table.js";
import {
  type Baseline,
  type Bounds,
  boundText,
  failures,
  type Gate,
  gatesOf,
  title,
  verdict,
} from "./gates.js";

/** The options of `goml evaluate`, as commander gives them. */
export interface EvaluateOptions extends ReadingFlags, Bounds {
  model: string;
  threads?: number;
  unseen: "fail" | "na";
  baseline?: string;
  tolerance: number;
  level?: number;
  github?: boolean;
  json?: boolean;
  quiet?: boolean;
  trust?: boolean;
}

/** `goml evaluate`: measures the error on other data, and fails with exit code 5 where a gate does not hold. */
export async function evaluate(
  data: readonly string[],
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<number> {
  if (options.baseline !== undefined && data.includes("-"))
    throw new UsageError("the rows are read once for each model, and standard input can be read once", {
      hint: "write them to a file, and name it in place of -",
    });
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  if (options.level !== undefined && !(model instanceof LinearModel && model.conformal !== undefined))
    throw new UsageError("--level is of conformal intervals, and the model has none", {
      hint: "train with --conformal split, cv+ or jackknife+, or leave --level out",
    });
  const measure = (one: EvaluatedModel, what: string) => {
    const progress = progressBar(what);
    return evaluateCsv(one, data, {
      ...readingOptions(options),
      threads: options.threads,
      callerWorks: true,
      unseen: options.unseen,
      level: options.level,
      signal,
      onProgress: progress.update,
    }).finally(progress.end);
  };
  const found = await measure(model, "reading");
  const { rows, dropped, outside, excluded, metrics, notes, coverage } = found;
  let baseline: Baseline | undefined;
  if (options.baseline !== undefined) {
    const other = await readAnyModel(options.baseline, { trust: options.trust, signal });
    if (other.target !== model.target)
      throw new ModelError(
        `${options.baseline} predicts ${JSON.stringify(other.target)}, ${options.model} ${JSON.stringify(model.target)}`,
      );
    const its = await measure(other, "reading for the baseline");
    if (its.weights !== found.weights)
      throw new ModelError(
        `${options.baseline} weights errors by ${its.weights ?? "nothing"}, ${options.model} by ${found.weights ?? "nothing"}: they are not comparable`,
        { hint: "leave the column of weights out of the data, and each row counts alike" },
      );
    if (its.metrics.n !== metrics.n)
      throw new ModelError(
        `${options.baseline} predicts ${count(its.metrics.n)} of these rows, ${options.model} ${count(metrics.n)}: their errors are not those of the same rows`,
        { hint: "give rows without missing cells and without levels that one of them does not know" },
      );
    baseline = { rmse: its.metrics.rmse, tolerance: options.tolerance };
  }
  const gates = gatesOf(metrics, options, baseline);
  const figures = [
    ["MSE", significant(metrics.mse)],
    ["RMSE", significant(metrics.rmse)],
    ["MAE", significant(metrics.mae)],
    ["R²", significant(metrics.r2)],
    ["extractAIC", significant(metrics.aicExtract)],
  ];
  const weighted = model.weightsColumn !== undefined;
  if (options.json)
    print(
      `${JSON.stringify(
        {
          goml: version,
          command: "evaluate",
          data: {
            path: data.map(shownPath).join(" "),
            rows,
            dropped,
            ...(outside > 0 ? { outside } : {}),
            ...(excluded > 0 ? { excluded } : {}),
          },
          model: { path: options.model, target: model.target },
          metrics,
          ...(coverage === undefined
            ? {}
            : { coverage: { ...coverage, share: coverage.covered / coverage.n } }),
          ...(baseline ? { baseline: { path: options.baseline, ...baseline } } : {}),
          gates,
          ...(notes.length > 0 ? { notes } : {}),
        },
        null,
        2,
      )}\n`,
    );
  else if (!options.quiet) {
    print(
      `${renderNotes(notes)
        .map((line) => `${line}\n`)
        .join("")}${renderTable({ rows: figures, align: ["left", "right"] })}\n` +
        `${setLines([
          `${count(metrics.n)} of ${count(rows)} rows, ${droppedFrom(model.spec, dropped, weighted)}` +
            `${outside > 0 ? `, ${count(outside)} without a prediction` : ""}` +
            `${excluded > 0 ? `, ${count(excluded)} left out by --where` : ""}`,
          ...(coverage === undefined
            ? []
            : renderCoverage(
                coverage,
                `rows are covered by conformal intervals of level ${options.level}`,
                model instanceof LinearModel ? model.conformal?.by : undefined,
                screen.columns,
              )),
          ...(gates.length > 0 && gates.every((gate) => gate.passed) ? [verdict(gates)] : []),
        ])}\n`,
    );
  }
  if (options.github) tellGithub(`${data.map(shownPath).join(" ")}: ${options.model}`, figures, gates);
  const failed = failures(gates);
  if (failed !== "") throw new GateError(failed);
  return 0;
}

type EvaluatedModel = Awaited<ReturnType<typeof readAnyModel>>;

/** The figures as a step's summary, and an annotation for each gate that does not hold. */
function tellGithub(heading: string, figures: readonly string[][], gates: readonly Gate[]): void {
  const metrics = markdownTable([["metric", "value"], ...figures]);
  const verdicts = gates.map((gate) => [
    title(gate),
    significant(gate.value),
    boundText(gate),
    gate.passed ? "✅ holds" : "❌ does not hold",
  ]);
  const bounds =
    gates.length === 0 ? "" : `\n${markdownTable([["gate", "value", "bound", ""], ...verdicts])}\n`;
  stepSummary(`### ${heading}\n\n${metrics}\n${bounds}`);
  for (const gate of gates) if (!gate.passed) annotation("error", "goml evaluate", failures([gate]));
}
