import type { KeptReading } from "../../csv/kept-reading.js";
import type { CodedTerm } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { MomentsTable } from "../../stats/moments-table.js";
import { packedLength } from "../../stats/packed.js";
import type { Regression } from "../solve/regression.js";
import { LinearModel } from "./model.js";
import { regressionOf } from "./model-parts.js";

/** What the fits of many groups have in common. */
export interface SharedFit {
  spec: ModelSpec;
  /** The terms, which have no factors: the same columns in every group. */
  terms: readonly CodedTerm[];
  weightsColumn: string | undefined;
  reading: KeptReading | undefined;
}

/** What each group's fit comes to, group after group. */
export interface FitLists {
  /** θ, q values a group: the intercept first, where there is one. */
  coefficients: Float64Array;
  /** σ² (XᵀX)⁻¹, q(q + 1)/2 values a group. */
  covariance: Float64Array;
  conditionNumber: Float64Array;
  rss: Float64Array;
  tss: Float64Array;
  moments: MomentsTable;
  /** Those of the folds, fold by fold within a group; without sets where there are none. */
  folds: MomentsTable;
}

/**
 * Least-squares fits of many groups by plain columns, side by side in lists of numbers: what 100,000 models have to
 * themselves, without an object for each. Each has all coefficients of its regression (none is aliased), moments in
 * double and a classical covariance; `model` makes the model of one.
 */
export class GroupFits {
  readonly names: readonly string[];
  readonly shared: SharedFit;
  readonly lists: FitLists;
  #numbers: ReadonlyMap<string, number> | undefined;

  constructor(names: readonly string[], shared: SharedFit, lists: FitLists) {
    this.names = names;
    this.shared = shared;
    this.lists = lists;
  }

  /** q, how many coefficients each has. */
  get width(): number {
    const { terms, spec } = this.shared;
    return terms.reduce((sum, { columns }) => sum + columns.length, spec.intercept ? 1 : 0);
  }

  /** How many folds each group has; 0 for none. */
  get folds(): number {
    const { length } = this.names;
    return length === 0 ? 0 : this.lists.folds.length / length;
  }

  /** The number of a group; −1 where it has no fit here. */
  find(name: string): number {
    this.#numbers ??= new Map(this.names.map((own, g) => [own, g]));
    return this.#numbers.get(name) ?? -1;
  }

  /** What is regressed on what, in every group. */
  get regression(): Regression {
    return regressionOf(this.shared.spec, this.shared.terms);
  }

  /** θ of group g. */
  coefficients(g: number): Float64Array {
    return this.lists.coefficients.subarray(g * this.width, (g + 1) * this.width);
  }

  /** The model of group g. */
  model(g: number): LinearModel {
    const { lists, shared, width, folds } = this;
    const entries = packedLength(width);
    return LinearModel.fitted({
      spec: shared.spec,
      codedTerms: shared.terms,
      weightsColumn: shared.weightsColumn,
      reading: shared.reading,
      solver: "normal",
      method: { factor: "ml-matrix", arithmetic: "double" },
      aliased: [],
      rank: width,
      coefficients: this.coefficients(g).slice(),
      covariance: lists.covariance.slice(g * entries, (g + 1) * entries),
      conditionNumber: lists.conditionNumber[g]!,
      rss: lists.rss[g]!,
      tss: lists.tss[g]!,
      moments: lists.moments.at(g),
      folds: Array.from({ length: folds }, (_, f) => lists.folds.at(g * folds + f)),
    });
  }
}
