import { positive } from "../../program/option-values.js";
import { example, reading, type Syntax, trust, unseen, whole } from "../../program/syntax.js";

export const diagnoseSyntax: Syntax = (program, run) => {
  const command = program
    .command("diagnose")
    .description("residuals, leverage and influence of rows; tests of the residuals")
    .argument(
      "<data.csv...>",
      "the rows, as a rule those of the fit, of one file or several; - is standard input",
    )
    .option("-m, --model <file>", "the model, which may also stand before the data", "model.json")
    .option("--group <name>", "of models by group, this one on its rows (default: all, each row by its own)")
    .addOption(unseen())
    .option("-o, --output <file>", "write every row's measures as CSV")
    .option("--append", "keep the input's columns in that file")
    .option("--augment", "write the input's columns and the measures of R's broom::augment, under its names")
    .option("--dfbetas", "with -o: how each row moves each coefficient (DFBETAS), and COVRATIO, too")
    .option("--white", "White's test too, which keeps the rows in memory")
    .option("--lags <n>", "Breusch and Godfrey's test of errors that correlate up to this lag too", positive)
    .option(
      "--excel-safe",
      "with --append, write texts that spreadsheets take for formulas behind an apostrophe",
    )
    .option("--top <n>", "how many of the rows that stand out to name", positive, 10)
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .addOption(whole())
    .option("--json", "print one JSON document")
    .addOption(trust())
    .option("-q, --quiet", "print nothing but errors")
    .action(
      run(async () => (await import("./run.js")).diagnose, {
        model: { by: "before data", required: ["data.csv"] },
      }),
    );
  example(
    reading(command),
    "goml diagnose data.csv",
    "goml diagnose data.csv -m model.json -o rows.csv --append",
    "goml diagnose data.csv --json --top 50",
  );
};
