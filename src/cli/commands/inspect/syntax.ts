import { share } from "../../program/option-values.js";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";

export const inspectSyntax: Syntax = (program, run) => {
  const command = program
    .command("inspect")
    .description("print the summary of a model file again, or two side by side")
    .argument("[models...]", "a model file, or two")
    .option("--group <name>", "of models by group (train --group-by), this one")
    .option(
      "-m, --model <file>",
      "the model to read; behind one that is named, where to write the model of the group",
    )
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("--vif", "print the terms' variance inflation factors")
    .option("--correlation", "print the correlation of the coefficients")
    .option("--importance", "print standardised coefficients, partial R² and the terms' shares in R² (LMG)")
    .option(
      "--vcov-matrix",
      "with --json: the coefficients' covariance however many there are (default: up to 30)",
    )
    .addOption(trust())
    .addOption(whole())
    .option("--json", "print one JSON document, that of train --json")
    .action(
      run(async () => (await import("./run.js")).inspect, {
        model: { by: "argument", writes: true, required: ["models"] },
      }),
    );
  example(
    command,
    "goml inspect model.json",
    "goml inspect before.json after.json",
    "goml inspect model.json --group west -m west.json",
  );
};
