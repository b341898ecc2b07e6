import { codedTerms } from "../dataset/formula/coding.js";
import { columnsSpec } from "../dataset/formula/resolve.js";
import { UsageError } from "../errors.js";
import { isClustered } from "../linear/covariance/vcov.js";
import { flatten } from "../linear/model/matrix-rows.js";
import { LinearModel } from "../linear/model/model.js";
import { regressionOf } from "../linear/model/model-parts.js";
import { type AskedLimits, checkNames } from "../linear/penalty/column-limits.js";
import { penalizeSteps } from "../linear/penalty/penalty.js";
import { checkSquares } from "../linear/solve/aliasing.js";
import { extendedIsFree, needsExtended, type SolverChoice } from "../linear/solve/ladder.js";
import type { Solution } from "../linear/solve/solution.js";
import { solve } from "../linear/solve/solve.js";
import { inOneGo } from "../parallel/steps.js";
import type { CrossProducts } from "../stats/cross-products.js";
import { inMemoryExtendedMoments, inMemoryMoments } from "./in-memory-moments.js";
import { penaltyChoice } from "./penalty-choice.js";
import { type ClusterValues, robustByRows } from "./robust-rows.js";
import { type VcovOptions, vcovSpec } from "./vcov-request.js";

/** Options of `fit`; all may be left out. */
export interface FitOptions extends AskedLimits, Omit<VcovOptions, "cluster" | "time" | "unit"> {
  /** Names of the k columns of X. Default: x1 … xk. */
  terms?: readonly string[];
  /** The name of y. Default: "y". */
  target?: string;
  /** Whether to fit an intercept. Default: true. */
  intercept?: boolean;
  /** n weights ≥ 0: the fit minimises Σ w (y − ŷ)². Default: all 1. */
  weights?: Float64Array;
  /** Which rows belong together, for a clustered covariance: n numbers or texts; of several columns, by their names. */
  clusters?: readonly (number | string)[] | Float64Array | Readonly<Record<string, ClusterValues>>;
  /** The seed of a bootstrap's draws. Default: 1. */
  seed?: number;
  /** Of `hac` and `dk`: each row's time, n numbers or texts. Default for `hac`: the order of the rows. */
  time?: ClusterValues;
  /** Of `hac`: each row's series. */
  unit?: ClusterValues;
  /**
   * `auto` (default): double, and double-double where that is needed or costs nothing; `normal`: double, whatever the
   * condition number; `extended`: double-double.
   */
  solver?: Exclude<SolverChoice, "qr" | "gd">;
  /** The λ of a penalty, as for `fitCsv`; there are no folds to choose one by. Default: none. */
  lambda?: number;
  /** The mix of the penalty, from 0 (ridge, default) to 1 (lasso). */
  alpha?: number;
  /** Whether the fit is relaxed, and the share of the penalised θ in it; see `fitCsv`. */
  relax?: boolean;
  gamma?: number;
}

/**
 * Fits y = Xθ by least squares, θ = (XᵀX)⁻¹Xᵀy, from rows in memory.
 * With `lambda` it minimises {@link PENALTY_OBJECTIVE}, within bounds where there are any.
 *
 * @param X n × k, row-major, or n rows of k numbers
 * @param y n values
 * @throws UsageError where shapes do not fit or a value is not finite; ModelError where nothing can be solved
 * @example
 * ```js
 * import { fit } from "goml";
 *
 * const model = fit([[1, 2], [2, 1], [3, 5], [4, 4]], [1, 2, 3, 5], { terms: ["a", "b"] });
 * console.log(model.predict([[5, 6]])[0].toFixed(4), model.summary().fit.r2.toFixed(4)); // 5.9500 0.9714
 * ```
 */
export function fit(
  X: Float64Array | readonly (readonly number[])[],
  y: Float64Array | readonly number[],
  options: FitOptions = {},
): LinearModel {
  const n = y.length;
  if (n === 0) throw new UsageError("y has no values");
  const k = X instanceof Float64Array ? X.length / n : (X[0]?.length ?? 0);
  const flat = flatten(X, k);
  if (!Number.isInteger(k) || flat.length !== n * k)
    throw new UsageError(
      X instanceof Float64Array
        ? `X has ${X.length} values, which do not make ${n} rows (the length of y)`
        : `X has ${X.length} rows, y has ${n} values`,
    );
  const terms = options.terms ?? Array.from({ length: k }, (_, j) => `x${j + 1}`);
  const target = options.target ?? "y";
  if (terms.length !== k) throw new UsageError(`terms has ${terms.length} names, X has ${k} columns`);
  const columns = [...terms, target];
  if (new Set(columns).size !== k + 1) throw new UsageError("names of terms and target must differ");
  const { weights } = options;
  if (weights !== undefined && weights.length !== n)
    throw new UsageError(`weights has ${weights.length} values, the data have ${n} rows`);

  checkFinite(flat, y, weights, columns);

  const features = terms.map((name) => ({ name, kind: "numeric" }) as const);
  const spec = columnsSpec(target, features, { intercept: options.intercept });
  const regression = regressionOf(spec, codedTerms(spec, {}));
  const keys = [...regression.terms, regression.target];
  const choice = options.solver ?? "auto";
  const rows = { X: flat, y, weights };
  const clusters = clustersOf(options.clusters);
  const { vcov: asked = "iid" } = options;
  const either = asked === "bootstrap" || asked === "jackknife";
  if (!either && (asked === "cr1" || isClustered(asked)) !== (options.clusters !== undefined))
    throw new UsageError(
      `clusters go with vcov "cluster" and "cr0" to "cr3", and these with them: vcov is "${asked}"`,
    );
  const { time, unit } = options;
  const named = { ...options, time: time && "time", unit: unit && "unit" };
  const vcov = vcovSpec(named, Object.keys(clusters));
  const values: Readonly<Record<string, ClusterValues>> =
    vcov?.time === undefined ? clusters : { unit: unit!, time: time! };
  const penalty = penaltyChoice(options);
  if (penalty !== undefined) checkNames(regression, penalty);
  const finish = (solver: "normal" | "extended", moments: CrossProducts, solution: Solution) => {
    const penalised = penalty && inOneGo(penalizeSteps(moments, [], regression, solution, penalty));
    const model = LinearModel.of({ spec, solver, moments, solution, ...penalised });
    return vcov === undefined
      ? model
      : robustByRows(model, vcov, { ...rows, clusters: vcov.clusters.map((name) => values[name]!) });
  };
  const extended = () => {
    const moments = inMemoryExtendedMoments(keys, rows);
    checkSquares(moments, regression);
    const solution = solve(moments, regression);
    return finish("extended", moments, solution);
  };
  if (choice === "extended" || (choice === "auto" && extendedIsFree(n, k + 1))) return extended();
  const moments = inMemoryMoments(keys, rows);
  checkSquares(moments, regression);
  const solution = solve(moments, regression);
  if (choice === "auto" && needsExtended(solution, moments, regression)) return extended();
  return finish("normal", moments, solution);
}

/** The columns of clusters by name; one by itself is called clusters. */
function clustersOf(clusters: FitOptions["clusters"]): Readonly<Record<string, ClusterValues>> {
  if (clusters === undefined) return {};
  const alone = Array.isArray(clusters) || ArrayBuffer.isView(clusters);
  return alone ? { clusters: clusters as ClusterValues } : (clusters as Record<string, ClusterValues>);
}

function checkFinite(
  X: Float64Array,
  y: ArrayLike<number>,
  weights: Float64Array | undefined,
  columns: readonly string[],
): void {
  const k = columns.length - 1;
  const wrong = (row: number, column: string | undefined, expected: string, value: number) =>
    new UsageError(`row ${row}, ${column}: expected ${expected}, got ${value}`, {
      hint: "leave rows with missing values out before the fit",
    });
  for (let i = 0; i < X.length; i++)
    if (!Number.isFinite(X[i])) throw wrong(Math.floor(i / k), columns[i % k], "a finite number", X[i]!);
  for (let i = 0; i < y.length; i++)
    if (!Number.isFinite(y[i])) throw wrong(i, columns[k], "a finite number", y[i]!);
  for (let i = 0; i < (weights?.length ?? 0); i++)
    if (typeof weights![i] !== "number" || !(weights![i]! >= 0 && weights![i]! < Infinity))
      throw wrong(i, "weights", "a finite weight of 0 or more", weights![i]!);
}
