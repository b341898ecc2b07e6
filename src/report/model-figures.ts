import { varianceInflation } from "../linear/covariance/collinearity.js";
import type { LinearModel } from "../linear/model/model.js";
import type { CoefficientRow } from "../linear/model/summary.js";
import { type Penalty, penaltyPathSteps } from "../linear/penalty/penalty.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import { count, pValue, significant } from "../number-text.js";
import type { Steps } from "../parallel/steps.js";
import type { Figure } from "./figure.js";

/** Coefficients, terms and columns that a figure has room for. */
const [MOST_ROWS, MOST_COLUMNS, MOST_LINES] = [30, 14, 8];

/** Columns up to which variance inflation and a path are worked out. */
const MOST_INFLATED = 300;

/** The slopes of most weight: by |t|, or where there are no standard errors by their part in predictions. */
function weightiest(model: LinearModel, rows: readonly CoefficientRow[]): CoefficientRow[] {
  const first = model.intercept ? 1 : 0;
  const keys = model.regression.terms;
  const moments = model.moments.over(keys);
  const spread = (i: number) => {
    const at = moments.index(keys[i - first]!);
    return at < 0 ? 0 : Math.sqrt(moments.product(at, at) / moments.sumW);
  };
  const weight = rows.map(({ estimate, t }, i) =>
    Number.isNaN(t) ? Math.abs(estimate) * spread(i) : Math.abs(t),
  );
  const order = rows.map((_, i) => i).filter((i) => i >= first && !Number.isNaN(rows[i]!.estimate));
  order.sort((a, b) => weight[b]! - weight[a]! || a - b);
  return order
    .slice(0, MOST_ROWS)
    .sort((a, b) => a - b)
    .map((i) => rows[i]!);
}

/** The standard deviations of terms, 1 where there is none. */
export function slopeScales(model: LinearModel, terms: readonly string[]): number[] {
  const keys = model.regression.terms;
  const moments = (model.absorption?.moments ?? model.moments).over(keys);
  const place = new Map(model.terms.map((term, j) => [term, j]));
  return terms.map((term) => {
    const at = moments.index(keys[place.get(term)!]!);
    return at < 0 ? 1 : Math.sqrt(moments.product(at, at) / moments.sumW) || 1;
  });
}

/**
 * The slopes with their intervals, each per standard deviation of its column, so that they can be drawn side by side; the
 * table has them as they are.
 */
export function coefficientFigure(model: LinearModel, level = 0.95): Figure | undefined {
  const { coefficients } = model.summary(level);
  const shown = weightiest(model, coefficients);
  if (shown.length === 0) return undefined;
  const scale = slopeScales(
    model,
    shown.map(({ term }) => term),
  );
  const all = coefficients.length - (model.intercept ? 1 : 0);
  const at = shown.map((_, i) => shown.length - 1 - i);
  const intervals = shown.some(({ lower }) => !Number.isNaN(lower));
  const apart = shown.filter(({ lower, upper }) => lower > 0 || upper < 0).length;
  const percent = `${Number((100 * level).toPrecision(6))} %`;
  return {
    kind: "coef",
    title: "Coefficients",
    caption:
      `What a standard deviation more of a column adds to ${model.target}${intervals ? `, with intervals of ${percent}` : ""}; the table has ` +
      `the coefficients as they are.${all > shown.length ? ` ${shown.length} of ${count(all)} are drawn, those of most weight.` : ""}`,
    description: intervals
      ? `The intervals of ${apart} of ${shown.length} coefficients leave out 0.`
      : `${shown.filter(({ estimate }) => estimate !== 0).length} of ${shown.length} coefficients are not 0.`,
    panels: [
      {
        x: { label: `per standard deviation, in ${model.target}`, include: [0] },
        y: { label: "", categories: shown.map(({ term }) => term).reverse() },
        marks: [
          { type: "rule", axis: "x", at: 0 },
          {
            type: "intervals",
            at,
            value: shown.map(({ estimate }, i) => estimate * scale[i]!),
            lower: shown.map(({ lower }, i) => lower * scale[i]!),
            upper: shown.map(({ upper }, i) => upper * scale[i]!),
          },
        ],
      },
    ],
    table: {
      head: ["term", "estimate", "per s.d.", ...(intervals ? ["s.e.", "t", "p", "lower", "upper"] : [])],
      rows: shown.map(({ term, estimate, stdError, t, p, pBelow, lower, upper }, i) => [
        term,
        significant(estimate, 5),
        significant(estimate * scale[i]!, 4),
        ...(intervals
          ? [
              significant(stdError, 4),
              significant(t, 4),
              pValue(p, pBelow),
              significant(lower, 5),
              significant(upper, 5),
            ]
          : []),
      ]),
    },
  };
}

/** The terms' variance inflation factors, on the scale of a standard error. */
export function inflationFigure(model: LinearModel): Figure | undefined {
  if (model.instruments !== undefined) return undefined;
  if (model.terms.length < 2 || model.terms.length > MOST_INFLATED || model.rank < 2) return undefined;
  const all = varianceInflation(model).filter(({ gvif }) => gvif * 0 === 0);
  if (all.length < 2) return undefined;
  const order = [...all].sort((a, b) => b.perDegree - a.perDegree);
  const shown = order.slice(0, MOST_ROWS);
  const [worst] = shown;
  return {
    kind: "vif",
    title: "Variance inflation",
    caption:
      "How many times larger a term’s standard errors are than if it did not depend on the others: GVIF^(1/2df), for one " +
      `column the root of VIF (Fox & Monette 1992). Beyond √5 ≈ 2.2 terms are hard to tell apart.${
        all.length > shown.length
          ? ` ${shown.length} of ${all.length} terms are drawn, the most inflated.`
          : ""
      }`,
    description: `The most inflated is ${worst!.term}, ${significant(worst!.perDegree, 3)} times.`,
    panels: [
      {
        x: { label: "times the standard error", include: [1] },
        y: { label: "", categories: shown.map(({ term }) => term).reverse() },
        marks: [
          { type: "rule", axis: "x", at: 1 },
          { type: "rule", axis: "x", at: Math.sqrt(5), dashed: true },
          {
            type: "intervals",
            at: shown.map((_, i) => shown.length - 1 - i),
            value: shown.map(({ perDegree }) => perDegree),
          },
        ],
      },
    ],
    table: {
      head: ["term", "df", "GVIF", "GVIF^(1/2df)"],
      rows: shown.map(({ term, df, gvif, perDegree }) => [
        term,
        String(df),
        significant(gvif, 5),
        significant(perDegree, 4),
      ]),
    },
  };
}

/** The correlations of the model's columns and its target, from the moments: R's `cor`. */
export function correlationFigure(model: LinearModel): Figure | undefined {
  const { regression, terms, target } = model;
  if (model.absorbed !== undefined || terms.length < 2) return undefined;
  const { coefficients } = model.summary();
  const chosen = new Set(weightiest(model, coefficients).map(({ term }) => term));
  const some = terms
    .map((_, j) => j)
    .filter((j) => chosen.has(terms[j]!))
    .slice(0, MOST_COLUMNS - 1);
  if (some.length < 2) return undefined;
  const keys = [...some.map((j) => regression.terms[j]!), regression.target];
  const names = [...some.map((j) => terms[j]!), target];
  const moments = model.moments.over(keys);
  const at = keys.map((key) => moments.index(key));
  const size = keys.length;
  const values = at.flatMap((a) =>
    at.map(
      (b) => moments.product(a, b) / Math.sqrt(moments.product(a, a)) / Math.sqrt(moments.product(b, b)),
    ),
  );
  let [first, second, most] = [0, 0, 0];
  for (let i = 0; i + 1 < size; i++)
    for (let j = 0; j < i; j++)
      if (Math.abs(values[i * size + j]!) > most)
        [first, second, most] = [i, j, Math.abs(values[i * size + j]!)];
  return {
    kind: "correlation",
    title: "Correlations",
    caption: `Of the columns with each other and with ${target}.${
      some.length < terms.length ? ` ${some.length} of ${count(terms.length)} columns are drawn.` : ""
    }`,
    description: `The closest pair of columns is ${names[second]} and ${names[first]}, ${significant(values[first * size + second]!, 3)}.`,
    panels: [
      {
        x: { label: "", categories: names },
        y: { label: "", categories: [...names].reverse() },
        marks: [{ type: "matrix", size, values }],
      },
    ],
    table: {
      head: ["", ...names],
      rows: names.map((name, i) => [name, ...names.map((_, j) => significant(values[i * size + j]!, 3))]),
    },
  };
}

/** The error of each cross-validation fold, by the model of the others. */
export function foldsFigure(model: LinearModel, cv: CrossValidation | undefined): Figure | undefined {
  if (cv === undefined) return undefined;
  const inSample = Math.sqrt((model.rss * model.weightUnit) / model.n);
  const known = cv.folds.map((fold, i) => ({ ...fold, fold: i + 1 })).filter(({ rmse }) => rmse * 0 === 0);
  if (known.length === 0) return undefined;
  const errors = known.map(({ rmse }) => rmse);
  const shown = known.length > 60 ? [] : known;
  return {
    kind: "cv",
    title: "Error by cross-validation fold",
    caption:
      "The root mean square error of each fold’s rows by the model of the other folds; across them all (line), and of the rows " +
      "of the fit by their own model (dashed).",
    description:
      `Out of fold the RMSE is ${significant(cv.rmse, 5)}, in the fit ${significant(inSample, 5)}; the folds’ go from ` +
      `${significant(Math.min(...errors), 4)} to ${significant(Math.max(...errors), 4)}.`,
    panels: [
      {
        x: { label: "fold" },
        y: { label: "RMSE", include: [0] },
        marks: [
          { type: "rule", axis: "y", at: inSample, dashed: true },
          { type: "line", x: [known[0]!.fold, known.at(-1)!.fold], y: [cv.rmse, cv.rmse], tone: "guide" },
          { type: "points", x: known.map(({ fold }) => fold), y: errors, large: known.length <= 60 },
        ],
        legend: [{ tone: "guide", text: "all folds" }],
      },
    ],
    table: {
      head: ["fold", "rows", "RMSE", "R²"],
      rows: shown.map(({ fold, n, rmse, r2 }) => [
        String(fold),
        count(n),
        significant(rmse, 5),
        significant(r2, 4),
      ]),
    },
  };
}

/** The slopes along a path of λ, and the cross-validated error; of least squares the lasso's. */
export function* pathFigureSteps(model: LinearModel): Steps<Figure | undefined> {
  const { penalty, terms, absorbed, moments, folds, regression, intercept } = model;
  if (absorbed !== undefined || terms.length === 0 || terms.length > MOST_INFLATED) return undefined;
  const used: Penalty = penalty ?? { lambda: 0, alpha: 1 };
  const path = yield* penaltyPathSteps(moments, folds, regression, used);
  if (path.length < 2 || !path.every(({ lambda }) => lambda > 0)) return undefined;
  const first = intercept ? 1 : 0;
  const at = moments.over(regression.terms);
  const scale = regression.terms.map((key) => {
    const i = at.index(key);
    return i < 0 ? 0 : Math.sqrt(at.product(i, i) / at.sumW);
  });
  const lambdas = path.map(({ lambda }) => lambda);
  const slope = (j: number) => path.map(({ coefficients }) => coefficients[j + first]! * scale[j]!);
  const order = terms.map((_, j) => j);
  const largest = order.map((j) => Math.max(...slope(j).map(Math.abs)));
  order.sort((a, b) => largest[b]! - largest[a]! || a - b);
  const drawn = order.filter((j) => largest[j]! > 0);
  const errors = path.map(({ rmse }) => rmse ?? Number.NaN);
  const known = errors.some((value) => value * 0 === 0);
  const best = errors.reduce((least, value, i) => (value < (errors[least] ?? Infinity) ? i : least), 0);
  const own = used.lambda > 0 ? [{ type: "rule", axis: "x", at: used.lambda, dashed: true } as const] : [];
  const named = drawn.slice(0, MOST_LINES);
  const end = path.length - 1;
  const kind = used.alpha === 0 ? "ridge" : used.alpha === 1 ? "lasso" : `elastic net (α ${used.alpha})`;
  return {
    kind: "path",
    title: `Path of the penalty: ${kind}`,
    caption:
      `Slopes per standard deviation of their columns, as λ falls${known ? ", and the cross-validated error" : ""}.` +
      (used.lambda > 0
        ? ` Dashed: the model’s λ, ${significant(used.lambda, 4)}.`
        : " The model itself has no penalty."),
    description:
      `Of ${terms.length} columns ${path[end]!.nonZero} have a slope at the smallest λ` +
      (known
        ? `; the error is least, ${significant(errors[best]!, 5)}, at λ ${significant(lambdas[best]!, 4)}.`
        : "."),
    panels: [
      {
        title: "Slopes",
        x: { label: "λ", log: true },
        y: { label: "per standard deviation" },
        marks: [
          { type: "rule", axis: "y", at: 0 },
          ...own,
          ...drawn.map(
            (j, i) =>
              ({ type: "line", x: lambdas, y: slope(j), tone: i < MOST_LINES ? "data" : "guide" }) as const,
          ),
          {
            type: "labels",
            x: named.map(() => lambdas[end]!),
            y: named.map((j) => slope(j)[end]!),
            text: named.map((j) => terms[j]!),
          },
        ],
      },
      ...(known
        ? [
            {
              title: "Error",
              x: { label: "λ", log: true },
              y: { label: "RMSE out of fold" },
              marks: [...own, { type: "points", x: lambdas, y: errors } as const],
            },
          ]
        : []),
    ],
    table: {
      head: ["λ", "slopes", ...(known ? ["RMSE out of fold"] : [])],
      rows: path
        .filter((_, i) => i % Math.ceil(path.length / 12) === 0 || i === end)
        .map(({ lambda, nonZero, rmse }) => [
          significant(lambda, 4),
          String(nonZero),
          ...(known ? [significant(rmse ?? Number.NaN, 5)] : []),
        ]),
    },
  };
}
