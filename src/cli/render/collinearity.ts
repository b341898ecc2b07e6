import { shorten } from "../../display-width.js";
import { ModelError } from "../../errors.js";
import { coefficientCorrelation, varianceInflation } from "../../linear/covariance/collinearity.js";
import type { LinearModel } from "../../linear/model/model.js";
import { importanceOf } from "../../linear/selection/importance.js";
import { packedIndex } from "../../stats/packed.js";
import { colour } from "./colour.js";
import { moreLines, shownOf } from "./long-list.js";
import { significant } from "./numbers.js";
import { type Align, displayWidth, renderTable, type Table } from "./table.js";

/** What a summary shows of how terms depend on each other. */
export interface CollinearityOptions {
  /** Variance inflation factors. */
  vif?: boolean | undefined;
  /** The correlation of the coefficients. */
  correlation?: boolean | undefined;
  /** Standardised coefficients and the terms' shares in R². */
  importance?: boolean | undefined;
  /** The covariance of the coefficients, in JSON however many there are. */
  vcovMatrix?: boolean | undefined;
}

/** Coefficients whose covariance stands in JSON without being asked for: it has the square of their number of entries. */
const FEW = 30;

/** The parts of a summary's JSON that were asked for. */
export function collinearityDocument(model: LinearModel, options: CollinearityOptions) {
  const { vif, correlation, importance, vcovMatrix } = options;
  const names = model.coefficientNames;
  const packed = correlation ? coefficientCorrelation(model) : undefined;
  const rows = packed && names.map((_, i) => names.map((_, j) => packed[packedIndex(i, j)]!));
  const covariance = vcovMatrix || names.length <= FEW ? covarianceRows(model) : undefined;
  return {
    ...(covariance === undefined ? {} : { covariance: { names, rows: covariance } }),
    ...(vif ? { vif: varianceInflation(model) } : {}),
    ...(rows ? { correlation: { names, rows } } : {}),
    ...(importance ? { importance: importanceOf(model) } : {}),
  };
}

/**
 * Cov(θ̂) by rows, in the order of the coefficients; aliased ones have NaN. Undefined of a penalised fit, which has none.
 *
 * @throws ModelError where a model has too many coefficients to keep it
 */
function covarianceRows({ covariance, coefficientNames, penalty }: LinearModel): number[][] | undefined {
  if (penalty !== undefined) return undefined;
  if (covariance.length === 0 && coefficientNames.length > 0)
    throw new ModelError(`the covariances of ${coefficientNames.length} coefficients are too many to keep`, {
      hint: "look at a model of fewer levels",
    });
  return coefficientNames.map((_, i) => coefficientNames.map((_, j) => covariance[packedIndex(i, j)]!));
}

/** The tables that were asked for, as lines of a summary. */
export function renderCollinearity(
  model: LinearModel,
  { vif, correlation, importance }: CollinearityOptions,
  columns: number,
): string[] {
  const lines: string[] = [];
  if (vif) lines.push("", renderInflation(model, columns), "");
  if (correlation) lines.push("", renderCorrelation(model, columns), "");
  if (importance) lines.push("", renderImportance(model, columns), "");
  return lines;
}

/** Standardised β by column, and what each term tells of the target. */
function renderImportance(model: LinearModel, columns: number): string {
  const { standardized, terms, r2, notes } = importanceOf(model);
  const betas = standardized.map(({ term, beta }) => [term, significant(beta, 4)]);
  const shared = terms.some(({ share }) => !Number.isNaN(share));
  const titles = ["", "Partial R²", "Semi-partial R²", ...(shared ? ["Share", "% of R²"] : [])];
  const rows = terms.map(({ term, partialR2, semiPartialR2, share }) => {
    const own = shared ? [significant(share, 4), (100 * (share / r2)).toFixed(1)] : [];
    return [term, significant(partialR2, 4), significant(semiPartialR2, 4), ...own];
  });
  const right = titles.map((_, j) => (j === 0 ? ("left" as const) : ("right" as const)));
  return [
    "Standardised coefficients:",
    ...listed({ titles: ["", "β"], rows: betas, align: ["left", "right"] }, columns),
    "",
    ...notes.map((note) => colour.yellow(`note: ${note}`)),
    `Importance of terms, R² ${significant(r2)}:`,
    ...listed({ titles, rows, align: right }, columns),
  ].join("\n");
}

function renderInflation(model: LinearModel, columns: number): string {
  const rows = varianceInflation(model);
  const several = rows.some(({ df }) => df > 1);
  const titles = several ? ["", "GVIF", "Df", "GVIF^(1/(2 Df))"] : ["", "VIF"];
  const table = rows.map(({ term, df, gvif, perDegree }) =>
    several
      ? [term, significant(gvif, 5), String(df), significant(perDegree, 4)]
      : [term, significant(gvif, 5)],
  );
  const align = titles.map((_, j): Align => (j === 0 ? "left" : "right"));
  return ["Variance inflation:", ...listed({ titles, rows: table, align }, columns)].join("\n");
}

/** A table, of a long one its first rows. */
function listed(table: Table, columns: number): string[] {
  const rows = shownOf(table.rows);
  return [renderTable({ ...table, rows }, columns), ...moreLines(table.rows.length - rows.length)];
}

/** Of more coefficients the correlations fill screens. */
const MOST_CORRELATED = 30;

/** The lower triangle, as many columns beside each other as there is room for. */
function renderCorrelation(model: LinearModel, columns: number): string {
  const names = shownOf(model.coefficientNames, MOST_CORRELATED, MOST_CORRELATED);
  const more = moreLines(model.coefficientNames.length - names.length);
  const packed = coefficientCorrelation(model);
  const longest = Math.min(
    Math.max(...names.map(displayWidth)),
    Number.isFinite(columns) ? columns >> 1 : 80,
  );
  const wide = Math.max(5, Math.min(longest, 12));
  const room = Number.isFinite(columns) ? columns : 80;
  const beside = Math.max(1, Math.floor((room - longest) / (wide + 2)));
  const tables: string[] = [];
  for (let from = 0; from + 1 < names.length; from += beside) {
    const shown = names.slice(from, Math.min(from + beside, names.length - 1));
    const table = names.slice(from + 1).map((name, i) => {
      const row = from + 1 + i;
      const cells = shown.map((_, j) => {
        const value = packed[packedIndex(row, from + j)]!;
        return from + j < row ? (Number.isNaN(value) ? "NA" : value.toFixed(2)) : "";
      });
      return [name, ...cells];
    });
    const titles = ["", ...shown.map((name) => shorten(name, wide))];
    tables.push(
      renderTable({ titles, rows: table, align: ["left", ...shown.map(() => "right" as const)] }, columns),
    );
  }
  return [`Correlation of coefficients:\n${tables.join("\n\n")}`, ...more].join("\n");
}
