import type { ClusterDf } from "../../../linear/covariance/clustered.js";
import type { Kernel } from "../../../linear/covariance/hac.js";
import type { Ssc } from "../../../linear/covariance/small-sample.js";
import type { ShardNumber } from "../../../linear/shards/numbered.js";
import type { SolverChoice } from "../../../linear/solve/ladder.js";
import type { AskedVcov } from "../../../training/vcov-request.js";
import type { ModelOptions } from "../../program/model-options.js";
import type { MODEL_FORMATS } from "../../render/table-formats.js";

/** The options of `goml train`, as commander gives them. */
export interface TrainOptions extends ModelOptions {
  groupBy?: string;
  inEngine?: boolean;
  vcov: AskedVcov;
  cluster?: string[];
  ssc?: Ssc;
  df?: ClusterDf;
  kernel?: Kernel;
  lag?: number | "auto";
  time?: string;
  unit?: string;
  testSize?: number;
  firstRow?: number;
  shardId?: ShardNumber;
  shard?: ShardNumber;
  quotedLines?: boolean;
  solver: SolverChoice;
  machine?: "tape" | "go";
  rate?: number;
  momentum?: number;
  tolerance?: number;
  maxIterations?: number;
  level: number;
  strict?: boolean;
  model: string;
  output?: string;
  effects?: string;
  report?: string;
  threads?: number;
  vif?: boolean;
  correlation?: boolean;
  importance?: boolean;
  vcovMatrix?: boolean;
  format?: (typeof MODEL_FORMATS)[number];
  json?: boolean;
  quiet?: boolean;
}
