import { ModelError } from "../errors.js";
import { parseAnyModel } from "../linear/model/model-file.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { answerJobs } from "../parallel/answer.js";
import { makeReady } from "./askable.js";
import { readModelText } from "./read-model-text.js";
import { servedGroups } from "./served-groups.js";
import { type ServedModel, servedModel } from "./served-model.js";

/** A model file to read. */
export interface LoadJob {
  readonly path: string;
  readonly name: string;
  readonly version: string;
  /** The most bytes. */
  readonly limit: number;
  /** Whether one that has been changed is taken as it is. */
  readonly trust: boolean;
}

answerJobs<LoadJob, ServedModel>(async ({ path, name, version, limit, trust }) => {
  const read = parseAnyModel(await readModelText(path, limit), path, { trust });
  const model =
    read instanceof ModelGroup ? servedGroups(read, name, version) : servedModel(read, name, version);
  if (!model.weights.every(Number.isFinite)) throw new ModelError(`${path}: a coefficient is not a number`);
  checkPredicts(model);
  return model;
});

/** Predicts a row of zeros and missing texts: what cannot do that is no model to take another one's place. */
function checkPredicts(model: ServedModel): void {
  const { inputs, width, predictor } = makeReady(model);
  const texts = Array.from({ length: inputs.length - width }, () => ({
    codes: Int32Array.of(-1),
    names: [],
  }));
  const batch = { rows: 1, firstRow: 0, numbers: () => new Float64Array(width), texts };
  const out = { prediction: new Float64Array(1), lower: undefined, upper: undefined };
  predictor(batch, "na")(out, 0, 1);
}
