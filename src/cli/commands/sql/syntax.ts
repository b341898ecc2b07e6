import { Argument, Option } from "commander";
import { share } from "../../program/option-values.js";
import { example, fitting, objective, reading, type Syntax } from "../../program/syntax.js";

/** The databases that queries are printed for; the engines' own list is not loaded for help. */
const DIALECTS = ["bigquery", "clickhouse", "duckdb", "postgres", "snowflake", "spark", "sqlite", "trino"];

export const sqlSyntax: Syntax = (program, run) => {
  const command = program
    .command("sql")
    .description("print a query for a model's sums, and read its answer: rows stay where they are")
    .addArgument(new Argument("<action>", "what to do").choices(["print", "read"]))
    .argument(
      "[file.csv]",
      "print: a sample of the rows, by which columns are judged; read: the query's answer",
    )
    .addOption(new Option("--dialect <name>", "print: the database to write for").choices(DIALECTS))
    .option("-m, --model <file>", "read: where to write the model (default: model.json)")
    .option(
      "-o, --output <file>",
      "print: where to write the query; read: the table of coefficients, as CSV",
    );
  fitting(command)
    .addOption(
      new Option(
        "--solver <name>",
        "print: extended has exact sums, of whole numbers; read: normal takes sums however few digits they leave",
      )
        .choices(["auto", "normal", "extended"])
        .default("auto"),
    )
    .option("--level <p>", "read: level of the confidence intervals", share, 0.95)
    .option("--strict", "read: fail (exit 4) when a term depends linearly on others")
    .option("--vif", "read: print the terms' variance inflation factors")
    .option("--correlation", "read: print the correlation of the coefficients")
    .option(
      "--importance",
      "read: print standardised coefficients, partial R² and the terms' shares in R² (LMG)",
    )
    .option("--vcov-matrix", "read: with --json: the coefficients' covariance however many there are")
    .option("--json", "read: print one JSON document")
    .option("-q, --quiet", "print nothing but the query and errors")
    .action(run(async () => (await import("./run.js")).sql));
  example(
    objective(reading(command)),
    "goml sql print --dialect spark --table sales.orders --formula 'price ~ log(size) + region' --text region",
    "goml sql print sample.csv --dialect bigquery --table shop.orders -t price --fold-by order_id -o query.sql",
    "bq query --format=csv --max_rows=100000 < query.sql > answer.csv",
    "goml sql read answer.csv -m price.json",
  );
};
