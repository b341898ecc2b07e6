import { ModelError } from "../errors.js";
import { parseAnyModel } from "../linear/model/model-file.js";
import { ModelGroup } from "../linear/model/model-group.js";
import { answerJobs } from "../parallel/answer.js";
import { makeReady } from "./askable.js";
import { isNetwork } from "./model-files.js";
import { readModelFile } from "./read-model-file.js";
import { servedGroups } from "./served-groups.js";
import { type ServedModel, type ServedRegression, servedModel } from "./served-model.js";

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
  const bytes = await readModelFile(path, limit);
  if (isNetwork(path)) {
    // Reading models of goml's own needs none of it.
    const { servedNetwork } = await import("./served-network.js");
    return servedNetwork(bytes, path, { name, version, limit });
  }
  const read = parseAnyModel(bytes, path, { trust });
  const model =
    read instanceof ModelGroup ? servedGroups(read, name, version) : servedModel(read, name, version);
  if (!model.weights.every(Number.isFinite)) throw new ModelError(`${path}: a coefficient is not a number`);
  checkPredicts(model);
  return model;
});

/** Predicts a row of zeros and missing texts: what cannot do that is no model to take another one's place. */
function checkPredicts(model: ServedRegression): void {
  const { inputs, width, predictor } = makeReady(model);
  const texts = Array.from({ length: inputs.length - width }, () => ({
    codes: Int32Array.of(-1),
    names: [],
  }));
  const batch = { rows: 1, firstRow: 0, numbers: () => new Float64Array(width), texts };
  const out = { prediction: new Float64Array(1), lower: undefined, upper: undefined };
  predictor(batch, "na")(out, 0, 1);
}
