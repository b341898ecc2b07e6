import { deserialize, serialize } from "node:v8";
import { type Conformal, ConformalBlock, conformalPlan } from "../linear/conformal/conformal.js";
import type { LinearModel } from "../linear/model/model.js";
import type { Batch } from "./batch.js";
import { badRequest, quoted } from "./request-error.js";
import { type InputColumn, shared } from "./served.js";

/** What conformal intervals are made of, on every thread. */
interface ConformalParts {
  readonly conformal: Conformal;
  readonly intercept: boolean;
}

/** The conformal intervals of a model as they go to threads; undefined where nothing was calibrated. */
export function sharedConformal({ conformal, intercept }: LinearModel): Uint8Array | undefined {
  return conformal && shared(serialize({ conformal, intercept } satisfies ConformalParts));
}

/** The column by whose groups intervals are calibrated, where the model does not read it: only these intervals ask for it. */
export function asideOf(
  { conformal }: Pick<LinearModel, "conformal">,
  inputs: readonly InputColumn[],
): InputColumn | undefined {
  const { by, of, groups = [] } = conformal ?? {};
  if (by === undefined || inputs.some(({ name }) => name === by)) return undefined;
  const datatype = typeOf({ of });
  return datatype === "FP64"
    ? { name: by, datatype }
    : { name: by, datatype, levels: groups.map(({ name }) => name!) };
}

function typeOf({ of }: Pick<Conformal, "of">): InputColumn["datatype"] {
  return of === "numbers" ? "FP64" : "BYTES";
}

/** The name of a row's group, by the row's number in the batch. */
type GroupName = (row: number) => string | undefined;

/** Conformal intervals of the rows of a request. */
export class ServedConformal {
  readonly #parts: ConformalParts;
  readonly #inputs: readonly InputColumn[];
  /** The number of numeric inputs. */
  readonly #width: number;

  constructor(bytes: Uint8Array, inputs: readonly InputColumn[]) {
    this.#width = inputs.filter(({ datatype }) => datatype === "FP64").length;
    this.#parts = deserialize(bytes) as ConformalParts;
    this.#inputs = inputs;
  }

  /**
   * Intervals of a level, and how a batch names its rows' groups.
   *
   * @throws RequestError (400) where the batch has not the column of the groups
   */
  of(batch: Batch, level: number): { block: ConformalBlock; groups: GroupName | undefined } {
    const { conformal, intercept } = this.#parts;
    const block = new ConformalBlock(conformalPlan(conformal, intercept, level));
    if (conformal.by === undefined) return { block, groups: undefined };
    return { block, groups: this.#groupsOf(batch, conformal.by) };
  }

  #groupsOf(batch: Batch, by: string): GroupName {
    const among = this.#inputs.findIndex(({ name }) => name === by);
    const from = among < 0 ? batch.aside : batch;
    if (from === undefined)
      throw badRequest(
        `conformal intervals are those of the row's ${quoted(by)}: send that as an input, too, in a tensor of its own`,
      );
    const before = this.#inputs.slice(0, Math.max(0, among));
    const datatype = among < 0 ? typeOf(this.#parts.conformal) : this.#inputs[among]!.datatype;
    const place = before.filter((input) => input.datatype === datatype).length;
    if (datatype === "BYTES") {
      const { codes, names } = from.texts[place]!;
      return (row) => (codes[row]! < 0 ? undefined : names[codes[row]!]);
    }
    const values = columnOf(from, place, among < 0 ? 1 : this.#width);
    return (row) => (Number.isNaN(values[row]!) ? undefined : String(values[row]));
  }
}

/** Rows that are read at a time. */
const STRIPE = 1 << 12;

/** A numeric column of a batch, copied: what rows come back in is overwritten by the next call. */
function columnOf(batch: Batch, place: number, width: number): Float64Array {
  const values = new Float64Array(batch.rows);
  for (let start = 0; start < batch.rows; start += STRIPE) {
    const rows = Math.min(STRIPE, batch.rows - start);
    const X = batch.numbers(start, start + rows);
    for (let r = 0; r < rows; r++) values[start + r] = X[r * width + place]!;
  }
  return values;
}
