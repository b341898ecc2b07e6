import { parse } from "csv-parse/sync";
import { sniffDialect } from "../csv/dialect.js";
import { GomlError } from "../errors.js";
import { isMissing, parseNumber } from "../kernels/number.js";
import type { AskableModel } from "./askable.js";
import { type Batch, batchOf } from "./batch.js";
import { decodeUtf8 } from "./json.js";
import { badRequest, quoted } from "./request-error.js";

/**
 * Reads a CSV body, a header and rows, as a data frame: missing cells are missing, columns that the model does not
 * read are passed over.
 *
 * @throws RequestError (400)
 */
export function readCsvBody(model: AskableModel, body: Uint8Array): Batch {
  const [header, ...rows] = recordsOf(body);
  if (header === undefined) throw badRequest("the body is empty, expected CSV with a header");
  return batchOf(model, rows.length, ({ name, datatype }) => {
    const at = header.indexOf(name);
    if (at < 0) return undefined;
    if (datatype === "BYTES") return rows.map((row) => (isMissing(row[at]!) ? null : row[at]!));
    return Float64Array.from(rows, (row, i) => {
      const value = parseNumber(row[at]!);
      if (value === undefined)
        throw badRequest(`row ${i} of column ${quoted(name)} is ${quoted(row[at]!)}, expected a number`);
      return value;
    });
  });
}

function recordsOf(body: Uint8Array): string[][] {
  const text = decodeUtf8(body);
  try {
    const { delimiter } = sniffDialect(Buffer.from(text.slice(0, 1 << 16)), false);
    return parse(text, { bom: true, delimiter, trim: true, skip_empty_lines: true, relax_quotes: true });
  } catch (error) {
    const known = error instanceof GomlError || (error as { code?: string }).code?.startsWith("CSV_");
    if (!known) throw error;
    throw badRequest(`the body is not CSV: ${(error as Error).message}`);
  }
}
