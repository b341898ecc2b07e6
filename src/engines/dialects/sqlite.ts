import {
  doubleQuoted,
  exponentLiteral,
  itself,
  LARGEST,
  log10,
  percent,
  type SqlDialect,
  singleQuoted,
  trim,
} from "../dialect.js";

/** SQLite, 3.35 and later: any cell may hold anything, there is no deviation, and integers have 64 bits. */
export const SQLITE: SqlDialect = {
  label: "SQLite",
  name: doubleQuoted,
  literal: exponentLiteral,
  bytewise: (x) => `${x} COLLATE BINARY`,
  byteOrder: itself,
  string: singleQuoted,
  trimmed: trim,
  text: (x) => `CAST(${x} AS TEXT)`,
  // Its shell writes 15 digits of a double.
  printed: (x) => `printf('%!.17g', ${x})`,
  modulo: percent,
  log10,
  double: (x) => `CAST(${x} AS REAL)`,
  finite: (x) => `abs(${x}) <= ${LARGEST}`,
  infinite: (x) => `abs(${x}) > ${LARGEST}`,
  notNumber: (x) => `typeof(${x}) NOT IN ('integer', 'real', 'null')`,
  deviation: undefined,
  sum: (x) => `sum(${x})`,
  integer: (x) => `CAST(${x} AS INTEGER)`,
  integerProduct: undefined,
  mostEntries: 1900,
  session: [],
  leaves: undefined,
  explain: undefined,
};
