import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readRows } from "../../../csv/records.js";
import type { Source } from "../../../csv/source.js";
import { type Table, tablesOf } from "../../../csv/table.js";
import { freeNames, openOutput, quoteField } from "../../../csv/write.js";
import { nearestName } from "../../../dataset/nearest.js";
import { type CellReader, cellReaders } from "../../../dataset/number-format.js";
import { DataError, quoteCell, UsageError } from "../../../errors.js";
import { Tensor, tensor } from "../../../machine/index.js";
import {
  formatDeclared,
  loadOnnx,
  OnnxMachine,
  type OnnxModel,
  type OnnxTensor,
  type OnnxValue,
  StringTensor,
} from "../../../onnx/index.js";
import { readTables } from "../../../sources/tables.js";
import { readingOptions } from "../../program/reading-options.js";
import { count, milliseconds } from "../../render/numbers.js";
import { printError } from "../../render/print.js";
import type { PredictOptions } from "./options.js";

/** Rows that go through the model at a time: the results do not depend on it. */
const BATCH = 1024;

/** Whether a model is an ONNX file, by its name. */
export function isOnnx(path: string): boolean {
  return path.toLowerCase().endsWith(".onnx");
}

/**
 * Predicts rows by an ONNX model of tables: its inputs are columns by their names, N or N × 1 each, or one N × p of
 * numbers, for which the file's columns are taken in order. Every output of a row for each is written: one column, or
 * `name_0`, `name_1`, ….
 */
export async function predictOnnx(
  sources: readonly Source[],
  options: PredictOptions,
  signal: AbortSignal,
): Promise<number> {
  checkOptions(options);
  const model = load(options.model);
  const started = performance.now();
  const table = await readTables(sources, readingOptions(options));
  const typed = tablesOf(table).find((own) => own.typed !== undefined);
  if (typed !== undefined) {
    throw new DataError("an ONNX model predicts rows of text, CSV or JSON lines", {
      place: { file: typed.source.name },
    });
  }
  const feeds = feedsOf(model, table);
  const workers = typeof options.concurrent === "number" ? options.concurrent : options.concurrent ? 1 : 0;
  const machine = new OnnxMachine(model, { machine: options.machine ?? "go", workers });
  const output = openOutput(options.output);
  let rows = 0;
  let headed = false;
  try {
    for await (const { cells, lines } of batches(table)) {
      const run = await machine.run(inputsOf(feeds, cells, lines), { signal });
      const columns = columnsOf(run.outputs, cells.length);
      const text = columns[0]!.values.map((_, i) => columns.map(({ values }) => quoteField(values[i]!)));
      const own = options.append ? table.columns.map(({ name }) => name) : [];
      if (!headed) {
        const names = freeNames(
          columns.map(({ name }) => name),
          own,
        );
        if (!(await output.write(`${[...own, ...names].map((name) => quoteField(name)).join(",")}\n`))) break;
      }
      headed = true;
      const lineOf = (i: number) =>
        `${[...(options.append ? cells[i]!.map((cell) => quoteField(cell)) : []), ...text[i]!].join(",")}\n`;
      rows += cells.length;
      if (!(await output.write(text.map((_, i) => lineOf(i)).join("")))) break;
    }
    await output.commit();
  } catch (error) {
    output.abort();
    throw error;
  } finally {
    await machine.close();
  }
  if (options.quiet) return 0;
  const ms = milliseconds(performance.now() - started);
  printError(
    `${count(rows)} ${rows === 1 ? "row" : "rows"} of ${sources.map(({ name }) => name).join(" ")}, ${ms}\n`,
  );
  return 0;
}

function checkOptions({ interval, se, set, url, where }: PredictOptions): void {
  const asked = [
    interval !== "none" && "--interval",
    se === true && "--se",
    Object.keys(set).length > 0 && "--set",
    url !== undefined && "--url",
    where !== undefined && "--where",
  ].filter((name) => name !== false);
  if (asked.length > 0)
    throw new UsageError(
      `${asked.join(", ")} ${asked.length > 1 ? "go" : "goes"} with goml's own models, not with ONNX`,
    );
}

function load(path: string): OnnxModel {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "no such file" : `cannot be read (${code})`;
    throw new DataError(what, { place: { file: path }, cause });
  }
  try {
    return loadOnnx(bytes, { external: (name) => readFileSync(join(dirname(path), name)) });
  } catch (error) {
    if (error instanceof DataError) throw error.at({ file: path });
    throw error;
  }
}

/** An input and the table's columns that it is made of. */
interface Feed {
  readonly input: OnnxValue;
  readonly columns: readonly { readonly at: number; readonly name: string; readonly reader: CellReader }[];
  readonly file: string;
}

function feedsOf({ inputs }: OnnxModel, table: Table): Feed[] {
  const names = table.columns.map(({ name }) => name);
  const readers = cellReaders(table.format);
  const file = table.source.name;
  const column = (at: number) => ({ at, name: names[at]!, reader: readers(names[at]!) });
  const odd = inputs.find(({ kind, shape }) => kind !== "tensor" || shape === undefined || shape.length > 2);
  if (odd !== undefined || inputs.length === 0) {
    const what = odd === undefined ? "it has no inputs" : `input ${odd.name} is ${formatDeclared(odd)}`;
    throw new UsageError(`not a model of tables: ${what}`, {
      hint: "goml graph model.onnx --run --input x=@x.npy runs any model",
    });
  }
  const [only] = inputs as [OnnxValue];
  const width = only.shape![1];
  if (inputs.length === 1 && !names.includes(only.name) && only.shape!.length === 2) {
    if (typeof width === "number" && width !== names.length) {
      throw new DataError(`${names.length} columns, where input ${only.name} of the model has ${width}`, {
        place: { file },
        hint: "the columns of the file are those of the input, in its order",
      });
    }
    return [{ input: only, columns: names.map((_, at) => column(at)), file }];
  }
  return inputs.map((input) => {
    const at = names.indexOf(input.name);
    if (at < 0) {
      const near = nearestName(input.name, names);
      throw new DataError(
        `there is no column ${JSON.stringify(input.name)}, which is an input of the model`,
        {
          place: { file },
          hint:
            near === undefined
              ? `the columns are ${names.join(", ")}`
              : `did you mean ${JSON.stringify(near)}?`,
        },
      );
    }
    const { shape } = input;
    if (shape!.length === 2 && typeof shape![1] === "number" && shape![1] !== 1)
      throw new UsageError(`input ${input.name} is ${formatDeclared(input)}, which no column is`);
    return { input, columns: [column(at)], file };
  });
}

/** The rows of all files, some at a time, with the columns of the first in order. */
async function* batches(table: Table): AsyncGenerator<{ cells: (readonly string[])[]; lines: number[] }> {
  let cells: (readonly string[])[] = [];
  let lines: number[] = [];
  for (const own of tablesOf(table)) {
    const order = table.columns.map(({ name }) => own.columns.findIndex((column) => column.name === name));
    for await (const rows of readRows(own)) {
      for (const row of rows) {
        cells.push(order.map((at) => row.cells[at]!));
        lines.push(row.line);
        if (cells.length < BATCH) continue;
        yield { cells, lines };
        [cells, lines] = [[], []];
      }
    }
  }
  if (cells.length > 0) yield { cells, lines };
}

function inputsOf(
  feeds: readonly Feed[],
  cells: readonly (readonly string[])[],
  lines: readonly number[],
): Map<string, OnnxTensor> {
  const n = cells.length;
  return new Map(
    feeds.map(({ input, columns, file }): [string, OnnxTensor] => {
      const shape = input.shape!.length === 1 ? [n] : [n, columns.length];
      if (input.dtype === "string")
        return [
          input.name,
          new StringTensor(
            cells.flatMap((row) => columns.map(({ at }) => row[at]!)),
            shape,
          ),
        ];
      const values = new Float64Array(n * columns.length);
      for (let i = 0, o = 0; i < n; i++) {
        for (const { at, name, reader } of columns) {
          const value = reader.number(cells[i]![at]!);
          if (value === undefined) {
            throw new DataError(`${quoteCell(cells[i]![at]!)} is no number`, {
              place: { file, line: lines[i]!, column: name },
            });
          }
          values[o++] = value;
        }
      }
      return [input.name, tensor(values, shape, input.dtype ?? "float32")];
    }),
  );
}

/** The outputs' columns, as text. @throws DataError where no output has a row for each of the table's */
function columnsOf(
  outputs: ReadonlyMap<string, OnnxTensor>,
  n: number,
): { name: string; values: string[] }[] {
  const columns: { name: string; values: string[] }[] = [];
  for (const [name, value] of outputs) {
    if (!(value instanceof Tensor || value instanceof StringTensor)) continue;
    if (value.shape[0] !== n) continue;
    const all =
      value instanceof Tensor
        ? Array.from(value.data as ArrayLike<number | bigint>, (own) =>
            cellOf(own, value.dtype === "float32"),
          )
        : [...value.strings];
    const width = all.length / n;
    for (let k = 0; k < width; k++)
      columns.push({
        name: width === 1 ? name : `${name}_${k}`,
        values: Array.from({ length: n }, (_, i) => all[i * width + k]!),
      });
  }
  if (columns.length === 0)
    throw new DataError(
      `no output of the model has a row for each of ${n}: ${[...outputs.keys()].join(", ")}`,
    );
  return columns;
}

/** A number in as few digits as read back to the same element; NA for what is none. */
function cellOf(value: number | bigint, single: boolean): string {
  if (typeof value === "bigint") return String(value);
  if (Number.isNaN(value)) return "NA";
  if (!single) return String(value);
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}
