import { Levels } from "../csv/levels.js";
import type { UnseenLevel } from "../dataset/formula/design.js";
import type { RawBlock } from "../dataset/formula/raw-block.js";
import { BLOCK_ROWS } from "../kernels/block-rows.js";
import { BlockPredictor } from "../linear/model/block-predictor.js";
import { predictRows } from "../linear/model/predict-rows.js";
import type { UnseenPolicy } from "../linear/model/unseen.js";
import type { Batch, BatchShape } from "./batch.js";
import { badRequest, quoted } from "./request-error.js";
import type { ModelDescription, ServedModel } from "./served-model.js";

/** A model made ready in this thread to be asked. */
export interface AskableModel extends BatchShape {
  /** Name and version as an answer's JSON has them. */
  readonly named: string;
  /** The position of each input by name. */
  readonly position: ReadonlyMap<string, number>;
  /** A predictor of a batch's rows: fills `out[from]` to `out[to - 1]`. */
  readonly predictor: (
    batch: Batch,
    unseen: UnseenPolicy,
  ) => (out: Float64Array, from: number, to: number) => void;
}

/** Models made ready in this thread, by id; and the id of each name and version. */
const ready = new Map<string, AskableModel>();
const current = new Map<string, string>();

/** The model made ready; what was made ready before is kept until the model changes. */
export function askable(model: ServedModel): AskableModel {
  const known = ready.get(model.id);
  if (known !== undefined) return known;
  const made = makeReady(model);
  const key = JSON.stringify([model.name, model.version]);
  ready.delete(current.get(key) ?? "");
  current.set(key, model.id);
  ready.set(model.id, made);
  return made;
}

/** A model made ready anew, outside of what the thread keeps. */
export function makeReady(model: ServedModel): AskableModel {
  const { name, version, weights, description } = model;
  const bytes = Buffer.from(description.buffer, description.byteOffset, description.byteLength);
  const { inputs, plan } = JSON.parse(bytes.toString()) as ModelDescription;
  const numeric = inputs.filter(({ datatype }) => datatype === "FP64").map((input) => input.name);
  const shape = {
    named: `"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(version)}`,
    inputs,
    position: new Map(inputs.map((input, j) => [input.name, j])),
    width: numeric.length,
  };
  if (plan === undefined)
    return {
      ...shape,
      predictor: (batch) => (out, from, to) => predictRows(batch.numeric, weights, out, from, to),
    };
  const blocks = new BlockPredictor({ ...plan, weights });
  const texts = inputs.filter(({ datatype }) => datatype === "BYTES").map((input) => input.name);
  const columns = plan.spec.numeric.map((column) => numeric.indexOf(column));
  const factors = plan.spec.text.map((column) => texts.indexOf(column));
  return {
    ...shape,
    predictor: (batch, unseen) => {
      const coded = factors.map((at) => codesOf(batch.texts[at]!));
      const buffers = columns.map(() => new Float64Array(BLOCK_ROWS));
      const raw: RawBlock = {
        numeric: buffers,
        codes: coded.map(() => new Int32Array(BLOCK_ROWS)),
        levels: coded.map(({ names }) => names),
      };
      return (out, from, to) => {
        for (let start = from; start < to; start += BLOCK_ROWS) {
          const rows = Math.min(BLOCK_ROWS, to - start);
          columns.forEach((at, j) => {
            for (let r = 0; r < rows; r++) buffers[j]![r] = batch.numeric[(start + r) * numeric.length + at]!;
          });
          coded.forEach(({ codes }, j) => {
            raw.codes[j]!.set(codes.subarray(start, start + rows));
          });
          blocks.predict(raw, 0, rows);
          if (unseen === "fail" && blocks.unseen.length > 0)
            throw unseenError(blocks.unseen[0]!, start, plan.levels);
          out.set(blocks.predictions.subarray(0, rows), start);
        }
      };
    },
  };
}

function codesOf(texts: readonly (string | null)[]): { codes: Int32Array; names: readonly string[] } {
  const levels = new Levels();
  const codes = Int32Array.from(texts, (text, row) => (text === null ? -1 : levels.code(text, row)));
  return { codes, names: levels.names };
}

function unseenError(
  { factor, level, row }: UnseenLevel,
  start: number,
  levels: Readonly<Record<string, readonly string[]>>,
): Error {
  const known = levels[factor] ?? [];
  const list = known.slice(0, 10).map(quoted).join(", ") + (known.length > 10 ? ", …" : "");
  return badRequest(
    `row ${start + row}: ${factor} ${quoted(level)} was not in the training data, which had ${list}`,
  );
}
