/** How false and true are written in a column of text. */
export type TruthWords = readonly [string, string];

const TRUTH: readonly TruthWords[] = [
  ["false", "true"],
  ["False", "True"],
  ["FALSE", "TRUE"],
];

/** How false and true are written among a factor's levels: JSON's way, Python's, R's; JSON's where they are not. */
export function truthWords(levels: readonly string[]): TruthWords {
  return TRUTH.find((words) => words.some((word) => levels.includes(word))) ?? TRUTH[0]!;
}

/**
 * A value of a record as a number: NaN where it is missing (null, undefined, NaN), 1 and 0 for true and false;
 * undefined for one that is no number, a text of digits too.
 */
export function numberOf(cell: unknown): number | undefined {
  switch (typeof cell) {
    case "number":
      return Math.abs(cell) === Number.POSITIVE_INFINITY ? undefined : cell;
    case "undefined":
      return Number.NaN;
    case "boolean":
    case "bigint":
      return Number(cell);
    default:
      return cell === null ? Number.NaN : undefined;
  }
}

/**
 * A value of a record as the text of a factor's level or a date: null where it is missing; numbers as JavaScript writes
 * them, a Date as ISO 8601 in UTC; undefined for what is no text.
 */
export function textOf(cell: unknown, truth: TruthWords): string | null | undefined {
  switch (typeof cell) {
    case "string":
      return cell;
    case "number":
      return Number.isNaN(cell) ? null : String(cell);
    case "bigint":
      return String(cell);
    case "boolean":
      return truth[cell ? 1 : 0];
    case "undefined":
      return null;
    default:
      if (cell === null) return null;
      if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? null : cell.toISOString();
      return undefined;
  }
}
