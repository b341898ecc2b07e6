import { Option } from "commander";
import { INLINE_BYTES, THREADS_PAY_BYTES } from "../../../scan/thread-limits.js";
import { natural, number, positive, shard, shardId, share } from "../../program/option-values.js";
import { rankFlags } from "../../program/rank-flags.js";
import { cvKinds, example, fitting, objective, reading, type Syntax, whole } from "../../program/syntax.js";
import { robust } from "../../program/vcov-options.js";
import { MODEL_FORMATS } from "../../render/table-formats.js";

export const trainSyntax: Syntax = (program, run) => {
  const command = program
    .command("train")
    .description("fit a linear model to a CSV, print its summary, write model.json")
    .argument(
      "<data.csv...>",
      "the file, or several of the same columns; - is standard input; gzip is recognised",
    )
    .option(
      "-m, --model <file>",
      "where to write the model (default: model.json, of a shard model.3-of-8.json); of several targets model.a.json, …",
    )
    .option("-o, --output <file.csv>", "write the table of coefficients as CSV too, all of them");
  cvKinds(
    fitting(
      command,
      "the column to predict (default: the last), or several between commas: a model for each, in one pass",
    ),
  )
    .option("--in-engine", "of a database: it sums up its rows itself, and only sums leave it")
    .option("--effects <file.csv>", "with --absorb: write the effects of all levels as CSV")
    .option("--report <file.html>", "write a page with plots too, which takes one more pass: see goml report")
    .option(
      "--iv <estimator>",
      "of a formula 'y ~ exogenous | 0 | endogenous ~ instruments': 2sls (default), liml, fuller or fuller:4, gmm",
    )
    .option("--group-by <column>", "one model per value of this column, in the same pass")
    .option("--test-size <share>", "hold out this share of the rows and report the error on them", share)
    .option(
      "--window <rows>",
      "fit windows of so many rows in order of --time: a row of coefficients each, and no model",
      positive,
    )
    .option("--expanding", "with --window: windows begin with the first row, and grow")
    .option("--step <rows>", "with --window: from one window to the next (default: 1)", positive)
    .addOption(
      new Option(
        "--conformal <method>",
        "calibrate intervals for predict --interval conformal: on rows set aside, on folds, or on each row left out",
      ).choices(["split", "cv+", "jackknife+"]),
    )
    .option("--conformal-by <column>", "calibrate each value of this column by its own rows (Mondrian)")
    .option(
      "--calibration <share>",
      "with --conformal split: the share of rows to set aside (default: 0.2)",
      share,
    )
    .option("--first-row <n>", "the file is a shard, and its first row has this number in the whole", natural)
    .option(
      "--shard-id <[run:]i/n>",
      "the data are shard i of n, of a run of that name: merge then knows which are missing, double or foreign",
      shardId,
    )
    .option(
      "--shard <[run:]i/n>",
      "train on part i of n of the data: of their bytes, row groups or files; auto, or auto/n: as the array's task says",
      shard,
    )
    .option("--quoted-lines", "with --shard and --fold-by, or --folds 1: cells in quotes may span lines")
    .addOption(
      new Option("--solver <name>", "how θ is found; gd is gradient descent")
        .choices(["auto", "normal", "extended", "qr", "gd"])
        .default("auto"),
    )
    .addOption(
      new Option("--machine <name>", "gd: what runs its graph (default: tape)").choices(["tape", "go"]),
    )
    .option("--rate <x>", "gd: the step along the gradient (default: from the data)", number)
    .option("--momentum <x>", "gd: a fixed momentum, 0 to below 1 (default: rising)", number)
    .option("--tolerance <x>", "gd: the relative gradient at which to stop (default: 1e-12)", number)
    .option("--max-iterations <n>", "gd: when to stop in any case (default: 20000)", positive);
  robust(command)
    .addOption(
      new Option(
        "--keep-meat <kind>",
        "keep what robust errors are made of in the model, for merge, refit, update and forget (default: cells where few)",
      ).choices(["auto", "cells", "quartic", "buckets", "none"]),
    )
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("--strict", "fail (exit 4) when a term depends linearly on others")
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--vif", "print the terms' variance inflation factors")
    .option("--correlation", "print the correlation of the coefficients")
    .option("--importance", "print standardised coefficients, partial R² and the terms' shares in R² (LMG)")
    .option(
      "--vcov-matrix",
      "with --json: the coefficients' covariance however many there are (default: up to 30)",
    )
    .addOption(
      new Option(
        "--format <name>",
        "print a table in place of the summary, as goml table does; tidy and glance are CSV as R's broom has it",
      ).choices(MODEL_FORMATS),
    )
    .addOption(whole())
    .option("--json", "print one JSON document")
    .option("-q, --quiet", "print nothing but errors")
    .action(
      run(async () => (await import("./run.js")).train, {
        early: {
          entry: "scan-worker",
          threads: ({ threads = "auto", ranks, inEngine }) =>
            (ranks ?? inEngine) === undefined ? (threads as number | "auto") : 1,
          from: { auto: THREADS_PAY_BYTES, told: INLINE_BYTES },
        },
      }),
    );
  rankFlags(command, "gd");
  example(
    objective(reading(command)),
    "goml train data.csv",
    "goml train data.csv -t price -x id,name -m price.json",
    "goml train data.csv --formula 'log(price) ~ rooms * C(region) + poly(age, 2, raw = TRUE)'",
    "goml train data.csv --test-size 0.2 --seed 1 --json",
    "goml train data.csv --lambda path --alpha 0.5",
    "goml train data.csv --lambda path --cv time:date",
    "goml train data.csv --lambda path --alpha 1 --relax --penalty-factors age=0",
    "goml train data.csv --lower 0",
    "goml train data.csv --vcov cr2 --cluster school",
    "goml train data.csv --vcov cluster --cluster firm,year",
    "goml train data.csv --vcov bootstrap --cluster school",
    "goml train data.csv --vcov hac --lag 4 --time month --unit firm",
    "goml train data.csv --window 250 --time date -o windows.csv",
    "goml train data.csv --conformal cv+ --test-size 0.2",
    "goml train data.csv --group-by region",
    "goml train data.csv --solver gd --machine go",
    "goml train data.csv --solver gd --ranks 3",
  );
};
