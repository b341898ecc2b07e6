import { Option } from "commander";
import { number, positive } from "../../program/option-values.js";
import { derived, example, reading, type Syntax } from "../../program/syntax.js";

export const updateSyntax: Syntax = (program, run) => {
  const command = program
    .command("update")
    .description("add the rows of a CSV to a model, reading only those; changes the model in place")
    .argument("[model.json]", "the model")
    .argument("[more.csv...]", "the new rows, of one file or several; - is standard input")
    .addOption(
      new Option("--na <policy>", "rows with missing cells").choices(["omit", "fail"]).default("omit"),
    )
    .option(
      "--decay <factor>",
      "forget: with each new row the weights of those before are multiplied by it (recursive least squares)",
      number,
    )
    .option("--again", "add rows that are in the model already all the same")
    .addOption(
      new Option("--vcov <type>", "iid: give robust standard errors up for classical ones").choices(["iid"]),
    )
    .option("--threads <n>", "worker threads (default: all cores)", positive);
  example(
    reading(
      derived(command, "where to write (default: the model file itself, in place)").action(
        run(async () => (await import("./run.js")).update, {
          model: { by: "first argument", writes: true, required: ["model.json", "more.csv"] },
        }),
      ),
    ),
    "goml update model.json today.csv",
    "goml update model.json today.csv --decay 0.99",
    "goml update model.json more.csv -m larger.json --json",
  );
};
