import { rawLevelsOf } from "../../dataset/formula/coding.js";
import { Design } from "../../dataset/formula/design.js";
import { columnsOf, expressionsOf, hasDates, textsOf } from "../../dataset/formula/spec.js";
import { nearestName } from "../../dataset/nearest.js";
import { ModelError, UsageError } from "../../errors.js";
import { BLOCK_ROWS } from "../../kernels/block-rows.js";
import { option, wording } from "../../wording.js";
import type { LinearModel } from "../model/model.js";
import { type DataRecord, RecordBlocks } from "../model/record-block.js";
import { knownMean } from "./known-mean.js";

/** Values of columns, by name. */
export type GridValues = Readonly<Record<string, readonly (number | string)[]>>;

/** A raw column of a model's features in a grid of values. */
export interface GridColumn {
  name: string;
  values: readonly (number | string)[];
  /** Whether these are a factor's levels. */
  factor: boolean;
}

/** Rows of a grid that are looked at: more are a mistake, or factors of very many levels. */
const MOST_ROWS = 200_000;

/**
 * The raw columns of a model's features with the values of its reference grid: factors at their levels, numbers at their
 * means, which the moments have where a term is the column itself, or its powers; else, and on request, at what `at` says.
 *
 * @throws UsageError where `at` names no column or level, ModelError where a mean is not known
 */
export function gridColumns(model: LinearModel, at: GridValues): GridColumn[] {
  const { spec, levels } = model;
  if (hasDates({ ...spec, target: { label: "", expression: { number: 0 } } }))
    throw new ModelError(
      "means and trends of models of dates cannot be had: a date has no mean among its terms",
    );
  if (spec.target.offset !== undefined)
    throw new ModelError(`means and trends of models with ${spec.target.offset.label} cannot be had`, {
      hint: "an offset has a value of its own in each row: predict rows instead",
    });
  const terms = new Set(spec.terms.flatMap(({ variables }) => variables));
  const columns = new Map<string, GridColumn>();
  for (const v of terms) {
    const variable = spec.variables[v]!;
    if (variable.kind !== "factor") continue;
    const values = [...rawLevelsOf(variable, levels)];
    columns.set(variable.column, {
      name: variable.column,
      values: variable.of === "numbers" ? values.map(Number) : values,
      factor: true,
    });
  }
  for (const v of terms) {
    const variable = spec.variables[v]!;
    if (variable.kind === "factor") continue;
    if (expressionsOf(variable).some((one) => textsOf(one).length > 0))
      throw new ModelError(`means and trends of ${variable.label} cannot be had: a text has no mean`, {
        hint: "make a factor of the column, a term of its own",
      });
    for (const name of expressionsOf(variable).flatMap(columnsOf))
      if (!columns.has(name)) columns.set(name, { name, values: [], factor: false });
  }
  for (const [name, values] of Object.entries(at)) {
    const column = columns.get(name);
    if (column === undefined) {
      const nearest = nearestName(name, [...columns.keys()]);
      throw new UsageError(`the model's terms have no column ${name}`, {
        hint: nearest ? `Did you mean ${nearest}?` : `Columns: ${[...columns.keys()].join(", ")}.`,
      });
    }
    const given = values.map((value) =>
      column.factor && typeof column.values[0] === "string" ? String(value) : Number(value),
    );
    const wrong = given.find((value) =>
      column.factor ? !column.values.includes(value) : !Number.isFinite(value),
    );
    if (wrong !== undefined)
      throw new UsageError(
        column.factor
          ? `${name} has no level ${values[given.indexOf(wrong)]!}`
          : `${name} is a number, and ${values[given.indexOf(wrong)]!} is none`,
      );
    columns.set(name, { ...column, values: given });
  }
  return [...columns.values()].map((column) =>
    column.values.length > 0 ? column : { ...column, values: [meanOf(model, column.name)] },
  );
}

function meanOf(model: LinearModel, name: string): number {
  const mean = knownMean(model, name);
  if (mean !== undefined) return mean;
  throw new ModelError(
    `the model file does not keep the mean of ${name}, which stands only within other terms`,
    {
      hint: wording`say at which value of ${name} by ${option("at")}`,
    },
  );
}

/** A row of X with its intercept first, or a difference or mean of such rows: 1 + k numbers. */
export type DesignRow = Float64Array;

/**
 * For each combination of the values of the columns `focal`, the first varying fastest, the mean of the design's rows over
 * all values of the others.
 */
export function gridRows(
  model: LinearModel,
  columns: readonly GridColumn[],
  focal: readonly string[],
): { values: (number | string)[]; row: DesignRow }[] {
  const shown = focal.map((name) => columns.find((column) => column.name === name)!);
  const others = columns.filter(({ name }) => !focal.includes(name));
  const size = columns.reduce((product, { values }) => product * values.length, 1);
  if (size > MOST_ROWS)
    throw new UsageError(`the grid has ${size} rows, at most ${MOST_ROWS} are looked at`, {
      hint: wording`fix factors of many levels at some of these by ${option("at")}`,
    });
  const averaged = combinations(others);
  const cells = combinations(shown);
  const rows = designRows(
    model,
    cells.flatMap((cell) => averaged.map((rest) => ({ ...rest, ...cell }))),
  );
  return cells.map((cell, c) => {
    const row = new Float64Array(model.terms.length + 1);
    for (let a = 0; a < averaged.length; a++) {
      const own = rows[c * averaged.length + a]!;
      for (let j = 0; j < row.length; j++) row[j]! += own[j]! / averaged.length;
    }
    return { values: shown.map(({ name }) => cell[name]!), row };
  });
}

function combinations(columns: readonly GridColumn[]): Record<string, number | string>[] {
  return columns.reduce<Record<string, number | string>[]>(
    (all, { name, values }) => values.flatMap((value) => all.map((cell) => ({ ...cell, [name]: value }))),
    [{}],
  );
}

/** The design's rows of records that have the raw columns of the features. */
function designRows(model: LinearModel, records: readonly DataRecord[]): DesignRow[] {
  const { spec, codedTerms, levels } = model;
  const k = model.terms.length;
  // The target and absorbed factors take no part.
  const features = { ...spec, target: { label: "", expression: { number: 0 } } };
  const blanks = Object.fromEntries([...spec.numeric, ...spec.text].map((name) => [name, null]));
  const filled = records.map((record) => ({ ...blanks, ...record }));
  const blocks = new RecordBlocks(
    filled,
    spec.numeric,
    spec.text.map((name) => ({ name, kind: "text" as const, levels: [] })),
  );
  const used = new Set(spec.terms.flatMap(({ variables }) => variables));
  const own = {
    ...features,
    // What is no term is a constant, whatever it was.
    variables: spec.variables.map((variable, v) =>
      used.has(v)
        ? variable
        : ({ kind: "numeric", label: variable.label, expression: { number: 0 } } as const),
    ),
  };
  const design = new Design(own, codedTerms, levels);
  const rows: DesignRow[] = [];
  for (let from = 0; from < filled.length; from += BLOCK_ROWS) {
    const count = Math.min(BLOCK_ROWS, filled.length - from);
    design.fill(blocks.read(from, count), 0, count);
    for (let r = 0; r < count; r++) {
      const row = new Float64Array(k + 1);
      row[0] = 1;
      for (let j = 0; j < k; j++) row[j + 1] = design.values[j * BLOCK_ROWS + r]!;
      rows.push(row);
    }
  }
  return rows;
}
