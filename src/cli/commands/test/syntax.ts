import { Option } from "commander";
import { ADJUSTMENTS } from "../../../linear/hypotheses/adjust.js";
import { share } from "../../program/option-values.js";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";

export const testSyntax: Syntax = (program, run) => {
  const command = program
    .command("test")
    .description("test linear hypotheses about a model's coefficients, from a model file alone")
    .argument("[model.json]", "the model")
    .argument(
      "[hypotheses...]",
      "such as 'x1 = x2', 'x3 + 2*x4 = 1'; a term's name: all its coefficients are 0",
    )
    .option("--chow", "of models by group: test whether all groups have the same coefficients")
    .option("--constrain", "print the coefficients that least squares gives where the hypotheses hold")
    .option("--each", "test each by itself, and not all of them together")
    .addOption(
      new Option("--adjust <method>", "with --each: adjust p for the number of tests")
        .choices(ADJUSTMENTS)
        .default("none"),
    )
    .option("--group <name>", "of models by group, this one (default: each of them)")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .addOption(whole())
    .option("--json", "print one JSON document")
    .action(
      run(async () => (await import("./run.js")).test, {
        model: { by: "first argument", required: ["model.json", "hypotheses"], unless: "chow" },
      }),
    );
  example(
    command,
    "goml test model.json 'rm = 4' 'crim = zn'",
    "goml test model.json 'x1 + x2 = 1' --constrain",
    "goml test groups.json --chow",
    "goml test model.json 'x1 = x2' 'x3 + 2*x4 = 1' --each --adjust holm",
    "goml test model.json region 'I(x^2) = 0' '`my column` = 2*groupwest'",
  );
};
