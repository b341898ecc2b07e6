import type { LinearModel } from "../linear/model/model.js";
import type { PredictConcurrentOptions } from "../linear/predict-concurrent.js";

/**
 * ŷ = Xθ on worker threads, as `model.predictConcurrent`: the same bits as `model.predict`, without blocking the event
 * loop. X is n × k row-major, or n rows of k numbers, k the number of the model's terms.
 *
 * @throws UsageError where the shapes do not fit; InterruptedError when `options.signal` aborts
 */
export function predictConcurrent(
  model: LinearModel,
  X: Float64Array | readonly (readonly number[])[],
  options: PredictConcurrentOptions = {},
): Promise<Float64Array> {
  return model.predictConcurrent(X, options);
}
