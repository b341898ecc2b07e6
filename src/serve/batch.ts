import { badRequest, quoted } from "./request-error.js";
import type { InputColumn } from "./served-model.js";

/** The rows of a request as columns of the model, whatever the dialect they came in. */
export interface Batch {
  readonly rows: number;
  /** The numeric input columns, row-major: rows × their number. */
  readonly numeric: Float64Array;
  /** The text input columns, one array of `rows` texts each, in the model's order; null is a missing cell. */
  readonly texts: readonly (readonly (string | null)[])[];
}

/** What a model asks for in a batch. */
export interface BatchShape {
  readonly inputs: readonly InputColumn[];
  /** The number of numeric inputs. */
  readonly width: number;
}

/** One input column of a request, by name: `rows` numbers, or `rows` texts. */
export type ColumnValues = Float64Array | readonly (string | null)[];

/**
 * A batch from columns by name; columns that the model does not ask for are not looked at.
 *
 * @throws RequestError (400) that names the columns missing
 */
export function batchOf(
  model: BatchShape,
  rows: number,
  column: (input: InputColumn) => ColumnValues | undefined,
): Batch {
  const { width } = model;
  const numeric = new Float64Array(rows * width);
  const texts: (readonly (string | null)[])[] = [];
  const missing: string[] = [];
  let at = 0;
  for (const input of model.inputs) {
    const values = column(input);
    if (values === undefined) missing.push(input.name);
    else if (!(values instanceof Float64Array)) texts.push(values);
    else {
      for (let i = 0; i < rows; i++) numeric[i * width + at] = values[i]!;
      at++;
    }
  }
  if (missing.length > 0)
    throw badRequest(
      `the request lacks ${missing.length === 1 ? "an input" : "inputs"} of the model: ${missing.slice(0, 20).map(quoted).join(", ")}`,
    );
  return { rows, numeric, texts };
}
