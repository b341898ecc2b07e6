import { doubleQuoted, exponentLiteral, LARGEST, type SqlDialect } from "../dialect.js";

/** SQLite, 3.35 and later: any cell may hold anything, there is no deviation, and integers have 64 bits. */
export const SQLITE: SqlDialect = {
  label: "SQLite",
  name: doubleQuoted,
  literal: exponentLiteral,
  bytewise: (x) => `${x} COLLATE BINARY`,
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
