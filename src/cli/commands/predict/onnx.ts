import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { withLine } from "../../../csv/locate.js";
import type { Source } from "../../../csv/source.js";
import type { Table } from "../../../csv/table.js";
import { freeNames, openOutput, quoteField } from "../../../csv/write.js";
import { nearestName } from "../../../dataset/nearest.js";
import { DataError, InterruptedError, UsageError } from "../../../errors.js";
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
import { checkOrder } from "../../../prediction/check-order.js";
import { readRows } from "../../../scan/read-rows.js";
import { layoutOf, type RowLayout } from "../../../scan/row-layout.js";
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
  if (options.append) checkOrder(table);
  const feeds = feedsOf(model, table);
  const layout = layoutFor(feeds, table, options);
  const workers = typeof options.concurrent === "number" ? options.concurrent : options.concurrent ? 1 : 0;
  const machine = new OnnxMachine(model, { machine: options.machine ?? "go", workers });
  const output = openOutput(options.output);
  const delimiter = options.append ? table.dialect.delimiter : ",";
  const line = (cells: readonly string[]) => cells.map((cell) => quoteField(cell, delimiter)).join(delimiter);
  let rows = 0;
  let excluded = 0;
  let headed = false;
  try {
    for await (const batch of batches(table, layout)) {
      rows += batch.rows;
      excluded += batch.excluded;
      if (batch.rows === 0) continue;
      const run = await machine.run(inputsOf(feeds, batch), { signal });
      const columns = columnsOf(run.outputs, batch.rows);
      const own = options.append ? table.columns.map(({ name }) => name) : [];
      const names = freeNames(
        columns.map(({ name }) => name),
        own,
      );
      if (!headed && !(await output.write(`${line([...own, ...names])}\n`))) break;
      headed = true;
      // Rows keep their bytes, whatever they hold.
      const lineOf = (i: number) => {
        const text = line(columns.map(({ values }) => values[i]!));
        return batch.lines === undefined ? `${text}\n` : `${batch.lines[i]}${delimiter}${text}\n`;
      };
      if (!(await output.write(Array.from({ length: batch.rows }, (_, i) => lineOf(i)).join("")))) break;
    }
    await output.commit();
  } catch (error) {
    output.abort();
    // A run in which the signal arrives ends with the signal's reason, which is not for users.
    if (signal.aborted) throw new InterruptedError(undefined, { cause: error });
    throw error instanceof DataError ? await withLine(table, error) : error;
  } finally {
    await machine.close();
  }
  if (options.quiet) return 0;
  const ms = milliseconds(performance.now() - started);
  const left = excluded > 0 ? `, ${count(excluded)} left out by --where` : "";
  printError(
    `${count(rows)} ${rows === 1 ? "row" : "rows"} of ${sources.map(({ name }) => name).join(" ")}${left}, ${ms}\n`,
  );
  return 0;
}

function checkOptions({ interval, se, terms, set, url }: PredictOptions): void {
  const asked = [
    interval !== "none" && "--interval",
    se === true && "--se",
    terms === true && "--terms",
    Object.keys(set).length > 0 && "--set",
    url !== undefined && "--url",
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
  readonly columns: readonly string[];
  readonly file: string;
}

function feedsOf({ inputs }: OnnxModel, table: Table): Feed[] {
  const names = table.columns.map(({ name }) => name);
  const file = table.source.name;
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
    return [{ input: only, columns: names, file }];
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
    return { input, columns: [input.name], file };
  });
}

/** What is read of a table: numbers and texts as the inputs are, and what the condition on rows asks for. */
function layoutFor(feeds: readonly Feed[], table: Table, { where, append }: PredictOptions): RowLayout {
  const of = (text: boolean) =>
    feeds.filter(({ input }) => (input.dtype === "string") === text).flatMap(({ columns }) => columns);
  return layoutOf(table, { numeric: of(false), factors: of(true), where, text: append });
}

/** Some rows, by columns in the order in which the inputs have them: first those of numbers, then those of text. */
interface Batch {
  readonly rows: number;
  readonly numbers: readonly Float64Array[];
  readonly texts: readonly (readonly string[])[];
  /** The rows as the file has them, where they are repeated. */
  readonly lines: readonly string[] | undefined;
  /** The number of each row, from 0, among all. */
  readonly rowNumbers: readonly number[];
  /** How many rows the condition has left out on the way. */
  readonly excluded: number;
}

/** The rows of all files, so many at a time that one plan does for all but the last. */
async function* batches(table: Table, layout: RowLayout): AsyncGenerator<Batch> {
  const numbers: number[][] = layout.numeric.map(() => []);
  const texts: string[][] = layout.factors.map(() => []);
  const lines: string[] = [];
  let rowNumbers: number[] = [];
  let excluded = 0;
  const taken = (): Batch => {
    const batch = {
      rows: rowNumbers.length,
      numbers: numbers.map((column) => Float64Array.from(column.splice(0))),
      texts: texts.map((column) => column.splice(0)),
      lines: layout.text ? lines.splice(0) : undefined,
      rowNumbers,
      excluded,
    };
    rowNumbers = [];
    excluded = 0;
    return batch;
  };
  for await (const { block, levels, excluded: out } of readRows(table, layout)) {
    excluded += out;
    const { text } = block;
    for (let r = 0; r < block.rows; r++) {
      for (const [i, column] of numbers.entries()) column.push(block.numeric[i]![r]!);
      for (const [i, column] of texts.entries()) column.push(levels[i]![block.codes[i]![r]!] ?? "");
      if (text !== undefined)
        lines.push(
          Buffer.from(text.bytes.subarray(r === 0 ? 0 : text.ends[r - 1]!, text.ends[r]!)).toString(),
        );
      rowNumbers.push(block.rowNumbers?.[r] ?? block.firstRow + r);
      if (rowNumbers.length === BATCH) yield taken();
    }
  }
  if (rowNumbers.length > 0 || excluded > 0) yield taken();
}

function inputsOf(
  feeds: readonly Feed[],
  { rows, numbers, texts, rowNumbers }: Batch,
): Map<string, OnnxTensor> {
  let [number, text] = [0, 0];
  return new Map(
    feeds.map(({ input, columns }): [string, OnnxTensor] => {
      const width = columns.length;
      const shape = input.shape!.length === 1 ? [rows] : [rows, width];
      if (input.dtype === "string") {
        const own = texts.slice(text, text + width);
        text += width;
        const cells = Array.from({ length: rows * width }, (_, k) => own[k % width]![Math.floor(k / width)]!);
        return [input.name, new StringTensor(cells, shape)];
      }
      const own = numbers.slice(number, number + width);
      number += width;
      const dtype = input.dtype ?? "float32";
      const values = new Float64Array(rows * width);
      for (const [j, column] of own.entries()) {
        for (let r = 0; r < rows; r++) values[r * width + j] = column[r]!;
        const missing = dtype.startsWith("float") ? -1 : column.findIndex(Number.isNaN);
        if (missing >= 0)
          throw new DataError(`a cell is missing, and input ${input.name} is ${dtype}`, {
            place: { row: rowNumbers[missing]!, column: columns[j]! },
          });
      }
      return [input.name, tensor(values, shape, dtype)];
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
