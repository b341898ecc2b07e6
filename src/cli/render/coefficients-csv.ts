import { quoteField } from "../../csv/write.js";
import type { FactorEffects } from "../../linear/model/absorbed-effects.js";
import type { LinearModel } from "../../linear/model/model.js";
import type { ModelGroup } from "../../linear/model/model-group.js";
import type { CoefficientRow } from "../../linear/model/summary.js";
import type { WindowFit } from "../../training/windows.js";

const COLUMNS = ["term", "estimate", "stdError", "t", "p", "lower", "upper"] as const;

/** The table of coefficients as CSV, every number as the shortest decimal that reads back; what there is not is NA. */
export function coefficientsCsv(rows: readonly CoefficientRow[]): string {
  const columns = rows.some(({ df }) => df !== undefined) ? ([...COLUMNS, "df"] as const) : COLUMNS;
  const lines = rows.map((row) => columns.map((column) => cell(row[column] ?? Number.NaN)).join(","));
  return `${columns.join(",")}\n${lines.join("\n")}\n`;
}

/** The effects of absorbed factors' levels as CSV, in the same manner. */
export function effectsCsv(factors: readonly FactorEffects[]): string {
  const lines = factors.flatMap(({ factor, levels, effects }) =>
    levels.map((level, i) => [factor, level, effects[i]!].map(cell).join(",")),
  );
  return `factor,level,effect\n${lines.join("\n")}\n`;
}

/** The same tables of models by group, which the first column names, group by group. */
export function* groupCoefficientsCsv(models: ModelGroup, level: number): Generator<string, void, void> {
  yield `group,${COLUMNS.join(",")}\n`;
  for (const [group, model] of models.models)
    for (const row of model.summary(level).coefficients)
      yield `${[group, ...COLUMNS.map((column) => row[column])].map(cell).join(",")}\n`;
}

/** The effects of models by group, in the same manner. */
export function* groupEffectsCsv(models: ModelGroup): Generator<string, void, void> {
  yield "group,factor,level,effect\n";
  for (const [group, model] of models.models)
    for (const { factor, levels, effects } of model.effects)
      for (const [i, level] of levels.entries())
        yield `${[group, factor, level, effects[i]!].map(cell).join(",")}\n`;
}

/** The same tables of models of several targets, which the first column names, one after the other. */
export function targetCoefficientsCsv(models: readonly LinearModel[], level: number): string {
  const all = models.map((model) => ({ target: model.target, rows: model.summary(level).coefficients }));
  const own = all.some(({ rows }) => rows.some(({ df }) => df !== undefined));
  const columns = own ? ([...COLUMNS, "df"] as const) : COLUMNS;
  const lines = all.flatMap(({ target, rows }) =>
    rows.map((row) => [target, ...columns.map((column) => row[column] ?? Number.NaN)].map(cell).join(",")),
  );
  return `target,${columns.join(",")}\n${lines.join("\n")}\n`;
}

/** The effects of models of several targets, in the same manner. */
export function targetEffectsCsv(models: readonly LinearModel[]): string {
  const lines = models.flatMap(({ target, effects }) =>
    effects.flatMap(({ factor, levels, effects: of }) =>
      levels.map((level, i) => [target, factor, level, of[i]!].map(cell).join(",")),
    ),
  );
  return `target,factor,level,effect\n${lines.join("\n")}\n`;
}

/** Windows' coefficients as CSV, in the same manner. */
export function* windowsCsv(
  names: readonly string[],
  windows: readonly WindowFit[],
): Generator<string, void, void> {
  yield `${["first", "last", "n", ...names, "sigma", "r2"].map((name) => quoteField(name)).join(",")}\n`;
  for (const { first, last, n, coefficients, sigma, r2 } of windows)
    yield `${[first, last, n, ...coefficients, sigma, r2].map(cell).join(",")}\n`;
}

function cell(value: string | number): string {
  if (typeof value === "string") return quoteField(value);
  return Number.isNaN(value) ? "NA" : String(value);
}
