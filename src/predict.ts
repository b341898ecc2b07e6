/**
 * Predictions from records, and nothing else: for browsers, edge functions, Deno and Bun. It needs neither threads nor
 * files nor compiled kernels.
 */

export type { RawColumn } from "./dataset/formula/raw-columns.js";
export {
  DataError,
  type ErrorKind,
  GomlError,
  ModelError,
  type Place,
  UsageError,
} from "./errors.js";
export type { IntervalKind, IntervalOptions, PredictedInterval } from "./linear/model/interval.js";
export { predictorOf } from "./linear/model/predictor-of-document.js";
export type { DataRecord } from "./linear/model/record-block.js";
export type { RecordOptions, RecordPredictor } from "./linear/model/record-predictor.js";
export type { UnseenPolicy } from "./linear/model/unseen.js";
