import { availableParallelism } from "node:os";
import { Option } from "commander";
import { concurrency, seconds, setting, share } from "../../program/option-values.js";
import { example, reading, type Syntax, trust, unseen } from "../../program/syntax.js";
import { AUTO_BYTES } from "./options.js";

export const predictSyntax: Syntax = (program, run) => {
  const command = program
    .command("predict")
    .description("predict with a model, CSV or JSON lines to CSV")
    .argument(
      "[data.csv...]",
      "the file, or several; - is standard input (default: standard input, else the training file)",
    )
    .addOption(
      new Option("--set <column=value>", "predict one row, of these values")
        .argParser(setting)
        .default({}, "none"),
    )
    .option(
      "-m, --model <file>",
      "the model, which may also stand before the data, as may those of several targets; of a table also an ONNX model",
      "model.json",
    )
    .option("--url <url>", "ask a server's model instead: http://host:port/v2/models/NAME")
    .option(
      "--in-engine",
      "of a database: it makes the table -o of --table or --sql, and a column prediction",
    )
    .option("--timeout <seconds>", "with --url, how long a request may take (default: 60)", seconds)
    .addOption(unseen())
    .option("-o, --output <file>", "where to write (default: standard output)")
    .option(
      "-c, --concurrent [threads]",
      "split the work over worker threads; auto: where it pays",
      concurrency,
    )
    .addOption(
      new Option("--machine <name>", "run the model's expression graph on this machine").choices([
        "tape",
        "go",
      ]),
    )
    .addOption(
      new Option(
        "--interval <kind>",
        "add lower and upper: of the mean of y, or of a new y; conformal: as train --conformal calibrated",
      )
        .choices(["none", "confidence", "prediction", "conformal"])
        .default("none"),
    )
    .option("--level <p>", "level of the intervals", share, 0.95)
    .option("--se", "add stdError, the standard error of the fitted value")
    .option("--terms", "add base, the mean prediction of the training rows, and what each term adds to it")
    .option("--append", "keep the input's columns")
    .option(
      "--excel-safe",
      "with --append, write texts that spreadsheets take for formulas behind an apostrophe",
    )
    .option("--json", "print the metrics and timing as JSON on standard error")
    .addOption(trust())
    .option("-q, --quiet", "print no metrics or timing")
    .action(
      run(async () => (await import("./run.js")).predict, {
        model: { by: "before data" },
        early: {
          entry: "predict-worker",
          threads: ({ concurrent = 1, url, inEngine, machine }) =>
            (url ?? inEngine ?? machine) !== undefined
              ? 1
              : concurrent === true
                ? availableParallelism()
                : (concurrent as number | "auto"),
          from: { auto: AUTO_BYTES, told: 0 },
        },
      }),
    );
  example(
    reading(command),
    "goml predict --concurrent",
    "goml predict new.csv -m model.json --append -o predicted.csv",
    "goml predict new.csv --interval prediction --level 0.9",
    "goml predict new.csv --interval conformal --level 0.9",
    "goml predict new.csv --terms --append",
    "cat new.csv | goml predict > predicted.csv",
    "goml predict new.jsonl",
    "goml predict new.csv -m model.onnx --append",
    "goml predict --set rooms=3 --set city=Köln --interval prediction",
    "goml predict duckdb:sales.db --table orders --in-engine -o predicted",
    "goml predict new.csv --url http://127.0.0.1:8080/v2/models/model",
  );
};
