import type { CoefficientRow } from "../linear/model/summary.js";
import { count, pValue, significant } from "../number-text.js";
import type { CoefficientLine, RegressionTable, StatisticLine } from "./regression-table.js";

/** What stands beneath an estimate: its standard error, t, p, its interval, or nothing. */
export type Beneath = "se" | "t" | "p" | "ci" | "none";

export const BENEATH: readonly Beneath[] = ["se", "ci", "t", "p", "none"];

/** How numbers are set. */
export interface Setting {
  beneath: Beneath;
  /** Whether estimates have stars by their p. */
  stars: boolean;
  /** Significant digits of standard errors; an estimate has as many decimals as its error. */
  digits: number;
}

/** A cell as it is read: a number and its stars. */
export interface SetCell {
  text: string;
  stars: string;
}

/** A row as it is read; `beneath` stands in a line of its own below the cells. */
interface SetRow {
  label: string;
  cells: readonly SetCell[];
  beneath?: readonly string[];
}

/** A table as it is read, in parts that rules set apart: coefficients, how they were fitted, statistics. */
export interface SetTable {
  names: readonly string[];
  targets: readonly string[];
  parts: readonly (readonly SetRow[])[];
  notes: readonly string[];
}

/** The marks of p-values, as most journals of economics and modelsummary have them. */
const STARS = [
  [0.001, "***"],
  [0.01, "**"],
  [0.05, "*"],
  [0.1, "+"],
] as const;

/** Rounds a table's numbers and makes texts of them. */
export function setTable(table: RegressionTable, setting: Setting): SetTable {
  const plain = (texts: readonly string[]) => texts.map((text) => ({ text, stars: "" }));
  const lines = [...table.effects, ...table.about].map(({ label, of }) => ({ label, cells: plain(of) }));
  const statistics = table.statistics.map((line) => ({
    label: line.label,
    cells: plain(line.of.map((value) => statisticText(line, value))),
  }));
  const coefficients = table.coefficients.map((line) => coefficientRow(line, setting));
  return {
    names: table.names,
    targets: table.targets,
    parts: [coefficients, lines, statistics].filter((part) => part.length > 0),
    notes: [...legend(table, setting), ...table.notes],
  };
}

function statisticText({ name }: StatisticLine, value: number): string {
  if (Number.isNaN(value)) return "";
  if (name === "n") return count(value);
  return name.endsWith("r2") ? value.toFixed(4) : significant(value);
}

function coefficientRow({ label, of }: CoefficientLine, { beneath, stars, digits }: Setting): SetRow {
  const cells = of.map((row) =>
    row === undefined
      ? { text: "", stars: "" }
      : { text: numberFormat(row, digits)(row.estimate), stars: stars ? starsOf(row) : "" },
  );
  if (beneath === "none") return { label, cells };
  // Of a penalised fit there is nothing to put there.
  const below = of.map((row) =>
    row === undefined || Number.isNaN(row.stdError) ? "" : BELOW[beneath](row, numberFormat(row, digits)),
  );
  return below.every((text) => text === "") ? { label, cells } : { label, cells, beneath: below };
}

const BELOW: Record<
  Exclude<Beneath, "none">,
  (row: CoefficientRow, number: (value: number) => string) => string
> = {
  se: ({ stdError }, number) => `(${number(stdError)})`,
  t: ({ t }) => `(${Number.isFinite(t) && Math.abs(t) < 1e5 ? t.toFixed(2) : significant(t, 3)})`,
  p: ({ p, pBelow }) => `(${pValue(p, pBelow)})`,
  ci: ({ lower, upper }, number) => `[${number(lower)}, ${number(upper)}]`,
};

/** Past so many decimals, or from such a size on, numbers have an exponent. */
const MOST_DECIMALS = 8;
const LARGE = 1e7;

/** Digits after the first that a double has. */
const MOST_DIGITS = 15;

/**
 * How a coefficient's numbers are written: with as many decimals as its standard error, or, where it has none, the
 * estimate, needs for `digits` significant digits.
 */
function numberFormat({ stdError, estimate }: CoefficientRow, digits: number): (value: number) => string {
  const scale = [stdError, Math.abs(estimate)].find((size) => size > 0 && Number.isFinite(size)) ?? 1;
  const magnitude = Math.floor(Math.log10(scale));
  const decimals = Math.max(0, digits - 1 - magnitude);
  const plain = decimals <= MOST_DECIMALS && Math.max(scale, Math.abs(estimate)) < LARGE;
  return (value) => {
    if (!Number.isFinite(value)) return significant(value);
    if (value === 0) return "0";
    if (plain) return value.toFixed(decimals);
    // As many digits as bring the value to the decimals of the error.
    const more = Math.max(0, Math.floor(Math.log10(Math.abs(value))) - magnitude);
    return value.toExponential(Math.min(MOST_DIGITS, digits - 1 + more));
  };
}

function starsOf({ p, pBelow }: CoefficientRow): string {
  return STARS.find(([bound]) => (pBelow === undefined ? p < bound : pBelow <= bound))?.[1] ?? "";
}

/** What stands beneath the estimates, and what the stars mean. */
function legend({ coefficients, level }: RegressionTable, { beneath, stars }: Setting): string[] {
  const rows = coefficients.flatMap(({ of }) => of).filter((row) => row !== undefined);
  const notes: string[] = [];
  if (beneath !== "none" && rows.some(({ stdError }) => !Number.isNaN(stdError)))
    notes.push(LEGENDS[beneath](level));
  if (stars && rows.some((row) => starsOf(row) !== ""))
    notes.push(
      `${[...STARS]
        .reverse()
        .map(([bound, mark]) => `${mark} p < ${bound}`)
        .join(", ")}.`,
    );
  return notes;
}

const LEGENDS: Record<Exclude<Beneath, "none">, (level: number) => string> = {
  se: () => "Standard errors in parentheses.",
  t: () => "t values in parentheses.",
  p: () => "p-values in parentheses.",
  ci: (level) => `${significant(100 * level, 6)} % confidence intervals in brackets.`,
};
