import { BLOCK_ROWS } from "../kernels/block-rows.js";
import type { LinearModel } from "../linear/model/model.js";

/** A term that is drawn against what it is of; plain data, so that it can go to a worker. */
export interface PlottedTerm {
  label: string;
  /** Its columns of X, by index, and their coefficients. */
  columns: number[];
  coefficients: number[];
  /** Its mean over the rows of the fit, Σ β_j x̄_j, from which it is drawn; 0 without an intercept. */
  centre: number;
  /** Of a factor: the levels in the order of their places, 0, 1, …; undefined for numbers. */
  levels: string[] | undefined;
  /** Of a factor: the numbers that each level has in the columns, one of which tells it from others. */
  codes: number[][] | undefined;
}

/** Terms that are drawn, and levels up to which a factor is. */
export const MOST_TERMS = 9;
const MOST_LEVELS = 30;

/** The terms of a model that can be drawn, those first whose share of predictions varies most; and how many there are in all. */
export function plottedTerms(model: LinearModel, most = MOST_TERMS): { terms: PlottedTerm[]; of: number } {
  const { codedTerms, spec, intercept, regression, coefficients } = model;
  const first = intercept ? 1 : 0;
  const found: { term: PlottedTerm; spread: number; at: number }[] = [];
  let column = 0;
  for (const [at, coded] of codedTerms.entries()) {
    const columns = coded.columns.map(() => column++);
    const [v, ...others] = coded.variables;
    const variable = spec.variables[v!];
    if (variable === undefined || others.length > 0 || columns.length === 0) continue;
    const isFactor = variable.kind === "factor";
    if (isFactor && (columns.length > MOST_LEVELS || model.absorbed !== undefined)) continue;
    const betas = columns.map((j) => coefficients[j + first]!);
    if (betas.some(Number.isNaN)) continue;
    const keys = columns.map((j) => regression.terms[j]!);
    const moments = model.moments.over(keys);
    const index = keys.map((key) => moments.index(key));
    let spread = 0;
    let centre = 0;
    betas.forEach((a, i) => {
      if (intercept) centre += a * moments.extendedMean(index[i]!).hi;
      betas.forEach((b, j) => {
        spread += a * b * moments.product(index[i]!, index[j]!);
      });
    });
    if (!(spread > 0)) continue;
    const names = coded.columns.map(({ parts }) => String(parts[0] ?? ""));
    const known = isFactor ? (model.levels[variable.label] ?? names) : undefined;
    found.push({
      at,
      spread,
      term: {
        label: coded.label,
        columns,
        coefficients: betas,
        centre: model.absorbed === undefined ? centre : 0,
        levels: known && [...known],
        codes: known?.map((level) =>
          coded.columns.map(
            ({ contrasts }, j) =>
              contrasts?.[0]?.find(([own]) => own === level)?.[1] ?? (names[j] === level ? 1 : 0),
          ),
        ),
      },
    });
  }
  found.sort((a, b) => b.spread - a.spread || a.at - b.at);
  return { terms: found.slice(0, most).map(({ term }) => term), of: codedTerms.length };
}

/** The terms' values of a block's rows. */
export class TermBlock {
  readonly #terms: readonly PlottedTerm[];
  /** What each term is drawn against, and what it adds to a prediction, about its mean. */
  readonly x: Float64Array[];
  readonly part: Float64Array[];

  constructor(terms: readonly PlottedTerm[]) {
    this.#terms = terms;
    this.x = terms.map(() => new Float64Array(BLOCK_ROWS));
    this.part = terms.map(() => new Float64Array(BLOCK_ROWS));
  }

  /** Fills both; `column(j)` gives column j of X for the rows. */
  fill(column: (j: number) => Float64Array, rows: number): void {
    this.#terms.forEach(({ columns, coefficients, centre, codes }, t) => {
      const [x, part] = [this.x[t]!, this.part[t]!];
      part.fill(-centre, 0, rows);
      const all = columns.map(column);
      all.forEach((values, i) => {
        for (let r = 0; r < rows; r++) part[r]! += coefficients[i]! * values[r]!;
      });
      if (codes === undefined) x.set(all[0]!.subarray(0, rows));
      else
        for (let r = 0; r < rows; r++)
          x[r] = Math.max(
            0,
            codes.findIndex((code) => code.every((value, i) => all[i]![r] === value)),
          );
    });
  }
}
