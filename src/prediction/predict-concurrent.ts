import type { LinearModel } from "../linear/model/model.js";
import type { PredictConcurrentOptions } from "../linear/predict-concurrent.js";

/**
 * ŷ = Xθ on worker threads, as `model.predictConcurrent`: the same bits as `model.predict`, without blocking the event
 * loop. X is n × k row-major, or n rows of k numbers, k the number of the model's terms.
 *
 * @throws UsageError where the shapes do not fit; InterruptedError when `options.signal` aborts
 * @example
 * ```js
 * import { fit, predictConcurrent } from "goml";
 *
 * const model = fit([[1, 2], [2, 1], [3, 5], [4, 4]], [1, 2, 3, 5]);
 * const X = new Float64Array(new SharedArrayBuffer(8 * 2 * 1000));
 * const predicted = await predictConcurrent(model, X, { threads: 2 });
 * console.log(predicted.length, predicted[0] === model.coefficients[0]); // 1000 true
 * ```
 */
export function predictConcurrent(
  model: LinearModel,
  X: Float64Array | readonly (readonly number[])[],
  options: PredictConcurrentOptions = {},
): Promise<Float64Array> {
  return model.predictConcurrent(X, options);
}
