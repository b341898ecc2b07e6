import { Option } from "commander";
import { derived, example, type Syntax } from "../../program/syntax.js";

export const selectSyntax: Syntax = (program, run) => {
  const command = program
    .command("select")
    .description("choose terms by AIC, BIC or cross-validation, from a model file alone")
    .argument("[model.json]", "the model with all terms that may be chosen")
    .addOption(
      new Option(
        "--direction <name>",
        "stepwise as R's step; best: every subset, by branch and bound; lar, lasso: their path, step by step",
      )
        .choices(["both", "forward", "backward", "best", "lar", "lasso"])
        .default("both"),
    )
    .addOption(
      new Option("--criterion <name>", "n ln(RSS/n) + 2p; with ln n for 2; the cross-validated RMSE")
        .choices(["aic", "bic", "cv"])
        .default("aic"),
    )
    .option("--group <name>", "of models by group, this one alone (default: the same terms for all groups)");
  example(
    derived(command).action(
      run(async () => (await import("./run.js")).select, {
        model: { by: "argument", writes: true, required: ["model.json"] },
      }),
    ),
    "goml select model.json -m selected.json",
    "goml select model.json --direction backward --criterion bic",
    "goml select model.json --direction best --criterion cv --json",
    "goml select model.json --direction lasso",
  );
};
