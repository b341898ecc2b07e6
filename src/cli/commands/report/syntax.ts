import { positive } from "../../program/option-values.js";
import { example, reading, type Syntax, trust, unseen } from "../../program/syntax.js";

export const reportSyntax: Syntax = (program, run) => {
  const command = program
    .command("report")
    .description("one page with plots: a model, and what its rows show")
    .argument("[data.csv...]", "the data, as a rule those of the fit, perhaps behind the model")
    .option("-m, --model <file>", "the model, which may also stand before the data", "model.json")
    .option("--group <name>", "of models by group, this one on its rows (default: all)")
    .option("-o, --output <file>", "the page, HTML in one file; - is standard output", "report.html")
    .addOption(unseen())
    .option("--threads <n>", "worker threads (default: all cores)", positive)
    .addOption(trust())
    .option("-q, --quiet", "print nothing but errors")
    .action(run(async () => (await import("./run.js")).report, { model: { by: "before data" } }));
  example(
    reading(command),
    "goml report model.json data.csv -o report.html",
    "goml report -m model.json 'sales/**/*.parquet'",
    "goml report model.json",
  );
};
