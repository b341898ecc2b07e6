import { KEY_PRIME, keyCoefficients } from "../dataset/key-draw.js";
import type { SqlDialect } from "./dialect.js";

/** How rows of a database fall into folds. */
export interface FoldDraw {
  readonly column: string;
  readonly seed: number;
  readonly folds: number;
}

/** The fold of a key as `foldOfKey` has it, in integers of 64 bits. */
export function foldSql(key: string, { seed, folds }: FoldDraw, dialect: SqlDialect): string {
  const p = KEY_PRIME;
  const mod = (x: string, by: number) => `(${dialect.modulo(x, String(by))})`;
  const x = mod(`(${mod(dialect.integer(key), p)} + ${p})`, p);
  const [c0, c1, c2, c3] = keyCoefficients(seed, "fold");
  const hash = [c2, c1, c0].reduce((sum, c) => mod(`(${sum} * ${x} + ${c})`, p), dialect.integer(String(c3)));
  return dialect.modulo(hash, String(folds));
}

/** Whether a key is none: missing, no whole number, or one of more than 53 bits. */
export function noKeySql(key: string, dialect: SqlDialect): string {
  const x = dialect.double(key);
  return `CASE WHEN abs(${x}) <= 9007199254740991e0 AND ${x} = ${dialect.double(dialect.integer(x))} THEN 0 ELSE 1 END = 1`;
}
