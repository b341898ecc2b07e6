import { share } from "../../program/option-values.js";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";

export const effectsSyntax: Syntax = (program, run) => {
  const command = program
    .command("effects")
    .description("average marginal effects of columns, from a model file alone")
    .argument("[model.json]", "the model")
    .argument("[columns...]", "of these columns (default: all)")
    .option("--group <name>", "of models by group, this one")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .addOption(whole())
    .option("--json", "print one JSON document")
    .action(
      run(async () => (await import("./run.js")).effects, {
        model: { by: "first argument", required: ["model.json"] },
      }),
    );
  example(
    command.addHelpText(
      "after",
      `
The effect of a number is its slope, averaged over the rows of the fit; that of a factor's level is the change from the
reference level, averaged likewise. Where a column is in one term by itself both are its coefficients.`,
    ),
    "goml effects model.json",
    "goml effects model.json age region --level 0.9",
  );
};
