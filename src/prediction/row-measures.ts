import type { InfluenceBlock } from "../linear/covariance/influence.js";
import type { DfbetasPlan } from "./dfbetas.js";

/** Whether to write the rows' measures, and how. */
export interface MeasuresText {
  append: boolean;
  delimiter: string;
  excelSafe?: boolean | undefined;
  /** Whether as R's broom does. */
  augment?: boolean | undefined;
  /** Where each coefficient's change is written too. */
  dfbetas?: DfbetasPlan | undefined;
}

/** The measures of a row, as `InfluenceBlock` has them, by the names that they are written under. */
const MEASURES = [
  ["residual", "residual"],
  ["leverage", "leverage"],
  ["rstandard", "rstandard"],
  ["rstudent", "rstudent"],
  ["cooks", "cooks"],
  ["dffits", "dffits"],
] as const;

/** The same for R's `broom::augment`, in its order. */
const AUGMENTED = [
  [".resid", "residual"],
  [".hat", "leverage"],
  [".sigma", "sigma"],
  [".cooksd", "cooks"],
  [".std.resid", "rstandard"],
] as const;

/** The names of the columns: of the rows, unless they are augmented and have no names, the fitted value, the measures. */
export function measureNames({ augment, dfbetas }: MeasuresText, id: string | undefined): string[] {
  const names: string[] = (augment ? AUGMENTED : MEASURES).map(([name]) => name);
  if (dfbetas !== undefined) names.push(...dfbetas.names.map((name) => `dfbetas ${name}`), "covratio");
  if (augment) return [...(id === undefined ? [] : [id]), ".fitted", ...names];
  return [id ?? "row", "fitted", ...names];
}

/** How many of them are numbers. */
export function measureCount({ text, named }: { text: MeasuresText | undefined; named: boolean }): number {
  return text === undefined ? 0 : measureNames(text, named ? "" : undefined).length - (named ? 1 : 0);
}

/** The columns but for the rows' own numbers or names. */
export function measuredColumns(
  influence: InfluenceBlock,
  fitted: Float64Array,
  augment: boolean | undefined,
): Float64Array[] {
  return [fitted, ...(augment ? AUGMENTED : MEASURES).map(([, measure]) => influence[measure])];
}
