import { Option } from "commander";
import { number, positive, share, tolerance } from "../../program/option-values.js";
import { example, reading, type Syntax, trust, unseen } from "../../program/syntax.js";

export const evaluateSyntax: Syntax = (program, run) => {
  const command = program
    .command("evaluate")
    .description("measure a model's error on other data; gates for CI")
    .argument("<data.csv...>", "the file, or several of the same columns; - is standard input")
    .option("-m, --model <file>", "the model, which may also stand before the data", "model.json")
    .addOption(unseen())
    .option("--max-rmse <x>", "exit 5 when the RMSE is larger", number)
    .option("--max-mse <x>", "exit 5 when the MSE is larger", number)
    .option("--max-mae <x>", "exit 5 when the MAE is larger", number)
    .option("--min-r2 <x>", "exit 5 when R² is smaller", number)
    .option("--baseline <file>", "exit 5 when the RMSE is larger than this model's on the same rows")
    .addOption(
      new Option("--tolerance <share>", "by what share of it, such as 1% or 0.01")
        .argParser(tolerance)
        .default(0, "0"),
    )
    .option(
      "--level <p>",
      "level of the conformal intervals whose coverage is told, of a model with them (default: 0.95)",
      share,
    )
    .option(
      "--github",
      "in GitHub Actions: the figures into the step's summary, an annotation for each gate that fails",
    )
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--json", "print one JSON document")
    .addOption(trust())
    .option("-q, --quiet", "print nothing but errors")
    .action(
      run(async () => (await import("./run.js")).evaluate, {
        model: { by: "before data", required: ["data.csv"] },
      }),
    );
  example(
    reading(command),
    "goml evaluate test.csv",
    "goml evaluate test.csv -m model.json --max-rmse 5 --min-r2 0.7",
    "goml evaluate test.csv -m new.json --baseline model.json --tolerance 1% --github",
  );
};
