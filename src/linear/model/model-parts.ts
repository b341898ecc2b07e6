import type { KeptReading } from "../../csv/kept-reading.js";
import type { CodedTerm, FactorLevels } from "../../dataset/formula/coding.js";
import { targetKey, variableKey } from "../../dataset/formula/column-key.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import type { Target } from "../../dataset/formula/targets.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import type { PredictionMetrics } from "../../stats/metrics.js";
import type { Vcov } from "../covariance/vcov.js";
import type { Whitening } from "../covariance/whitening.js";
import type { Penalty } from "../penalty/penalty.js";
import type { HeldOut } from "../solve/held-out.js";
import type { Regression } from "../solve/regression.js";
import type { AbsorbedEffects, Solution } from "../solve/solution.js";
import type {
  Conformal,
  DataSource,
  KeptMeat,
  ModelDocument,
  ModelInstruments,
  ScanDocument,
  ShardSet,
  SourceContent,
  WeightsKind,
} from "./document-schema.js";
import type { WithinPlan } from "./effect-tables.js";

export type { DataSource, ShardSet, SourceContent };

/** How θ was found: Cholesky in double or in double-double, Householder QR of X, or gradient descent. */
export type Solver = ModelDocument["solver"];

/** What became of the rows of the data, and how they were drawn: for the summary, and for rows that come later. */
export interface DataScan extends Omit<ScanDocument, "test"> {
  /** The error on the rows held out. */
  test: PredictionMetrics | null;
}

/** What a fitted model is made of. */
export interface ModelParts {
  /** The target, the terms and the raw columns that they are made of. */
  spec: ModelSpec;
  /** Each factor's levels, sorted. */
  levels?: FactorLevels;
  /** Reference levels that were asked for, by factor; the others' is the first. */
  references?: Readonly<Record<string, string>>;
  solver: Solver;
  solution: Solution;
  /** The moments of the rows of the fit, and those of each cross-validation fold where there are more than one. */
  moments: CrossProducts;
  folds?: readonly CrossProducts[];
  /** In place of folds where effects are absorbed. */
  heldOut?: readonly HeldOut[] | undefined;
  /** The column of weights. */
  weightsColumn?: string | undefined;
  /** What they say. Default: they are analytic, on the scale that they have. */
  weightsKind?: WeightsKind | undefined;
  /** How the covariance of θ is estimated. Default: iid. */
  vcov?: Vcov | undefined;
  /** What robust errors follow from without rows. */
  keptMeat?: KeptMeat | undefined;
  /** Where θ minimises more than squares. */
  penalty?: Penalty | undefined;
  /** Where some terms are endogenous: their instruments, of which the moments have the columns too. */
  instruments?: ModelInstruments | undefined;
  /** The other targets of a fit of several, of which the moments have the columns too. */
  targets?: readonly Target[] | undefined;
  /** What conformal intervals are calibrated by. */
  conformal?: Conformal | undefined;
  source?: DataSource | undefined;
  /** What the rows were read from, as far as that is known. */
  sources?: readonly SourceContent[] | undefined;
  /** Those whose rows were taken out, and not added since. */
  forgotten?: readonly SourceContent[] | undefined;
  /** The numbered shards whose rows these are, where they were numbered. */
  shards?: readonly ShardSet[] | undefined;
  /** The options by which the data were read, where any were given. */
  reading?: KeptReading | undefined;
  scan?: DataScan | undefined;
}

/** A fitted model as its statistics see it; `LinearModel` is one. */
export interface FittedModel {
  readonly regression: Regression;
  readonly whitening: Whitening;
  readonly coefficientNames: readonly string[];
  /** θ: the intercept first where there is one; NaN for an aliased term. */
  readonly coefficients: Float64Array;
  readonly standardErrors: Float64Array;
  readonly intercept: boolean;
  readonly n: number;
  readonly rank: number;
  readonly dfResidual: number;
  /** The degrees of freedom of t, of intervals and of the denominator of robust F. */
  readonly dfInference: number;
  readonly rss: number;
  readonly tss: number;
  readonly moments: CrossProducts;
  readonly weightsKind: WeightsKind | undefined;
  /** What Σ w e² is multiplied by, so that weights are as their kind has them; 1 but for analytic and probability ones. */
  readonly weightUnit: number;
  readonly vcov: Vcov;
  readonly penalty: Penalty | undefined;
  readonly instruments: ModelInstruments | undefined;
  readonly absorbed: AbsorbedEffects | undefined;
  withinPlan(leverages: string | undefined): WithinPlan | undefined;
}

/** The regression that a spec asks for, in the keys of the moments' columns. */
export function regressionOf(spec: ModelSpec, terms: readonly CodedTerm[]): Regression {
  const columns = terms.flatMap((term) => term.columns);
  const { absorbed } = spec;
  const computed = new Set<number>();
  let column = 0;
  const names: string[][] = [];
  for (const { label, variables, columns: own } of terms) {
    const named = [...new Set([label, columnOf(spec, variables) ?? label])];
    for (const { name } of own) names.push(name === label ? named : [name, ...named]);
    for (let end = column + own.length; column < end; column++)
      if (isComputed(spec, variables)) computed.add(column);
  }
  return {
    target: targetKey(spec.target),
    terms: columns.map(({ key }) => key),
    intercept: spec.intercept,
    names,
    ...(computed.size === 0 ? {} : { computed }),
    ...(absorbed === undefined ? {} : { absorbed: absorbed.map((v) => variableKey(spec.variables[v]!)) }),
  };
}

/** The column of the data that a term is, as it stands or as a factor; undefined for what is made of columns. */
function columnOf({ variables }: ModelSpec, term: readonly number[]): string | undefined {
  const [first] = term.map((v) => variables[v]!);
  if (term.length !== 1) return undefined;
  if (first!.kind === "factor") return first!.by === undefined ? first!.column : undefined;
  return first!.kind === "numeric" && "column" in first!.expression ? first!.expression.column : undefined;
}

/** Whether a term's columns are computed from several numbers of the data, or otherwise than as they stand. */
function isComputed({ variables }: ModelSpec, term: readonly number[]): boolean {
  const [first] = term.map((v) => variables[v]!);
  if (term.some((v) => variables[v]!.kind === "factor")) return false;
  return term.length > 1 || first!.kind !== "numeric" || !("column" in first!.expression);
}
