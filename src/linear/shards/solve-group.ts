import type { KeptReading } from "../../csv/kept-reading.js";
import { type CodedTerm, codedTerms, type FactorLevels } from "../../dataset/formula/coding.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { ModelError, UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { keepColumns, sameColumns } from "../../stats/block-layout.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { Moments } from "../../stats/moments.js";
import { MomentsTable } from "../../stats/moments-table.js";
import type { RefusedGroup } from "../model/document-schema.js";
import { GroupFits } from "../model/group-fits.js";
import type { LinearModel } from "../model/model.js";
import { regressionOf } from "../model/model-parts.js";
import { type Estimate, solveSpecSteps } from "../model/solve-spec.js";
import type { PenaltyChoice } from "../penalty/penalty.js";
import { EachSolver } from "../solve/solve-each.js";
import { levelsLeft } from "./levels-left.js";

/** What the models of all groups have in common. */
export interface GroupSpec {
  spec: ModelSpec;
  /** Each factor's levels in all groups. */
  levels: FactorLevels;
  references: Readonly<Record<string, string>>;
  weightsColumn: string | undefined;
  reading: KeptReading | undefined;
}

/** The moments of a group's rows, and of each of its folds, where there are any. */
export interface GroupRows {
  moments: CrossProducts;
  folds: readonly CrossProducts[];
}

/**
 * The model of one group, with the levels that the group has.
 *
 * @throws ModelError and UsageError as `solveSpecSteps`
 */
export function* solveGroupSteps(
  { moments, folds }: GroupRows,
  { spec, levels: all, references, weightsColumn, reading }: GroupSpec,
  penalty: PenaltyChoice | undefined,
): Steps<Estimate> {
  const { levels, gone } = levelsLeft(spec, all, moments);
  const keep = (own: CrossProducts) => keepColumns(own, (key) => !gone.has(key));
  return yield* solveSpecSteps(
    {
      spec,
      levels,
      references: referencesIn(references, spec, levels),
      moments: keep(moments),
      folds: folds.map(keep),
      weightsColumn,
      reading,
    },
    penalty,
  );
}

/** What is to be said of a group that cannot be fitted; errors that are not the group's own are thrown on. */
export function refusal(group: string, error: unknown, rows?: GroupRows): RefusedGroup {
  if (!(error instanceof ModelError) && !(error instanceof UsageError)) throw error;
  const refused = { group, reason: error.message };
  if (rows === undefined || rows.moments.n === 0) return refused;
  const { moments, folds } = rows;
  return {
    ...refused,
    moments: moments.toJSON(),
    ...(folds.length === 0 ? {} : { folds: folds.map((fold) => fold.toJSON()) }),
  };
}

/** A reference level that a group does not have is its first level there. */
function referencesIn(
  references: Readonly<Record<string, string>>,
  spec: ModelSpec,
  levels: FactorLevels,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(references).filter(([name, level]) =>
      spec.variables.every(
        (variable) =>
          variable.kind !== "factor" ||
          (variable.label !== name && variable.column !== name) ||
          levels[variable.label]?.includes(level),
      ),
    ),
  );
}

/**
 * Solves groups as they come, in their order: side by side where they can be, else one by one. What `finish` gives is
 * what training on the same moments gives, to the last bit.
 */
export class GroupSolver {
  readonly others = new Map<string, LinearModel>();
  readonly refused: RefusedGroup[] = [];
  readonly #how: GroupSpec;
  readonly #terms: readonly CodedTerm[] | undefined;
  #solver: EachSolver | undefined;
  #columns: readonly string[] | undefined;
  #folds = 0;
  readonly #names: string[] = [];
  readonly #rows: GroupRows[] = [];
  readonly #lists = {
    coefficients: [] as number[],
    covariance: [] as number[],
    conditionNumber: [] as number[],
    rss: [] as number[],
    tss: [] as number[],
  };

  constructor(how: GroupSpec) {
    this.#how = how;
    const { variables, absorbed } = how.spec;
    const plain = absorbed === undefined && variables.every(({ kind }) => kind !== "factor");
    this.#terms = plain ? codedTerms(how.spec, {}, {}) : undefined;
  }

  /** Solves a group, which is in neither list yet. */
  *add(name: string, rows: GroupRows, penalty?: PenaltyChoice | undefined): Steps<void> {
    if (penalty === undefined && this.#addListed(name, rows)) return;
    try {
      this.others.set(name, (yield* solveGroupSteps(rows, this.#how, penalty)).model);
    } catch (error) {
      this.refused.push(refusal(name, error, rows));
    }
  }

  #addListed(name: string, rows: GroupRows): boolean {
    const { moments, folds } = rows;
    if (this.#terms === undefined || ![moments, ...folds].every((own) => own instanceof Moments))
      return false;
    if (this.#columns === undefined) {
      this.#columns = moments.columns;
      this.#folds = folds.length;
      this.#solver = EachSolver.of(moments.columns, regressionOf(this.#how.spec, this.#terms));
    }
    const solver = this.#solver;
    const columns = this.#columns;
    if (
      solver === undefined ||
      folds.length !== this.#folds ||
      moments.n < solver.rank ||
      ![moments, ...folds].every((own) => sameColumns(own.columns, columns))
    )
      return false;
    const { sumW, mean, c, n } = moments as Moments;
    if (!solver.solve({ sumW, means: mean, mean: 0, products: c, product: 0 })) return false;
    const lists = this.#lists;
    const variance = solver.rss / (n - solver.rank);
    this.#names.push(name);
    this.#rows.push(rows);
    for (const value of solver.coefficients) lists.coefficients.push(value);
    for (const value of solver.inverse) lists.covariance.push(value * variance);
    lists.conditionNumber.push(solver.conditionNumber);
    lists.rss.push(solver.rss);
    lists.tss.push(solver.tss);
    return true;
  }

  /** The fits side by side; undefined where there are none. */
  finish(): GroupFits | undefined {
    const columns = this.#columns;
    if (this.#names.length === 0 || columns === undefined) return undefined;
    const { spec, weightsColumn, reading } = this.#how;
    const moments = MomentsTable.empty(columns, this.#names.length);
    const folds = MomentsTable.empty(columns, this.#names.length * this.#folds);
    for (const [g, rows] of this.#rows.entries()) {
      moments.set(g, rows.moments as Moments);
      for (const [f, fold] of rows.folds.entries()) folds.set(g * this.#folds + f, fold as Moments);
    }
    const { coefficients, covariance, conditionNumber, rss, tss } = this.#lists;
    return new GroupFits(
      this.#names,
      { spec, terms: this.#terms!, weightsColumn, reading },
      {
        coefficients: Float64Array.from(coefficients),
        covariance: Float64Array.from(covariance),
        conditionNumber: Float64Array.from(conditionNumber),
        rss: Float64Array.from(rss),
        tss: Float64Array.from(tss),
        moments,
        folds,
      },
    );
  }
}
