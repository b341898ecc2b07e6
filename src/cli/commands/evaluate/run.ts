import { GateError } from "../../../errors.js";
import { readAnyModel } from "../../../linear/model/model-file.js";
import { evaluateCsv } from "../../../prediction/evaluate-csv.js";
import type { PredictionMetrics } from "../../../stats/metrics.js";
import { version } from "../../../version.js";
import { readNamed } from "../../program/model-option.js";
import { progressBar } from "../../program/progress.js";
import { type ReadingFlags, readingOptions } from "../../program/reading-options.js";
import { droppedFrom } from "../../render/dropped.js";
import { count, significant } from "../../render/numbers.js";
import { print } from "../../render/print.js";
import { renderNotes } from "../../render/summary.js";
import { renderTable } from "../../render/table.js";

/** The options of `goml evaluate`, as commander gives them. */
export interface EvaluateOptions extends ReadingFlags {
  model: string;
  threads?: number;
  unseen: "fail" | "na";
  maxRmse?: number;
  maxMse?: number;
  minR2?: number;
  json?: boolean;
  quiet?: boolean;
  trust?: boolean;
}

/** A bound that a metric must keep. */
interface Gate {
  name: string;
  value: number;
  bound: number;
  passed: boolean;
}

/** `goml evaluate`: measures the error on other data, and fails with exit code 5 where a gate does not hold. */
export async function evaluate(
  data: readonly string[],
  options: EvaluateOptions,
  signal: AbortSignal,
): Promise<number> {
  const model = await readNamed(options.model, readAnyModel, { trust: options.trust, signal });
  const progress = progressBar("reading");
  const reading = {
    ...readingOptions(options),
    threads: options.threads,
    callerWorks: true,
    unseen: options.unseen,
    signal,
    onProgress: progress.update,
  };
  const found = await evaluateCsv(model, data, reading).finally(progress.end);
  const { rows, dropped, outside, excluded, metrics, notes } = found;
  const gates = gatesOf(metrics, options);
  const weighted = model.weightsColumn !== undefined;
  if (options.json)
    print(
      `${JSON.stringify(
        {
          goml: version,
          command: "evaluate",
          data: {
            path: data.join(" "),
            rows,
            dropped,
            ...(outside > 0 ? { outside } : {}),
            ...(excluded > 0 ? { excluded } : {}),
          },
          model: { path: options.model, target: model.target },
          metrics,
          gates,
          ...(notes.length > 0 ? { notes } : {}),
        },
        null,
        2,
      )}\n`,
    );
  else if (!options.quiet) {
    const figures = [
      ["MSE", significant(metrics.mse)],
      ["RMSE", significant(metrics.rmse)],
      ["MAE", significant(metrics.mae)],
      ["R²", significant(metrics.r2)],
      ["extractAIC", significant(metrics.aicExtract)],
    ];
    print(
      `${renderNotes(notes)
        .map((line) => `${line}\n`)
        .join("")}${renderTable(figures, ["left", "right"])}\n` +
        `${count(metrics.n)} of ${count(rows)} rows, ${droppedFrom(model.spec, dropped, weighted)}` +
        `${outside > 0 ? `, ${count(outside)} without a prediction` : ""}` +
        `${excluded > 0 ? `, ${count(excluded)} left out by --where` : ""}\n`,
    );
  }
  const failed = gates.filter((gate) => !gate.passed);
  if (failed.length > 0)
    throw new GateError(
      failed.map(({ name, value, bound }) => `${name} is ${value}, the gate is ${bound}`).join("; "),
    );
  return 0;
}

function gatesOf(metrics: PredictionMetrics, options: EvaluateOptions): Gate[] {
  const gates: Gate[] = [];
  // Written so that a NaN fails its gate.
  const add = (
    name: string,
    value: number,
    bound: number | undefined,
    passed: (bound: number) => boolean,
  ) => {
    if (bound !== undefined) gates.push({ name, value, bound, passed: passed(bound) });
  };
  add("RMSE", metrics.rmse, options.maxRmse, (bound) => metrics.rmse <= bound);
  add("MSE", metrics.mse, options.maxMse, (bound) => metrics.mse <= bound);
  add("R²", metrics.r2, options.minR2, (bound) => metrics.r2 >= bound);
  return gates;
}
