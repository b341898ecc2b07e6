import type { AskedEstimator } from "../../../linear/instruments/check-instruments.js";
import type { WeightsKind } from "../../../linear/model/document-schema.js";
import type { ShardNumber } from "../../../linear/shards/numbered.js";
import type { SolverChoice } from "../../../linear/solve/ladder.js";
import type { KeepMeat } from "../../../training/keep-meat.js";
import type { RankFlags } from "../../program/as-rank.js";
import type { ModelOptions } from "../../program/model-options.js";
import type { VcovFlags } from "../../program/vcov-options.js";
import type { MODEL_FORMATS } from "../../render/table-formats.js";

/** The options of `goml train`, as commander gives them. */
export interface TrainOptions extends ModelOptions, VcovFlags, RankFlags {
  groupBy?: string;
  inEngine?: boolean;
  weightsKind?: WeightsKind;
  keepMeat?: KeepMeat;
  iv?: AskedEstimator;
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
