import type { ReadingOptions } from "../csv/reading-options.js";
import type { AskedEstimator } from "../linear/instruments/check-instruments.js";
import type { WeightsKind } from "../linear/model/document-schema.js";
import type { AskedLimits } from "../linear/penalty/column-limits.js";
import type { AskedRelaxation, LambdaChoice } from "../linear/penalty/penalty.js";
import type { ShardNumber } from "../linear/shards/numbered.js";
import type { SolverChoice } from "../linear/solve/ladder.js";
import type { ReadingControl } from "../scan/reading-control.js";
import type { ConformalOptions } from "./calibrate.js";
import type { ColumnOptions } from "./choose-columns.js";
import type { DescentOptions } from "./gradient-descent.js";
import type { KeepMeat } from "./keep-meat.js";
import type { VcovOptions } from "./vcov-request.js";

/** Options of `fitCsv`; all may be left out. */
export interface FitCsvOptions
  extends ColumnOptions,
    ReadingOptions,
    ReadingControl,
    AskedLimits,
    AskedRelaxation,
    ConformalOptions,
    VcovOptions {
  /** Rows with missing cells among the columns used: left out (default), or an error. */
  na?: "omit" | "fail" | undefined;
  /** The most that the model's file may take, in bytes: more is refused before the rows are read. Default: no limit. */
  fileBytes?: number | undefined;
  /** The share of rows to hold out and report the error on, between 0 and 1. Default: none. */
  testSize?: number | undefined;
  /** Cross-validation folds, 1 for none. Default: 10, or none for designs of more than 500 columns. */
  folds?: number | undefined;
  /**
   * Where there are no more rows than folds: whether each row is a fold by itself, so that cross-validation leaves one out.
   * By default rows are drawn into folds as ever, some of which then have several and others none, so that models of
   * shards merge. Reads the data a second time.
   */
  leaveOneOut?: boolean | undefined;
  /**
   * With `absorb`: leave out the rows of which a level has no other row, again and again until there are none. They say
   * nothing of the coefficients, but count for R², robust errors and clusters. Reads the data twice where there are any.
   */
  dropSingletons?: boolean | undefined;
  /** The seed of the split and the folds. Default: 1. */
  seed?: number | undefined;
  /**
   * The column whose whole numbers rows are held out and put into folds by, by a hash that databases compute alike (see
   * `keyHash`): rows of one number stay together, wherever they are, and shards of data have the folds of all. It is a
   * feature only where it is named. Default: the rows' own numbers.
   */
  foldBy?: string | undefined;
  /**
   * What weights say, as Stata defines it. `frequency`: each row stands for so many, so that all is as if it were there so often; n
   * is Σ w. `analytic`: errors have variance σ²/w, weights counted as scaled to a mean of 1. `probability`: rows were drawn with
   * probabilities like 1/w; errors are robust (hc1 unless `vcov` says otherwise), and there is no likelihood. Default: errors of variance
   * σ²/w with weights as they are, as R's `lm` has it: as `analytic` but for the scale of σ and of sums of squares.
   */
  weightsKind?: WeightsKind | undefined;
  /** Reference levels by factor. Default: each factor's first level in sorted order. */
  references?: Readonly<Record<string, string>> | undefined;
  /**
   * The λ of a penalty (ridge, unless `alpha` says otherwise), or chosen among a hundred by cross-validation: `path`
   * takes that of the least error, `1se` the largest one whose error is within one standard error of it.
   * θ then minimises {@link PENALTY_OBJECTIVE}. Default: none.
   */
  lambda?: LambdaChoice | undefined;
  /**
   * Penalty factors by least squares of the same rows: 1/|slope of a standard deviation| to this power, an adaptive lasso. Above 0;
   * 1 is usual. Default: none.
   */
  adaptive?: number | undefined;
  /** The mix of the penalty, from 0 (ridge, default) to 1 (lasso). */
  alpha?: number | undefined;
  /**
   * The number of the file's first row where it is a shard of more: rows then fall into the folds, and are held out,
   * as they would in the whole. Default: 0.
   */
  firstRow?: number | undefined;
  /**
   * Which shard of how many the rows are, where they are one: `{ number: 3, of: 8 }`, with a name of the whole (`run`)
   * where there may be several. The model keeps it, and models are merged only where no shard is missing, there twice,
   * or foreign. All rows are read. Default: none.
   */
  shardId?: ShardNumber | undefined;
  /**
   * Only the rows of one shard: `{ number: 3, of: 8 }` is the third of eight parts of the data's bytes, files one after the
   * other; of Parquet it is a share of the row groups, of a list of compressed files a share of the files. The model keeps which
   * it is, and merging those of all gives the model of all rows. Rows have the folds of the whole: what lies before the part is
   * counted for that, unless rows are drawn by `foldBy`, or neither folded nor held out. Default: all rows.
   */
  shard?: ShardNumber | undefined;
  /**
   * With `shard`, where what lies before it would not be read: whether cells in quotes may span lines. Then it is read all
   * the same; otherwise a shard with such a cell is refused. Default: false.
   */
  quotedLines?: boolean | undefined;
  /**
   * Whether a database sums up its rows itself (`duckdb:`, `sqlite:`, `postgres://`, `clickhouse://`), so that sums leave it and no rows.
   * Default: no.
   */
  inEngine?: boolean | undefined;
  /**
   * What the model keeps of its rows, so that merging, refitting and forgetting keep robust errors: distinct rows (`cells`: all
   * covariances of rows, exact), sums of four columns each (`quartic`: hc0 and hc1, exact) or of 1,000 buckets of rows (`buckets`:
   * the same, approximately); `auto` is the first that there is room for. Errors are hc1 then, unless `vcov` says otherwise.
   * Default: with a covariance of rows, distinct rows where there are at most a quarter as many as rows; `none` keeps nothing.
   */
  keepMeat?: KeepMeat | undefined;
  /**
   * How an equation is estimated whose formula has endogenous terms and instruments, `y ~ x | 0 | endogenous ~ instruments`:
   * two-stage least squares (`2sls`, default), `liml`, `fuller` (with another α than 1: `fuller:4`), or two-step `gmm`, which
   * reads the data a second time.
   */
  iv?: AskedEstimator | undefined;
  /** How θ is found. Default: `auto`. */
  solver?: SolverChoice | undefined;
  /** How gradient descent goes, with the solver `gd`. */
  descent?: Omit<DescentOptions, "intercept" | "weights" | "signal"> | undefined;
}
