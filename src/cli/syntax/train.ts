import { Option } from "commander";
import { example, reading, type Syntax } from "./command.js";
import { integer, list, number, positive, reference, share } from "./values.js";

export const trainSyntax: Syntax = (program, run) => {
  const command = program
    .command("train")
    .description("fit a linear model to a CSV, print its summary, write model.json")
    .argument("<data.csv>", "the file; - is standard input; gzip is recognised")
    .option("-t, --target <column>", "the column to predict (default: the last)")
    .option("-f, --features <columns>", "only these columns as features", list)
    .option("-x, --exclude <columns>", "all columns but these", list)
    .option("--formula <formula>", "the model in R's formula language: 'y ~ x + log(z) + C(g)'")
    .option("--reference <column=level>", "a factor's reference level (default: its first)", reference, {})
    .option("--weights <column>", "weight rows by this column")
    .option("--no-intercept", "fit through the origin")
    .addOption(
      new Option("--na <policy>", "rows with missing cells").choices(["omit", "fail"]).default("omit"),
    )
    .option("--test-size <share>", "hold out this share of the rows and report the error on them", share)
    .option("--folds <n>", "cross-validation folds, 1 for none (default: 10)", positive)
    .option("--seed <n>", "seed of the split and the folds", integer, 1)
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
    .option("--max-iterations <n>", "gd: when to stop in any case (default: 20000)", positive)
    .addOption(
      new Option("--vcov <type>", "the coefficients' covariance; all but iid read the data twice")
        .choices(["iid", "hc0", "hc1", "hc2", "hc3", "cluster"])
        .default("iid"),
    )
    .option("--cluster <column>", "the groups of --vcov cluster")
    .option("--level <p>", "level of the confidence intervals", share, 0.95)
    .option("--strict", "fail (exit 4) when a term depends linearly on others")
    .option("-m, --model <file>", "where to write the model", "model.json")
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .option("--json", "print one JSON document")
    .option("-q, --quiet", "print nothing but errors")
    .action(run(async () => (await import("../train.js")).train));
  example(
    reading(command),
    "goml train data.csv",
    "goml train data.csv -t price -x id,name -m price.json",
    "goml train data.csv --formula 'log(price) ~ rooms * C(region) + poly(age, 2, raw = TRUE)'",
    "goml train data.csv --test-size 0.2 --seed 1 --json",
    "goml train data.csv --solver gd --machine go",
  );
};
