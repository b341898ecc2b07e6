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

/**
 * PostgreSQL, 12 and later. Its compiler takes half a minute for 800 sums that run in a second without it. A scan that
 * begins where another one is would add the same rows in another order. The leaves of partitioned tables are asked by
 * themselves: foreign ones then answer with sums, whatever the server's settings.
 */
export const POSTGRES: SqlDialect = {
  label: "PostgreSQL",
  name: doubleQuoted,
  literal: exponentLiteral,
  // Its collations compare bytes at last, unless made not to; a COLLATE would keep sums from going to other servers.
  bytewise: (x) => x,
  byteOrder: (x) => `(${x}) COLLATE "C"`,
  string: singleQuoted,
  trimmed: trim,
  text: (x) => `CAST(${x} AS TEXT)`,
  printed: itself,
  modulo: percent,
  log10,
  double: (x) => `CAST(${x} AS DOUBLE PRECISION)`,
  finite: (x) => `abs(${x}) <= ${LARGEST}`,
  infinite: (x) => `${x} IN (CAST('Infinity' AS DOUBLE PRECISION), CAST('-Infinity' AS DOUBLE PRECISION))`,
  notNumber: undefined,
  maxTells: true,
  deviation: (x) => `stddev_pop(${x})`,
  sum: (x) => `sum(${x})`,
  integer: (x) => `CAST(${x} AS BIGINT)`,
  integerProduct: (x, y, bits) => (bits <= 62 ? `${x} * ${y}` : `CAST(${x} AS NUMERIC(38,0)) * ${y}`),
  wide: itself,
  mostEntries: 1664,
  session: [
    "SET LOCAL jit = off",
    "SET LOCAL extra_float_digits = 3",
    "SET LOCAL synchronize_seqscans = off",
  ],
  leaves: (table) =>
    "SELECT CAST(CAST(relid AS regclass) AS text) FROM " +
    `pg_partition_tree(CAST('${table.replaceAll("'", "''")}' AS regclass)) WHERE isleaf ` +
    'ORDER BY CAST(CAST(relid AS regclass) AS text) COLLATE "C"',
  explain: (query) => `EXPLAIN (FORMAT JSON, VERBOSE) ${query}`,
};
