/** Which levels of two factors meet in rows: pair c is level first[c] of one and second[c] of the other. */
export interface LevelPairs {
  first: ArrayLike<number>;
  second: ArrayLike<number>;
}

/**
 * The connected components of the graph in which levels of two factors are joined where rows have both (Abowd, Creecy
 * & Kramarz 2002): a number for each level, and how many components have levels of positive weight.
 *
 * @param a the weights of the first factor's levels
 * @param b those of the second's
 */
export function connectedLevels(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  { first, second }: LevelPairs,
): { ofFirst: Int32Array; ofSecond: Int32Array; count: number } {
  const parent = Int32Array.from({ length: a.length + b.length }, (_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]!]!;
      at = parent[at]!;
    }
    return at;
  };
  for (let c = 0; c < first.length; c++) {
    const [x, y] = [root(first[c]!), root(a.length + second[c]!)];
    // The smaller number stays: components are numbered by their first level, whatever the order of the pairs.
    if (x !== y) parent[Math.max(x, y)] = Math.min(x, y);
  }
  let count = 0;
  for (let i = 0; i < a.length; i++) if (a[i]! > 0 && parent[i] === i) count++;
  const roots = parent.map((_, i) => root(i));
  return { ofFirst: roots.slice(0, a.length), ofSecond: roots.slice(a.length), count };
}
