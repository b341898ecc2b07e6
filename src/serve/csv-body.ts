import type { ColumnBlock } from "../csv/column-block.js";
import { Levels } from "../csv/levels.js";
import { bytesSource } from "../csv/open-source.js";
import { readColumns } from "../csv/read-columns.js";
import { readTable } from "../csv/table.js";
import { CellReader, PLAIN_FORMAT } from "../dataset/number-format.js";
import { DataError } from "../errors.js";
import { Kernels } from "../kernels/kernels.js";
import { isMissing } from "../kernels/number.js";
import type { AskableModel } from "./askable.js";
import { type Batch, batchOf, numbersOf } from "./batch.js";
import { badRequest, listed, quoted, type RequestError } from "./request-error.js";

/**
 * Reads a CSV body, a header and rows, as a data frame, by the kernels that read files: missing cells are missing,
 * columns that the model does not read are passed over. One batch for every mebibyte or so of the body.
 *
 * @throws RequestError (400)
 */
export async function* csvBatches(
  model: AskableModel,
  body: Uint8Array,
): AsyncGenerator<Batch, void, undefined> {
  const kernels = idle.pop() ?? new Kernels();
  const mark = kernels.mark();
  try {
    const table = await readTable(bytesSource(body, "the body"));
    const at = new Map(table.columns.map(({ name }, i) => [name, i]));
    const missing = model.inputs.filter(({ name }) => !at.has(name)).map(({ name }) => name);
    if (missing.length > 0)
      throw badRequest(
        `the request lacks ${missing.length === 1 ? "an input" : "inputs"} of the model: ${listed(missing)}`,
      );
    const positions = (datatype: string) =>
      model.inputs.filter((input) => input.datatype === datatype).map(({ name }) => at.get(name)!);
    const choice = { numeric: positions("FP64"), factors: positions("BYTES") };
    const levels = model.inputs
      .filter(({ datatype }) => datatype === "BYTES")
      .map(({ name, levels: known = [] }) => {
        // Where a level is called NA, as Namibia's code is, only an empty cell is missing.
        const missingIn = known.some(isMissing) ? { [name]: [""] } : {};
        return new Levels(new CellReader({ ...PLAIN_FORMAT, missingIn }, name));
      });
    const chunkBytes = Math.min(1 << 20, Math.max(1 << 12, body.length));
    for await (const block of readColumns(table, choice, { levels, chunkBytes, kernels }))
      yield batch(model, block, levels);
  } catch (error) {
    throw error instanceof DataError ? notCsv(error) : error;
  } finally {
    kernels.release(mark);
    if (kernels.bytes.length <= LARGEST_IDLE && idle.length < MOST_IDLE) idle.push(kernels);
  }
}

/** Kernels that nobody uses: making them takes longer than reading a small body. One request's at a time. */
const idle: Kernels[] = [];
const MOST_IDLE = 4;
const LARGEST_IDLE = 8 << 20;

function batch(model: AskableModel, block: ColumnBlock, levels: readonly Levels[]): Batch {
  let numeric = 0;
  let text = 0;
  const column = ({ datatype }: { datatype: string }) => {
    if (datatype === "FP64") return numbersOf(block.numeric[numeric++]!);
    const { names } = levels[text]!;
    return { codes: block.codes[text++]!, names };
  };
  return batchOf(model, block.rows, column, block.firstRow);
}

/** The reader's words, without the hints that are for files. */
function notCsv({ place, problem }: DataError): RequestError {
  const { line, column } = place;
  const where = [
    ...(line === undefined ? [] : [`line ${line}`]),
    ...(column === undefined ? [] : [`column ${quoted(column)}`]),
  ];
  const words = problem.replace(/^the file/, "the body");
  return badRequest(
    where.length === 0 ? words : `the body is not CSV as expected: ${where.join(", ")}: ${words}`,
  );
}
