import { Option } from "commander";
import { count, positive } from "../../program/option-values.js";
import { example, type Syntax, trust } from "../../program/syntax.js";

export const graphSyntax: Syntax = (program, run) => {
  const command = program
    .command("graph")
    .description("draw a model's expression graph, or run it on a machine")
    .option("-m, --model <file>", "the model", "model.json")
    .option("--example <name>", "an example instead of a model: equation, gradient, network, diamond")
    .option("--rows <n>", "rows of the model's input", positive, 1)
    .addOption(
      new Option("--format <name>", "Graphviz, Mermaid or JSON")
        .choices(["dot", "mermaid", "json"])
        .default("dot"),
    )
    .option("-o, --output <file>", "where to write (default: standard output)")
    .option("--run", "run the graph and print when each node ran, and its outputs")
    .addOption(new Option("--machine <name>", "what runs it").choices(["tape", "go"]).default("go"))
    .option("--workers <n>", "worker threads of the go machine, for heavy nodes", count, 0)
    .option("--trace <file>", "with --run: write the times for chrome://tracing or Perfetto")
    .addOption(trust())
    .action(run(async () => (await import("./run.js")).graph));
  example(
    command,
    "goml graph | dot -Tsvg > model.svg",
    "goml graph --example gradient --format mermaid",
    "goml graph --example network --run --trace trace.json",
  );
};
