/** What the values of a typed column are; plain data, so that it can go to a worker. */
export type ValueType =
  /** Numbers that a double holds, as they stand. */
  | { readonly of: "number" }
  /** Integers of 64 bits, of which a double holds some. */
  | { readonly of: "integer"; readonly unsigned?: boolean }
  /** Integers that stand for themselves / 10^scale. */
  | { readonly of: "decimal"; readonly scale: number; readonly precision: number }
  | { readonly of: "boolean" }
  | { readonly of: "text" }
  /** Days since 1970-01-01. */
  | { readonly of: "date" }
  /** Parts of a second since 1970-01-01 00:00, `perSecond` of them in one; in UTC, or local to nobody says where. */
  | { readonly of: "timestamp"; readonly perSecond: number; readonly utc: boolean }
  /** Parts of a second since midnight. */
  | { readonly of: "time"; readonly perSecond: number };

/** Whether values are read as numbers unless they are asked for as text. */
export function isNumeric({ of }: ValueType): boolean {
  return of === "number" || of === "integer" || of === "decimal";
}

/** What dates the texts of a type are, for the judgement of columns. */
export function datesOf({ of }: ValueType): "date" | "time" | undefined {
  if (of === "date" || of === "timestamp") return "date";
  return of === "time" ? "time" : undefined;
}
