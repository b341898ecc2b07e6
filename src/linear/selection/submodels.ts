import { codedTerms, type FactorLevels } from "../../dataset/formula/coding.js";
import { targetKey, variableKey } from "../../dataset/formula/column-key.js";
import type { ModelSpec } from "../../dataset/formula/spec.js";
import { UsageError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import type { CrossProducts } from "../../stats/cross-products.js";
import { option, wording } from "../../wording.js";
import { crossValidateSteps, onScaleOf } from "../solve/cross-validation.js";
import { crossValidateHeldOutSteps, type HeldOut, heldOutOf } from "../solve/held-out.js";
import type { Regression } from "../solve/regression.js";
import type { Solution } from "../solve/solution.js";
import { type SolveOptions, solveSteps } from "../solve/solve.js";
import { absorbEffects } from "../solve/solve-absorbed.js";

/** By what submodels are compared: `aic` and `bic` as R's `step` has them, `cv` by cross-validated RMSE. */
export type Criterion = "aic" | "bic" | "cv";

/** What is known of a model whose submodels are compared: no rows are needed. */
export interface SelectionData {
  /** The model with all terms that may be chosen. */
  spec: ModelSpec;
  /** The moments of the scan of `spec`. */
  moments: CrossProducts;
  /** The moments of the folds, for `cv`. */
  folds?: readonly CrossProducts[] | undefined;
  /** The same where effects are absorbed. */
  heldOut?: readonly HeldOut[] | undefined;
  levels: FactorLevels;
  references?: Readonly<Record<string, string>> | undefined;
}

/** A submodel, as far as a comparison needs it. */
export interface Submodel {
  /** Indices into the spec's terms, ascending. */
  terms: number[];
  /** Coefficients estimated, the intercept among them, and absorbed effects. */
  rank: number;
  rss: number;
  /** n ln(RSS/n) + 2·rank, n ln(RSS/n) + ln n · rank, or the cross-validated RMSE. */
  criterion: number;
}

/** What selection by steps asks of submodels, those of one model or of models by group. */
export interface ComparedSubmodels {
  readonly termCount: number;
  label(term: number): string;
  /** Whether term `outer` has all the variables of term `inner`, which then is marginal to it. */
  contains(outer: number, inner: number): boolean;
  /** The submodel of these terms, by index. */
  of(terms: readonly number[]): Steps<Submodel>;
}

/** Fits submodels by their terms, each once. */
export class Submodels implements ComparedSubmodels {
  readonly #data: SelectionData;
  /** Those of the model, or of what absorbed effects leave of all their columns. */
  readonly #moments: CrossProducts;
  /** Absorbed effects that the rows determine, but for the one in place of the intercept. */
  readonly #effects: number;
  readonly #criterion: Criterion;
  readonly #known = new Map<string, Submodel>();

  /** Throws UsageError where `cv` is asked for without folds. */
  constructor(data: SelectionData, criterion: Criterion) {
    const { spec, moments } = data;
    const folded = spec.absorbed === undefined ? data.folds !== undefined : data.heldOut !== undefined;
    if (criterion === "cv" && !folded)
      throw new UsageError("selection by cross-validation needs the folds' moments", {
        hint: wording`choose aic or bic, or train with ${option("folds", spec.absorbed && 10)}`,
      });
    this.#data = data;
    const target = targetKey(spec.target);
    const absorbed = spec.absorbed?.map((v) => variableKey(spec.variables[v]!));
    const columns = moments.columns.filter((key) => key !== target);
    const absorption =
      absorbed && absorbEffects(moments, { target, terms: columns, intercept: false, absorbed });
    this.#moments = absorption?.moments ?? moments;
    this.#effects = absorption === undefined ? 0 : absorption.rank - 1;
    this.#criterion = criterion;
  }

  get termCount(): number {
    return this.#data.spec.terms.length;
  }

  label(term: number): string {
    return this.#data.spec.terms[term]!.label;
  }

  contains(outer: number, inner: number): boolean {
    return containsTerm(this.#data.spec, outer, inner);
  }

  /**
   * Whether every submodel's columns are columns of the whole model: no factor gets all its levels because a term is left
   * out that need not stay.
   */
  get keepTheirCoding(): boolean {
    const { terms, variables, intercept } = this.#data.spec;
    const factors = (t: number) => terms[t]!.variables.filter((v) => variables[v]!.kind === "factor");
    const withFactors = terms.map((_, t) => t).filter((t) => factors(t).length > 0);
    if (!intercept && withFactors.length > 1) return false;
    return withFactors.every((t) => {
      const own = terms[t]!.variables;
      return factors(t).every((v) => {
        if (own.length === 1) return true;
        const rest = own.filter((other) => other !== v);
        const covering = terms
          .slice(0, t)
          .filter((term) => rest.every((other) => term.variables.includes(other)));
        // Coded in full, or by contrasts because of a term that has to stay beside this one.
        return (
          covering.length === 0 ||
          covering.some((term) => term.variables.every((other) => own.includes(other)))
        );
      });
    });
  }

  /** How many columns each term has in the model of all terms. */
  get widths(): number[] {
    const { spec, levels, references } = this.#data;
    return codedTerms(spec, levels, references).map((term) => term.columns.length);
  }

  /** The regression of these terms: R codes each submodel anew, and so does this. */
  regression(terms: readonly number[]): Regression {
    const { spec, levels, references } = this.#data;
    const chosen = { ...spec, terms: terms.map((t) => spec.terms[t]!) };
    const columns = codedTerms(chosen, levels, references);
    return {
      target: targetKey(spec.target),
      terms: columns.flatMap((term) => term.columns.map((column) => column.key)),
      // What effects leave of columns has means of zero.
      intercept: spec.intercept || spec.absorbed !== undefined,
    };
  }

  /** Solves a regression on the moments. */
  solve(regression: Regression, options: SolveOptions = {}): Steps<Solution> {
    return solveSteps(this.#moments, regression, options);
  }

  /** The submodel of these terms. */
  *of(terms: readonly number[]): Steps<Submodel> {
    yield;
    const sorted = [...terms].sort((a, b) => a - b);
    const key = sorted.join();
    const known = this.#known.get(key);
    if (known) return known;
    const regression = this.regression(sorted);
    const { rank: own, rss } = yield* this.solve(regression, { inverse: false });
    const rank = own + this.#effects;
    const submodel = { terms: sorted, rank, rss, criterion: yield* this.#value(rank, rss, regression) };
    this.#known.set(key, submodel);
    return submodel;
  }

  *#value(rank: number, rss: number, regression: Regression): Steps<number> {
    const { n } = this.#moments;
    if (this.#criterion === "cv" && this.#data.spec.absorbed !== undefined) {
      const held = heldOutOf(this.#data.heldOut, regression);
      if (held === undefined)
        throw new UsageError("a submodel has columns that the model has not, of which no fold is known", {
          hint: "choose aic or bic",
        });
      return onScaleOf(yield* crossValidateHeldOutSteps(held, regression), this.#moments).rmse;
    }
    if (this.#criterion === "cv")
      return onScaleOf(yield* crossValidateSteps(this.#data.folds ?? [], regression), this.#moments).rmse;
    return n * Math.log(rss / n) + (this.#criterion === "aic" ? 2 : Math.log(n)) * rank;
  }
}

/** Whether term `outer` of a spec has all the variables of term `inner`, which then is marginal to it. */
export function containsTerm({ terms }: ModelSpec, outer: number, inner: number): boolean {
  return outer !== inner && terms[inner]!.variables.every((v) => terms[outer]!.variables.includes(v));
}
