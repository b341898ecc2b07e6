import { Option } from "commander";
import { reference, termList } from "../../program/option-values.js";
import { penalty } from "../../program/penalty-options.js";
import { derived, example, objective, type Syntax } from "../../program/syntax.js";

export const refitSyntax: Syntax = (program, run) => {
  const command = program
    .command("refit")
    .description("fit other terms, another target or λ on the same rows, from a model file alone")
    .argument("[model.json]", "the model, which keeps the moments of its columns")
    .option("-f, --features <terms>", "only these of its terms", termList)
    .option("-t, --target <column>", "predict another of its columns")
    .option("--formula <formula>", "a formula over the terms that it has")
    .option("--iv <estimator>", "with instruments: 2sls, liml, fuller or fuller:4")
    .addOption(
      new Option("--reference <column=level>", "another reference level of a factor")
        .argParser(reference)
        .default({}, "as it was"),
    )
    .addOption(
      new Option("--contrasts <column=kind>", "code a factor by sum, helmert, poly, SAS, treatment")
        .argParser(reference)
        .default({}, "as it was"),
    )
    .option("--no-intercept", "fit through the origin");
  penalty(command, "path: λ by cross-validation, 1se; 0: no penalty");
  example(
    objective(
      derived(command).action(
        run(async () => (await import("./run.js")).refit, {
          model: { by: "argument", writes: true, required: ["model.json"] },
        }),
      ),
    ),
    "goml refit model.json --features lstat,rm -m small.json",
    "goml refit model.json --target rm",
    "goml refit model.json --formula 'medv ~ rm + lstat - 1'",
    "goml refit model.json --iv liml -m liml.json",
    "goml refit model.json --lambda path --alpha 1 -m lasso.json",
    "goml refit model.json --lower 0 --lower lstat=-Inf",
  );
};
