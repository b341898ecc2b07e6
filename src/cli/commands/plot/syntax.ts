import { Option } from "commander";
import { positive } from "../../program/option-values.js";
import { example, reading, type Syntax, trust, unseen } from "../../program/syntax.js";

export const plotSyntax: Syntax = (program, run) => {
  const command = program
    .command("plot")
    .description("one plot of a model or of its rows: in the terminal, SVG or PNG")
    .argument("[data.csv...]", "the data, as a rule those of the fit, perhaps behind the model")
    .option("-m, --model <file>", "the model, which may also stand before the data", "model.json")
    .addOption(
      new Option(
        "--kind <kind>",
        "what to draw; up to terms it needs the data (default: residuals with data, else coef)",
      ).choices([
        "residuals",
        "qq",
        "scale",
        "leverage",
        "observed",
        "terms",
        "coef",
        "cv",
        "path",
        "vif",
        "correlation",
        "effects",
        "groups",
      ]),
    )
    .option("--group <name>", "of models by group, this one on its rows")
    .option("-o, --output <file>", "where to write, by its ending: .svg, .png, .txt (default: in characters)")
    .addOption(unseen())
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .addOption(trust())
    .action(run(async () => (await import("./run.js")).plot, { model: { by: "before data" } }));
  example(
    reading(command),
    "goml plot model.json data.csv",
    "goml plot model.json data.csv --kind qq -o qq.svg",
    "goml plot --kind coef",
  );
};
