/**
 * A row's place in [0, 1), from its number (0-based, blank lines and the header not counted) and a seed: the same on
 * every machine, for any number of threads, and without knowing how many rows there are.
 *
 * Two rounds of the 32-bit finalizer of MurmurHash3 over the number's halves and the seed; `salt` makes independent
 * draws for the same row.
 */
export function rowDraw(row: number, seed: number, salt = 0): number {
  let h = mix(Math.imul(seed | 0, 0x9e3779b1) ^ Math.imul(salt + 1, 0x85ebca6b));
  h = mix(h ^ (row >>> 0));
  h = mix(h ^ Math.imul(Math.floor(row / 2 ** 32), 0xc2b2ae35) ^ 0x27d4eb2f);
  return (h >>> 0) / 2 ** 32;
}

function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Whether a row is held out, when `share` of the rows are to be. */
export function isHeldOut(row: number, seed: number, share: number): boolean {
  return share > 0 && rowDraw(row, seed, 0) < share;
}

/** The cross-validation fold of a row, 0 to folds − 1. */
export function foldOf(row: number, seed: number, folds: number): number {
  return Math.floor(rowDraw(row, seed, 1) * folds);
}
