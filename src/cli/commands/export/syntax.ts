import { Option } from "commander";
import { example, type Syntax, trust } from "../../program/syntax.js";

export const exportSyntax: Syntax = (program, run) => {
  const command = program
    .command("export")
    .description("write a model for other programs")
    .argument("[model.json]", "the model (default: model.json)")
    .addOption(
      new Option("--to <format>", "the format")
        .choices(["onnx", "pmml", "sql", "json", "ts"])
        .makeOptionMandatory(),
    )
    .option("-o, --output <file>", "where to write (default: standard output)")
    .option("--float32", "onnx: single precision, by LinearRegressor (default: double, MatMul + Add)")
    .option("--table <name>", "sql: a SELECT from this table (default: the expression alone)")
    .option("-m, --model <file>", "the model, another way to name it")
    .addOption(trust())
    .action(run(async () => (await import("./run.js")).exportModel, { model: { by: "argument" } }));
  example(
    command,
    "goml export model.json --to onnx -o model.onnx",
    "goml export --to sql --table houses | duckdb houses.db",
    "goml export --to ts -o predict.ts",
  );
};
