import { positive } from "../../program/option-values.js";
import { cvKinds, example, fitting, reading, type Syntax, trust, whole } from "../../program/syntax.js";

export const cvSyntax: Syntax = (program, run) => {
  const command = program
    .command("cv")
    .description("cross-validate, fold by fold: a model file without its data, or a fit to a CSV")
    .argument(
      "[model.json or data.csv...]",
      "a model, from the moments that it keeps; or the data, of one file or several; - is standard input",
    );
  cvKinds(fitting(command))
    .option("--time <column>", "the column of time that lag(), lead() and diff() of a formula count by")
    .option("--unit <column>", "the column of the series within which they do")
    .option("--group-by <column>", "one model per value of this column, each cross-validated on its rows")
    .option("--group <name>", "of models by group, this one, fold by fold")
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .option("--report <file.html>", "write a page with plots too: errors and coefficients by fold")
    .addOption(whole())
    .option("--json", "print one JSON document, with θ of each fold")
    .action(
      run(async () => (await import("./run.js")).cv, {
        model: { by: "argument", required: ["model.json or data.csv"] },
      }),
    );
  command.addHelpText(
    "after",
    `
--cv loo predicts each row by the fit of all others: of least squares from its leverage, in one more pass; with a penalty
or bounds by as many fits. group: leaves each of the column's values out, or with --folds k puts them into k folds of about
as many rows. time: predicts each of --folds stretches of time (default: 5) from those before it, rows of one time
together. repeated: draws folds several times, by the seeds from --seed on.`,
  );
  example(
    reading(command),
    "goml cv model.json",
    "goml cv data.csv --folds 5 --seed 7",
    "goml cv data.csv --cv loo",
    "goml cv data.csv --cv group:school",
    "goml cv data.csv --cv time:date --folds 8",
    "goml cv data.csv --cv repeated:10x5",
    "goml cv data.csv --group-by region",
    "goml cv data.csv --formula 'y ~ poly(x, 3, raw = TRUE)' --json",
  );
};
