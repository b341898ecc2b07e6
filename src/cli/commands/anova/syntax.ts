import { Option } from "commander";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";

export const anovaSyntax: Syntax = (program, run) => {
  const command = program
    .command("anova")
    .description(
      "F tests of one model's terms, or of nested models of the same rows; joint tests on several targets",
    )
    .argument("[model.json...]", "one model: its terms in sequence; several: each against the one before")
    .addOption(
      new Option("--type <n>", "sums of squares: 1 in sequence; 2, 3: each term after others, as car::Anova")
        .choices(["1", "2", "3"])
        .default("1"),
    )
    .addOption(
      new Option(
        "--test <statistic>",
        "joint tests on all targets that the model was fitted beside, as R's summary(manova()) and anova() have them",
      ).choices(["pillai", "wilks", "hotelling-lawley", "roy"]),
    )
    .option("--group <name>", "of models by group, this one (default: all groups together)")
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .addOption(whole())
    .option("--json", "print one JSON document")
    .action(
      run(async () => (await import("./run.js")).anova, {
        model: { by: "argument", required: ["model.json"] },
      }),
    );
  example(
    command,
    "goml anova model.json",
    "goml anova model.json --type 2",
    "goml anova small.json large.json",
    "goml anova all.json by-group.json",
    "goml anova model.a.json --test pillai",
  );
};
