import type { Dialect, OutputWish, Question } from "./question.js";
import { RequestError } from "./request-error.js";

/** Bytes of a number in JSON, its comma included: most have 16 or 17 digits. */
export const JSON_NUMBER = 20;

/**
 * Refuses a request whose answer would be too large: a number that is one byte in the body may be 20 in the answer.
 *
 * @throws RequestError (413) that says what to do instead
 */
export function checkAnswer(
  rows: number,
  outputs: readonly OutputWish[],
  { answerLimit }: Pick<Question, "answerLimit">,
  protocol: "V2" | "MLflow",
): void {
  const perRow = outputs.reduce((sum, { binary }) => sum + (binary ? 8 : JSON_NUMBER), 0);
  if (rows * perRow <= answerLimit) return;
  const batches = `send batches of at most ${Math.floor(answerLimit / perRow)} rows`;
  const binary =
    outputs.every((output) => output.binary) || protocol === "MLflow"
      ? ""
      : "ask for binary data with the parameter binary_data_output, or ";
  throw new RequestError(
    413,
    `the answer of ${rows} rows would take about ${rows * perRow} bytes, the limit is ${answerLimit}: ${binary}${batches}`,
  );
}

/** Bytes that JSON takes when it is read, for each of its own: the text, and the values. */
const JSON_FACTOR = 4;

/**
 * Bytes that answering a large request will take beside its body: what is made of the body, the predictions, and the
 * answer. Told by the sizes that the request itself gives, so before any work is done; where those are wrong, the
 * request is refused when it is read.
 */
export function workBytes(dialect: Dialect, body: Uint8Array, headerLength: number | undefined): number {
  if (dialect === "csv") return body.length;
  if (headerLength === undefined || headerLength > MOST_HEADER) return JSON_FACTOR * body.length;
  try {
    const { inputs, parameters } = JSON.parse(Buffer.from(body.slice(0, headerLength)).toString());
    const rows = Math.max(0, ...inputs.map(({ shape }: { shape: number[] }) => shape[0]!));
    const outputs = parameters?.interval === undefined ? 1 : 3;
    const number = parameters?.binary_data_output === true ? 8 : 8 + JSON_NUMBER;
    return Number.isSafeInteger(rows) ? rows * outputs * number : 0;
  } catch {
    return 0;
  }
}

/** A larger header would hold the event loop up. */
const MOST_HEADER = 1 << 16;
