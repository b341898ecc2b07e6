import { type CodedTerm, levelsOf } from "../../dataset/formula/coding.js";
import { indicatorColumns } from "../../dataset/formula/indicator-columns.js";
import { ModelError } from "../../errors.js";
import type { Steps } from "../../parallel/steps.js";
import { type Contrast, Contrasts } from "../hypotheses/contrast.js";
import { waldSquare } from "../hypotheses/wald-square.js";
import type { LinearModel } from "../model/model.js";
import { solveSteps } from "../solve/solve.js";
import { containsTerm } from "./submodels.js";
import { type TermRow, tail } from "./term-row.js";

/**
 * The type II sums of squares: for each term, what it takes from the residual sum of squares of all terms but those that
 * contain it. From fits of these terms, in the model's own columns, aliased ones left out.
 */
export function* afterOthersRows(model: LinearModel): Steps<TermRow[]> {
  const absorption = yield* model.absorptionSteps();
  const moments = absorption?.moments ?? model.moments;
  const { target } = model.regression;
  const intercept = model.intercept || absorption !== undefined;
  const keys = model.codedTerms.map((term) => term.columns.map(({ key }) => key));
  const df = model.dfResidual;
  const rows: TermRow[] = [];
  for (const [t, { label }] of model.codedTerms.entries()) {
    const others = keys.filter((_, s) => s !== t && !containsTerm(model.spec, s, t)).flat();
    const fit = (terms: string[]) => solveSteps(moments, { target, terms, intercept }, { inverse: false });
    const without = yield* fit(others);
    const withIt = yield* fit([...others, ...keys[t]!]);
    const degrees = withIt.rank - without.rank;
    if (degrees > 0) rows.push(rowOf(label, degrees, without.rss - withIt.rss, model.rss / df, df));
    yield;
  }
  return rows;
}

/** The same by Wald's F under a robust covariance: what a term's coefficients add to those of the terms that contain it. */
export function* robustAfterOthersRows(model: LinearModel): Steps<TermRow[]> {
  refuseAliased(model, "a robust covariance");
  yield* model.whiteningSteps();
  const contrasts = new Contrasts(model);
  const places = placesOf(model);
  const rows: TermRow[] = [];
  for (const [t, { label }] of model.codedTerms.entries()) {
    yield;
    const containing = places.filter((_, s) => containsTerm(model.spec, s, t)).flat();
    const own = places[t]!;
    if (own.length === 0) continue;
    const all = [...containing, ...own].map((j) => contrasts.of(new Map([[j, 1]])));
    if (
      containing.length > 0 &&
      model.vcov.type !== "iid" &&
      model.vcov.type !== "bootstrap" &&
      model.vcov.shares !== undefined
    )
      throw new ModelError(
        `type II: what ${label} adds to the terms that contain it has no Satterthwaite's degrees of freedom`,
        { hint: "take type 3, or train with G − 1 degrees of freedom" },
      );
    rows.push(waldRow(model, contrasts, label, all, containing.length));
  }
  return rows;
}

/**
 * The type III tests: that the coefficients of a term are 0 in the model whose factors are coded by sum contrasts, a column
 * 1(level l) − 1(last level) for each level l but the last. With f(l) a factor's effects, those coefficients are f(l) less
 * the mean of f over the levels, so that each is a contrast of the model's own: a column of a term that contains this one
 * adds 1/L for each further factor of L levels, and 1(l) − 1/L for each of the term's.
 *
 * @throws ModelError where terms are aliased, or neither an intercept nor absorbed effects take the means up
 */
export function* sumContrastRows(model: LinearModel): Steps<TermRow[]> {
  refuseAliased(model, "type III");
  if (!model.intercept && model.absorbed === undefined)
    throw new ModelError(
      "type III tests are of models with an intercept, which takes up what contrasts leave",
    );
  yield* model.whiteningSteps();
  const contrasts = new Contrasts(model);
  const places = placesOf(model);
  const rows: TermRow[] = [];
  for (const [t, term] of model.codedTerms.entries()) {
    if (term.columns.length === 0) continue;
    yield;
    const containing = model.codedTerms
      .map((_, s) => s)
      .filter((s) => s === t || containsTerm(model.spec, s, t));
    const all = hypothesesOf(model, term).map((parts) => {
      const weights = new Map<number, number>();
      for (const s of containing) addShares(model, term, parts, s, places[s]!, weights);
      return contrasts.of(weights);
    });
    rows.push(waldRow(model, contrasts, term.label, all, 0));
  }
  return rows;
}

/**
 * The levels and powers of a term's sum-coded coefficients, one less for each factor than it has levels.
 *
 * @throws ModelError where the term's own contrasts have fewer columns
 */
function hypothesesOf(model: LinearModel, term: CodedTerm): CodedTerm["columns"][number]["parts"][] {
  const { spec, levels } = model;
  if (term.columns.every(({ contrasts }) => contrasts === undefined))
    return term.columns.map(({ parts }) => parts);
  return term.variables.reduce<CodedTerm["columns"][number]["parts"][]>(
    (all, v, i) => {
      const variable = spec.variables[v]!;
      const names = variable.kind === "factor" ? levelsOf(variable, levels) : [];
      if (variable.kind === "factor" && !term.full[i] && coded(term, v) < names.length - 1)
        throw new ModelError(`type III: ${variable.label} has fewer contrasts than it has levels less one`, {
          hint: "take type 2, or all contrasts",
        });
      const choices: (string | number | undefined)[] =
        variable.kind === "factor"
          ? term.full[i]
            ? [...names]
            : names.slice(0, -1)
          : [...new Set(term.columns.map(({ parts }) => parts[i]))];
      return choices.flatMap((choice) => all.map((parts) => [...parts, choice]));
    },
    [[]],
  );
}

/** Adds what the columns of term `s` have in the sum-coded coefficient `parts` of a term. */
function addShares(
  model: LinearModel,
  term: CodedTerm,
  parts: CodedTerm["columns"][number]["parts"],
  s: number,
  places: readonly number[],
  weights: Map<number, number>,
): void {
  const { spec, levels, codedTerms } = model;
  const containing = codedTerms[s]!;
  const isFactor = (v: number) => spec.variables[v]!.kind === "factor";
  const count = (v: number) => levels[spec.variables[v]!.label]!.length;
  const isFull = ({ variables, full }: CodedTerm, v: number) => full[variables.indexOf(v)]!;
  const further = containing.variables.filter((v) => !term.variables.includes(v));
  // Numbers, and factors with a column for every level, are coded alike either way.
  if (further.some((v) => !isFactor(v) || isFull(containing, v))) return;
  const mean = further.reduce((share, v) => share / count(v), 1);
  const { columns, shares } = indicatorColumns(containing);
  for (const [c, column] of columns.entries()) {
    let share = mean;
    term.variables.forEach((v, i) => {
      const own = column.parts[containing.variables.indexOf(v)];
      const same = own === parts[i] ? 1 : 0;
      share *= isFactor(v) && !isFull(term, v) ? same - 1 / count(v) : same;
    });
    if (share !== 0)
      for (const { column: at, weight } of shares[c]!)
        weights.set(places[at]!, (weights.get(places[at]!) ?? 0) + weight * share);
  }
}

/** How many of a variable's choices a term's columns have. */
function coded({ variables, columns }: CodedTerm, v: number): number {
  const at = variables.indexOf(v);
  return new Set(columns.map(({ parts }) => parts[at])).size;
}

function waldRow(
  model: LinearModel,
  contrasts: Contrasts,
  label: string,
  all: readonly Contrast[],
  from: number,
): TermRow {
  const df = all.length - from;
  const f =
    waldSquare(
      all,
      all.map(({ estimate }) => estimate),
      from,
    ) / df;
  if (model.vcov.type !== "iid") {
    const none = { sumOfSquares: Number.NaN, meanSquare: Number.NaN };
    const { df2, scale } = contrasts.degrees.joint(all.map(({ whitened }) => whitened));
    const own = df2 === model.dfInference ? {} : { dfDenominator: df2 };
    return { term: label, df, ...none, f: scale * f, p: tail(scale * f, df, df2), ...own };
  }
  const variance = model.rss / model.dfResidual;
  return rowOf(label, df, f * df * variance, variance, model.dfResidual);
}

function rowOf(
  term: string,
  df: number,
  sumOfSquares: number,
  variance: number,
  dfResidual: number,
): TermRow {
  const meanSquare = sumOfSquares / df;
  const f = meanSquare / variance;
  return { term, df, sumOfSquares, meanSquare, f, p: tail(f, df, dfResidual) };
}

/** The places in θ of each term's coefficients. */
function placesOf({ codedTerms, intercept }: LinearModel): number[][] {
  let next = intercept ? 1 : 0;
  return codedTerms.map(({ columns }) => columns.map(() => next++));
}

function refuseAliased({ aliased }: LinearModel, what: string): void {
  if (aliased.length === 0) return;
  throw new ModelError(
    `${what}: ${aliased[0]!} depends linearly on terms before it, and tests of terms are not told apart`,
    {
      hint: "leave terms out until none is aliased, or take type 2 under the classical covariance",
    },
  );
}
