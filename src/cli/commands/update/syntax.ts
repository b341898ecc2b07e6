import { Option } from "commander";
import { positive } from "../../program/option-values.js";
import { derived, example, reading, type Syntax } from "../../program/syntax.js";

export const updateSyntax: Syntax = (program, run) => {
  const command = program
    .command("update")
    .description("add the rows of a CSV to a model, reading only those")
    .argument("<model.json>", "the model")
    .argument("<more.csv>", "the new rows; - is standard input")
    .addOption(
      new Option("--na <policy>", "rows with missing cells").choices(["omit", "fail"]).default("omit"),
    )
    .option("--threads <n>", "worker threads (default: all cores)", positive);
  example(
    reading(
      derived(command, "where to write (default: the model file itself)").action(
        run(async () => (await import("./run.js")).update),
      ),
    ),
    "goml update model.json today.csv",
    "goml update model.json more.csv -m larger.json --json",
  );
};
