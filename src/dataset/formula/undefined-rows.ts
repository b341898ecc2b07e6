/** Rows in which no cell is missing, but an expression has no finite value: log(x) where x is 0. */
export interface UndefinedRows {
  /** The expression, as the formula has it. */
  label: string;
  /** How many there are. */
  rows: number;
  /** The first one's number in the data, from 0 (−1 where rows have none), and the numbers there that the expression is made of. */
  first: number;
  values: [column: string, value: number][];
}

/** Such rows of one part of the data and of a later one. */
export function unitedUndefined(
  earlier: readonly UndefinedRows[],
  later: readonly UndefinedRows[],
): UndefinedRows[] {
  const united = new Map(earlier.map((some) => [some.label, some]));
  for (const some of later) {
    const known = united.get(some.label);
    united.set(some.label, known === undefined ? some : { ...known, rows: known.rows + some.rows });
  }
  return [...united.values()];
}

/** How many they are together: a row counts for the first expression that has no value in it. */
export function undefinedCount(all: readonly UndefinedRows[]): number {
  return all.reduce((sum, { rows }) => sum + rows, 0);
}
