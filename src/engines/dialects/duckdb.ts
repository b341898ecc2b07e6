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

/** DuckDB: integers of 128 bits (HUGEINT), which a sum that leaves them is an error of. */
export const DUCKDB: SqlDialect = {
  label: "DuckDB",
  name: doubleQuoted,
  literal: exponentLiteral,
  // Of enumerations there is no collation.
  bytewise: (x) => `CAST(${x} AS VARCHAR) COLLATE C`,
  byteOrder: itself,
  string: singleQuoted,
  trimmed: trim,
  text: (x) => `CAST(${x} AS VARCHAR)`,
  printed: itself,
  modulo: percent,
  log10,
  double: (x) => `CAST(${x} AS DOUBLE)`,
  finite: (x) => `abs(${x}) <= ${LARGEST}`,
  infinite: (x) => `isinf(${x})`,
  notNumber: undefined,
  deviation: (x) => `stddev_pop(${x})`,
  sum: (x) => `sum(${x})`,
  integer: (x) => `CAST(${x} AS BIGINT)`,
  integerProduct: (x, y, bits) => (bits <= 62 ? `${x} * ${y}` : `CAST(${x} AS HUGEINT) * ${y}`),
  mostEntries: 4000,
  session: [],
  leaves: undefined,
  explain: undefined,
};
