import { numberOf, textOf, truthWords } from "../dataset/record-cells.js";
import type { AskableModel } from "./askable.js";
import { type Batch, batchOf, type ColumnValues, checkDistinct, numbersOf } from "./batch.js";
import { parseJson } from "./json.js";
import { badRequest, quoted } from "./request-error.js";
import type { InputColumn } from "./served.js";

/** One column of a data frame: the cell of a row. */
type Cells = (row: number) => unknown;

const FORMATS = ["dataframe_split", "dataframe_records", "instances", "inputs"] as const;

/**
 * Reads the JSON body of MLflow's `/invocations`: an object with one of `dataframe_split`, `dataframe_records`,
 * `instances` and `inputs`. Null is a missing cell; columns that the model does not read are passed over, as
 * MLflow does, and so are `params` that mean nothing here.
 *
 * @throws RequestError (400)
 */
export function readInvocation(model: AskableModel, body: Uint8Array): Batch {
  const request = parseJson(body);
  const given = isObject(request) ? FORMATS.filter((format) => Object.hasOwn(request, format)) : [];
  if (!isObject(request) || given.length !== 1)
    throw badRequest(`the body should be a JSON object with exactly one of ${FORMATS.join(", ")}`);
  const format = given[0]!;
  const { params } = request;
  if (isObject(params) && (Object.hasOwn(params, "interval") || Object.hasOwn(params, "level")))
    throw badRequest(
      "intervals are asked for by the parameters of /v2/models/NAME/infer, which give lower and upper beside the prediction",
    );
  const value = request[format];
  if (format === "dataframe_split") return fromSplit(model, value);
  if (isObject(value) && format !== "dataframe_records") return fromColumns(model, value, format);
  if (!Array.isArray(value)) throw badRequest(`${format} should be an array, got ${quoted(value)}`);
  return isObject(value[0]) || format === "dataframe_records"
    ? fromRecords(model, value, format)
    : fromRows(model, value, format);
}

/** `{"columns": ["a", "b"], "data": [[1, 2], …]}`; without columns, they stand in the model's order. */
function fromSplit(model: AskableModel, value: unknown): Batch {
  if (!isObject(value) || !Array.isArray(value.data))
    throw badRequest("dataframe_split should be an object with columns and data");
  const { columns, data } = value;
  if (columns === undefined) return fromRows(model, data as unknown[], "dataframe_split.data");
  if (!Array.isArray(columns)) throw badRequest("dataframe_split.columns should be an array of names");
  checkDistinct(columns, "column");
  const rows = rowsOf(data as unknown[], columns.length, "dataframe_split.data");
  return frame(model, rows.length, (name) => {
    const at = columns.indexOf(name);
    return at < 0 ? undefined : (i) => rows[i]![at];
  });
}

/** `[[1, 2], …]` in the model's order; of one input, `[1, 2, …]` will do. */
function fromRows(model: AskableModel, value: readonly unknown[], where: string): Batch {
  const p = model.inputs.length;
  // A cell each, where the model has one input.
  const single = p === 1 && !Array.isArray(value[0]);
  const rows = rowsOf(single ? value.map((cell) => [cell]) : value, p, where);
  return frame(model, rows.length, (name) => (i) => rows[i]![model.position.get(name)!]);
}

/** `[{"a": 1, "b": 2}, …]`; a column that a record lacks is missing there. */
function fromRecords(model: AskableModel, value: readonly unknown[], where: string): Batch {
  value.forEach((record, i) => {
    if (!isObject(record)) throw badRequest(`${where}[${i}] should be an object, got ${quoted(record)}`);
  });
  const records = value as readonly Record<string, unknown>[];
  return frame(model, records.length, (name) => {
    if (records.length > 0 && !records.some((record) => Object.hasOwn(record, name))) return undefined;
    return (i) => (Object.hasOwn(records[i]!, name) ? records[i]![name] : null);
  });
}

/** `{"a": [1, 2], "b": [3, 4]}`; a column may also be n × 1. */
function fromColumns(model: AskableModel, value: Record<string, unknown>, where: string): Batch {
  let rows: number | undefined;
  const columns = new Map<string, readonly unknown[]>();
  for (const { name } of model.inputs) {
    if (!Object.hasOwn(value, name)) continue;
    const column = Array.isArray(value[name]) ? value[name] : [value[name]];
    rows ??= column.length;
    if (column.length !== rows)
      throw badRequest(`${where}: column ${quoted(name)} has ${column.length} values, others have ${rows}`);
    columns.set(name, column);
  }
  return frame(model, rows ?? 0, (name) => {
    const column = columns.get(name);
    return column && ((i) => (Array.isArray(column[i]) && column[i].length === 1 ? column[i][0] : column[i]));
  });
}

function frame(model: AskableModel, rows: number, cellsOf: (name: string) => Cells | undefined): Batch {
  return batchOf(model, rows, (input) => {
    const cells = cellsOf(input.name);
    return cells && columnOf(input, rows, cells);
  });
}

function columnOf({ name, datatype, levels }: InputColumn, rows: number, cells: Cells): ColumnValues {
  const wrong = (i: number, expected: string) =>
    badRequest(`row ${i} of column ${quoted(name)} is ${quoted(cells(i))}, expected ${expected}`);
  if (datatype === "BYTES") {
    const truth = truthWords(levels ?? []);
    return Array.from({ length: rows }, (_, i) => {
      const text = textOf(cells(i), truth);
      if (text === undefined) throw wrong(i, "a text");
      return text;
    });
  }
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    const value = numberOf(cells(i));
    if (value === undefined) throw wrong(i, "a number");
    out[i] = value;
  }
  return numbersOf(out);
}

function rowsOf(value: readonly unknown[], width: number, where: string): readonly (readonly unknown[])[] {
  value.forEach((row, i) => {
    if (!Array.isArray(row)) throw badRequest(`${where}[${i}] should be an array, got ${quoted(row)}`);
    if (row.length !== width) throw badRequest(`${where}[${i}] has ${row.length} values, expected ${width}`);
  });
  return value as readonly (readonly unknown[])[];
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
