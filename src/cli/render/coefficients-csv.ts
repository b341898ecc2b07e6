import { quoteField } from "../../csv/write.js";
import type { CoefficientRow } from "../../linear/model/summary.js";

const COLUMNS = ["term", "estimate", "stdError", "t", "p", "lower", "upper"] as const;

/** The table of coefficients as CSV, every number as the shortest decimal that reads back; what there is not is NA. */
export function coefficientsCsv(rows: readonly CoefficientRow[]): string {
  const cell = (value: string | number) =>
    typeof value === "string" ? quoteField(value) : Number.isNaN(value) ? "NA" : String(value);
  const lines = rows.map((row) => COLUMNS.map((column) => cell(row[column])).join(","));
  return `${COLUMNS.join(",")}\n${lines.join("\n")}\n`;
}
