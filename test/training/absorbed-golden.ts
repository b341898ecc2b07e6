import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Values by column. */
export type Columns = Record<string, readonly (number | string)[]>;

/** A fit with absorbed effects as R has it: `lm` with all indicators (test/golden/absorb.R). */
export interface AbsorbedFit {
  call: string;
  data: string;
  effects: string | string[];
  terms: string | string[];
  weighted: boolean;
  estimates: number | number[];
  errors: number | number[];
  dfResidual: number;
  rss: number;
  sigma: number;
  r2: number;
  withinR2: number;
  logLik: number;
  rank: number;
  /** Standard errors by `vcovHC`; hc2 and hc3 where no row has leverage 1. */
  hc0: number | number[];
  hc1: number | number[];
  hc2?: number | number[];
  hc3?: number | number[];
  /** By `vcovCL`, clustered by each of these columns. */
  firm: number | number[];
  year: number | number[];
  region: number | number[];
  /** Of the first eight rows: the standard error of the fitted value, its interval's lower end, the leverage. */
  se: number[];
  lower: number[];
  leverage: number[];
}

export const golden = JSON.parse(readFileSync("test/golden/absorb.json", "utf8")) as {
  r: string;
  sets: Record<string, Columns>;
  cases: AbsorbedFit[];
};

/** R writes a vector of one value as a number. */
export const list = <T>(value: T | T[]): T[] => (Array.isArray(value) ? value : [value]);

/** What is asked of goml for the same fit. */
export function optionsOf(one: AbsorbedFit) {
  return {
    target: "y",
    features: list(one.terms),
    absorb: list(one.effects),
    ...(one.weighted ? { weights: "w" } : {}),
  };
}

/** Writes columns, or some of their rows, as CSV, and gives the path. */
export function writeColumns(folder: string, name: string, table: Columns, from = 0, to?: number): string {
  const names = Object.keys(table);
  const rows = table[names[0]!]!.map((_, i) => names.map((column) => table[column]![i]).join()).slice(
    from,
    to,
  );
  const path = join(folder, `${name}.csv`);
  writeFileSync(path, `${names.join()}\n${rows.join("\n")}\n`);
  return path;
}
