import { escapedQuoted, exponentLiteral, itself, LARGEST, type SqlDialect } from "../dialect.js";

/**
 * ClickHouse. Its optimiser makes sum(x) − a·count() of sum(x − a), which loses what the shift a was to keep: sumKahan it
 * leaves as it is.
 */
export const CLICKHOUSE: SqlDialect = {
  label: "ClickHouse",
  name: (identifier) => `"${identifier.replace(/["\\]/g, "\\$&")}"`,
  literal: exponentLiteral,
  bytewise: itself,
  byteOrder: itself,
  string: escapedQuoted,
  trimmed: (x) => `replaceRegexpAll(${x}, '^ +| +$', '')`,
  text: (x) => `toString(${x})`,
  printed: itself,
  double: (x) => `toFloat64(${x})`,
  modulo: (x, y) => `modulo(${x}, ${y})`,
  log10: (x) => `log10(${x})`,
  finite: (x) => `abs(${x}) <= ${LARGEST}`,
  infinite: (x) => `isInfinite(${x})`,
  notNumber: undefined,
  maxTells: false,
  deviation: (x) => `stddevPopStable(${x})`,
  sum: (x) => `sumKahan(${x})`,
  integer: (x) => `toInt64(${x})`,
  integerProduct: (x, y) => `toDecimal128(${x}, 0) * ${y}`,
  wide: (x) => `toDecimal128(${x}, 0)`,
  mostEntries: 4000,
  session: [],
  leaves: undefined,
  explain: undefined,
};
