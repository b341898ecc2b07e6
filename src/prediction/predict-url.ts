import type { ColumnBlock, ColumnChoice } from "../csv/column-block.js";
import { excelSafeField, excelSafeRow } from "../csv/excel-safe.js";
import { type Levels, levelsOf } from "../csv/levels.js";
import { readColumns } from "../csv/read-columns.js";
import type { ReadingOptions } from "../csv/reading-options.js";
import { Source } from "../csv/source.js";
import type { Table } from "../csv/table.js";
import { freeNames, openOutput, quoteField } from "../csv/write.js";
import { namesInWords } from "../dataset/names-in-words.js";
import { DataError, InterruptedError, ModelError, UsageError } from "../errors.js";
import { orderedMap } from "../parallel/ordered-map.js";
import { columnFormatOf } from "../sources/column-output.js";
import { readTables } from "../sources/tables.js";
import { positions } from "../stats/positions.js";
import { wording } from "../wording.js";
import { checkOrder } from "./check-order.js";
import { InferClient, type RemoteInput, type RemoteModel } from "./infer-client.js";

/** Options of `predictUrl`; all may be left out. */
export interface PredictUrlOptions extends ReadingOptions {
  /** The file to write; standard output where it is left out. */
  output?: string | undefined;
  /** Whether the input's own columns come before the prediction. */
  append?: boolean | undefined;
  /** As that of `predictCsv`. */
  excelSafe?: boolean | undefined;
  /** Sent as `Authorization: Bearer …`. */
  token?: string | undefined;
  /** Requests under way at a time, 1 or more. Default: 4. */
  window?: number | undefined;
  /** Bytes of the file per request, or of the columns where they are typed. Default: 1 MiB. */
  batchBytes?: number | undefined;
  /** How often a batch is sent before its refusal with 503 is final. Default: 10. */
  tries?: number | undefined;
  /** Milliseconds that a request may take, from its start to the end of its answer. Default: 60,000. */
  timeout?: number | undefined;
  /** Stops the work; the promise then rejects with InterruptedError and the output file is not written. */
  signal?: AbortSignal | undefined;
  /** Told of bytes read, now and then. */
  onProgress?: ((progress: { read: number; total: number | undefined }) => void) | undefined;
}

/** What a prediction by a server amounted to. */
export interface UrlPrediction {
  rows: number;
  /** Rows without a prediction, which is NA. */
  missing: number;
  batches: number;
  /** Requests that were sent again. */
  retries: number;
  totalMs: number;
}

/**
 * Sends a CSV, or several with the same columns, to a model behind `http://host/v2/models/NAME` in batches, several at a
 * time, and writes the predictions as CSV, in order. The server is asked for the columns it wants; missing cells go as NaN.
 *
 * @throws ModelError where the file lacks columns of the model; DataError for a bad cell, a server that cannot be
 * reached or that refuses a batch
 */
export async function predictUrl(
  url: string,
  data: Source | readonly Source[],
  options: PredictUrlOptions = {},
): Promise<UrlPrediction> {
  const started = performance.now();
  const sources = data instanceof Source ? [data] : data;
  const { append = false, excelSafe = false, signal, window = 4 } = options;
  const client = new InferClient(url, {
    token: options.token,
    tries: options.tries,
    timeout: options.timeout,
    sockets: window,
    signal,
  });
  if (columnFormatOf(options.output) !== undefined)
    throw new UsageError("what a server predicts is written as CSV", {
      hint: "name an output that ends in .csv",
    });
  const output = openOutput(options.output);
  const total = { rows: 0, missing: 0, batches: 0 };
  try {
    const model = await client.model();
    const tables: Table[] = [];
    for (const source of sources) tables.push(await readTables([source], options));
    const [first] = tables as [Table];
    if (append) for (const table of tables.slice(1)) checkOrder({ ...first, next: table });
    const delimiter = append ? first.dialect.delimiter : ",";
    let open = await output.write(headerOf(first, append, excelSafe, delimiter));
    for (const table of tables) {
      if (!open) break;
      await send(table);
    }
    await output.commit();

    async function send(table: Table): Promise<void> {
      const { source } = table;
      const choice = choiceOf(model, table, append);
      const levels = levelsOf(table, choice);
      const work = async (block: ColumnBlock) => {
        const { body, headerLength } = bodyOf(model, block, levels);
        try {
          return { block, predictions: await client.infer(body, headerLength, block.rows, model.output) };
        } catch (error) {
          // The others need not be waited for.
          client.close();
          if (!(error instanceof DataError) || signal?.aborted) throw error;
          throw new DataError(
            wording`${source.name}, rows ${block.firstRow} to ${block.firstRow + block.rows - 1} (from 0): ${error.words.message}`,
            { hint: error.words.hint, cause: error },
          );
        }
      };
      const collect = async ({ block, predictions }: { block: ColumnBlock; predictions: Float64Array }) => {
        total.rows += block.rows;
        total.batches++;
        for (const prediction of predictions) if (Number.isNaN(prediction)) total.missing++;
        open = open && (await output.write(linesOf(block, predictions, append, excelSafe, delimiter)));
        options.onProgress?.(source.progress());
        return open;
      };
      const { batchBytes = 1 << 20 } = options;
      const blocks =
        table.typed === undefined
          ? readColumns(table, choice, { levels, chunkBytes: batchBytes })
          : inPieces(table.typed.blocks(choice, levels), batchBytes);
      await orderedMap(blocks, work, collect, { window, signal });
    }
  } catch (error) {
    output.abort();
    throw signal?.aborted ? new InterruptedError() : error;
  } finally {
    client.close();
  }
  return { ...total, retries: client.retries, totalMs: performance.now() - started };
}

/** Blocks of typed columns, which are row groups, cut into batches of about so many bytes of columns. */
async function* inPieces(
  blocks: AsyncIterable<ColumnBlock>,
  bytes: number,
): AsyncGenerator<ColumnBlock, void, undefined> {
  for await (const block of blocks) {
    const width = 8 * (block.numeric.length + block.codes.length);
    const most = Math.max(1, Math.floor(bytes / Math.max(8, width)));
    for (let from = 0; from < block.rows; from += most)
      yield most >= block.rows ? block : rowsOf(block, from, Math.min(block.rows, from + most));
  }
}

/** The rows [from, to) of a block. */
function rowsOf(block: ColumnBlock, from: number, to: number): ColumnBlock {
  const { text } = block;
  const start = text === undefined || from === 0 ? 0 : text.ends[from - 1]!;
  return {
    ...block,
    firstRow: block.firstRow + from,
    rows: to - from,
    numeric: block.numeric.map((column) => column.subarray(from, to)),
    codes: block.codes.map((column) => column.subarray(from, to)),
    text: text && {
      bytes: text.bytes.subarray(start, text.ends[to - 1]),
      ends: text.ends.subarray(from, to).map((end) => end - start),
    },
  };
}

function choiceOf(model: RemoteModel, table: Table, text: boolean): ColumnChoice {
  const at = positions(table.columns.map(({ name }) => name));
  const missing = model.inputs.filter(({ name }) => !at.has(name)).map(({ name }) => name);
  if (missing.length > 0)
    throw new ModelError(`${table.source.name}: columns of the model are missing: ${namesInWords(missing)}`, {
      hint: `the file has ${namesInWords(table.columns.map(({ name }) => name))}`,
    });
  const wanted = (texts: boolean) =>
    model.inputs.filter(({ text: isText }) => isText === texts).map(({ name }) => at.get(name)!);
  return { numeric: wanted(false), factors: wanted(true), text };
}

/** A request of the binary extension, one tensor per column. */
function bodyOf(
  model: RemoteModel,
  block: ColumnBlock,
  levels: readonly Levels[],
): { body: Buffer; headerLength: number } {
  let numeric = 0;
  let texts = 0;
  const bytes = model.inputs.map(({ text }) => {
    if (text) return encodedTexts(block.codes[texts]!, levels[texts++]!);
    const { buffer, byteOffset, byteLength } = block.numeric[numeric++]!;
    return new Uint8Array(buffer, byteOffset, byteLength);
  });
  const inputs = model.inputs.map((input: RemoteInput, i) => ({
    name: input.name,
    datatype: input.text ? "BYTES" : "FP64",
    shape: [block.rows, 1],
    parameters: { binary_data_size: bytes[i]!.length },
  }));
  const outputs = [{ name: model.output, parameters: { binary_data: true } }];
  const header = Buffer.from(JSON.stringify({ inputs, outputs }));
  return { body: Buffer.concat([header, ...bytes]), headerLength: header.length };
}

function encodedTexts(codes: Int32Array, { names }: Levels): Buffer {
  const encoded = names.map((name) => {
    const text = Buffer.from(name);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(text.length);
    return Buffer.concat([length, text]);
  });
  const missing = Buffer.alloc(4);
  return Buffer.concat(Array.from(codes, (code) => (code < 0 ? missing : encoded[code]!)));
}

function headerOf(table: Table, append: boolean, excelSafe: boolean, delimiter: string): string {
  if (!append) return "prediction\n";
  const taken = table.columns.map(({ name }) => name);
  const field = excelSafe ? excelSafeField : quoteField;
  const names = taken.map((name) => field(name, delimiter)).join(delimiter);
  const [own] = freeNames(["prediction"], taken);
  return `${table.headerText === "" || excelSafe ? names : table.headerText}${delimiter}${own}\n`;
}

function linesOf(
  block: ColumnBlock,
  predictions: Float64Array,
  append: boolean,
  excelSafe: boolean,
  delimiter: string,
): string {
  const decoder = append ? new TextDecoder() : undefined;
  let lines = "";
  predictions.forEach((prediction, r) => {
    if (decoder !== undefined) {
      const { bytes, ends } = block.text!;
      const row = decoder.decode(bytes.subarray(r === 0 ? 0 : ends[r - 1]!, ends[r]));
      lines += (excelSafe ? excelSafeRow(row, delimiter) : row) + delimiter;
    }
    lines += Number.isNaN(prediction) ? "NA\n" : `${prediction}\n`;
  });
  return lines;
}
