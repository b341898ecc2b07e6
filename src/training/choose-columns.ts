import { columnsSpec, formulaSpec } from "../dataset/formula/resolve.js";
import type { ModelSpec } from "../dataset/formula/spec.js";
import { nearestName } from "../dataset/nearest.js";
import type { Column } from "../dataset/schema.js";
import { DataError, UsageError } from "../errors.js";
import { option, wording } from "../wording.js";

/** Which columns the user asks for; all may be left out. */
export interface ColumnOptions {
  /** The column to predict. Default: the last. */
  target?: string | undefined;
  /** Only these columns as features. */
  features?: readonly string[] | undefined;
  /** All columns but these as features. */
  exclude?: readonly string[] | undefined;
  /** A formula in R's language; then `.` stands for the features. */
  formula?: string | undefined;
  /** A column of weights ≥ 0, which is no feature. */
  weights?: string | undefined;
  /** The column of the groups of a clustered covariance, which is a feature only where it is named. */
  cluster?: string | undefined;
  /** Whether to fit an intercept; a formula may leave it out too. Default: true. */
  intercept?: boolean | undefined;
}

/** The model to fit, and remarks for the user on columns that were left out. */
export interface ChosenColumns {
  spec: ModelSpec;
  notes: string[];
}

/** What is known of a table before its rows are read. */
interface KnownTable {
  readonly columns: readonly Column[];
  readonly sample: readonly (readonly string[])[];
}

/**
 * Chooses target and features among a table's columns: columns of numbers, and columns of text as factors. Empty
 * columns, and text of which every cell of the sample differs from the others, are left out with a note, or are
 * an error where they were asked for by name.
 *
 * @throws UsageError for a name that is not there; DataError where the target holds text or no feature is left
 */
export function chooseColumns(table: KnownTable, options: ColumnOptions, file: string): ChosenColumns {
  const { columns } = table;
  const byName = new Map(columns.map((column) => [column.name, column]));
  const find = (name: string): Column => {
    const column = byName.get(name);
    if (column === undefined) throw unknownColumn(name, [...byName.keys()], file);
    return column;
  };
  const weights = options.weights === undefined ? undefined : find(options.weights);
  if (weights !== undefined && weights.kind !== "numeric") throw notNumeric(weights, "the weights", file);
  const excluded = new Set((options.exclude ?? []).map((name) => find(name).name));
  if (weights !== undefined) excluded.add(weights.name);
  if (options.cluster !== undefined && !options.features?.includes(options.cluster))
    excluded.add(options.cluster);
  const asked = options.features?.map(find);
  const refused = new Map<Column, string>();
  const usable = (candidates: readonly Column[]) => {
    for (const column of candidates) {
      const why = whyNot(column, columns.indexOf(column), table);
      if (why !== undefined) refused.set(column, why);
    }
    return candidates.filter((column) => !refused.has(column));
  };
  const notes: string[] = [];
  const note = () => {
    for (const [column, why] of refused) notes.push(`left out: ${column.name}, ${why}`);
  };

  const { formula } = options;
  if (formula !== undefined) {
    if (options.target !== undefined && formula.split("~")[0]!.trim() !== "")
      throw new UsageError(wording`the target is given twice, by ${option("target")} and left of the ~`, {
        hint: "leave one of them out",
      });
    const last = columns.filter((column) => column !== weights).at(-1)!;
    const dot = usable((asked ?? columns).filter((column) => !excluded.has(column.name)));
    const spec = formulaSpec(formula, {
      columns,
      target: options.target ?? last.name,
      dot: dot.map(({ name }) => name),
      intercept: options.intercept,
    });
    const stated = new Set([...spec.text, ...spec.numeric]);
    for (const column of [...refused.keys()]) if (stated.has(column.name)) refused.delete(column);
    if (/(^|[^\w])\.([^\w]|$)/.test(formula)) note();
    return { spec, notes };
  }

  const target =
    options.target === undefined
      ? columns.filter((column) => column !== weights).at(-1)!
      : find(options.target);
  if (target.kind !== "numeric") throw notNumeric(target, "the target", file);
  const candidates = (asked ?? columns).filter((c) => c !== target && !excluded.has(c.name));
  const features = usable(candidates).map(({ name }) => name);
  if (asked !== undefined)
    for (const [column, why] of refused)
      throw new DataError(`this column cannot be a feature: ${why}`, {
        place: { file, column: column.name },
        hint: wording`leave it out of ${option("features")}`,
      });
  if (features.length === 0)
    throw new DataError("there is no column to use as a feature", {
      place: { file },
      hint: wording`the target is ${JSON.stringify(target.name)}; see ${option("target")}, ${option("features")} and ${option("exclude")}`,
    });
  note();
  const intercept = options.intercept ?? true;
  return { spec: columnsSpec(target.name, features, { columns, intercept }), notes };
}

/** Rows of the sample from which on text without repetition is taken for names and not for levels. */
const IDENTIFIER_ROWS = 20;

function whyNot(column: Column, at: number, table: KnownTable): string | undefined {
  if (column.kind === "empty") return "it holds no values";
  if (column.kind === "numeric") return undefined;
  const cells = table.sample.map((row) => row[at]?.trim() ?? "").filter((cell) => cell !== "");
  const different = new Set(cells).size;
  return cells.length >= IDENTIFIER_ROWS && different === cells.length
    ? "it looks like an identifier: all its texts differ"
    : undefined;
}

function notNumeric(column: Column, what: string, file: string): DataError {
  return new DataError(`${what} ${column.kind === "text" ? "holds text" : "has no values"}`, {
    place: { file, column: column.name },
    hint: wording`name a numeric column with ${option(what === "the target" ? "target" : "weights")}`,
  });
}

/** The error for a column that is not in the file, with the nearest name as the hint. */
export function unknownColumn(name: string, names: readonly string[], file: string): UsageError {
  const near = nearestName(name, names);
  const shown = names.length > 20 ? `${names.slice(0, 20).join(", ")}, …` : names.join(", ");
  return new UsageError(`${file} has no column ${JSON.stringify(name)}`, {
    hint: near === undefined ? `its columns are ${shown}` : `did you mean ${JSON.stringify(near)}?`,
  });
}
