import { Option } from "commander";
import { factor, list, positive } from "../../program/option-values.js";
import { example, reading, type Syntax } from "../../program/syntax.js";

export const benchSyntax: Syntax = (program, run) => {
  const command = program
    .command("bench")
    .description("time serial against concurrent; a gate for CI")
    .argument("[data.csv]", "the data to measure on (default: Boston Housing, which comes with goml)")
    .option("--quick", "fewer and smaller batches, for CI")
    .option("--suite <names>", "what to measure: train, predict, csv (the default), machine, onnx", (text) =>
      list(text),
    )
    .option("--threads <n>", "the most worker threads to try (default: all cores)", positive)
    .option("-t, --target <column>", "the column to predict (default: the last)")
    .option("-f, --features <columns>", "only these columns as features", list)
    .option("-x, --exclude <columns>", "all columns but these", list)
    .option("--compare <file>", "fail (exit 5) where a ratio is worse than in this earlier --json output")
    .option("--max-slowdown <factor>", "how much worse a ratio may be", factor, 1.5)
    .addOption(
      new Option("--format <name>", "what to print; github: for github-action-benchmark")
        .choices(["text", "json", "github"])
        .default("text"),
    )
    .option("--report <file.html>", "write a page with plots too: serial against concurrent")
    .option("--json", "the same as --format json")
    .action(run(async () => (await import("./run.js")).bench));
  example(
    reading(command),
    "goml bench --quick",
    "goml bench data.csv --json > before.json",
    "goml bench data.csv --compare before.json --max-slowdown 1.5",
    "goml bench --quick --report bench.html --format github > figures.json",
  );
};
