import { vcovName } from "../linear/covariance/vcov.js";
import { LinearModel } from "../linear/model/model.js";
import type { ModelGroup } from "../linear/model/model-group.js";
import type { CoefficientRow } from "../linear/model/summary.js";
import type { CrossValidation } from "../linear/solve/cross-validation.js";
import { count, pValue, significant } from "../number-text.js";
import type { Steps } from "../parallel/steps.js";
import type { NamedRow } from "../prediction/diagnose-csv.js";
import { largestGroups } from "../prediction/diagnose-groups-csv.js";
import type { Figure, FigureKind, FigureTable } from "./figure.js";
import { effectsFigure, groupResidualsFigure, groupsFigure } from "./group-figures.js";
import {
  coefficientFigure,
  correlationFigure,
  foldsFigure,
  inflationFigure,
  pathFigureSteps,
} from "./model-figures.js";
import type { Page, Section } from "./page.js";
import type { ReadRows } from "./read-rows.js";
import { rowFigures } from "./row-figures.js";
import { termFigure } from "./term-figures.js";
import { modelRemarks, type Remark, residualRemarks } from "./warnings.js";

/** What a report is made of. */
export interface Reported {
  model: LinearModel | ModelGroup;
  /** What the model's file is called. */
  path: string;
  rows?: ReadRows | undefined;
  data?: string | undefined;
  cv?: CrossValidation | undefined;
  notes?: readonly string[];
  /** Names and values of how it was made, beside those of the model. */
  made?: readonly (readonly [string, string])[];
}

/** The largest groups, that have panels and columns. */
const MOST_GROUPS = 9;
/** Coefficients that the table has. */
const MOST_COEFFICIENTS = 60;

/** Figures of kinds that need the rows. */
export const OF_ROWS: readonly FigureKind[] = ["residuals", "qq", "scale", "leverage", "observed", "terms"];

/** The figures of a report, in its order; those of the kinds asked for, else all there are. */
export function* figuresSteps(of: Reported, kinds?: readonly FigureKind[]): Steps<Figure[]> {
  const wants = (kind: FigureKind) => kinds === undefined || kinds.includes(kind);
  const figures: (Figure | undefined)[] = [];
  const { model, rows, cv } = of;
  if (model instanceof LinearModel) {
    if (wants("coef")) figures.push(coefficientFigure(model));
    if (rows !== undefined) figures.push(...ofRows(of, model));
    yield;
    if (wants("cv")) figures.push(foldsFigure(model, cv));
    if (wants("path") && (kinds !== undefined || model.penalty !== undefined))
      figures.push(yield* pathFigureSteps(model));
    if (wants("vif") && model.penalty === undefined) figures.push(inflationFigure(model));
    yield;
    if (wants("correlation")) figures.push(correlationFigure(model));
    if (wants("effects") && model.absorbed !== undefined)
      figures.push(effectsFigure(model.effects, model.target));
  } else {
    if (wants("groups") || wants("coef"))
      figures.push(groupsFigure(model, largestGroups(model, MOST_GROUPS)));
    if (rows !== undefined) figures.push(...ofRows(of, undefined));
  }
  return figures
    .filter((figure) => figure !== undefined)
    .filter(({ kind }) => wants(kind) || kind === "groups");
}

function ofRows({ rows, model }: Reported, one: LinearModel | undefined): Figure[] {
  if (rows === undefined) return [];
  const { target } = model;
  if (rows.kind === "groups") {
    const { sums, groups } = rows.found.plots!;
    // Each group's rows have the rank of its own model, and so no common contour.
    const figures = rowFigures({ sums, target, parameters: undefined, normality: rows.found.jarqueBera.p });
    return [...figures, groupResidualsFigure(sums, groups, (model as ModelGroup).groupBy)];
  }
  const { sums, terms } = rows.found.plots!;
  const tests =
    rows.kind === "diagnosed"
      ? { breuschPagan: rows.found.breuschPagan?.p, normality: rows.found.jarqueBera.p }
      : {};
  const parameters = rows.kind === "diagnosed" ? one!.parameters : undefined;
  const figures = rowFigures({ sums, target, parameters, ...tests });
  if (terms.length > 0)
    figures.push(
      termFigure(sums, terms, { of: one!.codedTerms.length, within: one!.absorbed !== undefined }),
    );
  return figures;
}

/** The page of a report, in steps: of hundreds of terms it takes seconds. */
export function* pageSteps(of: Reported): Steps<Page> {
  const figures = yield* figuresSteps(of);
  const { model, rows, path, notes = [] } = of;
  const of1 = model instanceof LinearModel ? model : undefined;
  const among = (...kinds: FigureKind[]) => figures.filter(({ kind }) => kinds.includes(kind));
  const sections: Section[] = [];
  if (of1 !== undefined)
    sections.push({
      id: "coefficients",
      title: "Coefficients",
      tables: [coefficientTable(of1)],
      figures: among("coef"),
    });
  else sections.push({ id: "groups", title: "Groups", figures: among("groups") });
  if (rows !== undefined) {
    sections.push({
      id: "residuals",
      title: "Residuals",
      text: testsText(rows, (of1?.targets.length ?? 0) > 0),
      figures: among("residuals", "qq", "scale", "leverage", "observed"),
    });
    const terms = among("terms");
    if (terms.length > 0)
      sections.push({
        id: "terms",
        title: of1 === undefined ? "Groups’ residuals" : "Terms",
        figures: terms,
      });
    const standing = standOutTable(rows);
    if (standing !== undefined)
      sections.push({ id: "rows", title: "Rows that stand out", tables: [standing] });
  }
  for (const [id, title, kinds] of [
    ["validation", "Out of fold", ["cv", "path"]],
    ["collinearity", "How the terms depend on each other", ["vif", "correlation"]],
    ["effects", "Absorbed effects", ["effects"]],
  ] as const) {
    const own = among(...kinds);
    if (own.length > 0) sections.push({ id, title, figures: own });
  }
  const remarks: Remark[] = notes.map((text) => ({ text }));
  if (of1 !== undefined) remarks.push(...modelRemarks(of1));
  if (rows?.kind === "diagnosed" && of1 !== undefined) remarks.push(...residualRemarks(of1, rows.found));
  if (rows?.kind === "plain" && rows.why !== undefined) remarks.push({ text: `No leverages: ${rows.why}.` });
  const terms = of1?.terms.length ?? model.spec.terms.length;
  return {
    title: `${model.target} on ${count(terms)} ${terms === 1 ? "term" : "terms"}${of1 === undefined ? ` by ${(model as ModelGroup).groupBy}` : ""}`,
    subtitle: `A linear model, ${path}${of.data === undefined ? ", by itself" : `, and the rows of ${of.data}`}.`,
    tiles: tilesOf(of),
    remarks,
    sections,
    made: madeOf(of),
  };
}

function tilesOf({ model, cv, rows }: Reported): [string, string][] {
  if (!(model instanceof LinearModel)) {
    const tiles: [string, string][] = [["groups", count(model.models.size)]];
    if (model.refused.length > 0) tiles.push(["groups without a model", count(model.refused.length)]);
    if (rows !== undefined) tiles.push(["rows read", count(rows.found.n)]);
    return tiles;
  }
  const { fit } = model.summary();
  const tiles: [string, string][] = [
    ["rows of the fit", count(model.n)],
    ["RMSE", significant(fit.rmse, 5)],
    ["R²", significant(fit.r2, 5)],
  ];
  if (cv !== undefined)
    tiles.push(["RMSE out of fold", significant(cv.rmse, 5)], ["R² out of fold", significant(cv.r2, 5)]);
  if (model.penalty === undefined)
    tiles.push(
      ["σ", significant(fit.sigma, 5)],
      ["adjusted R²", significant(fit.adjR2, 5)],
      ["p of F", pValue(fit.fP)],
      ["AIC", significant(fit.aic, 6)],
      ["BIC", significant(fit.bic, 6)],
    );
  else tiles.push(["λ", significant(model.penalty.lambda, 5)], ["α", significant(model.penalty.alpha, 3)]);
  return tiles.filter(([, value]) => value !== "NA");
}

function coefficientTable(model: LinearModel): FigureTable & { caption: string } {
  const { coefficients } = model.summary();
  const weight = ({ t, estimate }: CoefficientRow) => (Number.isNaN(t) ? Math.abs(estimate) : Math.abs(t));
  const order = coefficients.map((_, i) => i);
  if (coefficients.length > MOST_COEFFICIENTS)
    order.sort((a, b) => (weight(coefficients[b]!) || 0) - (weight(coefficients[a]!) || 0) || a - b);
  const shown = order
    .slice(0, MOST_COEFFICIENTS)
    .sort((a, b) => a - b)
    .map((i) => coefficients[i]!);
  const errors = model.penalty === undefined;
  return {
    caption:
      (errors
        ? `Standard errors: ${vcovName(model.vcov)}; intervals of 95 %.`
        : "A penalised fit has no standard errors.") +
      (coefficients.length > shown.length
        ? ` ${shown.length} of ${count(coefficients.length)}, those of most weight; goml inspect has all.`
        : ""),
    head: ["", "estimate", ...(errors ? ["s.e.", "t", "p", "2.5 %", "97.5 %"] : [])],
    rows: shown.map(({ term, estimate, stdError, t, p, pBelow, lower, upper }) => [
      term,
      significant(estimate, 6),
      ...(errors
        ? [
            significant(stdError, 4),
            significant(t, 4),
            pValue(p, pBelow),
            significant(lower, 4),
            significant(upper, 4),
          ]
        : []),
    ]),
  };
}

function testsText(rows: ReadRows, besides: boolean): string[] {
  const { found } = rows;
  const parts = [
    `${count(found.n)} of ${count(found.rows)} rows, ${count(found.dropped)} dropped for missing cells` +
      (found.excluded > 0
        ? `, ${count(found.excluded)} left out by the condition on rows${besides ? ", or lacking another target" : ""}`
        : "") +
      (found.heldOut > 0 ? `, ${count(found.heldOut)} held out from the fit` : "") +
      (found.outside > 0 ? `, ${count(found.outside)} without a prediction` : "") +
      ".",
  ];
  if (rows.kind === "diagnosed") {
    const { breuschPagan, reset, jarqueBera, durbinWatson } = rows.found;
    const tests = [
      `Durbin–Watson ${significant(durbinWatson.statistic, 4)}`,
      ...(breuschPagan === undefined
        ? []
        : [
            `Breusch–Pagan ${significant(breuschPagan.statistic, 4)} on ${breuschPagan.df1} (p ${pValue(breuschPagan.p)})`,
          ]),
      `Jarque–Bera ${significant(jarqueBera.statistic, 4)} (p ${pValue(jarqueBera.p)})`,
      ...(reset === undefined
        ? []
        : [
            `RESET ${significant(reset.statistic, 4)} on ${reset.df1} and ${reset.df2} (p ${pValue(reset.p)})`,
          ]),
    ];
    parts.push(`${tests.join("; ")}.`);
  }
  return parts;
}

function standOutTable(rows: ReadRows): (FigureTable & { caption: string }) | undefined {
  if (rows.kind === "plain") return undefined;
  const { counts, n, standOut } = rows.found;
  if (standOut.length === 0) return undefined;
  const place = ({ name, line, row }: NamedRow) =>
    name || (line === undefined ? `row ${row}` : `row ${row}, line ${line}`);
  return {
    caption: `${count(counts.any)} of ${count(n)} rows are past a limit of R’s influence.measures; the first by Cook’s distance.`,
    head: ["", "observed", "fitted", "leverage", "rstudent", "Cook’s D", "DFFITS"],
    rows: standOut.map((row) => [
      place(row),
      ...[row.observed, row.fitted, row.leverage, row.rstudent, row.cooks, row.dffits].map((value) =>
        significant(value, 4),
      ),
    ]),
  };
}

function madeOf({ model, path, data, made = [] }: Reported): [string, string][] {
  const entries: [string, string][] = [["model", path]];
  const { source, sources, scan, reading, weightsColumn } = model;
  if (source !== undefined) entries.push(["trained on", source.path]);
  if (data !== undefined) entries.push(["rows drawn", data]);
  for (const { bytes, sha256, xxh128 } of sources.slice(0, 5))
    entries.push([
      `data ${sha256 === undefined ? "XXH128" : "SHA-256"}`,
      `${sha256 ?? xxh128} (${count(bytes)} bytes)`,
    ]);
  if (sources.length > 5) entries.push(["data", `and ${sources.length - 5} more sources`]);
  if (scan !== undefined)
    entries.push(["rows", `${count(scan.rows)} read, ${count(scan.dropped)} dropped, seed ${scan.seed}`]);
  if (weightsColumn !== undefined) entries.push(["weights", weightsColumn]);
  if (model instanceof LinearModel) {
    entries.push([
      "terms",
      model.spec.terms
        .slice(0, 30)
        .map(({ label }) => label)
        .join(" + ") || "1",
    ]);
    entries.push(["solver", `${model.solver}, condition number ${significant(model.conditionNumber, 3)}`]);
    entries.push(["standard errors", vcovName(model.vcov)]);
  }
  if (reading !== undefined) entries.push(["read by", JSON.stringify(reading)]);
  return [...entries, ...made.map(([name, value]): [string, string] => [name, value])];
}
