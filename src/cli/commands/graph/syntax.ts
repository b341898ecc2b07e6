import { Option } from "commander";
import { assignment, count, number, numbers, positive, several } from "../../program/option-values.js";
import { rankFlags } from "../../program/rank-flags.js";
import { example, type Syntax, trust } from "../../program/syntax.js";

export const graphSyntax: Syntax = (program, run) => {
  const command = program
    .command("graph")
    .description("draw a model's expression graph, or an ONNX model's, or run it on a machine")
    .argument("[model]", "an ONNX model, or a linear model (default: that of --model)")
    .option("-m, --model <file>", "the model", "model.json")
    .option("--example <name>", "an example instead of a model: equation, gradient, network, diamond")
    .option("--rows <n>", "rows of the model's input", positive, 1)
    .addOption(
      new Option(
        "--format <name>",
        "Graphviz, Mermaid, JSON; of an ONNX model a table too (default: dot, of ONNX table)",
      ).choices(["dot", "mermaid", "json", "table"]),
    )
    .option(
      "--shape <input=lengths>",
      "an ONNX input's shape: x=1x3x224x224 (open lengths: 1)",
      assignment,
      {},
    )
    .option(
      "-o, --output <file>",
      "where to write (default: standard output); of an ONNX run output=file.npy",
      several,
    )
    .option("--run", "run the graph and print when each node ran, and its outputs")
    .addOption(new Option("--machine <name>", "what runs it").choices(["tape", "go"]).default("go"))
    .option("--workers <n>", "worker threads of the go machine, for heavy nodes", count, 0)
    .option(
      "--input <name=value>",
      "an ONNX input: x=@file.npy, .pb, .csv, .png or .jpg, or x=1,2,3",
      assignment,
      {},
    )
    .option("--mean <numbers>", "what is taken from a picture's pixels of 0 to 1, by channel", numbers)
    .option("--std <numbers>", "and what they are divided by then, such as 0.229,0.224,0.225", numbers)
    .option("--expect <name=@file>", "what an ONNX output must be: exit 5 where it is not", assignment, {})
    .option("--rtol <number>", "how far it may be off, as a share of what is expected", number, 1e-3)
    .option("--atol <number>", "and besides", number, 1e-7)
    .option("--trace <file>", "with --run: write the times for chrome://tracing or Perfetto")
    .option("--json", "with --run: print the outputs as one JSON document")
    .addOption(
      new Option("--device <name>", "with --run: the CPU, a GPU too for all that it can, or where that pays")
        .choices(["auto", "cpu", "gpu"])
        .default("cpu"),
    )
    .option("--devices", "list the GPUs that are found, or say why there is none (with --json as JSON)")
    .addOption(trust())
    .action(run(async () => (await import("./run.js")).graph));
  rankFlags(command, "the graph");
  example(
    command,
    "goml graph | dot -Tsvg > model.svg",
    "goml graph --example gradient --format mermaid",
    "goml graph --example network --run --trace trace.json",
    "goml graph model.onnx --run --input x=@x.npy --output y=y.npy --workers 2",
    "goml graph model.onnx --run --input x=@photo.jpg --shape x=1x3x224x224",
    "goml graph model.onnx --run --input x=@x.npy --ranks 3 --json",
    "goml graph model.onnx --run --input x=@x.npy --device gpu",
    "goml graph --devices",
  );
};
