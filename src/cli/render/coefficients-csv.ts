import { quoteField } from "../../csv/write.js";
import type { FactorEffects } from "../../linear/model/absorbed-effects.js";
import type { CoefficientRow } from "../../linear/model/summary.js";

const COLUMNS = ["term", "estimate", "stdError", "t", "p", "lower", "upper"] as const;

/** The table of coefficients as CSV, every number as the shortest decimal that reads back; what there is not is NA. */
export function coefficientsCsv(rows: readonly CoefficientRow[]): string {
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","));
  return `${COLUMNS.join(",")}\n${lines.join("\n")}\n`;
}

/** The effects of absorbed factors' levels as CSV, in the same manner. */
export function effectsCsv(factors: readonly FactorEffects[]): string {
  const lines = factors.flatMap(({ factor, levels, effects }) =>
    levels.map((level, i) => [factor, level, effects[i]!].map(cell).join(",")),
  );
  return `factor,level,effect\n${lines.join("\n")}\n`;
}

function cell(value: string | number): string {
  if (typeof value === "string") return quoteField(value);
  return Number.isNaN(value) ? "NA" : String(value);
}
