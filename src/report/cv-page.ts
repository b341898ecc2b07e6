import type { LinearModel } from "../linear/model/model.js";
import type { GroupsCrossValidation } from "../linear/selection/cross-validate-groups.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import { count, significant } from "../number-text.js";
import type { Figure } from "./figure.js";
import { foldsFigure, slopeScales } from "./model-figures.js";
import type { Page, Section } from "./page.js";

/** What every page of a cross-validation has beside its figures. */
export interface CrossValidated {
  /** What was read. */
  path: string;
  /** How rows were put into folds. */
  split: string;
  notes?: readonly string[];
  /** How it was made: names and values. */
  made: readonly (readonly [string, string])[];
}

/** Groups and coefficients in a figure. */
const MOST_DRAWN = 30;

/** The page of one model: the error of each fold, and how far the folds' coefficients lie apart. */
export function crossValidationPage(model: LinearModel, cv: CrossValidation, of: CrossValidated): Page {
  const errors = foldsFigure(model, cv);
  const spread = coefficientsByFold(model, cv);
  const sections: Section[] = [
    {
      id: "folds",
      title: "Out of fold",
      text: of.notes ?? [],
      ...(errors === undefined ? {} : { figures: [errors] }),
    },
  ];
  if (spread !== undefined)
    sections.push({ id: "coefficients", title: "Coefficients by fold", figures: [spread] });
  return {
    title: `${model.target}, cross-validated`,
    subtitle: `${model.spec.formula}, ${of.path}; ${of.split}.`,
    tiles: [
      ...tiles(cv),
      ["MSE", `${significant(cv.mse, 5)} ± ${significant(cv.mseError, 2)}`],
      ["RMSE in the fit", significant(Math.sqrt((model.rss * model.weightUnit) / model.n), 5)],
      ["folds", count(cv.folds.length)],
    ],
    remarks:
      cv.leftOut > 0
        ? [
            {
              text: `${count(cv.leftOut)} folds have no error: their rows need what the others cannot estimate.`,
            },
          ]
        : [],
    sections,
    made: of.made,
  };
}

function tiles({ rmse, r2 }: { rmse: number; r2: number }): [string, string][] {
  return [
    ["RMSE out of fold", significant(rmse, 5)],
    ["R² out of fold", significant(r2, 5)],
  ];
}

/** The slopes of all rows, with the least and greatest of the folds' models, each per standard deviation of its column. */
function coefficientsByFold(model: LinearModel, { folds }: CrossValidation): Figure | undefined {
  const first = model.intercept ? 1 : 0;
  const known = folds.filter(({ needs }) => needs.length === 0);
  if (known.length < 2 || model.terms.length === 0) return undefined;
  const scales = slopeScales(model, model.terms);
  const all = model.terms.map((term, j) => {
    const own = known.map(({ coefficients }) => coefficients[j + first]!);
    const [least, most] = [Math.min(...own), Math.max(...own)];
    return { term, value: model.coefficients[j + first]!, least, most, scale: scales[j]! };
  });
  const order = [...all].sort((a, b) => Math.abs(b.value * b.scale) - Math.abs(a.value * a.scale));
  const drawn = new Set(order.slice(0, MOST_DRAWN));
  const shown = all.filter((one) => drawn.has(one));
  const turning = all.filter(({ least, most }) => least < 0 && most > 0).length;
  return {
    kind: "coef",
    title: "Coefficients by fold",
    caption:
      `What a standard deviation more of a column adds to ${model.target}: by the model of all rows, and from the least to the greatest ` +
      `of the models that leave a fold out.${all.length > shown.length ? ` ${shown.length} of ${count(all.length)} are drawn, those of most weight.` : ""}`,
    description: `The signs of ${turning} of ${all.length} coefficients are not the same in all folds.`,
    panels: [
      {
        x: { label: `per standard deviation, in ${model.target}`, include: [0] },
        y: { label: "", categories: shown.map(({ term }) => term).reverse() },
        marks: [
          { type: "rule", axis: "x", at: 0 },
          {
            type: "intervals",
            at: shown.map((_, i) => shown.length - 1 - i),
            value: shown.map(({ value, scale }) => value * scale),
            lower: shown.map(({ least, scale }) => least * scale),
            upper: shown.map(({ most, scale }) => most * scale),
          },
        ],
      },
    ],
    table: {
      head: ["term", "all rows", "least", "greatest"],
      rows: shown.map(({ term, value, least, most }) => [
        term,
        significant(value, 5),
        significant(least, 5),
        significant(most, 5),
      ]),
    },
  };
}

/** The page of models by group: each group's error out of fold. */
export function groupsCrossValidationPage(
  { target, groupBy, formula }: { target: string; groupBy: string; formula: string },
  found: GroupsCrossValidation,
  of: CrossValidated,
): Page {
  const all = Array.from(found.groups, ([group, cv]) => ({
    group,
    cv,
    n: cv.folds.reduce((sum, fold) => sum + fold.n, 0),
  }));
  const largest = new Set([...all].sort((a, b) => b.n - a.n).slice(0, MOST_DRAWN));
  const shown = all.filter((one) => largest.has(one));
  const which =
    all.length > shown.length ? ` The ${shown.length} largest of ${count(all.length)} groups.` : "";
  return {
    title: `${target} by ${groupBy}, cross-validated`,
    subtitle: `${formula}, ${of.path}; ${of.split}.`,
    tiles: [...tiles(found), ["rows", count(found.n)], ["groups", count(all.length)]],
    remarks:
      found.without.length > 0
        ? [{ text: `${count(found.without.length)} groups have no two folds with rows, and no error.` }]
        : [],
    sections: [
      {
        id: "groups",
        title: "Out of fold, by group",
        text: of.notes ?? [],
        figures: [
          {
            kind: "cv",
            title: "Error by group",
            caption: `The root mean square error of each group’s rows out of fold; dashed that of all.${which}`,
            description: `Out of fold the RMSE over all groups is ${significant(found.rmse, 5)}.`,
            panels: [
              {
                x: { label: "RMSE out of fold", include: [0] },
                y: { label: "", categories: shown.map(({ group }) => group).reverse() },
                marks: [
                  {
                    type: "bars",
                    at: shown.map((_, i) => shown.length - 1 - i),
                    value: shown.map(({ cv }) => cv.rmse),
                    tones: shown.map(() => "data" as const),
                  },
                  { type: "rule", axis: "x", at: found.rmse, dashed: true },
                ],
              },
            ],
            table: {
              head: [groupBy, "rows", "folds", "RMSE", "R²"],
              rows: shown.map(({ group, n, cv }) => [
                group,
                count(n),
                String(cv.folds.length),
                significant(cv.rmse, 5),
                significant(cv.r2, 4),
              ]),
            },
          },
        ],
      },
    ],
    made: of.made,
  };
}
