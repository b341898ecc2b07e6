import { escapedQuoted, exponentLiteral, itself, LARGEST, type SqlDialect, trim } from "../dialect.js";

/** BigQuery (GoogleSQL): BIGNUMERIC has 38 digits before its point. */
export const BIGQUERY: SqlDialect = {
  label: "BigQuery",
  name: backQuoted,
  literal: exponentLiteral,
  bytewise: itself,
  byteOrder: itself,
  string: escapedQuoted,
  trimmed: trim,
  text: (x) => `CAST(${x} AS STRING)`,
  printed: itself,
  double: (x) => `CAST(${x} AS FLOAT64)`,
  modulo: (x, y) => `MOD(${x}, ${y})`,
  log10: (x) => `LOG10(${x})`,
  finite: (x) => `abs(${x}) <= ${LARGEST}`,
  infinite: (x) => `IS_INF(${x})`,
  notNumber: undefined,
  maxTells: false,
  deviation: (x) => `STDDEV_POP(${x})`,
  sum: (x) => `sum(${x})`,
  integer: (x) => `CAST(${x} AS INT64)`,
  integerProduct: (x, y) => `CAST(${x} AS BIGNUMERIC) * CAST(${y} AS BIGNUMERIC)`,
  wide: (x) => `CAST(${x} AS BIGNUMERIC)`,
  mostEntries: 10_000,
  session: [],
  leaves: undefined,
  explain: undefined,
};

/** A name between back quotes, in which a backslash says that the next character is meant. */
function backQuoted(identifier: string): string {
  return `\`${identifier.replace(/[\\`]/g, "\\$&")}\``;
}
