import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "csv-parse/sync";
import { writeFileAtomic } from "../../../csv/write.js";
import { DataError, GateError, GomlError, ModelError, UsageError } from "../../../errors.js";
import {
  type DType,
  type Graph,
  graphToDot,
  graphToJson,
  graphToMermaid,
  type Sites,
  Tensor,
  tensor,
} from "../../../machine/index.js";
import {
  differenceOf,
  formatDeclared,
  loadOnnx,
  OnnxMachine,
  type OnnxModel,
  type OnnxRun,
  type OnnxTensor,
  type OnnxValue,
  operationsOf,
  readNpy,
  readOptionalProto,
  readSequenceProto,
  readTensorProto,
  Sequence,
  StringTensor,
  tensorOf,
  ValuesNeeded,
  writeNpy,
} from "../../../onnx/index.js";
import type { RankFlags } from "../../program/as-rank.js";
import { count } from "../../render/numbers.js";
import { renderTable } from "../../render/table.js";
import { imageTensor, isImage } from "./image.js";
import type { OnDevice } from "./on-device.js";
import { outputsJson } from "./outputs-json.js";

/** What `goml graph model.onnx` is told. */
interface OnnxGraphOptions {
  format?: "table" | "dot" | "mermaid" | "json";
  shape?: Record<string, string>;
  run?: boolean;
  input?: Record<string, string>;
  output?: readonly string[];
  expect?: Record<string, string>;
  /** Of pictures, by channel; see `ImageScale`. */
  mean?: readonly number[];
  std?: readonly number[];
  rtol: number;
  atol: number;
  machine: "tape" | "go";
  workers: number;
  trace?: string;
  json?: boolean;
}

/** What `--ranks` asks for besides. */
type Ranked = OnnxGraphOptions & RankFlags;

/**
 * The text that tells of a model, or of its run, of which rank 0 tells where there are several; with `expect` the run must
 * give what is expected.
 */
export async function onnxText(
  path: string,
  options: Ranked,
  signal: AbortSignal,
  on?: OnDevice,
): Promise<string | undefined> {
  const model = await load(path);
  if (options.run) return runText(model, options, signal, on);
  return describe(path, model, options);
}

async function load(path: string): Promise<OnnxModel> {
  const bytes = await bytesOf(path);
  try {
    return loadOnnx(bytes, { external: (name) => readFileSync(join(dirname(path), name)) });
  } catch (error) {
    if (error instanceof DataError) throw error.at({ file: path });
    throw error;
  }
}

async function bytesOf(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new DataError(`cannot be read: ${(cause as Error).message}`, {
      place: { file: path },
      hint: "expected an ONNX model",
      cause,
    });
  }
}

/** The shapes that a graph is drawn for: as declared, as `--shape` says, and 1 for what is open. */
function typesOf(
  model: OnnxModel,
  given: Record<string, string>,
): Map<string, { dtype: DType; shape: number[] }> {
  const unknown = Object.keys(given).find((name) => !model.inputs.some((input) => input.name === name));
  if (unknown !== undefined) throw noInput(model, unknown);
  return new Map(
    model.inputs.map(({ name, dtype, shape }) => {
      const text = given[name];
      const lengths =
        text === undefined
          ? (shape ?? []).map((length) => (typeof length === "number" ? length : 1))
          : lengthsOf(name, text);
      return [name, { dtype: dtype === undefined || dtype === "string" ? "float32" : dtype, shape: lengths }];
    }),
  );
}

function lengthsOf(name: string, text: string): number[] {
  const lengths = text.split(/[x×,]/).map(Number);
  if (!lengths.every((length) => Number.isInteger(length) && length >= 0))
    throw new UsageError(`--shape ${name}=${text}: expected lengths such as 1x3x224x224`);
  return lengths;
}

function noInput(model: OnnxModel, name: string): UsageError {
  return new UsageError(`the model has no input ${JSON.stringify(name)}`, {
    hint: `its inputs are ${model.inputs.map((input) => input.name).join(", ")}`,
  });
}

function describe(path: string, model: OnnxModel, options: OnnxGraphOptions): string {
  const { format = "table", shape = {} } = options;
  const types = typesOf(model, shape);
  if (format !== "table") {
    const { graph } = plannedGraph(model, types);
    if (format === "dot") return graphToDot(graph);
    if (format === "mermaid") return graphToMermaid(graph);
    return `${JSON.stringify(graphToJson(graph), null, 2)}\n`;
  }
  const list = (values: readonly OnnxValue[]) =>
    values.map((value) => `${value.name} ${formatDeclared(value)}`).join(", ") || "none";
  const rows = [
    ["producer", model.producer || "unknown"],
    ["operator sets", [...model.opsets].map(([domain, version]) => `${domain} ${version}`).join(", ")],
    ["inputs", list(model.inputs)],
    ["outputs", list(model.outputs)],
    ["parameters", model.parameters.toLocaleString("en")],
    ["operations", operationsText(model, types)],
  ];
  const width = Math.max(...rows.map(([label]) => label!.length));
  const ops = [...model.ops].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const head = rows.map(([label, text]) => `${label!.padEnd(width)}  ${text}\n`).join("");
  return `${path}\n\n${head}\n${renderTable({ titles: ["op", "nodes"], rows: ops.map(([op, n]) => [op, count(n)]), align: ["left", "right"] })}\n`;
}

/**
 * The graph for inputs of these types; where values that a run computes decide shapes, up to there.
 *
 * @throws ModelError where the values of inputs decide them
 */
function plannedGraph(model: OnnxModel, types: ReturnType<typeof typesOf>): { graph: Graph; upTo: string } {
  try {
    return { graph: model.graph(types).graph, upTo: "" };
  } catch (error) {
    if (!(error instanceof ValuesNeeded)) throw error;
    const { graph, end } = model.stage(0, types);
    if (graph.nodes.every(({ op }) => typeof op === "string"))
      throw new ModelError(error.message, { hint: "run it: --run --input name=value" });
    return { graph, upTo: `, up to node ${end + 1} of ${model.length}, whose values decide shapes` };
  }
}

function operationsText(model: OnnxModel, types: ReturnType<typeof typesOf>): string {
  const shapes = [...types].map(([name, { shape }]) => `${name} ${shape.join("×") || "scalar"}`).join(", ");
  try {
    const { graph, upTo } = plannedGraph(model, types);
    return `${(operationsOf(graph) / 1e9).toPrecision(3)} GFLOP with ${shapes}${upTo}`;
  } catch (error) {
    // Values may be needed, or the open lengths may not be 1.
    return `not known with ${shapes}: ${(error as Error).message}`;
  }
}

async function runText(
  model: OnnxModel,
  options: Ranked,
  signal: AbortSignal,
  on: OnDevice | undefined,
): Promise<string | undefined> {
  const { input = {}, trace } = options;
  const inputs = new Map<string, OnnxTensor>();
  for (const [name, text] of Object.entries(input)) {
    const declared = model.inputs.find((own) => own.name === name);
    if (declared === undefined) throw noInput(model, name);
    inputs.set(name, await givenValue(text, declared, options));
  }
  const missing = model.inputs.filter(({ name, kind: own }) => !inputs.has(name) && own !== "optional");
  if (missing.length > 0) {
    throw new UsageError(`no value is given for ${missing.map(({ name }) => name).join(", ")}`, {
      hint: missing.map(({ name }) => `--input ${name}=@file.npy`).join(" "),
    });
  }
  for (const { name, kind: own } of model.inputs)
    if (own === "optional" && !inputs.has(name)) inputs.set(name, undefined);
  if (options.ranks === undefined) {
    const { run, ms } = await timedRun(model, inputs, options, signal, { on });
    return told(model, run, ms, options, run.trace?.chrome());
  }
  const { asRank, traceOfRanks } = await import("../../program/as-rank.js");
  return asRank(options, signal, async (ranks) => {
    const { run, ms } = await timedRun(model, inputs, options, signal, { sites: ranks });
    const merged = trace === undefined ? undefined : await traceOfRanks(ranks, run.trace!);
    return ranks.rank > 0 ? undefined : told(model, run, ms, options, merged);
  });
}

async function timedRun(
  model: OnnxModel,
  inputs: ReadonlyMap<string, OnnxTensor>,
  { machine: kind, workers, trace }: OnnxGraphOptions,
  signal: AbortSignal,
  { sites, on }: { sites?: Sites; on?: OnDevice | undefined },
): Promise<{ run: OnnxRun; ms: number }> {
  const machine = new OnnxMachine(model, {
    machine: kind,
    workers,
    trace: trace !== undefined,
    sites,
    device: on?.device,
    placement: on?.placement,
  });
  try {
    const started = performance.now();
    const run = await machine.run(inputs, { signal });
    if (machine.placed !== undefined) on?.placed(machine.placed);
    return { run, ms: performance.now() - started };
  } finally {
    await machine.close();
  }
}

/** Writes and checks what was asked for, and tells of the outputs. */
async function told(
  model: OnnxModel,
  { outputs }: OnnxRun,
  ms: number,
  options: OnnxGraphOptions,
  trace: object | undefined,
): Promise<string> {
  const { output = [], expect = {} } = options;
  if (options.trace !== undefined && trace !== undefined)
    await writeFileAtomic(options.trace, `${JSON.stringify(trace)}\n`);
  await writeOutputs(outputs, output);
  await checkOutputs(model, outputs, expect, options);
  if (options.json) return outputsJson(outputs);
  const shown = [...outputs].map(([name, value]) => `${name}: ${valueText(value)}\n`).join("");
  return `${shown}${ms.toFixed(1)} ms, the plan included\n`;
}

/** A value as text, or after an @ the file that it stands in, by its name's end. */
async function givenValue(
  text: string,
  declared: OnnxValue,
  { mean, std, shape = {} }: Pick<OnnxGraphOptions, "mean" | "std" | "shape"> = {},
): Promise<OnnxTensor> {
  const dtype = declared.dtype === undefined ? "float32" : declared.dtype;
  if (!text.startsWith("@")) {
    const parts = text.split(",");
    if (dtype === "string") return new StringTensor(parts, [parts.length]);
    const numbers = parts.map(Number);
    if (!numbers.every(Number.isFinite))
      throw new UsageError(`${declared.name}=${text}: expected numbers, or @file`);
    return tensor(numbers, declared.shape?.length === 0 ? [] : [numbers.length], dtype);
  }
  const path = text.slice(1);
  const bytes = await bytesOf(path);
  if (isImage(bytes)) {
    const wanted = shape[declared.name];
    const lengths = wanted === undefined ? undefined : lengthsOf(declared.name, wanted);
    return imageTensor(path, bytes, declared, { mean: mean ?? [0], deviation: std ?? [1] }, lengths);
  }
  try {
    const value = fileValue(path, bytes, declared, dtype);
    return value instanceof Tensor &&
      dtype !== "string" &&
      declared.dtype !== undefined &&
      value.dtype !== dtype &&
      !path.endsWith(".pb")
      ? tensor(value.data, value.shape, dtype)
      : value;
  } catch (error) {
    if (error instanceof DataError) throw error.at({ file: path });
    if (error instanceof GomlError)
      throw new DataError(error.message, { place: { file: path }, cause: error });
    throw error;
  }
}

function fileValue(
  path: string,
  bytes: Uint8Array,
  { kind }: OnnxValue,
  dtype: DType | "string",
): OnnxTensor {
  if (path.endsWith(".npy")) return readNpy(bytes);
  if (path.endsWith(".csv")) return csvTensor(bytes, dtype);
  if (!path.endsWith(".pb")) throw new DataError("expected .npy, .pb, .csv, a PNG or a JPEG image");
  if (kind === "sequence") {
    return new Sequence(readSequenceProto(bytes).tensors.map((proto) => tensorOf(proto)));
  }
  if (kind !== "optional") return tensorOf(readTensorProto(bytes));
  const { tensor: own, sequence } = readOptionalProto(bytes);
  if (own !== undefined) return tensorOf(own);
  return sequence && new Sequence(sequence.tensors.map((proto) => tensorOf(proto)));
}

/** The rows of a CSV as N × p; a first line of other than numbers is a header. */
function csvTensor(bytes: Uint8Array, dtype: DType | "string"): Tensor | StringTensor {
  const rows: string[][] = parse(Buffer.from(bytes), { skip_empty_lines: true, bom: true });
  const isNumber = (cell: string) => cell.trim() !== "" && !Number.isNaN(Number(cell));
  if (dtype === "string") {
    return new StringTensor(rows.flat(), [rows.length, rows[0]?.length ?? 0]);
  }
  if (rows.length > 0 && !rows[0]!.every(isNumber)) rows.shift();
  for (const [i, row] of rows.entries()) {
    const odd = row.findIndex((cell) => !isNumber(cell));
    if (odd >= 0)
      throw new DataError(`row ${i + 1}, column ${odd + 1}: ${JSON.stringify(row[odd])} is no number`);
  }
  return tensor(rows.flat().map(Number), [rows.length, rows[0]?.length ?? 0], dtype);
}

async function writeOutputs(
  outputs: ReadonlyMap<string, OnnxTensor>,
  wanted: readonly string[],
): Promise<void> {
  for (const text of wanted) {
    const at = text.indexOf("=");
    const [name, path] = [text.slice(0, at), text.slice(at + 1)];
    const value = outputOf(outputs, name);
    if (!(value instanceof Tensor)) throw new UsageError(`output ${name} is no tensor of numbers`);
    await writeFileAtomic(path, writeNpy(value));
  }
}

function outputOf(outputs: ReadonlyMap<string, OnnxTensor>, name: string): OnnxTensor {
  if (outputs.has(name)) return outputs.get(name);
  throw new UsageError(`the model has no output ${JSON.stringify(name)}`, {
    hint: `its outputs are ${[...outputs.keys()].join(", ")}`,
  });
}

async function checkOutputs(
  model: OnnxModel,
  outputs: ReadonlyMap<string, OnnxTensor>,
  expect: Record<string, string>,
  tolerance: OnnxGraphOptions,
): Promise<void> {
  for (const [name, text] of Object.entries(expect)) {
    const got = outputOf(outputs, name);
    const declared = model.outputs.find((own) => own.name === name)!;
    const why = differenceOf(got, await givenValue(text, declared), tolerance);
    if (why !== undefined) throw new GateError(`output ${name} is not what is expected: ${why}`);
  }
}

const SHOWN = 8;

function valueText(value: OnnxTensor): string {
  if (value === undefined) return "nothing";
  if (value instanceof Sequence)
    return `[${value.items.map((item) => valueText(item as OnnxTensor)).join("; ")}]`;
  const all =
    value instanceof Tensor
      ? Array.from(value.data as ArrayLike<number | bigint>, String)
      : value.strings.map((own) => JSON.stringify(own));
  const some = all.slice(0, SHOWN).join(", ") + (all.length > SHOWN ? ", …" : "");
  return `${value.dtype} ${value.shape.join("×") || "scalar"}: ${some}`;
}
