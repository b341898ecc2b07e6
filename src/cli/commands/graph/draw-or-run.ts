import { writeFileAtomic } from "../../../csv/write.js";
import { UsageError } from "../../../errors.js";
import { refuseOverwriting } from "../../../files/same-file.js";
import { readModel } from "../../../linear/model/model-file.js";
import { linearGraph } from "../../../linear/model/to-graph.js";
import {
  GoMachine,
  graphToDot,
  graphToJson,
  graphToMermaid,
  type Nested,
  type Run,
  type Sites,
  TapeMachine,
} from "../../../machine/index.js";
import { atHand } from "../../../stats/combined-columns.js";
import type { RankFlags } from "../../program/as-rank.js";
import { beforeOutput } from "../../program/interruption.js";
import { readNamed } from "../../program/model-option.js";
import { print } from "../../render/print.js";
import { examples, type RunnableGraph } from "./examples.js";
import type { OnDevice } from "./on-device.js";
import { outputsJson } from "./outputs-json.js";

/** The options of `goml graph`, as commander gives them. */
export interface GraphOptions extends RankFlags {
  model: string;
  example?: string;
  rows: number;
  format?: "dot" | "mermaid" | "json" | "table";
  output?: readonly string[];
  run?: boolean;
  machine: "tape" | "go";
  workers: number;
  trace?: string;
  trust?: boolean;
  shape: Record<string, string>;
  input: Record<string, string>;
  expect: Record<string, string>;
  mean?: readonly number[];
  std?: readonly number[];
  rtol: number;
  atol: number;
  json?: boolean;
  device: "auto" | "cpu" | "gpu";
  devices?: boolean;
}

/**
 * `goml graph`: an expression graph as text; with `--run` its values, and when each node ran.
 *
 * @param on a device that a part of it runs on
 */
export async function drawOrRun(
  path: string | undefined,
  options: GraphOptions,
  signal: AbortSignal,
  on?: OnDevice,
): Promise<number> {
  if (options.trace !== undefined && !options.run) {
    throw new UsageError("--trace goes with --run: there is nothing to trace", { hint: "add --run" });
  }
  checkRanks(options);
  if (options.device !== "cpu") {
    if (!options.run)
      throw new UsageError("--device goes with --run: there is nothing to run", { hint: "add --run" });
    if (options.ranks !== undefined)
      throw new UsageError("--device goes without --ranks: ranks compute on their CPUs", {
        hint: "leave out one",
      });
  }
  if (options.ranks !== undefined) {
    const { startsRanks, runLocally } = await import("../../program/as-rank.js");
    if (startsRanks(options)) return runLocally(options, signal);
  }
  if (path?.endsWith(".json")) return drawOrRun(undefined, { ...options, model: path }, signal, on);
  if (path !== undefined) return onnxGraph(path, options, signal, on);
  for (const name of ["shape", "input", "expect"] as const) {
    if (Object.keys(options[name]).length > 0)
      throw new UsageError(`--${name} goes with an ONNX model`, { hint: "goml graph model.onnx" });
  }
  if (options.format === "table") throw new UsageError("--format table goes with an ONNX model");
  const output = options.output?.at(-1);
  refuseOverwriting(
    [
      { path: output, what: "the graph" },
      { path: options.trace, what: "the trace" },
    ],
    options.example === undefined ? [{ path: options.model, what: "the model" }] : [],
  );
  const runnable =
    options.example === undefined ? await modelGraph(options, signal) : exampleGraph(options.example);
  const text = options.run ? await runText(runnable, options, signal, on) : render(runnable, options.format);
  if (text !== undefined) await put(text, output, signal);
  return 0;
}

/** Options that go with a run, and with the go machine. */
function checkRanks({ run, json, ranks, machine }: GraphOptions): void {
  if (json && !run) throw new UsageError("--json goes with --run", { hint: "a drawing is --format json" });
  if (ranks === undefined) return;
  if (!run)
    throw new UsageError("--ranks goes with --run: there is nothing to do together", { hint: "add --run" });
  if (machine === "tape")
    throw new UsageError("--ranks goes with the go machine", { hint: "leave out --machine tape" });
}

/** Of a run the outputs that `--output y=file` names go to their files, of a drawing the text to its own. */
async function onnxGraph(
  path: string,
  options: GraphOptions,
  signal: AbortSignal,
  on: OnDevice | undefined,
): Promise<number> {
  if (options.example !== undefined) throw new UsageError("--example goes without an ONNX model");
  const { output = [] } = options;
  const files = options.run ? output : [];
  const odd = files.find((text) => text.indexOf("=") < 1);
  if (odd !== undefined) throw new UsageError(`--output ${odd}: of a run, expected output=file.npy`);
  const sources = [path, ...[options.input, options.expect].flatMap((each) => Object.values(each))];
  refuseOverwriting(
    [
      ...output.map((text) => ({
        path: options.run ? text.slice(text.indexOf("=") + 1) : text,
        what: "the output",
      })),
      { path: options.trace, what: "the trace" },
    ],
    sources.map((text) => ({ path: text.replace(/^@/, ""), what: text === path ? "the model" : "an input" })),
  );
  const { onnxText } = await import("./onnx.js");
  const text = await onnxText(path, { ...options, output: files }, signal, on);
  if (text !== undefined) await put(text, options.run ? undefined : output.at(-1), signal);
  return 0;
}

async function put(text: string, file: string | undefined, signal: AbortSignal): Promise<void> {
  await beforeOutput(signal);
  if (file === undefined) print(text);
  else await writeFileAtomic(file, text);
}

function exampleGraph(name: string): RunnableGraph {
  const example = examples[name];
  if (example !== undefined) return example();
  throw new UsageError(`there is no example ${JSON.stringify(name)}`, {
    hint: `the examples are ${Object.keys(examples).join(", ")}`,
  });
}

/** The model's graph; every row of X is the mean of the training data. */
async function modelGraph(
  { model: path, rows, trust }: GraphOptions,
  signal: AbortSignal,
): Promise<RunnableGraph> {
  const model = await readNamed(path, readModel, { trust, signal });
  const { moments, regression } = model;
  const columns = atHand(moments, regression.terms);
  const means = regression.terms.map((key) => columns.mean[columns.index(key)]!);
  const { graph, prediction } = linearGraph(
    model.weights,
    rows,
    Array.from({ length: rows }, () => means),
  );
  return { graph, outputs: [prediction] };
}

function render({ graph }: RunnableGraph, format: GraphOptions["format"] = "dot"): string {
  if (format === "dot") return graphToDot(graph);
  if (format === "mermaid") return graphToMermaid(graph);
  return `${JSON.stringify(graphToJson(graph), null, 2)}\n`;
}

/**
 * Runs a graph twice, so that the times are not those of the compiler, and tells of the second run; of several ranks rank 0
 * tells.
 */
async function runText(
  runnable: RunnableGraph,
  options: GraphOptions,
  signal: AbortSignal,
  on: OnDevice | undefined,
): Promise<string | undefined> {
  if (options.ranks !== undefined) {
    const { asRank, traceOfRanks } = await import("../../program/as-rank.js");
    return asRank(options, signal, async (ranks) => {
      const run = await runTwice(runnable, options, signal, { sites: ranks });
      const merged = options.trace === undefined ? undefined : await traceOfRanks(ranks, run.trace!);
      return ranks.rank > 0 ? undefined : told(runnable, run, options, merged);
    });
  }
  const run = await runTwice(runnable, options, signal, { on });
  return told(runnable, run, options, run.trace!.chrome());
}

async function runTwice(
  { graph, outputs }: RunnableGraph,
  { machine: kind, workers }: GraphOptions,
  signal: AbortSignal,
  { sites, on }: { sites?: Sites; on?: OnDevice | undefined },
): Promise<Run> {
  const settings = { outputs, trace: true, device: on?.device, placement: on?.placement };
  const machine =
    kind === "go" ? new GoMachine(graph, { ...settings, workers, sites }) : new TapeMachine(graph, settings);
  try {
    await machine.runAll({ signal });
    const run = await machine.runAll({ signal });
    if (machine.placed !== undefined) on?.placed(machine.placed);
    return run;
  } finally {
    await machine.close();
  }
}

async function told(
  { outputs }: RunnableGraph,
  run: Run,
  options: GraphOptions,
  trace: object | undefined,
): Promise<string> {
  if (options.trace !== undefined) await writeFileAtomic(options.trace, `${JSON.stringify(trace)}\n`);
  if (options.json) return outputsJson(outputs.map((node) => [node.label, run.value(node)]));
  const values = outputs.map((node) => `${node.label} = ${valueText(run.value(node).toArray())}\n`);
  return `${run.trace!.timeline()}\n${values.join("")}`;
}

function valueText(value: Nested): string {
  const text = JSON.stringify(value);
  return text.length <= 200 ? text : `${text.slice(0, 199)}…`;
}
