import { Option } from "commander";
import { STATISTIC_NAMES, USUAL_STATISTICS } from "../../../tables/regression-table.js";
import { BENEATH } from "../../../tables/set-table.js";
import { list, positive, several, share } from "../../program/option-values.js";
import { example, type Syntax, trust, whole } from "../../program/syntax.js";
import { TABLE_FORMATS } from "../../render/table-formats.js";

export const tableSyntax: Syntax = (program, run) => {
  const command = program
    .command("table")
    .description("models side by side, for papers and pull requests")
    .argument("[models...]", "model files; of one with models by group each group is a column")
    .addOption(
      new Option(
        "--format <name>",
        "how to write it (default: text, or as the name of --output ends); tidy and glance are CSV as R's broom has it",
      ).choices(TABLE_FORMATS),
    )
    .option("-o, --output <file>", "where to write (default: standard output)")
    .option("--names <names>", "the models' names (default: those of their files)", list)
    .option("--labels <file.json>", 'what terms, targets and factors are called: {"rm": "rooms"}')
    .option("--keep <pattern>", "only terms that this regular expression matches; may be repeated", several)
    .option("--drop <pattern>", "no terms that this regular expression matches; may be repeated", several)
    .addOption(
      new Option("--beneath <what>", "what stands beneath the estimates").choices(BENEATH).default("se"),
    )
    .option("--no-stars", "no stars by p-values")
    .option("--digits <n>", "significant digits of standard errors", positive, 3)
    .addOption(
      new Option("--statistics <names>", `what stands below: of ${STATISTIC_NAMES.join(", ")}`)
        .argParser(list)
        .default(undefined, USUAL_STATISTICS.join(",")),
    )
    .option("--title <text>", "a heading, or caption")
    .option("--group <name>", "of models by group, only this one")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .addOption(whole())
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .option("--json", "print one JSON document, as --format json does")
    .action(
      run(async () => (await import("./run.js")).table, { model: { by: "argument", required: ["models"] } }),
    );
  example(
    command,
    "goml table small.json large.json",
    "goml table small.json large.json --names Small,Large --labels labels.json -o table.tex",
    "goml table *.json --format markdown --beneath ci --drop '^C\\(region\\)'",
    "goml table by-region.json --format tidy",
  );
};
