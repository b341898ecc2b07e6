import type { Column } from "../dataset/schema.js";
import { DataError, UsageError } from "../errors.js";

/** Which columns the user asks for; all may be left out. */
export interface ColumnOptions {
  /** The column to predict. Default: the last. */
  target?: string | undefined;
  /** Only these columns as features. */
  features?: readonly string[] | undefined;
  /** All columns but these as features. */
  exclude?: readonly string[] | undefined;
}

/** The columns of a fit. */
export interface ChosenColumns {
  target: string;
  features: string[];
  /** Remarks for the user, on columns that were left out. */
  notes: string[];
}

/**
 * Chooses target and features among a table's columns: numeric columns are features, text and empty columns are
 * left out with a note unless they were asked for by name.
 *
 * @throws UsageError for a name that is not there; DataError where the target holds text or no feature is left
 */
export function chooseColumns(
  columns: readonly Column[],
  options: ColumnOptions,
  file: string,
): ChosenColumns {
  const byName = new Map(columns.map((column) => [column.name, column]));
  const find = (name: string): Column => {
    const column = byName.get(name);
    if (column === undefined) throw unknownColumn(name, [...byName.keys()], file);
    return column;
  };
  const target = options.target === undefined ? columns[columns.length - 1]! : find(options.target);
  if (target.kind !== "numeric")
    throw new DataError(`the target ${target.kind === "text" ? "holds text" : "has no values"}`, {
      place: { file, column: target.name },
      hint: "name a numeric column with --target",
    });
  const excluded = new Set((options.exclude ?? []).map((name) => find(name).name));
  const asked = options.features?.map(find);
  const candidates = (asked ?? columns).filter((c) => c !== target && !excluded.has(c.name));
  const notNumeric = candidates.filter((c) => c.kind !== "numeric");
  if (asked !== undefined && notNumeric.length > 0)
    throw new DataError(
      `a feature must be numeric; this column ${notNumeric[0]!.kind === "text" ? "holds text" : "has no values"}`,
      {
        place: { file, column: notNumeric[0]!.name },
        hint: "leave it out of --features",
      },
    );
  const features = candidates.filter((c) => c.kind === "numeric").map((c) => c.name);
  if (features.length === 0)
    throw new DataError("there is no numeric column to use as a feature", {
      place: { file },
      hint: `the target is ${JSON.stringify(target.name)}; see --target, --features and --exclude`,
    });
  const listed = (kind: "text" | "empty") => notNumeric.filter((c) => c.kind === kind).map((c) => c.name);
  const notes: string[] = [];
  if (listed("text").length > 0) notes.push(`left out, for they hold text: ${listed("text").join(", ")}`);
  if (listed("empty").length > 0)
    notes.push(`left out, for they hold no values: ${listed("empty").join(", ")}`);
  return { target: target.name, features, notes };
}

/** The error for a column that is not in the file, with the nearest name as the hint. */
export function unknownColumn(name: string, names: readonly string[], file: string): UsageError {
  const near = names
    .map((other) => ({ other, distance: editDistance(name.toLowerCase(), other.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const close = near !== undefined && near.distance <= Math.max(1, Math.floor(name.length / 3));
  const shown = names.length > 20 ? `${names.slice(0, 20).join(", ")}, …` : names.join(", ");
  return new UsageError(`${file} has no column ${JSON.stringify(name)}`, {
    hint: close ? `did you mean ${JSON.stringify(near.other)}?` : `its columns are ${shown}`,
  });
}

/** Levenshtein's distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length]!;
}
