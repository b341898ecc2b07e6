import { shorten } from "../../display-width.js";
import type { LinearModel } from "../../linear/model/model.js";
import type { CoefficientRow, Summary } from "../../linear/model/summary.js";
import { atBounds, isBounded } from "../../linear/penalty/column-limits.js";
import { type CrossValidatedPath, pathOnScaleOf } from "../../linear/penalty/cross-validated-path.js";
import { objectiveOf, type Penalty } from "../../linear/penalty/penalty.js";
import type { AbsorbedEffects } from "../../linear/solve/solution.js";
import { type CollinearityOptions, renderCollinearity } from "./collinearity.js";
import { colour, screen } from "./colour.js";
import { renderConformal } from "./conformal-text.js";
import { covarianceText, degreesText } from "./covariance-text.js";
import { cvSplitText } from "./cv-split.js";
import { droppedText } from "./dropped.js";
import { equationText, instrumentLines } from "./instruments.js";
import { FIRST, firstOf, moreLines, shownOf, WHOLE } from "./long-list.js";
import { foldsBy, leftOutFolds, type ModelReport } from "./model-report.js";
import { alignedDecimals, count, milliseconds, pValue, significant, stars, tValue } from "./numbers.js";
import { shardLines } from "./shards.js";
import { type Align, displayWidth, renderTable, setLines, wrap } from "./table.js";

/** The summary of a fit as text of at most `columns` columns, in the manner of R's `summary(lm)`. */
export function renderSummary(
  report: ModelReport,
  options: { model?: string | undefined; inPlace?: boolean; level: number } & CollinearityOptions,
  columns: number,
): string {
  const {
    model,
    rows,
    dropped = 0,
    excluded = 0,
    test,
    coverage,
    cv,
    cvBy,
    path,
    notes = [],
    timing,
  } = report;
  const lines = [...renderNotes(notes), renderModel(model, model.summary(options.level), columns)];
  const out = excluded > 0 ? `, ${count(excluded)} left out by --where` : "";
  const aside = model.conformal?.method === "split" ? model.conformal.n : 0;
  const held =
    (aside === 0 ? "" : `, ${count(aside)} set aside to calibrate by`) +
    (test === undefined ? "" : `, ${count(test.n)} held out`);
  if (rows === undefined) lines.push(`${count(model.n)} rows used`);
  else {
    const others = model.n + dropped + excluded + (test?.n ?? 0) + aside + (model.scan?.singletons ?? 0);
    const unweighted =
      model.weightsColumn !== undefined && rows > others ? `, ${count(rows - others)} of weight 0` : "";
    lines.push(
      `${count(model.n)} of ${count(rows)} rows used, ${droppedText(dropped, model.scan?.undefinedRows)}${unweighted}${out}${held}`,
    );
  }
  lines.push(...shardLines(model.shards));
  if (cv !== undefined)
    lines.push(
      `${cvBy === undefined ? `${cv.folds.length}-fold cross-validation${foldsBy(model)}` : `cross-validation (${cvSplitText(model, cv, cvBy)})`}: RMSE ${significant(cv.rmse)}, R² ${significant(cv.r2)} out of fold`,
      ...leftOutFolds(model, cv).map((text) => colour.yellow(text)),
    );
  if (test !== undefined)
    lines.push(
      `Held-out rows: MSE ${significant(test.mse)}, RMSE ${significant(test.rmse)}, MAE ${significant(test.mae)}, ` +
        `R² ${significant(test.r2)}, extractAIC ${significant(test.aicExtract)}`,
    );
  lines.push(...renderConformal(model, coverage, options.level, columns));
  lines.push(...renderCollinearity(model, options, columns));
  if (path !== undefined)
    lines.push("", renderPath(pathOnScaleOf(path, model.errorScale), model.penalty!.alpha, columns), "");
  if (timing !== undefined) {
    const threads = timing.threads === 1 ? "1 thread" : `${timing.threads} threads`;
    lines.push(
      colour.dim(
        `read ${milliseconds(timing.scanMs)}, solve ${milliseconds(timing.solveMs)}, ` +
          `total ${milliseconds(timing.totalMs)}, ${threads}`,
      ),
    );
  }
  if (options.model !== undefined)
    lines.push(
      colour.dim(`${options.inPlace ? "model changed in place:" : "model written to"} ${options.model}`),
    );
  return `${setLines(lines, columns)}\n`;
}

/** Notes, as lines that stand before what they explain: who reads only the table has passed them. */
export function renderNotes(notes: readonly string[]): string[] {
  return notes.length === 0 ? [] : [...notes.map((note) => colour.yellow(`note: ${spelled(note)}`)), ""];
}

/** A note with the flag of the option that it names in brackets. */
function spelled(note: string): string {
  return note.replace(/\((na-values|thousands|strip|text|exclude|where) (.*)\)$/, "(--$1 '$2')");
}

/** How the model's lags find other rows. */
function lagLines({ spec: { lags } }: LinearModel): string[] {
  if (lags === undefined) return [];
  const step = lags.step === undefined ? "" : ` (1 is a ${lags.step})`;
  return [`lags by ${lags.time}${step}${lags.unit === undefined ? "" : ` within ${lags.unit}`}`];
}

/** The part of the summary that the model alone gives. */
function renderModel(model: LinearModel, summary: Summary, columns: number): string {
  const { fit } = summary;
  const { shown, more } = shortened(model, summary.coefficients);
  const lines = [
    ...(model.aliased.length > 0
      ? renderNotes([`linearly dependent on terms before them, left out: ${firstOf(model.aliased)}`])
      : []),
    `${colour.bold(model.target)} on ${model.terms.length} ${model.terms.length === 1 ? "term" : "terms"}` +
      `${model.intercept || model.absorbed !== undefined ? "" : ", without intercept"}`,
    ...equationText(model).map((text) => colour.dim(wrap(text, Math.min(columns, 80)))),
    "",
    ...(model.penalty === undefined
      ? renderCoefficients({ ...summary, coefficients: [...shown] }, columns)
      : [renderEstimates(shown, boundMarks(model, model.penalty), columns)]),
    ...more,
  ];
  if (model.vcov.type !== "iid") {
    const { clusters } = model.vcov;
    const degrees = summary.coefficients.map(({ df }) => df ?? model.dfInference);
    const name = covarianceText(model, clusters === undefined ? [] : degrees);
    lines.push(`standard errors, t, p and intervals: ${name}`);
  }
  lines.push(...referenceLines(model, Math.min(columns, 80)));
  lines.push("");
  if (model.penalty !== undefined) {
    lines.push(
      penaltyText(model.penalty),
      `minimises ${objectiveOf(model)}`,
      model.penalty.lambda === 0
        ? "no standard errors: t tests of estimates within bounds would mislead"
        : "no standard errors: a penalty biases the estimates, and t tests of them would mislead",
      "",
      `MSE ${significant(fit.mse)}   RMSE ${significant(fit.rmse)}   R² ${significant(fit.r2)}${uncentred(model)}`,
    );
  } else if (model.instruments !== undefined)
    lines.push(
      `MSE ${significant(fit.mse)}   RMSE ${significant(fit.rmse)}   ` +
        `σ ${significant(fit.sigma)} on ${count(fit.dfResidual)} degrees of freedom`,
      `R² ${significant(fit.r2)}${uncentred(model)}   adjusted R² ${significant(fit.adjR2)}, of residuals from the structural equation`,
    );
  else if (model.weightsKind === "probability")
    lines.push(
      `MSE ${significant(fit.mse)}   RMSE ${significant(fit.rmse)}   ` +
        `σ ${significant(fit.sigma)} on ${count(fit.dfResidual)} degrees of freedom`,
      `R² ${significant(fit.r2)}${uncentred(model)}   adjusted R² ${significant(fit.adjR2)}`,
      `probability weights ${model.weightsColumn}: no likelihood, and no AIC`,
    );
  else
    lines.push(
      `MSE ${significant(fit.mse)}   RMSE ${significant(fit.rmse)}   ` +
        `σ ${significant(fit.sigma)} on ${count(fit.dfResidual)} degrees of freedom`,
      `R² ${significant(fit.r2)}${uncentred(model)}   adjusted R² ${significant(fit.adjR2)}   ` +
        `F ${significant(fit.f)} on ${fit.fDf} and ${count(fit.dfResidual)} DF, p ${pValue(fit.fP)}`,
      `log-likelihood ${significant(fit.logLik)}   AIC ${significant(fit.aic)}   BIC ${significant(fit.bic)}`,
    );
  lines.push(...lagLines(model));
  if (model.absorbed !== undefined) lines.push(absorbedText(model, model.absorbed));
  const { wald } = summary;
  if (wald !== undefined)
    lines.push(
      Number.isNaN(wald.f)
        ? `no Wald test of all slopes: the robust covariance of the ${wald.df1} is singular`
        : `Wald test of all slopes${model.vcov.type === "iid" ? "" : ", robust"}: F ${significant(wald.f)} on ${wald.df1} and ${degreesText(wald.df2)} DF, ` +
            `p ${pValue(wald.p)}`,
    );
  lines.push(...instrumentLines(model, summary.level, columns));
  const condition = `condition number ${significant(model.conditionNumber, 3)}`;
  const solver = `solver ${solverText(model)}`;
  // In one line where 80 columns have room for it.
  if (condition.length + solver.length < 79) lines.push(`${condition}, ${solver}`);
  else lines.push(condition, solver);
  return setLines(lines, columns);
}

/** Without an intercept R² is about 0, and not to be compared with others, which are about the mean. */
function uncentred({ intercept, absorbed }: LinearModel): string {
  return intercept || absorbed !== undefined ? "" : " (uncentred)";
}

/** The level of each factor that the others are compared with, where it has no coefficient of its own. */
function referenceLines(
  { codedTerms, spec, levels, references, absorbed }: LinearModel,
  columns: number,
): string[] {
  const contrasts: string[] = [];
  const named = spec.variables.flatMap((variable, v) => {
    const own = codedTerms.filter(({ variables }) => variables.includes(v));
    if (variable.kind !== "factor" || own.length === 0) return [];
    const met = new Set(
      own.flatMap(({ variables, columns }) => columns.map(({ parts }) => parts[variables.indexOf(v)])),
    );
    const { column, first, contrast, label } = variable;
    if (contrast !== undefined && contrast.type !== "treatment") {
      if (own.some((term) => !term.full[term.variables.indexOf(v)]))
        contrasts.push(`${label} ${contrast.type === "columns" ? "of its own" : `contr.${contrast.type}`}`);
      return [];
    }
    const asked = [label, column].find((name) => Object.hasOwn(references, name));
    const reference = asked === undefined ? (first ?? levels[label]?.[0]) : references[asked];
    return own.length === 0 || reference === undefined || met.has(reference) ? [] : [`${label} ${reference}`];
  });
  const coded = contrasts.length === 0 ? [] : [`contrasts: ${firstOf(contrasts)}`];
  if (named.length > 0 && absorbed === undefined)
    coded.unshift(`reference ${named.length === 1 ? "level" : "levels"}: ${firstOf(named)}`);
  return coded.map((text) => colour.dim(wrap(text, columns)));
}

/** What was absorbed, and how much the terms explain within it. */
function absorbedText({ spec, levels, rss }: LinearModel, { rank, tss }: AbsorbedEffects): string {
  const factors = spec.absorbed!.map((v) => {
    const { label } = spec.variables[v]!;
    return `${label} (${count(levels[label]!.length)} levels)`;
  });
  return `absorbed: ${factors.join(", ")}, ${count(rank)} degrees of freedom   within R² ${significant(1 - rss / tss)}`;
}

/** A term of more columns than this is shown by its first ones. */
const LONG_TERM = 30;
const SHOWN_COLUMNS = 10;

/** More estimates that a penalty has brought to zero are counted, and not listed. */
const MOST_ZEROS = 10;

/**
 * The rows of the table: of a long table the first ones, of a term with very many columns its first ones, without a lasso's
 * zeros where they are many. Then what is not shown.
 */
function shortened(
  { codedTerms, intercept, penalty }: LinearModel,
  rows: readonly CoefficientRow[],
): { shown: readonly CoefficientRow[]; more: string[] } {
  if (screen.all) return { shown: rows, more: [] };
  const first = intercept ? 1 : 0;
  const zeros = penalty === undefined ? 0 : rows.slice(first).filter(({ estimate }) => estimate === 0).length;
  const without = zeros > MOST_ZEROS;
  const kept = rows.slice(0, first);
  const more: string[] = [];
  let at = first;
  for (const { label, columns } of codedTerms) {
    const own = rows.slice(at, at + columns.length).filter(({ estimate }) => !without || estimate !== 0);
    const few = shownOf(own, LONG_TERM, SHOWN_COLUMNS);
    for (const row of few) kept.push(row);
    more.push(...moreLines(own.length - few.length, `of ${label}`));
    at += columns.length;
  }
  const shown = shownOf(kept, WHOLE + first, FIRST + first);
  more.unshift(...moreLines(kept.length - shown.length));
  if (without)
    more.push(
      colour.dim(`${count(zeros)} of ${count(rows.length - first)} estimates are 0, --all shows them`),
    );
  return { shown, more };
}

/** What a factor was made by; plain loops go without saying. */
const FACTORS = { "ml-matrix": "Cholesky, ml-matrix", blocks: "Cholesky, blocked", loops: "Cholesky" };

function solverText(model: LinearModel): string {
  const { solver, method } = model;
  if (method !== undefined) {
    const { factor, arithmetic, refinements } = method;
    const parts = [FACTORS[factor]];
    if (arithmetic === "double-double") parts.push("double-double");
    if (refinements !== undefined)
      parts.push(`refined in double-double, ${refinements} ${refinements === 1 ? "step" : "steps"}`);
    return `${solver} (${parts.join(", ")})`;
  }
  const names = {
    normal: "normal (Cholesky, double precision)",
    extended: "extended (Cholesky, double-double)",
    qr: "qr (Householder)",
    gd: "gd (gradient descent)",
  };
  return names[solver];
}

/** A layout of the table of coefficients: significant digits of estimates and bounds, decimals of t. */
interface Layout {
  digits: number;
  decimals: number;
  /** 0 leaves the bounds out. */
  bounds: number;
  stars: boolean;
}

/** From the widest to the narrowest. */
const LAYOUTS: readonly Layout[] = [
  { digits: 4, decimals: 3, bounds: 4, stars: true },
  { digits: 4, decimals: 3, bounds: 3, stars: true },
  { digits: 4, decimals: 3, bounds: 2, stars: true },
  { digits: 3, decimals: 2, bounds: 2, stars: true },
  { digits: 3, decimals: 2, bounds: 2, stars: false },
  { digits: 4, decimals: 3, bounds: 0, stars: true },
];

/** Where the output is no terminal, tables are as for one of this width. */
const USUAL_COLUMNS = 80;

/** Names of coefficients are cut to this before a layout loses its bounds. */
const NAME_COLUMNS = 16;

/** The table of coefficients, in the widest layout that has room, and what its stars mean. */
function renderCoefficients({ coefficients, level }: Summary, columns: number): string[] {
  const tables = LAYOUTS.map((layout) => coefficientColumns(coefficients, level, layout));
  const room = Number.isFinite(columns) ? columns : USUAL_COLUMNS;
  const fits = (table: readonly TableColumn[], names: number) =>
    withNames(table, names)
      .split("\n")
      .every((line) => displayWidth(line) <= room);
  const whole = tables.findIndex((table) => fits(table, Number.POSITIVE_INFINITY));
  const cut = whole < 0 ? tables.findIndex((table) => fits(table, NAME_COLUMNS)) : whole;
  const chosen = cut < 0 ? LAYOUTS.length - 1 : cut;
  const lines = [setColumns(tables[chosen]!, columns)];
  if (LAYOUTS[chosen]!.stars && coefficients.some((row) => row.p < 0.1))
    lines.push(colour.dim("---", "p < 0.001 ***  < 0.01 **  < 0.05 *  < 0.1 ."));
  return lines;
}

/** A column of a table: title, side and cells. */
type TableColumn = [title: string, side: Align, cells: string[]];

/** The table as wide as it is with its rows' names cut to so many columns. */
function withNames(columns: readonly TableColumn[], most: number): string {
  const [[title, side, names], ...others] = columns as [TableColumn, ...TableColumn[]];
  const cut = names.map((name) => shorten(name, most));
  return setColumns([[title, side, cut], ...others], Number.POSITIVE_INFINITY);
}

function setColumns(columns: readonly TableColumn[], room: number): string {
  const rows = columns[0]![2].map((_, i) => columns.map(([, , cells]) => cells[i]!));
  return renderTable(
    { titles: columns.map(([title]) => title), rows, align: columns.map(([, side]) => side) },
    room,
  );
}

function coefficientColumns(rows: readonly CoefficientRow[], level: number, layout: Layout): TableColumn[] {
  const { digits, decimals, bounds } = layout;
  const tail = significant(50 * (1 - level), 4);
  const aligned = (name: "estimate" | "stdError" | "lower" | "upper", shown = digits) =>
    alignedDecimals(
      rows.map((row) => row[name]),
      shown,
    );
  const columns: TableColumn[] = [
    ["", "left", rows.map((row) => row.term)],
    ["Estimate", "right", aligned("estimate")],
    ["Std. Error", "right", aligned("stdError")],
    ["t value", "right", rows.map((row) => tValue(row.t, decimals))],
    ["p", "right", rows.map(({ p, pBelow }) => pValue(p, pBelow))],
  ];
  if (rows.some(({ df }) => df !== undefined))
    columns.splice(4, 0, ["Df", "right", rows.map(({ df }) => tValue(df ?? Number.NaN, 1))]);
  if (layout.stars) columns.push(["", "left", rows.map((row) => stars(row.p, row.pBelow))]);
  if (bounds > 0)
    columns.push(
      [`${tail} %`, "right", aligned("lower", bounds)],
      [`${significant(100 - Number(tail), 4)} %`, "right", aligned("upper", bounds)],
    );
  return columns;
}

/** The estimates alone; a lasso's zeros stand as such. */
function renderEstimates(
  rows: readonly CoefficientRow[],
  marks: ReadonlyMap<string, string>,
  columns: number,
): string {
  const estimates = alignedDecimals(rows.map((row) => row.estimate));
  const table = rows.map((row, i) => {
    const cells = [row.term, row.estimate === 0 ? "0" : estimates[i]!];
    return marks.size === 0 ? cells : [...cells, marks.get(row.term) ?? ""];
  });
  const titles = ["", "Estimate", ...(marks.size === 0 ? [] : [""])];
  const align: Align[] = ["left", "right", "left"];
  return renderTable({ titles, rows: table, align: align.slice(0, titles.length) }, columns);
}

/** What is to be said of estimates that are at a bound, by the coefficient's name. */
function boundMarks(model: LinearModel, penalty: Penalty): Map<string, string> {
  if (!isBounded(penalty)) return new Map();
  const { regression, coefficients, terms, intercept } = model;
  const sides = atBounds(regression, penalty, intercept ? coefficients.subarray(1) : coefficients);
  return new Map(
    sides.flatMap((side, j) => (side === undefined ? [] : [[terms[j]!, `at its ${side} bound`]])),
  );
}

/** A penalty in words: ridge, lasso or elastic net, and its λ. */
export function penaltyText(penalty: Penalty): string {
  const { lambda, alpha, gamma, factors = {} } = penalty;
  const kind = alpha === 0 ? "ridge" : alpha === 1 ? "lasso" : `elastic net, α = ${alpha}`;
  const relaxed = gamma === undefined ? "" : `, relaxed, γ = ${significant(gamma)}`;
  const text = lambda === 0 ? "least squares" : `${kind}, λ = ${significant(lambda)}${relaxed}`;
  const named = Object.entries(factors).map(([name, factor]) => `${name} ${significant(factor)}`);
  const shares = named.length === 0 ? "" : `, penalty factors ${firstOf(named)}`;
  return `${text}${shares}${boundsText(penalty)}`;
}

function boundsText({ lower, lowerIn = {}, upper, upperIn = {} }: Penalty): string {
  const sides = [
    ["≥", lower, lowerIn],
    ["≤", upper, upperIn],
  ] as const;
  const texts = sides.flatMap(([sign, all, some]) => [
    ...(all === undefined ? [] : [`β ${sign} ${significant(all)}`]),
    ...Object.entries(some).map(([name, bound]) =>
      bound === null ? `${name} without` : `${name} ${sign} ${significant(bound)}`,
    ),
  ]);
  return texts.length === 0 ? "" : `, ${firstOf(texts)}`;
}

const SHOWN_POINTS = 12;

/** Some points of a path, the chosen one and that within one standard error of it always among them. */
function renderPath(found: CrossValidatedPath, alpha: number, columns: number): string {
  const { path, best, withinOneError, unpenalized } = found;
  const step = screen.all ? 1 : Math.max(1, Math.ceil(path.length / SHOWN_POINTS));
  const shown = path
    .map((_, i) => i)
    .filter((i) => i % step === 0 || i === path.length - 1 || i === best || i === withinOneError);
  const marks = new Map([[withinOneError, "largest λ within one standard error"]]);
  marks.set(best, "the least error");
  const relaxed = path[0]!.gamma !== undefined;
  const table = shown.map((i) => {
    const { lambda, gamma, nonZero, r2, rmse } = path[i]!;
    const share = relaxed ? [significant(gamma!)] : [];
    return [
      significant(lambda, 5),
      ...share,
      String(nonZero),
      r2.toFixed(4),
      significant(rmse),
      marks.get(i) ?? "",
    ];
  });
  if (unpenalized !== undefined)
    table.push([
      "0",
      ...(relaxed ? [""] : []),
      "",
      "",
      significant(unpenalized.rmse),
      "least squares, without a penalty",
    ]);
  const titles = ["λ", ...(relaxed ? ["γ"] : []), "nonzero", "R²", "CV RMSE", ""];
  const more = moreLines(path.length - shown.length, "points");
  const lambdas = new Set(path.map(({ lambda }) => lambda)).size;
  const gammas = relaxed ? ` and ${path.length / lambdas} γ` : "";
  return (
    `path of ${lambdas} λ${gammas}, α = ${alpha}, cross-validated:\n` +
    renderTable(
      { titles, rows: table, align: titles.map((title) => (title === "" ? "left" : "right")) },
      columns,
    ) +
    more.map((line) => `\n${line}`).join("")
  );
}
