import { Option } from "commander";
import { ADJUSTMENTS } from "../../../linear/hypotheses/adjust.js";
import { list, several, share } from "../../program/option-values.js";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";

export const meansSyntax: Syntax = (program, run) => {
  const command = program
    .command("means")
    .description("marginal means, slopes and their differences, from a model file alone")
    .argument("[model.json]", "the model")
    .argument("[columns...]", "a mean for each value of these factors, or of numbers that --at gives values")
    .option("--by <columns>", "and of these, whose values are not compared with each other", list)
    .option(
      "--at <column=values>",
      "values of a column between commas: of a number in the place of its mean, of a factor of all levels",
      several,
    )
    .option("--trend <column>", "slopes on this column of numbers in the place of means")
    .option("--pairs", "the differences of all pairs")
    .addOption(
      new Option("--adjust <method>", "with --pairs: adjust p and intervals for the number of pairs")
        .choices(["tukey", ...ADJUSTMENTS])
        .default("tukey"),
    )
    .option("--group <name>", "of models by group, this one")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .addOption(whole())
    .option("--json", "print one JSON document")
    .action(
      run(async () => (await import("./run.js")).means, {
        model: { by: "first argument", required: ["model.json"] },
      }),
    );
  example(
    command,
    "goml means model.json region",
    "goml means model.json region --by year --pairs --adjust holm",
    "goml means model.json age --at age=20,40,60",
    "goml means model.json region --trend age --pairs",
  );
};
